"""Rates of all images from the masks of a few: statistics/prediction.py, with and without a finder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from augsafe.statistics import RateEstimate, RateGuess, rate_of_all
from benchmarks.coverage.lines import Line

FloatArray = NDArray[np.float64]
Estimator = Callable[[FloatArray, RateGuess | None], RateEstimate]
IMAGES = 1000
RATES = (0.001, 0.005, 0.02, 0.1, 0.5)
MASKS = (10, 20, 40, 80, 200)
SHAPES = ("all or nothing", "beta")
FINDERS = ("none", "near", "mixed up", "overstates", "misses", "chance")
WITH_FINDER = (20, 80)
_SPREAD = 2.0  # the sum of beta's two parameters


def population(shape: str, rate: float, rng: np.random.Generator) -> FloatArray:
    """The rate of each image, whose mean is about `rate`."""
    if shape == "all or nothing":
        return (rng.random(IMAGES) < rate).astype(np.float64)
    return rng.beta(rate * _SPREAD, (1 - rate) * _SPREAD, IMAGES)


def guesses(finder: str, rates: FloatArray, rng: np.random.Generator) -> FloatArray:
    """What a finder makes of the rate of each image."""
    n = len(rates)
    return {
        "near": lambda: np.clip(rates + rng.normal(0, 0.05, n), 0, 1),
        "mixed up": lambda: np.where(rng.random(n) < 0.8, rates, rng.permutation(rates)),
        "overstates": lambda: np.maximum(rates, rng.random(n) * (rng.random(n) < 0.3)),
        "misses": lambda: rates * (rng.random(n) < 0.7),
        "chance": lambda: rng.beta(0.3, 0.6, n),
    }[finder]()


def estimated(rates: FloatArray, guess: RateGuess | None) -> RateEstimate:
    """The estimate of the library."""
    return rate_of_all(rates, np.arange(len(rates)), guess)


def normal(rates: FloatArray, guess: RateGuess | None) -> RateEstimate:
    """Wrong on purpose: PPI++ as published, whose interval is that of a normal distribution."""
    if guess is not None and (variance := guess.sample.var()) > 0:
        weight = float(np.clip(np.cov(rates, guess.sample)[0, 1] / variance, 0, 1))
        rates = rates - weight * (guess.sample - guess.mean)
    half = 1.96 * float(rates.std(ddof=1)) / np.sqrt(len(rates))
    return RateEstimate(float(rates.mean()), float(rates.mean()) - half, float(rates.mean()) + half)


def repeated(
    repeats: int, masks: int, rate: float, shape: str, finder: str = "none", estimator: Estimator = estimated
) -> tuple[int, float, float]:
    """How often the interval misses the mean of all images, its mean width, and the mean weight of the finder."""
    rng = np.random.default_rng([masks, round(1e4 * rate), SHAPES.index(shape), FINDERS.index(finder)])
    missed, widths, weights = 0, np.zeros(repeats), np.zeros(repeats)
    for k in range(repeats):
        rates = population(shape, rate, rng)
        some = rng.permutation(IMAGES)[:masks]
        guess = None
        if finder != "none":
            said = guesses(finder, rates, rng)
            guess = RateGuess(said[some], float(said.mean()), (float(said.min()), float(said.max())))
        found = estimator(rates[some], guess)
        missed += not found.low <= rates.mean() <= found.high
        widths[k], weights[k] = found.high - found.low, found.weight
    return missed, float(widths.mean()), float(weights.mean())


def simulate(
    repeats: int,
    masks: Sequence[int] = MASKS,
    rates: Sequence[float] = RATES,
    finders: Sequence[str] = FINDERS,
) -> list[Line]:
    """A row for each number of masks, shape and finder: at the true rate at which the interval misses most often."""
    lines = []
    for finder in finders:
        some = masks if finder == "none" else [count for count in masks if count in WITH_FINDER]
        for shape in SHAPES:
            for count in some:
                missed = {rate: repeated(repeats, count, rate, shape, finder)[0] for rate in rates}
                worst = max(missed, key=lambda rate: missed[rate])
                name = "rate by masks" if finder == "none" else f"rate by masks and a finder ({finder})"
                setting = f"{count} masks, {shape}, true rate {worst:.1%}"
                lines.append(Line(f"{name}: 95% interval", setting, 0.05, missed[worst], repeats))
    return lines


def control(repeats: int) -> list[Line]:
    """The same problems with the interval of the normal distribution."""
    lines = []
    for finder in ("none", "near"):
        missed = repeated(repeats, 20, 0.005, "all or nothing", finder, normal)[0]
        setting = "20 masks, all or nothing, true rate 0.5%"
        lines.append(Line(f"normal interval (finder: {finder})", setting, 0.05, missed, repeats))
    return lines


def widths(repeats: int = 200) -> str:
    """How wide the intervals are without a finder and with one, and the finder's weight."""
    rows = [
        "| masks | true rate | finder | half width alone | with the finder | its weight |",
        "|---|---|---|---|---|---|",
    ]
    for count in (20, 40, 80, 200):
        for rate in (0.02, 0.1, 0.3):
            alone = repeated(repeats, count, rate, "beta")[1] / 2
            for finder in ("near", "mixed up", "chance"):
                _, width, weight = repeated(repeats, count, rate, "beta", finder)
                rows.append(f"| {count} | {rate:.0%} | {finder} | {alone:.3f} | {width / 2:.3f} | {weight:.2f} |")
    return "\n".join(rows)
