"""Level and power of the realism test (AS401): `python -m benchmarks.realism [--quick]`.

First on scores alone, whose areas are known: how often each verdict is given when the excess over the control is none,
is just the margin, and is more, with images one by one and in groups. Then from images to verdict, on textures that
turns and flips leave as they are.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.stats import binomtest, norm

import augsafe as aug
from augsafe.guards import realism
from augsafe.guards.measured.distinguishing import LEVEL, MARGIN
from augsafe.statistics import Scores, excess

VERDICTS = ("distinguishable", "indistinguishable", "undecided")


@dataclass(frozen=True)
class Case:
    """Scores with a known excess: n images of each kind, in groups of so many, and the control's own area."""

    excess: float
    n: int = 250
    per_group: int = 1
    control: float = 0.55
    shared: float = 0.6  # how far two classifiers agree on an image


def draw(case: Case, rng: np.random.Generator) -> tuple[Scores, Scores, np.ndarray]:
    """Scores of augmented images, scores of the control, and the groups."""
    groups = np.arange(case.n) // case.per_group

    def noise() -> np.ndarray:
        """Of n images, for two classifiers (2, n), which share a part; in groups, half is the group's."""
        own = rng.normal(size=(2, case.n)) * np.sqrt(1 - case.shared) + rng.normal(size=case.n) * np.sqrt(case.shared)
        if case.per_group == 1:
            return own
        of_group = rng.normal(size=(2, groups.max() + 1))[:, groups]
        return np.sqrt(0.5) * own + np.sqrt(0.5) * of_group

    ones, zeros = noise(), noise()
    # two normals of equal spread at this distance have this area
    for row, area in enumerate((case.control + case.excess, case.control)):
        ones[row] += np.sqrt(2) * norm.ppf(area)
    return Scores(ones[0], zeros[0]), Scores(ones[1], zeros[1]), groups


def verdict(case: Case, rng: np.random.Generator, blind: bool = False) -> str:
    """The verdict on one set of scores; blind: as if no image had anything to do with another."""
    seen, control, groups = draw(case, rng)
    groups = np.arange(case.n) if blind else groups
    low, high = excess(seen, control, groups, groups).bounds(LEVEL)
    return "indistinguishable" if high < MARGIN else "distinguishable" if low > 0 else "undecided"


def shares(case: Case, repeats: int, seed: int = 0, blind: bool = False) -> dict[str, int]:
    """How often each verdict is given."""
    rng = np.random.default_rng(seed)
    counts = Counter(verdict(case, rng, blind) for _ in range(repeats))
    return {name: counts[name] for name in VERDICTS}


CASES = [
    Case(0.0),
    Case(0.0, per_group=5),
    Case(0.0, n=1000),
    Case(MARGIN),
    Case(MARGIN, per_group=5),
    Case(MARGIN, n=1000),
    Case(0.1),
    Case(0.2),
]


def wrong(case: Case, counts: dict[str, int]) -> int | None:
    """How often a verdict was given that the truth excludes, at 5 % each; None where none is."""
    if case.excess == 0:
        return counts["distinguishable"]
    return counts["indistinguishable"] if case.excess >= MARGIN else None


def textures(n: int, seed: int) -> np.ndarray:
    """Noise of one grain (n, 48, 48), the same in all directions."""
    rng = np.random.default_rng(seed)
    fields = [cv2.GaussianBlur(rng.normal(size=(48, 48)), (0, 0), 2) for _ in range(n)]
    return np.stack([np.clip(128 + 50 * f / f.std(), 0, 255).astype(np.uint8) for f in fields])


POLICIES = {
    "none": aug.Compose([]),
    "flips and quarter turns": aug.Compose([aug.HorizontalFlip(), aug.VerticalFlip(), aug.Rotate90()]),
    "zoom 1.05": aug.Zoom((1.05, 1.05)),
    "zoom 1.2": aug.Zoom((1.2, 1.2)),
    "blur 1": aug.GaussianBlur((1, 1)),
    "rotation, black borders": aug.Compose([aug.Rotate((-30, 30))], border="constant"),
}


def end_to_end(name: str, n: int, repeats: int) -> dict[str, int]:
    """How often each verdict is given on fresh textures."""
    counts = Counter(realism(POLICIES[name], textures(n, seed), seed=seed).verdict for seed in range(repeats))
    return {verdict: counts[verdict] for verdict in VERDICTS}


def main(arguments: list[str]) -> None:
    """Print both tables."""
    quick = "--quick" in arguments
    repeats, few = (200, 5) if quick else (2000, 40)
    print(f"On scores, {repeats:,} repeats; a verdict that the truth excludes may be given in 5 %\n")
    heads = f"{'distinguishable':>15} {'indistinguishable':>17} {'undecided':>9}"
    print(f"{'excess':>7} {'n':>5} {'group':>5}  {heads}  level")
    for case in CASES:
        counts = shares(case, repeats)
        told = "  ".join(f"{counts[v] / repeats:>{w}.1%}" for v, w in zip(VERDICTS, (15, 16, 8), strict=True))
        bad = wrong(case, counts)
        kept = "" if bad is None else f"p = {binomtest(bad, repeats, 0.05, alternative='greater').pvalue:.2f}"
        print(f"{case.excess:>7.2f} {case.n:>5} {case.per_group:>5}  {told}  {kept}")
    print(f"\nFrom images to verdict, {few} sets of textures each\n")
    print(f"{'policy':<24} {'n':>5}  {heads}")
    for name in POLICIES:
        for n in (200, 800):
            counts = end_to_end(name, n, few)
            told = "  ".join(f"{counts[v] / few:>{w}.0%}" for v, w in zip(VERDICTS, (15, 16, 8), strict=True))
            print(f"{name:<24} {n:>5}  {told}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
