"""Foreign steps: seeded by the key, recovered, refused where they are broken."""

from __future__ import annotations

import random
import threading

import cv2
import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import ArgumentError, ForeignStepError, PolicyError
from augsafe.foreign import Foreign, translate
from augsafe.foreign.recover import coordinates, fit, probe
from tests.conftest import needs

NOISE = np.random.default_rng(0).integers(0, 256, (40, 52, 3), dtype=np.uint8)


def shifted(image):
    return np.roll(image, int(np.random.randint(1, 9)), axis=1)  # noqa: NPY002


def brighter(image):
    return np.clip(image * random.uniform(0.5, 1.5), 0, 255).astype(np.uint8)


def half_turn(image):
    return image[::-1, ::-1].copy() if random.random() < 0.5 else image


def unseeded(image, rng=np.random.default_rng()):  # noqa: B008
    return np.roll(image, int(rng.integers(1, 30)), axis=0)


def returns_none(image):
    return None


def changes_dtype(image):
    return image / 255.0


def writes(image):
    image[:5] = 0
    return image


def raises(image):
    raise RuntimeError("no luck")


def drops_channels(image):
    return image[..., 0]


@pytest.mark.parametrize("broken", [returns_none, changes_dtype, writes, raises, drops_channels])
def test_a_broken_step_is_named(broken):
    with pytest.raises(ForeignStepError, match=broken.__name__):
        aug.Compose([Foreign(broken, name=broken.__name__)]).plan([NOISE.shape], [0]) and Foreign(broken).apply(
            NOISE, {"seed": 0.5}
        )
    with pytest.raises(ForeignStepError, match=broken.__name__):
        Foreign(broken).apply(NOISE, {"seed": 0.5})


@pytest.mark.parametrize("step", [shifted, brighter, half_turn])
def test_it_is_reproducible_by_index_and_leaves_the_generators_alone(step):
    policy = aug.Compose([aug.HorizontalFlip(), Foreign(step)])
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    before = (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002
    together = policy.batch([NOISE] * 12, indices=range(12), seed=3, epoch=1)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    alone = policy(NOISE, seed=3, epoch=1, index=7).image
    np.testing.assert_array_equal(alone, together[7])
    assert len({image.tobytes() for image in together}) > 2  # and indices do differ


def test_what_cannot_be_seeded_is_said():
    assert Foreign(shifted).seedable
    assert not Foreign(unseeded).seedable
    report = aug.check(unseeded, NOISE[None], contract=None, suggest=False, draws=100)
    assert any("cannot be seeded" in note for note in report.notes)
    assert not any("cannot be seeded" in n for n in aug.check(half_turn, size=(32, 32), draws=100, suggest=False).notes)


def test_it_refuses_threads():
    caught = []

    def work():
        try:
            Foreign(brighter).apply(NOISE, {"seed": 0.1})
        except ArgumentError as error:
            caught.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert caught
    assert "worker processes" in caught[0]


@needs("albumentations")
def test_the_loader_uses_processes_and_gives_the_same():
    import albumentations as A

    policy = aug.Compose([Foreign(A.RandomGamma((50, 200), p=1))])
    images = np.stack([NOISE] * 6)
    batches = [
        [b.images for b in aug.Loader((images, np.arange(6)), policy, batch_size=3, workers=w, on_violation=None)]
        for w in (0, 1)
    ]
    for a, b in zip(*batches, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ArgumentError, match="workers=0"):
        list(aug.Loader((images, np.arange(6)), lambda x: x, workers=1))


def test_a_policy_file_never_holds_code():
    text = aug.Compose([Foreign(brighter)]).to_yaml()
    with pytest.raises(PolicyError, match="never runs code"):
        aug.Compose.from_yaml(text)


def test_a_callable_is_recovered_with_its_tone():
    found = probe(lambda image: 255 - np.rot90(image), (40, 52), 3)
    assert found.size == (52, 40)
    np.testing.assert_allclose(found.matrix, [[0, 1, 0], [-1, 0, 51], [0, 0, 1]], atol=1e-9)
    np.testing.assert_allclose(found.tone, np.linspace(1, 0, 17), atol=0.01)


TONES = {
    "none": (lambda image: image, 6),
    "over 255": (lambda image: image.astype(np.float32) / 255, 6),
    "contrast": (lambda image: np.clip(1.2 * (image.astype(float) - 128) + 128, 0, 255), 19),
    "brighter by one": (lambda image: np.minimum(image, 254) + 1, 19),
    "gamma": (lambda image: 255 * (image / 255) ** 1.3, 19),
    "inverted": (lambda image: 255 - image, 19),
    "between four levels alone": (lambda image: np.rint(image + 9 * np.sin(image * np.pi / 64)), 19),
}


@pytest.mark.parametrize("name", TONES)
def test_a_map_is_found_beside_a_tone_and_in_few_runs_where_there_is_none(name):
    tone, runs = TONES[name]
    turn = cv2.getRotationMatrix2D((47, 31), 9, 0.8)
    calls: list[int] = []

    def step(image):
        calls.append(1)
        return tone(cv2.warpAffine(image, turn, (100, 70)))

    found = probe(step, (64, 96), 3)
    corners = np.array([[0, 0, 1], [95, 0, 1], [0, 63, 1], [95, 63, 1.0]]).T
    assert np.abs((found.matrix @ corners)[:2] - turn @ corners).max() < (1.5 if name.startswith("between") else 0.2)
    assert len(calls) == runs


def test_what_is_not_affine_is_said():
    planes = coordinates(60, 60)
    planes[..., 0] += 4 * np.sin(planes[..., 1] / 6)
    assert fit(planes, (60, 60)).kind == "other"
    assert fit(coordinates(60, 60), (60, 60)).kind == "affine"
    assert fit(np.zeros((60, 60, 3)), (60, 60)).kind == "lost"


def test_a_callable_is_checked_for_the_class_change_it_makes():
    report = aug.check(half_turn, contract="mnist", size=(28, 28), draws=100, suggest=False)
    (found,) = [f for f in report.findings if f.becomes]
    assert (found.code, found.steps, found.becomes) == ("AS101", ("half_turn",), {"6": "9", "9": "6"})
    assert found.how == "witnessed"
    assert aug.Compose([Foreign(half_turn)]).stages == (("half_turn",),)
    assert report.policy.replay(found.witness.record).matrix[0, 0, 0] < -0.99


def test_what_an_earlier_frame_cuts_off_stays_lost():
    from augsafe.guards import measure
    from augsafe.objects import inspect

    image = np.zeros((1, 64, 64), np.uint8)
    image[0, 8:20, 8:20] = 255
    there, back = aug.Shift((-0.5, -0.5), (0, 0)), aug.Shift((0.5, 0.5), (0, 0))
    objects = inspect(image)
    visible = [
        float(measure(aug.Compose(steps, border="constant").plan([(64, 64)], [0]), objects).visible[0])
        for steps in ([there, back], [there, aug.Cut(), back])
    ]
    assert visible[0] > 0.99
    assert visible[1] < 0.01


@needs("kornia")
def test_kornia_is_recovered():
    import kornia.augmentation as K

    step = K.RandomAffine(30.0, (0.1, 0.1), (0.8, 1.2), p=1.0)
    foreign = Foreign(step)
    for u in (0.1, 0.6, 0.9):
        found = foreign.recovered(u, (60, 80))
        want = foreign._maps.transform_matrix[0].numpy()
        corners = np.array([[0, 0, 1], [79, 59, 1], [0, 59, 1.0]]).T
        assert np.abs((found.matrix - want) @ corners)[:2].max() < 0.1
    assert translate(K.AugmentationSequential(step, K.ColorJitter(p=1.0))).policy.batch([NOISE], indices=[0]).shape == (
        1,
        *NOISE.shape,
    )


def test_a_colour_step_that_holds_functions_moves_nothing():
    """albumentations' ColorJitter has an attribute `transforms`, as compositions do."""
    A = pytest.importorskip("albumentations")
    assert not Foreign(A.ColorJitter()).moves_pixels
    assert not Foreign(A.OneOf([A.ColorJitter(), A.ToGray()])).moves_pixels
    assert Foreign(A.OneOf([A.ColorJitter(), A.HorizontalFlip()])).moves_pixels


class Counted:
    """A callable that moves pixels by its draw, enlarges the frame, and counts its calls."""

    __name__ = "counted"

    def __init__(self):
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        wide = np.pad(image, [(0, 0), (2, 3), (0, 0)])
        return np.roll(wide, int(np.random.randint(1, 9)), axis=0)  # noqa: NPY002


def test_a_step_runs_once_an_image_where_nobody_asks_what_it_does_to_places():
    step = Counted()
    policy = aug.Compose([aug.Rotate((-20, 20)), Foreign(step), aug.Shift((-0.2, 0.2), (0, 0))])
    images = np.stack([NOISE] * 6)
    plain = policy.batch(images, indices=range(6), seed=1)
    assert step.calls == 6
    assert plain.shape == (6, 40, 57, 3)
    sample = policy(NOISE, seed=1, index=4)
    np.testing.assert_array_equal(sample.image, plain[4])
    assert step.calls == 7
    loader = aug.Loader((images, range(6)), policy, batch_size=4, shuffle=False, seed=1, workers=0, on_violation=None)
    np.testing.assert_array_equal(np.concatenate([batch.images for batch in loader]), plain)
    assert step.calls == 13
    assert abs(np.linalg.det(sample.plan.matrix[0]) - 1) < 1e-6  # asked for, it is found
    assert step.calls > 20


class Reuses:
    """Writes each of its results into the same memory."""

    def __init__(self):
        self.room = np.empty(NOISE.shape, np.uint8)

    def __call__(self, image):
        return np.subtract(255, image, out=self.room)


def test_a_step_may_write_its_results_into_the_same_memory():
    images = np.stack([NOISE, NOISE // 2, NOISE // 3])
    plain = aug.Compose([Foreign(Reuses())]).batch(images, indices=range(3))
    np.testing.assert_array_equal(plain, 255 - images)


def test_a_step_is_asked_only_where_it_acts():
    step = Counted()
    policy = aug.Compose([Foreign(step, p=0.3), aug.Rotate((-9, 9))])
    plan = policy.plan([NOISE.shape] * 20, range(20), seed=1)
    acts = plan.draws.active["counted"]
    assert 0 < acts.sum() < 12
    np.testing.assert_array_equal(plan.sizes, np.where(acts[:, None], (40, 57), (40, 52)))
    assert 6 * acts.sum() <= step.calls <= 19 * acts.sum()  # a roll is not affine where it wraps around
    turned = aug.Compose([aug.Rotate((-9, 9))]).plan([NOISE.shape] * 20, range(20), seed=1)
    np.testing.assert_array_equal(plan.matrix[~acts], turned.matrix[~acts])
    never = aug.Compose([Foreign(step, p=0)]).plan([NOISE.shape], [0])
    np.testing.assert_array_equal(never.matrix[0], np.eye(3))


MOVING = {
    "callable": lambda: Foreign(shifted),
    "enlarges": lambda: Foreign(Counted()),
    "TrivialAugmentWide": lambda: _of_torchvision("TrivialAugmentWide"),
    "RandAugment": lambda: _of_torchvision("RandAugment"),
    "RandomPerspective": lambda: _of_torchvision("RandomPerspective"),
    "D4": lambda: Foreign(pytest.importorskip("albumentations").D4()),
    "OneOf": lambda: Foreign(_turned_or_gamma(pytest.importorskip("albumentations"))),
    "RandomSizedCrop": lambda: Foreign(pytest.importorskip("albumentations").RandomSizedCrop((20, 30), (24, 36))),
}


def _of_torchvision(name):
    return Foreign(getattr(pytest.importorskip("torchvision.transforms.v2"), name)(), form="pil")


def _turned_or_gamma(A):
    return A.OneOf([A.Rotate(30, p=1), A.RandomGamma((50, 200), p=1)], p=0.8)


@pytest.mark.parametrize("name", MOVING)
def test_pixels_are_the_same_with_and_without_targets_and_guards(name):
    policy = aug.Compose([aug.HorizontalFlip(), MOVING[name](), aug.Rotate((-9, 9)), aug.Brightness((0.8, 1.2))])
    n = 5
    images = np.stack([np.roll(NOISE, 7 * k, axis=1) for k in range(n)])
    plain = list(policy.batch(images, indices=range(n), seed=2))
    followed = policy.batch(images, indices=range(n), seed=2, masks=images[..., 0], keypoints=[[(3, 4)]] * n)
    for k in range(n):
        np.testing.assert_array_equal(followed.images[k], plain[k])
        np.testing.assert_array_equal(policy(images[k], seed=2, index=k).image, plain[k])
        np.testing.assert_array_equal(policy(images[k], images[k, ..., 0], seed=2, index=k).image, plain[k])
        assert followed.samples[k].mask.shape == plain[k].shape[:2]
    if name == "D4":  # which turns frames that are not square: a loader's batch has one size
        return
    for guards in ({"on_violation": None}, {"contract": aug.Contract(classes=("a",)), "on_violation": "warn"}):
        loader = aug.Loader((images, [0] * n), policy, batch_size=n, shuffle=False, seed=2, workers=0, **guards)
        (batch,) = loader
        np.testing.assert_array_equal(batch.images, np.stack(plain))


def cut_by_colour(image):
    return image[: 27 if image[0, 0, 0] != image[0, 0, 1] else 20]


def cut_by_level(image):
    return image[: 20 + int(image[0, 0, 0]) % 20]


@pytest.mark.parametrize(("cut", "said"), [(cut_by_colour, "27 x 52 .* nothing else"), (cut_by_level, "levels")])
def test_a_size_that_depends_on_the_content_is_refused_where_it_is_foretold(cut, said):
    policy = aug.Compose([Foreign(cut)])
    image = NOISE.copy()
    image[0, 0] = (7, 8, 9)
    assert policy(image, seed=0).image.shape == (27, 52, 3)
    with pytest.raises(ForeignStepError, match=f"{cut.__name__}.* {said}"):
        policy(image, image[..., 0], seed=0)


def test_outputs_of_several_sizes_are_a_list_and_a_large_batch_goes_in_groups(monkeypatch):
    def halved_at_times(image):
        return image[::2, ::2] if random.random() < 0.3 else image

    policy = aug.Compose([Foreign(halved_at_times), aug.HorizontalFlip(p=1)])
    images = np.stack([np.roll(NOISE, k, axis=0) for k in range(9)])
    monkeypatch.setattr("augsafe.pixels.rendering._GROUP_BYTES", 2 * NOISE.nbytes)
    made = policy.batch(images, indices=range(9), seed=3)
    assert isinstance(made, list)
    assert {image.shape for image in made} == {(40, 52, 3), (20, 26, 3)}
    for k, image in enumerate(made):
        np.testing.assert_array_equal(image, policy(images[k], seed=3, index=k).image)
        assert image.base is None or image.base.shape == image.shape
    with pytest.raises(ArgumentError, match="one shape"):
        policy.batch(images, indices=range(9), seed=3, out=np.empty_like(images))
    still = aug.Compose([Foreign(brighter), aug.HorizontalFlip(p=1)])
    out = np.empty_like(images)
    assert still.batch(images, indices=range(9), seed=3, out=out) is out
    np.testing.assert_array_equal(out[8], still(images[8], seed=3, index=8).image)
    with pytest.raises(ArgumentError, match="shares memory"):
        still.batch(images, indices=range(9), seed=3, out=images)
