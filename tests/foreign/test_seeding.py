"""The generators that steps draw from: which they are, and that no other is touched."""

from __future__ import annotations

import random
import sys
import warnings

import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import ForeignStepError
from augsafe.foreign import Foreign
from augsafe.foreign.levels import Levels
from augsafe.foreign.seeding import EVERY, Generators
from tests.conftest import needs

NOISE = np.random.default_rng(0).integers(0, 256, (40, 52, 3), dtype=np.uint8)


def states():
    import torch

    return random.getstate(), np.random.get_state()[1].tobytes(), torch.get_rng_state().numpy().tobytes()  # noqa: NPY002


def stand_apart(step, form="array"):
    """Whether a step leaves the global generators alone, and gives the same wherever they stand."""
    foreign, made = Foreign(step, form=form), []
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        before = states()
        made.append([foreign.apply(NOISE, {"seed": u}).tobytes() for u in (0.1, 0.4, 0.8)])
        if states() != before:
            return False
    return made[0] == made[1]


def of_albumentations():
    import albumentations as A

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = [A.D4(p=1), A.Perspective(p=1), A.OneOf([A.MotionBlur(p=1), A.Rotate(p=1)], p=0.5)]
        for kind in map(vars(A).get, dir(A)):
            if isinstance(kind, type) and issubclass(kind, A.ImageOnlyTransform):
                try:
                    made.append(kind(p=1))
                except Exception:  # a base, or a step that needs arguments
                    continue
    return made


@needs("albumentations", "torch")
def test_steps_of_albumentations_draw_from_no_global_generator():
    apart = {}
    for step in of_albumentations():
        if not Foreign(step)._drawn_from:
            try:
                apart[type(step).__name__] = stand_apart(step)
            except ForeignStepError:  # it changes the dtype, or needs more than an image
                continue
    assert len(apart) > 50
    assert [name for name, good in apart.items() if not good] == []


@needs("torchvision")
def test_steps_of_torchvision_draw_from_the_generators_told():
    import torchvision.transforms as v1
    import torchvision.transforms.v2 as v2

    names = ("TrivialAugmentWide", "RandAugment", "ColorJitter", "RandomPerspective", "RandomErasing", "RandomCrop")
    arguments = {"RandomCrop": (20,)}
    for library in (v1, v2):
        for name in names:
            step = getattr(library, name)(*arguments.get(name, ()))
            assert Foreign(step)._drawn_from == ("torch",)
            assert stand_apart(step, "tensor"), name
        parts = [library.ColorJitter(0.5), library.RandomVerticalFlip()]
        for step in (library.RandomOrder(parts), library.RandomChoice(parts), library.RandomApply(parts)):
            assert "numpy" not in Foreign(step)._drawn_from
            assert stand_apart(step, "tensor"), type(step).__name__
    assert Foreign(v2.RandomApply([v2.Lambda(lambda x: x)]))._drawn_from == EVERY


class Careless(Foreign):
    """Says that its step draws from nothing."""

    _drawn_from = ()


@needs("torch")
def test_a_generator_that_is_not_told_is_noticed():
    def brighter(image):
        return np.clip(image * random.uniform(0.5, 1.5), 0, 255).astype(np.uint8)

    assert stand_apart(brighter)
    assert not Careless(brighter).seedable
    before = states()
    Careless(brighter).apply(NOISE, {"seed": 0.1})
    assert states() != before


def test_generators_stand_where_they_stood_after_an_error():
    random.seed(3)
    before = random.getstate()

    def work():
        with Generators(EVERY, "step") as generators:
            generators.seed(9)
            random.random()
            generators.seed(10)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert random.getstate() == before


def test_a_batch_draws_what_its_images_draw_alone():
    def mixed(image):
        return np.roll(image, int(random.random() * 9) + int(np.random.randint(1, 9)), axis=1)  # noqa: NPY002

    policy = aug.Compose([Foreign(mixed)])
    together = policy.batch([NOISE] * 6, indices=range(6), seed=4)
    for k in range(6):
        np.testing.assert_array_equal(policy(NOISE, seed=4, index=k).image, together[k])


@needs("albumentations")
def test_what_chooses_a_part_does_not_also_draw_for_it():
    """From equal seeds, a part that acts half of the time acts whenever the whole does."""
    import albumentations as A

    step = Foreign(A.Sequential([A.InvertImg(p=0.5)], p=0.5))
    dark = np.zeros((4, 4, 3), np.uint8)
    acts = [step.apply(dark, {"seed": u}).any() for u in np.random.default_rng(1).random(600)]
    assert abs(np.mean(acts) - 0.25) < 0.06


@needs("keras", "tensorflow")
def test_layers_that_are_kept_together_draw_independently():
    import keras

    step = Foreign(keras.Sequential([keras.layers.RandomFlip("horizontal"), keras.layers.RandomFlip("vertical")]))
    image = np.zeros((4, 4, 3), np.uint8)
    image[0, 0] = 255
    corners = [tuple(np.argwhere(step.apply(image, {"seed": (k + 0.5) / 80})[..., 0])[0] > 0) for k in range(80)]
    assert len(set(corners)) == 4
    assert max(corners.count(corner) for corner in set(corners)) < 40


@needs("albumentations")
def test_draws_of_a_single_step_are_those_of_its_own_seed():
    import albumentations as A

    step = A.HueSaturationValue(p=0.7)
    for u in (0.1, 0.5, 0.9):
        step.set_random_seed(int(u * 2.0**32))
        np.testing.assert_array_equal(Foreign(step).apply(NOISE, {"seed": u}), step(image=NOISE)["image"])


def test_a_grey_image_is_safe_from_a_step_that_draws_on_it():
    from PIL import ImageDraw

    def scratched(picture):
        ImageDraw.Draw(picture).line((0, 0, 20, 20), fill=0)
        picture.paste(7, (0, 0, 5, 5))
        return picture

    for image in (NOISE[..., 0].copy(), NOISE[..., :1].copy(), NOISE.copy()):
        before = image.copy()
        changed = Foreign(scratched, form="pil").apply(image, {"seed": 0.5})
        np.testing.assert_array_equal(image, before)
        assert (changed != before).any()


@needs("torch")
@pytest.mark.parametrize("channels", [1, 3])
def test_a_tensor_is_safe_from_a_step_that_writes_into_it(channels):
    def zeroed(tensor):
        tensor[:, :5] = 0
        return tensor

    image = NOISE[..., :channels].copy()
    before = image.copy()
    assert not Foreign(zeroed, form="tensor").apply(image, {"seed": 0.5})[:5].any()
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [0, 1, 3, 5])
def test_levels_go_into_a_normalisation_and_back(dtype, channels):
    rng, shape = np.random.default_rng(3), (9, 7, channels) if channels else (9, 7)
    top = 1.0 if dtype == "float32" else np.iinfo(dtype).max
    image = (rng.random(shape) * top).astype(dtype)
    mean, std = rng.random(max(channels, 1)), rng.uniform(0.2, 1, max(channels, 1))
    levels = Levels(tuple(mean), tuple(std))
    given = levels.into(image)
    want = (image.astype(np.float32) / np.float32(top) - mean.astype(np.float32)) / std.astype(np.float32)
    np.testing.assert_array_equal(given, want)
    back = levels.back(given, image.dtype)
    assert back.dtype == image.dtype
    assert np.abs(back.astype(float) - image).max() <= (1e-6 if dtype == "float32" else 0.51)
    if channels == 5:
        with pytest.raises(aug.InputError, match="5 channels, and the image has 3"):
            levels.into(image[..., :3])


class LateTorch(random.Random):
    """As much of torch as is seeded."""

    def __init__(self):
        super().__init__()
        self.default_generator, self.manual_seed = self, self.seed
        self.get_rng_state, self.set_rng_state = self.getstate, self.setstate


def test_a_step_that_imports_torch_when_it_first_runs_is_reproducible(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    late = LateTorch()

    def step(image):
        monkeypatch.setitem(sys.modules, "torch", late)
        return np.roll(image, int(late.random() * 1000), axis=1)

    policy = aug.Compose([Foreign(step)])
    image = np.arange(1000, dtype=np.uint16)[None]
    first, again = (policy(image, seed=1).image for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (policy(image, seed=2).image != first).any()
