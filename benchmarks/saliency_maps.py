"""Which map to guess the object by: `python -m benchmarks.saliency_maps`.

Objects cut out of photographs and pasted onto others (benchmarks/cutouts.py). For each map: how well it ranks the
pixels, how much of its weight lies on the object, and what it says of the rate of AS201 beside what the mask says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

import augsafe as aug
from augsafe.guards import measure
from augsafe.objects import Objects, inspect
from augsafe.objects.grid import to_grid
from augsafe.objects.saliency import saliency
from benchmarks.cutouts import scenes, textures

Map = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
VISIBLE, DRAWS = 0.7, 16
POLICIES = {
    "RandomResizedCrop": aug.Compose([aug.RandomResizedCrop((160, 160))]),
    "shift, turn, zoom": aug.Compose([aug.Shift((-0.25, 0.25), (-0.25, 0.25)), aug.Rotate(), aug.Zoom((0.8, 1.4))]),
}


def contrast_and_residual(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What was used earlier: contrast to an even border, else the spectral residual (Hou and Zhang, 2007)."""
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    contrast = np.abs(small - np.median(border, axis=0)).mean(axis=2)
    even = max(0.0, 1 - 3 * float(np.abs(border - np.median(border, axis=0)).mean()) / float(contrast.max()))
    residual = _residual(small)
    both = even * contrast / contrast.max() + (1 - even) * residual / residual.max()
    return np.where(both > 0.2 * both.max(), both, 0).astype(np.float32)


def _residual(small: NDArray[np.float32]) -> NDArray[np.float32]:
    spectrum = np.fft.fft2(small.mean(axis=2))
    amplitude = np.log(np.abs(spectrum) + 1e-9)
    average = cv2.blur(amplitude, (3, 3), borderType=cv2.BORDER_REPLICATE)
    back = np.fft.ifft2(np.exp(amplitude - average + 1j * np.angle(spectrum)))
    return np.asarray(cv2.GaussianBlur(np.abs(back) ** 2, (0, 0), 0.04 * 64), dtype=np.float32)


def _middle(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    out = np.zeros(image.shape[:2], np.float32)
    height, width = out.shape
    out[height // 4 : height - height // 4, width // 4 : width - width // 4] = 1
    return out


USED = "as used"
CANDIDATES: dict[str, Map] = {
    USED: lambda image: saliency(image).region,
    "not cut to a region": lambda image: saliency(image).whole,
    "contrast and residual": contrast_and_residual,
    "the centre": _middle,
}


def seen_by(images: Sequence[NDArray[np.uint8]], candidate: Map) -> Objects:
    """What a map says of the images."""
    n = len(images)
    grids = np.stack([to_grid(candidate(image)) for image in images])
    return Objects.of(grids, np.tile(np.array([0, 0, 1, 1], np.float32), (n, 1)), ["saliency"] * n, np.zeros(n, bool))


@dataclass(frozen=True)
class Row:
    """What a map is worth.

    Attributes:
        area: Under the ROC curve of its pixels, the mean over the images.
        weight: The share of its weight on the object: the mean over the images, and the median.
        rates: For each policy, the rate of AS201 by the map.
        correlations: For each policy, how far the rates of the images go with those by their masks.
        milliseconds: For an image.
    """

    area: float
    weight: tuple[float, float]
    rates: dict[str, float]
    correlations: dict[str, float]
    milliseconds: float


def compared(
    n: int = 300, seed: int = 0, names: Sequence[str] = tuple(CANDIDATES)
) -> tuple[dict[str, float], dict[str, Row]]:
    """The rates by the masks, and a row for each map."""
    data = scenes(n, seed)
    images, masks = [scene.image for scene in data], [scene.mask for scene in data]
    truth = {name: _lost(policy, inspect(images, masks)) for name, policy in POLICIES.items()}
    rows = {}
    for name in names:
        start = time.perf_counter()
        found = [CANDIDATES[name](image) for image in images]
        spent = time.perf_counter() - start
        areas, weights = zip(*(_on_object(one, mask) for one, mask in zip(found, masks, strict=True)), strict=True)
        lost = {k: _lost(policy, seen_by(images, CANDIDATES[name])) for k, policy in POLICIES.items()}
        rows[name] = Row(
            float(np.mean(areas)),
            (float(np.mean(weights)), float(np.median(weights))),
            {k: float(v.mean()) for k, v in lost.items()},
            {k: float(np.corrcoef(v, truth[k])[0, 1]) for k, v in lost.items()},
            1e3 * spent / n,
        )
    return {k: float(v.mean()) for k, v in truth.items()}, rows


def _on_object(found: NDArray[np.float32], mask: NDArray[np.bool_]) -> tuple[float, float]:
    from sklearn.metrics import roc_auc_score

    inside = cv2.resize(mask.astype(np.float32), found.shape[::-1], interpolation=cv2.INTER_AREA)
    return float(roc_auc_score(inside.ravel() > 0.5, found.ravel())), float((found * inside).sum() / found.sum())


def _lost(policy: aug.Compose, objects: Objects) -> NDArray[np.float64]:
    """The share of draws of each image that lose its object."""
    shapes, n = [(160, 160)] * len(objects), len(objects)
    plans = (policy.plan(shapes, range(n), 0, epoch) for epoch in range(DRAWS))
    return np.mean([measure(plan, objects).visible < VISIBLE for plan in plans], axis=0)


def spread_out(n: int = 180, seed: int = 0) -> tuple[float, float]:
    """The share of textures, and of images with an object, that are taken to be spread out and are not judged."""
    some = inspect(textures(n, seed)).diffuse.mean(), inspect([s.image for s in scenes(n, seed)]).diffuse.mean()
    return float(some[0]), float(some[1])


def main() -> None:
    """Print the table."""
    truth, rows = compared()
    heads = ("pixels ranked", "weight on it", "median", *(f"rate, r ({name})" for name in POLICIES), "ms")
    print(
        f"\n{'cut-outs on photographs':<26}"
        + "".join(f"{head:>28}" if "rate" in head else f"{head:>15}" for head in heads)
    )
    for name, row in rows.items():
        rates = "".join(f"{row.rates[k]:>21.1%}{row.correlations[k]:>7.2f}" for k in POLICIES)
        print(
            f"{name:<26}{row.area:>15.3f}{row.weight[0]:>15.2f}{row.weight[1]:>15.2f}{rates}{row.milliseconds:>15.1f}"
        )
    print(f"{'the mask':<26}{'':>45}" + "".join(f"{truth[k]:>21.1%}{'':>7}" for k in POLICIES))
    print("Taken to be spread out: {:.0%} of textures, {:.0%} of images with an object".format(*spread_out()))


if __name__ == "__main__":
    main()
