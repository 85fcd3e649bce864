"""A few masks instead of all: `python -m benchmarks.few_masks`.

292 photographs with a cut-out each (benchmarks/cutouts.py), whose masks are all known. For each policy, the rate of
AS201 of all of them is the truth. Then only 20, 40 or 80 of them, chosen as `augsafe masks` does, keep their mask: how
often the interval covers the truth, and how wide it is, alone and with two finders: saliency, and one that sees the
object a few pixels beside its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import augsafe as aug
from augsafe.guards import measure
from augsafe.objects import Objects, inspect
from augsafe.statistics import RateGuess, rate_of_all
from benchmarks.cutouts import Scene, scenes

FloatArray = NDArray[np.float64]
PHOTOS, DRAWS, VISIBLE = 292, 32, 0.7
POLICIES = {
    "mild": aug.Compose([aug.Shift((-0.1, 0.1), (-0.1, 0.1)), aug.Rotate((-10, 10))]),
    "shift and zoom": aug.Compose([aug.Shift((-0.25, 0.25), (-0.25, 0.25)), aug.Zoom((0.9, 1.3))]),
    "RandomResizedCrop": aug.Compose([aug.RandomResizedCrop((160, 160))]),
}
MASKS = (20, 40, 80)


@dataclass(frozen=True)
class Row:
    """What so many masks are worth for a policy.

    Attributes:
        policy: Its name.
        masks: How many.
        truth: The rate of all.
        finder: Who guesses, "none" for nobody.
        correlation: Of its rates with those of the masks, from image to image.
        covered: The share of repeats whose interval holds the truth.
        half: Half of the mean width of the interval.
        weight: The mean weight of the finder.
    """

    policy: str
    masks: int
    truth: float
    finder: str
    correlation: float
    covered: float
    half: float
    weight: float


def beside(data: Sequence[Scene], pixels: int = 10, seed: int = 0) -> list[NDArray[np.bool_]]:
    """The masks moved by up to so many pixels to either side: a finder that is a little wrong."""
    rng = np.random.default_rng(seed)
    moves = rng.integers(-pixels, pixels + 1, (len(data), 2))
    return [np.roll(scene.mask, tuple(move), (0, 1)) for scene, move in zip(data, moves, strict=True)]


def lost(policy: aug.Compose, objects: Objects) -> FloatArray:
    """The share of draws of each image that lose its object (n,)."""
    n = len(objects)
    plans = (policy.plan([(160, 160)] * n, range(n), 0, epoch) for epoch in range(DRAWS))
    return np.mean([(measure(plan, objects).visible < VISIBLE) & ~objects.diffuse for plan in plans], axis=0)


def compared(repeats: int = 400, n: int = PHOTOS, masks: Sequence[int] = MASKS) -> list[Row]:
    """A row for each policy, number of masks and finder."""
    data = scenes(n)
    images = [scene.image for scene in data]
    known = inspect(images, [scene.mask for scene in data])
    finders = {"saliency": inspect(images), "beside": inspect(images, beside(data))}
    rows = []
    for name, policy in POLICIES.items():
        rates = lost(policy, known)
        said = {"none": None} | {finder: lost(policy, objects) for finder, objects in finders.items()}
        for count in masks:
            rows += [_row(name, count, rates, finder, guess, repeats) for finder, guess in said.items()]
    return rows


def _row(policy: str, masks: int, rates: FloatArray, finder: str, said: FloatArray | None, repeats: int) -> Row:
    covered, widths, weights = 0, np.zeros(repeats), np.zeros(repeats)
    for k in range(repeats):
        some = aug.images_to_mask(np.zeros(len(rates), int), masks, seed=k)
        guess = None if said is None else RateGuess(said[some], said.mean(), (said.min(), said.max()))
        found = rate_of_all(rates[some], np.arange(masks), guess)
        covered += found.low <= rates.mean() <= found.high
        widths[k], weights[k] = found.high - found.low, found.weight
    correlation = 0.0 if said is None else float(np.corrcoef(said, rates)[0, 1])
    truth, half = float(rates.mean()), float(widths.mean() / 2)
    return Row(policy, masks, truth, finder, correlation, covered / repeats, half, float(weights.mean()))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    print("| policy | rate of all | masks | finder (correlation) | covered | half width | weight |")
    print("|---|---|---|---|---|---|---|")
    for row in compared():
        finder = row.finder if row.finder == "none" else f"{row.finder} ({row.correlation:.2f})"
        print(
            f"| {row.policy} | {row.truth:.1%} | {row.masks} | {finder} | {row.covered:.1%} | {row.half:.1%} "
            f"| {row.weight:.2f} |"
        )


if __name__ == "__main__":
    main()
