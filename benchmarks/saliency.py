"""Lost objects where the truth is known: `python -m benchmarks.saliency`.

Discs, boxes and stars with the texture of one photograph are planted near the middle of others: even, shaded, blurred
and sharp grounds. Draws move, enlarge and turn them; how much of an object the frame still shows is counted on its
pixels. With the mask: precision and recall of AS201. Without: how well the share that a saliency map says orders the
draws, as the area under the ROC curve, for each map of benchmarks/saliency_maps.py, which is the second table.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

import augsafe as aug
from augsafe.guards import measure
from augsafe.objects import inspect
from augsafe.planning import Plan
from benchmarks import saliency_maps
from benchmarks.saliency_maps import CANDIDATES, seen_by

SIDE, VISIBLE = 64, 0.7
GROUNDS = ("even", "shaded", "blurred", "sharp")
CLOSE = 0.02  # draws this near to the limit are left out of precision and recall: a grid of 16 x 16 cannot tell
POLICY = aug.Compose([aug.Shift((-0.5, 0.5), (-0.5, 0.5)), aug.Zoom((0.7, 2.5)), aug.Rotate((-45, 45))])


@dataclass(frozen=True)
class Planted:
    """Images (n, 64, 64, 3) with one object each, its mask, and the kind of ground."""

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    grounds: NDArray[np.str_]


def planted(n: int, seed: int = 0) -> Planted:
    """N images, the grounds in turn."""
    from skimage import data

    photos = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket(), data.immunohistochemistry()]
    rng = np.random.default_rng(seed)
    images, masks = np.empty((n, SIDE, SIDE, 3), np.uint8), np.zeros((n, SIDE, SIDE), np.uint8)
    grounds = np.array([GROUNDS[i % len(GROUNDS)] for i in range(n)])
    for image, mask, ground in zip(images, masks, grounds, strict=True):
        first, second = rng.permutation(len(photos))[:2]
        image[:] = _ground(_crop(photos[first], rng), str(ground), rng)
        x, y = (int(v) for v in rng.uniform(0.42, 0.58, 2) * SIDE)
        _draw(mask, x, y, float(rng.uniform(0.14, 0.24)) * SIDE, int(rng.integers(3)), rng)
        filling = _crop(photos[second], rng).astype(float)
        # An object that has the level of its ground is none.
        away = image[mask == 0].mean(axis=0)
        filling += (np.where(away > 127, 40, 215) - filling.mean(axis=(0, 1))) * 0.8
        image[mask > 0] = np.clip(filling, 0, 255)[mask > 0]
    return Planted(images, masks, grounds)


def _crop(photo: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    cut = int(rng.integers(SIDE, 3 * SIDE))
    y, x = (int(rng.integers(0, side - cut + 1)) for side in photo.shape[:2])
    return np.asarray(cv2.resize(photo[y : y + cut, x : x + cut], (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def _ground(crop: NDArray[np.uint8], kind: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    if kind == "even":
        return np.full_like(crop, crop.mean(axis=(0, 1)))
    if kind == "shaded":
        ramp = np.linspace(0.7, 1.3, SIDE)[None, :, None] * rng.uniform(60, 170, 3)
        return np.clip(np.broadcast_to(ramp, crop.shape) + rng.normal(0, 3, crop.shape), 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(crop, (0, 0), 4)) if kind == "blurred" else crop


def _draw(mask: NDArray[np.uint8], x: int, y: int, radius: float, kind: int, rng: np.random.Generator) -> None:
    corners = {0: 40, 1: 4, 2: 10}[kind]
    turn = rng.uniform(0, 2 * np.pi)
    angles = turn + np.arange(corners) * 2 * np.pi / corners
    reach = np.where((np.arange(corners) % 2 == 1) & (kind == 2), 0.45, 1.0) * radius
    points = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], axis=1)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 1)


def shown(plan: Plan, masks: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The share (n,) of each object's pixels whose centres the frame still shows."""
    out = np.empty(len(masks))
    for i, mask in enumerate(masks):
        y, x = np.nonzero(mask)
        place = plan.matrix[i] @ np.stack([x, y, np.ones(len(x))])
        height, width = plan.sizes[i]
        inside = (place[:2] >= -0.5).all(axis=0) & (place[0] <= width - 0.5) & (place[1] <= height - 0.5)
        out[i] = inside.mean()
    return out


@dataclass(frozen=True)
class Found:
    """precision and recall: of AS201 with masks. areas: by map, over all grounds and for each."""

    draws: int
    lost: float
    precision: float
    recall: float
    areas: dict[str, dict[str, float]]


def found(n: int = 800, draws: int = 6, seed: int = 0) -> Found:
    """Draw, count, compare."""
    from sklearn.metrics import roc_auc_score

    data = planted(n, seed)
    plans = [POLICY.plan([image.shape for image in data.images], range(n), seed, epoch) for epoch in range(draws)]
    truth = np.concatenate([shown(plan, data.masks) for plan in plans])
    lost, clear = truth < VISIBLE, np.abs(truth - VISIBLE) > CLOSE
    exact = inspect(data.images, data.masks)
    said = np.concatenate([measure(plan, exact).visible for plan in plans]) < VISIBLE
    hits = (said & lost & clear).sum()
    grounds, areas = np.tile(data.grounds, draws), {}
    for name, candidate in CANDIDATES.items():
        objects = seen_by(list(data.images), candidate)
        gone = 1 - np.concatenate([measure(plan, objects).visible for plan in plans])
        areas[name] = {"all": float(roc_auc_score(lost, gone))} | {
            ground: float(roc_auc_score(lost[grounds == ground], gone[grounds == ground])) for ground in GROUNDS
        }
    precision, recall = hits / (said & clear).sum(), hits / (lost & clear).sum()
    return Found(len(truth), float(lost.mean()), float(precision), float(recall), areas)


def main(arguments: list[str] | None = None) -> None:
    """Print both tables."""
    result = found()
    print(f"{result.draws:,} draws of {len(GROUNDS)} kinds of grounds; {result.lost:.0%} lose the object\n")
    print(f"With the mask: precision {result.precision:.3f}, recall {result.recall:.3f}\n")
    print(f"{'area under the curve':<26}" + "".join(f"{g:>9}" for g in ("all", *GROUNDS)))
    for name, areas in result.areas.items():
        print(f"{name:<26}" + "".join(f"{areas[g]:>9.3f}" for g in ("all", *GROUNDS)))
    saliency_maps.main()


if __name__ == "__main__":
    main()
