"""How often images stop being typical of their class as a transform grows stronger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.policies import Compose
from augsafe.statistics import grouped_bounds
from augsafe.transforms import Rotate, Transform, Zoom
from augsafe.typicality.outcomes import CHANGED, UNFAMILIAR, Judged
from augsafe.typicality.reference import Reference

FloatArray = NDArray[np.float64]
LEVEL = 0.975  # of each of the two bounds that make up one of an excess, so 95 % together


@dataclass(frozen=True, eq=False)
class Excess:
    """How much more often something happens than under the identity, on the same images: (k, classes) each."""

    rate: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Curve:
    """Rates against strength for k strengths and every class; rates of classes with too few images are NaN."""

    values: tuple[float, ...]
    classes: tuple[str, ...]
    changed: Excess
    unfamiliar: Excess

    def largest(self, limit: float, unfamiliar: float) -> tuple[float | None, ...]:
        """For each class the largest strength up to which both upper bounds stay at or below their limits.

        None where already the weakest does not. Strengths must be given from weak to strong.
        """
        fine = (self.changed.high <= limit) & (self.unfamiliar.high <= unfamiliar)
        counts = np.cumprod(fine, axis=0).sum(axis=0)
        return tuple(self.values[n - 1] if n else None for n in counts)


def against_strength(
    reference: Reference,
    images: Sequence[NDArray[Any]],
    steps: Callable[[float], Sequence[Transform]],
    values: Sequence[float],
    *,
    border: str = "replicate",
) -> Curve:
    """Judge the reference's own images at each strength.

    images: all that `fit` was given. steps: maps a strength to transforms that are tried one after the other, such as
    a rotation either way; an image counts where any of them harms it.
    """
    if not len(values):
        raise ArgumentError("against_strength(values=...) is empty; give strengths from weak to strong")
    chosen = [images[int(i)] for i in reference.rows]
    clean = reference.judge_features(reference.extract(chosen), reference.own, reference.fold)
    changed, unfamiliar = [], []
    for value in values:
        seen = [rendered(reference, chosen, Compose((step,), border=border)) for step in steps(float(value))]
        outcomes = np.stack([one.outcome for one in seen])
        changed.append((outcomes == CHANGED).any(axis=0))
        unfamiliar.append((outcomes == UNFAMILIAR).any(axis=0))
    return Curve(
        tuple(float(v) for v in values),
        reference.classes,
        excess(reference, np.stack(changed), clean.outcome == CHANGED),
        excess(reference, np.stack(unfamiliar), clean.outcome == UNFAMILIAR),
    )


def rotated(reference: Reference, images: Sequence[NDArray[Any]], angles: Sequence[float]) -> Curve:
    """Rotation by so many degrees, either way; both count."""
    return against_strength(reference, images, lambda a: [Rotate((a, a)), Rotate((-a, -a))], angles)


def zoomed(reference: Reference, images: Sequence[NDArray[Any]], factors: Sequence[float]) -> Curve:
    """Zoom by a factor; above 1 enlarges."""
    return against_strength(reference, images, lambda f: [Zoom((f, f))], factors)


def rendered(reference: Reference, images: Sequence[NDArray[Any]], policy: Compose, seed: int = 0) -> Judged:
    """What becomes of the reference's own images (those of `reference.rows`) under one draw of a policy each."""
    made = policy.batch(list(images), indices=reference.rows, seed=seed)
    return reference.judge_features(reference.extract(list(made)), reference.own, reference.fold)


def excess(reference: Reference, events: NDArray[np.bool_], before: NDArray[np.bool_]) -> Excess:
    """events (k, n) beside the same images without a change, before (n,): gained less lost, by class."""
    shape = (len(events), len(reference.classes))
    rate, low, high = np.full(shape, np.nan), np.full(shape, 0.0), np.full(shape, 1.0)
    for c, name in enumerate(reference.classes):
        rows = np.flatnonzero(reference.own == c)
        if name in reference.undecided:
            continue
        gained, lost = (events[:, rows] & ~before[rows]).T, (~events[:, rows] & before[rows]).T
        (g_low, g_high), (l_low, l_high) = (
            grouped_bounds(part, reference.groups[rows], LEVEL) for part in (gained, lost)
        )
        rate[:, c] = gained.mean(axis=0) - lost.mean(axis=0)
        low[:, c], high[:, c] = g_low - l_high, g_high - l_low
    return Excess(rate, low, high)
