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
    """How much more often something happens than to the same images without a change.

    Attributes:
        rate: Gained less lost, for k strengths and each class (k, classes); NaN for a class with too few images.
        low: The lower bound of its 95 % interval (k, classes).
        high: The upper bound (k, classes).
    """

    rate: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Curve:
    """Rates against strength.

    Attributes:
        values: The k strengths.
        classes: The names of the classes.
        changed: How much more often an image is changed.
        unfamiliar: How much more often an image is unfamiliar.
    """

    values: tuple[float, ...]
    classes: tuple[str, ...]
    changed: Excess
    unfamiliar: Excess

    def largest(self, limit: float, unfamiliar: float) -> tuple[float | None, ...]:
        """The largest strength up to which both upper bounds stay at or below their limits.

        Args:
            limit: Of the rate of changed images.
            unfamiliar: Of the rate of unfamiliar images.

        Returns:
            A strength for each class; None where already the weakest is too strong. It relies on strengths that were
            given from weak to strong.
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

    Args:
        reference: What is typical of each class.
        images: All that `fit` was given.
        steps: Maps a strength to transforms that are tried one after the other, such as a rotation either way. An image
            counts where any of them harms it.
        values: The strengths, from weak to strong.
        border: What lies beyond the image, as in `Compose`.

    Returns:
        How much more often images are changed or unfamiliar, at each strength.

    Raises:
        ArgumentError: There are no strengths.
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
    """Rotate either way by each angle; both count.

    Args:
        reference: What is typical of each class.
        images: All that `fit` was given.
        angles: Degrees, from weak to strong.

    Returns:
        How much more often images are changed or unfamiliar, at each angle.
    """
    return against_strength(reference, images, lambda a: [Rotate((a, a)), Rotate((-a, -a))], angles)


def zoomed(reference: Reference, images: Sequence[NDArray[Any]], factors: Sequence[float]) -> Curve:
    """Zoom by each factor.

    Args:
        reference: What is typical of each class.
        images: All that `fit` was given.
        factors: Above 1 enlarges; from weak to strong.

    Returns:
        How much more often images are changed or unfamiliar, at each factor.
    """
    return against_strength(reference, images, lambda f: [Zoom((f, f))], factors)


def rendered(reference: Reference, images: Sequence[NDArray[Any]], policy: Compose, seed: int = 0) -> Judged:
    """What becomes of the reference's own images when a policy augments each once.

    Args:
        reference: What is typical of each class.
        images: Those of `reference.rows`.
        policy: The policy.
        seed: Of its random values.

    Returns:
        What has become of each image.
    """
    made = policy.batch(list(images), indices=reference.rows, seed=seed)
    return reference.judge_features(reference.extract(list(made)), reference.own, reference.fold)


def excess(reference: Reference, events: NDArray[np.bool_], before: NDArray[np.bool_]) -> Excess:
    """How much more often something happens than before, for each class.

    Args:
        reference: Whose images they are.
        events: Where it happens, at k strengths (k, n).
        before: Where it happens without a change (n,).

    Returns:
        Gained less lost, with intervals.
    """
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
