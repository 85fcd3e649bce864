"""MixUp and CutMix: pixels and labels against a plain reference, shares by their law, the same for any workers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.datasets import load_digits

import augsafe as aug
from augsafe.errors import ArgumentError, InputError
from augsafe.loading import Loader
from augsafe.loading.mixing import _partners
from augsafe.pixels import Batch

DIGITS = load_digits()
IMAGES = np.rint(DIGITS.images[:120] * 255 / 16).astype(np.uint8)
COLOUR = np.stack([IMAGES, IMAGES[:, ::-1], IMAGES[:, :, ::-1]], axis=3)
LABELS = DIGITS.target[:120].astype(np.int64)
POLICY = aug.Compose([aug.Shift(), aug.Rotate((-20, 20))])
MIXES = [aug.MixUp(), aug.MixUp(alpha=1.0, p=0.5), aug.CutMix(), aug.CutMix(p=0.5), aug.CutMix(weigh="object")]
FORMS = [
    aug.Output(),
    aug.Output(dtype="float32", layout="CHW", mean=(0.5,), std=(0.2,)),
    aug.Output(dtype="float32"),
    aug.Output(dtype="uint16", layout="CHW"),
]


def make(mix: Any, **changes: Any) -> Loader:
    given: dict[str, Any] = {"batch_size": 16, "workers": 0, "seed": 4, "on_violation": None}
    return Loader(changes.pop("source", (COLOUR, LABELS)), POLICY, mix=mix, **{**given, **changes})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mix", MIXES)
def test_pixels_and_labels_are_those_of_a_plain_reference(mix: Any, form: aug.Output) -> None:
    for plain, mixed in zip(make(None, output=form), make(mix, output=form), strict=True):
        assert mixed.images.dtype == plain.images.dtype and mixed.images.shape == plain.images.shape
        partner, share, boxes = mixed.mixed.partner, mixed.mixed.share, mixed.mixed.boxes
        for i, j in enumerate(partner):
            if isinstance(mix, aug.MixUp):
                wanted = share[i] * plain.images[i].astype(float) + (1 - share[i]) * plain.images[j].astype(float)
                slack = 1e-5 if plain.images.dtype == np.float32 else 0.51  # rounded once
                assert np.abs(mixed.images[i] - wanted).max() <= slack
            else:
                x0, y0, x1, y1 = boxes[i]
                wanted = plain.images[i].copy()
                view, other = (a if form.layout == "HWC" else a.transpose(1, 2, 0) for a in (wanted, plain.images[j]))
                view[y0:y1, x0:x1] = other[y0:y1, x0:x1]
                np.testing.assert_array_equal(mixed.images[i], wanted)
                if mix.weigh == "area":
                    assert share[i] == pytest.approx(1 - (x1 - x0) * (y1 - y0) / 64)
        one_hot = np.eye(10)[plain.labels]
        wanted = one_hot * share[:, None] + one_hot[partner] * (1 - share[:, None])
        np.testing.assert_allclose(mixed.labels, wanted, atol=1e-7)


@pytest.mark.parametrize("mix", MIXES)
def test_labels_are_shares_of_at_most_two_classes(mix: Any) -> None:
    labels = np.concatenate([batch.labels for batch in make(mix)])
    assert labels.dtype == np.float32 and labels.shape == (120, 10)
    assert (labels >= 0).all() and np.abs(labels.sum(axis=1) - 1).max() < 1e-6
    assert ((labels > 0).sum(axis=1) <= 2).all() and ((labels > 0).sum(axis=1) == 2).any()


@pytest.mark.parametrize("mix", MIXES)
def test_workers_and_resuming_give_the_same(mix: Any) -> None:
    def made(loader: Loader) -> list[Batch]:
        return list(loader)

    first = made(make(mix))
    for other in (made(make(mix, workers=3)), made(make(mix, workers=1))):
        for a, b in zip(first, other, strict=True):
            np.testing.assert_array_equal(a.images, b.images)
            np.testing.assert_array_equal(a.labels, b.labels)
    loader = make(mix, workers=2)
    walk = iter(loader)
    for _ in range(3):
        next(walk)
    state = loader.state_dict()
    walk.close()
    resumed = make(mix)
    resumed.load_state_dict(state)
    for a, b in zip(first[3:], resumed, strict=True):
        np.testing.assert_array_equal(a.images, b.images)
        np.testing.assert_array_equal(a.labels, b.labels)
    loader.set_epoch(1)
    assert any((a.labels != b.labels).any() for a, b in zip(first, loader, strict=True)), "negative control: epoch 1"
    with pytest.raises(ArgumentError, match="mix was"):
        make(None).load_state_dict(state)


def test_partners_depend_on_the_order_of_the_batch_and_are_never_oneself() -> None:
    indices = np.arange(50)
    partner, u = _partners(indices, 0, 0)
    assert (np.sort(partner) == indices).all() and (partner != indices).all()
    place, seen = 0, set()
    for _ in range(50):
        seen.add(place)
        place = int(partner[place])
    assert len(seen) == 50, "one ring"
    for other in (_partners(indices[::-1], 0, 0), _partners(indices, 1, 0), _partners(indices, 0, 1)):
        assert (other[0] != partner).any() and (other[1] != u).any()
    assert _partners(np.array([7]), 0, 0)[0].tolist() == [0]


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_follow_the_beta_distribution(alpha: float) -> None:
    loader = make(aug.MixUp(alpha=alpha), batch_size=60)
    shares: list[float] = []
    for _ in range(20):
        shares += [float(v) for batch in loader for v in batch.mixed.share]
    assert kstest(shares, "beta", args=(alpha, alpha)).pvalue > 1e-3
    assert kstest(shares, "beta", args=(alpha * 2, alpha)).pvalue < 1e-6, "negative control"


def test_p_is_the_chance_to_mix() -> None:
    for mix in (aug.MixUp(p=0.3), aug.CutMix(p=0.3)):
        on = np.concatenate([b.mixed.share < 1 for b in (b for _ in range(8) for b in make(mix, seed=_))])
        assert 0.2 < on.mean() < 0.37
    for mix in (aug.MixUp(p=0), aug.CutMix(p=0, weigh="object")):
        for plain, mixed in zip(make(None), make(mix), strict=True):
            np.testing.assert_array_equal(plain.images, mixed.images)
            np.testing.assert_array_equal(np.eye(10)[plain.labels], mixed.labels)


def test_a_batch_of_one_is_left_alone() -> None:
    (batch,) = make(aug.MixUp(alpha=1.0), source=(COLOUR[:1], LABELS[:1]), contract="mnist")
    assert batch.labels.tolist() == np.eye(10)[LABELS[:1]].tolist()


# What is visible


class Halves:
    """Even images are bright on the left, odd ones on the right, and the mask says so."""

    classes = ("left", "right")

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> dict[str, Any]:
        mask = np.zeros((32, 32), np.uint8)
        mask[8:24, slice(2, 12) if index % 2 == 0 else slice(20, 30)] = 1
        return {"image": mask * 200, "label": index % 2, "mask": mask}


@pytest.mark.parametrize("masked", [True, False])
def test_labels_weighed_by_the_visible_object(masked: bool) -> None:
    class Plain(Halves):
        def __getitem__(self, index: int) -> dict[str, Any]:
            return {k: v for k, v in super().__getitem__(index).items() if k != "mask" or masked}

    objects = None if masked else "saliency"
    loader = Loader(
        Plain(), None, mix=aug.CutMix(weigh="object"), batch_size=20, workers=0, on_violation=None, objects=objects
    )
    differs = 0
    for batch in loader:
        for i, j in enumerate(batch.mixed.partner):
            x0, y0, x1, y1 = batch.mixed.boxes[i]
            own, other = (Halves()[int(batch.indices[k])]["mask"].astype(float) for k in (i, j))
            visible = 1 - own[y0:y1, x0:x1].sum() / own.sum()
            pasted = other[y0:y1, x0:x1].sum() / other.sum()
            area = 1 - (x1 - x0) * (y1 - y0) / 32**2
            wanted = visible / (visible + pasted) if visible + pasted > 0 else area
            assert batch.mixed.share[i] == pytest.approx(wanted, abs=0.02)
            differs += abs(wanted - area) > 0.1
    assert differs > 10, "else the area would do"
    if not masked:  # nor is the object guessed unless that is asked for
        for batch in Loader(Plain(), None, mix=aug.CutMix(weigh="object"), batch_size=20, workers=0):
            areas = (batch.mixed.boxes[:, 2:] - batch.mixed.boxes[:, :2]).prod(axis=1)
            assert batch.mixed.share == pytest.approx(1 - areas / 32**2)


def test_masks_are_cut_with_the_images() -> None:
    for batch in Loader(Halves(), None, mix=aug.CutMix(), batch_size=20, workers=0, on_violation=None):
        np.testing.assert_array_equal(batch.masks * 200, batch.images)
        np.testing.assert_array_equal(batch.samples[3].mask, batch.masks[3])
        assert batch.samples[3].label is not None and batch.samples[3].label.shape == (2,)


def test_targets_that_cannot_be_mixed_are_refused_or_dropped() -> None:
    class Boxed(Halves):
        def __getitem__(self, index: int) -> dict[str, Any]:
            return {**super().__getitem__(index), "boxes": np.array([[2.0, 8, 12, 24]])}

    with pytest.raises(InputError, match="MixUp cannot carry mask"):
        next(iter(Loader(Halves(), None, mix=aug.MixUp())))
    for mix in (aug.MixUp(), aug.CutMix()):
        with pytest.raises(InputError, match="boxes"):
            next(iter(Loader(Boxed(), None, mix=mix)))
        batch = next(iter(Loader(Boxed(), None, mix=replace(mix, targets="drop"))))
        assert (batch.masks is None) == isinstance(mix, aug.MixUp)
        assert batch.samples is None or batch.samples[0].boxes is None


def test_guards_act_before_mixing() -> None:
    """A six turned by half counts as a nine in the soft label too."""
    turn = aug.Compose([aug.HorizontalFlip(p=1), aug.VerticalFlip(p=1)])
    six = np.flatnonzero(LABELS == 6)
    loader = Loader(
        (COLOUR[six], LABELS[six]), turn, contract="mnist", on_violation="relabel", mix=aug.MixUp(), workers=0
    )
    for batch in loader:
        np.testing.assert_allclose(batch.labels[:, 9], 1, atol=1e-6)


def test_the_number_of_classes_comes_from_contract_source_or_data() -> None:
    few = (COLOUR[:10], LABELS[:10] % 3)
    assert make(aug.MixUp(), source=few).mixer.classes == 3  # type: ignore[union-attr]
    assert make(aug.MixUp(), source=few, contract="mnist").mixer.classes == 10  # type: ignore[union-attr]
    assert make(aug.MixUp(), source=Halves()).mixer.classes == 2  # type: ignore[union-attr]

    class Unnamed(Halves):
        classes = None  # type: ignore[assignment]

    with pytest.raises(ArgumentError, match="how many classes"):
        make(aug.MixUp(), source=Unnamed())
    with pytest.raises(ArgumentError, match="how many classes"):
        make(aug.MixUp(), source=COLOUR)
    with pytest.raises(InputError, match="have none"):
        next(iter(make(aug.MixUp(), source=COLOUR, contract="mnist")))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: aug.MixUp(alpha=0),
        lambda: aug.MixUp(alpha=float("nan")),
        lambda: aug.MixUp(p=1.5),
        lambda: aug.MixUp(targets="keep"),
        lambda: aug.CutMix(alpha=-1),
        lambda: aug.CutMix(p=True),
        lambda: aug.CutMix(weigh="mass"),
        lambda: make("mixup"),
    ],
)
def test_arguments_are_checked(wrong: Any) -> None:
    with pytest.raises(ArgumentError):
        wrong()
