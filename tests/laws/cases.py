"""Random instances of every transform, random images, and the laws as functions that a broken transform fails."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

import augsafe as aug
from augsafe.planning import Plan
from augsafe.transforms import TRANSFORMS, Choice, Color, Geometric, Move, Transform

Image = NDArray[Any]
NAMES = sorted(TRANSFORMS)
SANE = {  # ranges that keep an image of a few pixels visible; drawn ranges lie inside; others, in the default
    "x": (-0.3, 0.3),
    "y": (-0.3, 0.3),
    "factor": (0.3, 3.0),
    "gamma": (0.3, 3.0),
    "angle": (-180.0, 180.0),
    "sigma": (0.0, 3.0),
    "scale_x": (0.5, 2.0),
    "scale_y": (0.5, 2.0),
    "shear_x": (-20.0, 20.0),
    "shear_y": (-20.0, 20.0),
    "offset": (-0.3, 0.3),
    "scale": (0.05, 1.0),
    "ratio": (0.5, 2.0),
    "displacement": (0.0, 0.3),
    "kelvin": (2000.0, 20000.0),
    "threshold": (0.0, 1.0),
    "length": (0.0, 9.0),
    "clip": (0.0, 5.0),
    "amount": (0.0, 0.5),
    "area": (0.0, 0.9),
    "severity": (0.0, 10.0),
}
WHOLE = {"bits": (1, 8), "quality": (1, 100)}
OTHER: dict[str, st.SearchStrategy[Any]] = {  # fields that are not ranges of parameters
    "size": st.integers(1, 20) | st.tuples(st.integers(1, 20), st.integers(1, 20)),
    "side": st.integers(1, 20),
    "width": st.integers(1, 4),
    "depth": st.integers(1, 4),
    "keep": st.sampled_from([0.0, 0.7]),
    "smoothness": st.sampled_from([0.08, 0.3]),
    "cells": st.integers(1, 4) | st.tuples(st.integers(1, 4), st.integers(1, 4)),
    "same_scale": st.booleans(),
    "rounding": st.sampled_from(["none", "nearest", "down"]),
    "order": st.sampled_from(["scale-rotate-shear", "scale-shear-rotate"]),
    "tiles": st.integers(1, 9),
    "count": st.integers(1, 4),
    "mode": st.sampled_from(["random", "cutout", "grid"]),
    "fill": st.sampled_from(["value", "mean", "noise"]),
    "max_object_share": st.sampled_from([1.0, 0.3, 0.0]),
    "turns": st.sampled_from([(0, 1, 2, 3), (1,), (2,), (1, 3)]),
    **{side: st.integers(0, 5) for side in ("left", "top", "right", "bottom")},
}


@st.composite
def transforms(draw: st.DrawFn, name: str, p: float | None = None) -> Transform:
    """An instance of the transform of that name, with ranges and fields drawn at random."""
    kind = TRANSFORMS[name]
    arguments: dict[str, Any] = {} if p is None else {"p": p}
    if issubclass(kind, Choice):
        others = [n for n in NAMES if not issubclass(TRANSFORMS[n], Choice)]
        if kind is aug.Repeat:
            child = draw(transforms(draw(st.sampled_from([*others, "OneOf", "SomeOf"]))))
            return aug.Repeat(child, draw(st.integers(1, 3)), **arguments)
        chosen = draw(st.lists(st.sampled_from(others), min_size=1, max_size=3, unique=True))
        children = tuple(draw(transforms(n, p=1.0)) for n in chosen)
        if kind is aug.AllOf:
            first = (aug.OneOf(children), *children) if draw(st.booleans()) else children
            return aug.AllOf(first, **arguments)
        if kind is aug.OneOf:
            nested = (aug.AllOf((aug.GaussianBlur(p=0.5), *children)),) if draw(st.booleans()) else ()
            return aug.OneOf((*children, *nested), **arguments)
        counts = sorted([draw(st.integers(0, len(children))), draw(st.integers(1, len(children)))])
        return aug.SomeOf(children, n=(counts[0], counts[1]), **arguments)
    if name == "Resize":
        key = draw(st.sampled_from(["size", "shortest", "longest"]))
        return aug.Resize(**{key: draw(st.integers(1, 20))}, **arguments)
    ranged = {q.name for q in kind.parameters if not q.free}
    for field in fields(kind):
        if field.name in ranged and draw(st.booleans()):
            if field.name in WHOLE:
                number: st.SearchStrategy[float] = st.integers(*WHOLE[field.name])
            else:
                low, high = SANE.get(field.name, field.default)
                low, high = (low, 1.0) if (name, field.name) == ("Downscale", "factor") else (low, high)
                low, high = (0.0, 0.3) if (name, field.name) == ("GaussianNoise", "sigma") else (low, high)
                number = st.floats(low, high)
            bounds = sorted(draw(st.tuples(number, number)))
            arguments[field.name] = (bounds[0], bounds[1])
        elif field.name in OTHER and field.name not in ranged:
            arguments[field.name] = draw(OTHER[field.name])
    return kind(**arguments)


@st.composite
def images(draw: st.DrawFn, low: int = 1, high: int = 20, channels: tuple[int, ...] = (0, 1, 2, 3, 4, 7)) -> Image:
    """Noise of any accepted dtype and shape; 0 channels stands for (H, W)."""
    side = st.integers(low, high)
    shape: tuple[int, ...] = (draw(side), draw(side))
    count = draw(st.sampled_from(channels))
    return noise(shape + ((count,) if count else ()), draw(st.sampled_from(DTYPES)), draw(st.integers(0, 999)))


def fits(step: Transform, image: Image) -> bool:
    """Whether a step knows what to do with the image's channels: colour steps need 1, 3 or 4."""
    if isinstance(step, Choice):
        return all(fits(part, image) for part in step.parts)
    mixes = isinstance(step, Color) and step.p > 0
    return not mixes or image.ndim == 2 or image.shape[2] in (1, 3, 4)


DTYPES = ("uint8", "uint16", "float32")


def noise(shape: tuple[int, ...], dtype: str = "uint8", seed: int = 0) -> Image:
    """Random levels over the whole value range."""
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.random(shape, dtype=np.float32)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def blob(side: int, x: float, y: float, sigma: float = 2.0) -> Image:
    """A soft spot, the marker whose centre can be found to a fraction of a pixel."""
    rows, columns = np.mgrid[:side, :side]
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return spot.astype(np.float32)


def middle_of(image: Image, threshold: float) -> tuple[NDArray[np.float64], float]:
    """Centroid x, y of what lies above the threshold, and its weight."""
    weight = np.where(image > threshold, image, 0).astype(np.float64)
    total = weight.sum()
    rows, columns = np.indices(image.shape[:2])
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / max(total, 1e-9), float(total)


# The laws


def law_keyed(compose: aug.Compose, batch: list[Image], indices: list[int], seed: int) -> None:
    """Law 1: the same key gives the same pixels alone, in a batch, and in another order."""
    alone = [compose(im, seed=seed, epoch=2, index=i, view=1).image for im, i in zip(batch, indices, strict=True)]
    together = compose.batch(batch, indices=indices, seed=seed, epoch=2, view=1)
    backwards = compose.batch(batch[::-1], indices=indices[::-1], seed=seed, epoch=2, view=1)[::-1]
    for one, two, three in zip(alone, together, backwards, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


def law_input_kept(compose: aug.Compose, image: Image, seed: int) -> None:
    """Law 3: the input is never changed, and the output owns its memory."""
    before = image.copy()
    out = compose(image, seed=seed).image
    np.testing.assert_array_equal(image, before)
    assert not np.shares_memory(out, image)
    out[...] = 0
    np.testing.assert_array_equal(image, before)


def law_kind_kept(compose: aug.Compose, image: Image, seed: int) -> None:
    """Law 4: dtype, channels and value range are kept, without NaN."""
    out = compose(image, seed=seed).image
    assert out.dtype == image.dtype
    assert out.ndim == image.ndim
    assert out.shape[2:] == image.shape[2:]
    assert np.isfinite(out.astype(np.float64)).all()
    if image.dtype == np.float32:
        assert out.min() >= -1e-5
        assert out.max() <= 1 + 1e-5


def law_within_moves(step: Geometric, plan: Plan, size: tuple[int, int]) -> None:
    """What a step says of its own reach (`moves`) holds for what it draws."""
    moves = step.moves(size)
    if moves is None:
        return
    for part in plan.geometry:
        for row in np.flatnonzero(part.active):
            linear = part.matrix[row, :2, :2] * part.factor[row][:, None]
            before, after = (np.array([s[1] - 1, s[0] - 1]) / 2 for s in (part.before[row], part.after[row]))
            moved = part.matrix[row] @ np.array([*before, 1.0])
            drift = (moved[:2] / moved[2] - after) / part.after[row][::-1]
            if (part.matrix[row, 2, :2] != 0).any():
                continue  # bounds on a projective map are not of its upper left block
            assert any(_within(move, linear, drift) for move in moves), (step, linear, drift, moves)


def _within(move: Move, linear: NDArray[np.float64], drift: NDArray[np.float64], slack: float = 1e-6) -> bool:
    if (np.linalg.det(linear) < 0) != move.mirror:
        return False
    m = linear @ np.diag([-1.0, 1.0]) if move.mirror else linear
    a = complex(m[0, 0] + m[1, 1], m[1, 0] - m[0, 1]) / 2
    b = complex(m[0, 0] - m[1, 1], m[1, 0] + m[0, 1]) / 2
    angle = -np.degrees(np.angle(a))  # y points down
    low, high = move.rotation
    turns = any(low - slack <= angle + 360 * k <= high + slack for k in (-2, -1, 0, 1, 2))
    scales = np.linalg.svd(m, compute_uv=False)
    sized = move.scale[0] * (1 - slack) <= scales[1] and scales[0] <= move.scale[1] * (1 + slack)
    shaped = abs(b) <= (move.dilatation + slack) * abs(a)
    placed = all(lo - slack <= d <= hi + slack for d, (lo, hi) in zip(drift, move.shift, strict=True))
    return turns and sized and shaped and placed


def law_targets_agree(step: Transform, seed: int, side: int = 48) -> None:
    """Law 6: a marker in image, mask and keypoints ends at one place, to half a pixel.

    The mask of a spot has a centre of its own, up to a third of a pixel beside the spot's: that one is followed. OpenCV
    rounds places to 1/1024 of a pixel before it takes the nearest. A spot shrunk to half of its pixels may lie a
    tenth further.
    """
    x, y = 20.0, 26.0
    image = blob(side, x, y)
    compose = aug.Compose([step], border="constant")
    mask = (image > 0.3).astype(np.uint8)
    start, _ = middle_of(mask, 0.5)
    sample = compose(image, mask=mask, keypoints=[[x, y], start], seed=seed)
    assert sample.keypoints is not None
    assert sample.mask is not None
    place, (height, width) = sample.keypoints[0], sample.image.shape[:2]
    if min(height, width) < 32 or not ((place > 8) & (place < np.array([width, height]) - 9)).all():
        return  # cut off or too small: the centre of what is left is another
    level = 0.3 * float(sample.image.max())
    found, weight = middle_of(sample.image, level)
    if weight > 0 and sample.image.max() > 0.1:
        assert np.abs(found - place).max() <= 0.5, (step, found, place)
    marked, weight = middle_of(sample.mask, 0.5)
    near = 0.5 + 2 / 1024 if weight >= 16 else 0.6
    assert weight < 8 or np.abs(marked - sample.keypoints[1]).max() <= near, (
        step,
        marked,
        sample.keypoints[1],
    )
