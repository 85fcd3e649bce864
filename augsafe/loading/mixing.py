"""Mixing the images of a batch after they are rendered: MixUp and CutMix, with soft labels.

Partners and shares are a pure function of the seed, the epoch and the ordered indices of the batch, and so do not
depend on workers or on where a run was resumed. They do depend on which images make up a batch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.images import Source
from augsafe.objects import GRID, SALIENCY, inspect
from augsafe.pixels import Batch, Mixed, Sample, to_xyxy
from augsafe.policies import Compose
from augsafe.randomness import FloatArray, Key, uniforms

Pixels = NDArray[Any]
WEIGH = ("area", "object")
TARGETS = ("raise", "drop")
MOST_ALPHA = 1000.0


@dataclass(frozen=True)
class MixUp:
    """Blend each image with another one of its batch, and their labels in the same shares.

    See Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018.

    Attributes:
        alpha: The share of each image is sampled from Beta(alpha, alpha).
        p: Probability that an image is mixed.
        targets: Boxes, keypoints and masks cannot be blended. "raise" raises an error, "drop" leaves them out.

    Raises:
        ArgumentError: A value is out of range.
    """

    alpha: float = 0.2
    p: float = 1.0
    targets: str = "raise"

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class CutMix:
    """Replace a rectangle of each image by the same rectangle of another one of its batch, and share the label.

    The rectangle covers 1 - Beta(alpha, alpha) of the frame, has the shape of the frame, lies at a random position, and
    is cut off at the edges. Masks are cut in the same way. See Yun et al., "CutMix: Regularization strategy to train
    strong classifiers with localizable features", ICCV 2019.

    Attributes:
        alpha: The parameter of the Beta distribution.
        p: Probability that an image is mixed.
        weigh: "area" shares the label by area. "object" shares it by how much of each object is visible, so a patch of
            background adds no label. The object is the mask, otherwise the boxes. If neither is known, the area counts,
            unless the loader has objects="saliency", which guesses it from the rendered image.
        targets: Boxes and keypoints cannot be cut. "raise" raises an error, "drop" leaves them out.

    Raises:
        ArgumentError: A value is out of range.
    """

    alpha: float = 1.0
    p: float = 1.0
    weigh: str = "area"
    targets: str = "raise"

    def __post_init__(self) -> None:
        _check(self)
        if self.weigh not in WEIGH:
            raise ArgumentError(f"CutMix(weigh=...) must be one of {', '.join(WEIGH)}, got {self.weigh!r}")


Mix = MixUp | CutMix


def _check(mix: Mix) -> None:
    owner = type(mix).__name__
    for name, low, high in (("alpha", 0.0, MOST_ALPHA), ("p", 0.0, 1.0)):
        value = getattr(mix, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise ArgumentError(f"{owner}({name}=...) must be a number from {low:g} to {high:g}, got {value!r}")
    if mix.alpha == 0:
        raise ArgumentError(f"{owner}(alpha=...) must be above 0, got 0; leave mix= out for no mixing")
    if mix.targets not in TARGETS:
        raise ArgumentError(f"{owner}(targets=...) must be one of {', '.join(TARGETS)}, got {mix.targets!r}")


class Mixer:
    """Mixes the batches of one loader. `classes` is the number of classes, and so the width of the labels.

    Args:
        mix: A `MixUp` or `CutMix`.
        names: The names of the classes.
        source: The data set.
        policies: The policies of the loader, which must agree in layout and box format.
        seed: The random seed.
        guess: Guess objects from the rendered image.

    Raises:
        ArgumentError: The number of classes is not known, or the policies do not agree.
    """

    def __init__(
        self,
        mix: Mix,
        names: Sequence[str],
        source: Source,
        policies: Sequence[Compose],
        seed: int,
        guess: bool = False,
    ) -> None:
        if not isinstance(mix, (MixUp, CutMix)):
            raise ArgumentError(f"mix= must be a MixUp or a CutMix, got {mix!r}")
        self.mix, self.seed, self.guess = mix, seed, guess
        self.classes = _class_count(names, source)
        layouts = {p.output.layout if p.output is not None else "HWC" for p in policies}
        formats = {p.box_format for p in policies}
        if len(layouts) > 1 or len(formats) > 1:
            raise ArgumentError("mix= needs policies that agree in layout and box_format; these differ by class")
        self.planar, self.box_format = layouts == {"CHW"}, formats.pop()

    def __call__(self, batch: Batch, epoch: int) -> Batch:
        """The batch mixed; `labels` become (n, classes) float32. Raises InputError."""
        labels = self._one_hot(batch)
        self._check_targets(batch)
        n = len(batch)
        partner, u = _partners(batch.indices, self.seed, epoch)
        acts = (u[0] < self.mix.p) & (partner != np.arange(n))
        share = np.where(acts, _beta(self.mix.alpha, u[1]), 1.0)
        boxes, masks = None, None
        if isinstance(self.mix, MixUp):
            images = _blended(batch.images, partner, share)
        else:
            height, width = batch.images.shape[2:4] if self.planar else batch.images.shape[1:3]
            boxes = _rectangles(share, u[2], u[3], (height, width))
            share = 1 - _areas(boxes) / (height * width)
            if self.mix.weigh == "object":
                share = self._visible(batch, partner, boxes, share)
            images = _pasted(batch.images, partner, boxes, self.planar)
            masks = None if batch.masks is None else _pasted(batch.masks, partner, boxes, False)
        soft = labels * share[:, None] + labels[partner] * (1 - share[:, None])
        mixed = Mixed(partner, share, boxes)
        made = replace(batch, images=images, labels=soft.astype(np.float32), masks=masks, mixed=mixed)
        return replace(made, samples=_samples(made))

    def _one_hot(self, batch: Batch) -> FloatArray:
        labels = batch.labels
        if labels is None:
            raise InputError("mix= needs labels, and the images have none; give the loader (images, labels)")
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise InputError(f"mix= needs labels that are class indices, got {labels.dtype} of shape {labels.shape}")
        if labels.min() < 0 or labels.max() >= self.classes:
            wrong = int(labels.min() if labels.min() < 0 else labels.max())
            raise InputError(f"label {wrong} is out of range: mix= knows of {self.classes} classes")
        return np.asarray(np.eye(self.classes)[labels])

    def _check_targets(self, batch: Batch) -> None:
        if self.mix.targets == "drop":
            return
        lost = {"boxes", "keypoints"} if isinstance(self.mix, CutMix) else {"boxes", "keypoints", "mask"}
        for sample in batch.samples or ():
            held = sorted(name for name in lost if getattr(sample, name) is not None)
            if held:
                raise InputError(
                    f"{type(self.mix).__name__} cannot carry {' and '.join(held)}; leave them out of the source, "
                    'or say targets="drop" to give images and labels alone'
                )

    def _visible(
        self, batch: Batch, partner: NDArray[np.intp], boxes: NDArray[np.int64], area: FloatArray
    ) -> FloatArray:
        """The image's share of what is visible of both objects (n,); its share of the area where there is no object."""
        images = batch.images.transpose(0, 2, 3, 1) if self.planar else batch.images
        size = (images.shape[1], images.shape[2])
        found = inspect(images, batch.masks, self._boxes(batch, size), SALIENCY if self.guess else None)
        known = ~found.diffuse & (found.method != "centre")
        inside = _weight_inside(found.weights, boxes, size)
        own, other = 1 - inside, _weight_inside(found.weights[partner], boxes, size)
        total = own + other
        weighed = np.where(total > 1e-6, own / np.maximum(total, 1e-6), area)
        changed = _areas(boxes) > 0
        return np.asarray(np.where(known & known[partner] & changed, weighed, area))

    def _boxes(self, batch: Batch, size: tuple[int, int]) -> list[Any] | None:
        if batch.samples is None:
            return None
        return [None if s.boxes is None else to_xyxy(s.boxes, self.box_format, size) for s in batch.samples]


def _class_count(names: Sequence[str], source: Source) -> int:
    if names:
        return len(names)
    labels = getattr(source, "labels", None)
    if labels is None or not len(labels):
        raise ArgumentError(
            "mix= must know how many classes there are: give contract=, a source with .classes, or (images, labels)"
        )
    return int(np.max(labels)) + 1


def _partners(indices: NDArray[np.int64], seed: int, epoch: int) -> tuple[NDArray[np.intp], FloatArray]:
    """Each image's partner (n,), all along one random ring so that none is its own, and uniform numbers (4, n)."""
    digest = hashlib.blake2b(indices.astype("<i8").tobytes(), digest_size=8).digest()
    key = Key.of(seed, epoch, np.arange(len(indices)), int.from_bytes(digest, "little") >> 1)
    u = uniforms(key, [("augsafe/mix", 5)])["augsafe/mix"]
    ring = np.argsort(u[0], kind="stable")
    partner = np.empty_like(ring)
    partner[ring] = np.roll(ring, -1)
    return partner, u[1:]


def _beta(alpha: float, u: FloatArray) -> FloatArray:
    from scipy.special import betaincinv

    return np.asarray(np.clip(np.nan_to_num(betaincinv(alpha, alpha, u), nan=1.0), 0.0, 1.0))


def _blended(images: Pixels, partner: NDArray[np.intp], share: FloatArray) -> Pixels:
    out = np.empty(images.shape, images.dtype)
    for i, (j, own) in enumerate(zip(partner, share.tolist(), strict=True)):
        rows = len(images[i])
        one, other, target = (a.reshape(rows, -1) for a in (images[i], images[j], out[i]))
        if own == 1.0:
            target[...] = one
        else:
            cv2.addWeighted(one, own, other, 1.0 - own, 0.0, target)
    return out


def _rectangles(share: FloatArray, across: FloatArray, down: FloatArray, size: tuple[int, int]) -> NDArray[np.int64]:
    """Rectangles (n, 4) x0, y0, x1, y1 in whole pixels; empty where the share is 1."""
    ends = []
    for place, side in ((across, size[1]), (down, size[0])):
        half = side * np.sqrt(1 - share) / 2
        low, high = np.rint(place * side - half), np.rint(place * side + half)
        ends.append(np.clip([low, high], 0, side))
    (x0, x1), (y0, y1) = ends
    return np.stack([x0, y0, x1, y1], axis=1).astype(np.int64)


def _areas(boxes: NDArray[np.int64]) -> FloatArray:
    return np.asarray(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), dtype=np.float64)


def _pasted(images: Pixels, partner: NDArray[np.intp], boxes: NDArray[np.int64], planar: bool) -> Pixels:
    out = images.copy()
    for i, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        part = (slice(None), slice(y0, y1), slice(x0, x1)) if planar else (slice(y0, y1), slice(x0, x1))
        out[i][part] = images[partner[i]][part]
    return out


def _weight_inside(weights: NDArray[np.float32], boxes: NDArray[np.int64], size: tuple[int, int]) -> FloatArray:
    """The share of each grid of weights (n, 16, 16) inside its rectangle, cells that are cut counted in part."""
    cells = np.arange(GRID)
    covers = []
    for axis, side in ((0, size[1]), (1, size[0])):
        low, high = (boxes[:, k, None] * (GRID / side) for k in (axis, axis + 2))
        covers.append(np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0, 1))
    return np.asarray(np.einsum("nij,ni,nj->n", weights, covers[1], covers[0]), dtype=np.float64)


def _samples(batch: Batch) -> tuple[Sample, ...] | None:
    """What is left of the targets: masks, where they were cut with the images."""
    if batch.masks is None or batch.labels is None:
        return None
    rows = zip(batch.images, batch.labels, batch.masks, strict=True)
    return tuple(Sample(image, label, mask) for image, label, mask in rows)


def describe(mix: Mix | None) -> dict[str, Any] | None:
    """Plain values."""
    return None if mix is None else {"mix": type(mix).__name__, **vars(mix)}


__all__ = ["CutMix", "Mix", "MixUp", "Mixer", "describe"]
