"""Walks: a policy measured at each scale, from weak to strong, and how far it is certified."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from augsafe.calibration.losses import Jury
from augsafe.guards import scaled
from augsafe.policies import Compose
from augsafe.statistics import FloatArray, Tally, certified, needed_to_certify, p_value, tally

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Bar:
    """What is to be shown: at most `epsilon` lost and at most `unfamiliar` unfamiliar."""

    epsilon: float
    unfamiliar: float

    def p(self, lost: Tally, strange: Tally) -> float:
        """Of one rate or the other being over its limit: safe means both, so the larger of the two."""
        return max(p_value(lost, self.epsilon), p_value(strange, self.unfamiliar))

    def needed(self, lost: float, strange: float, level: float) -> int | None:
        """How many independent images would show such rates to be under their limits; None where they are not."""
        asked = [needed_to_certify(lost, self.epsilon, level), needed_to_certify(strange, self.unfamiliar, level)]
        return None if None in asked else max(v for v in asked if v is not None)


@dataclass(frozen=True, eq=False)
class Walk:
    """A policy at its scales, from weak to strong, for some classes (indices).

    lost, unfamiliar, p: (scales, classes), NaN where a scale was not measured. n (classes,): independent groups.
    unjudged: classes of which neither contract nor images can say anything. codes: for each scale measured, the share
    of each class's draws that were lost for each reason.
    """

    base: Compose = field(repr=False)
    scales: tuple[float, ...]
    classes: tuple[int, ...]
    lost: FloatArray = field(repr=False)
    unfamiliar: FloatArray = field(repr=False)
    p: FloatArray = field(repr=False)
    n: tuple[int, ...]
    unjudged: frozenset[int] = frozenset()
    codes: tuple[dict[int, dict[str, float]], ...] = ()

    def reached(self, level: float, cls: int | None = None) -> int:
        """How many scales are certified at a level, for one class or for all together.

        That some class exceeds its limit is one hypothesis; it is rejected where it is rejected for every class, so
        for all together the level is not split.
        """
        return certified(self.p.max(axis=1) if cls is None else self.p[:, self.classes.index(cls)], level)

    def scale(self, level: float, cls: int | None = None) -> float:
        """The largest scale that is certified; 0 where none is."""
        count = self.reached(level, cls)
        return self.scales[count - 1] if count else 0.0

    def needed(self, bar: Bar, level: float, cls: int, reached: int) -> int | None:
        """How many independent images of a class would certify the next scale at the rates seen there.

        Of a class without images nothing was seen: as many as it takes where none is lost.
        """
        row, column = min(reached, len(self.scales) - 1), self.classes.index(cls)
        if not self.n[column]:
            return bar.needed(0.0, 0.0, level)
        return bar.needed(float(self.lost[row, column]), float(self.unfamiliar[row, column]), level)


def walk(
    jury: Jury, base: Compose, rows: Rows, classes: Sequence[int], bar: Bar, scales: Iterable[float], stop: float
) -> Walk:
    """Measure a policy from the identity outward, until no class is certified any more at the level `stop`."""
    names = tuple(classes)
    mine = [jury.own[rows] == c for c in names]
    columns: list[list[tuple[float, float, float]]] = []
    alive = np.ones(len(names), bool)
    unjudged: set[int] = set()
    codes: list[dict[int, dict[str, float]]] = []
    steps = tuple(scales)
    counts = tuple(len(np.unique(jury.groups[rows][m])) for m in mine)
    for scale in steps:
        seen = jury.losses(scaled(base, scale), rows)
        line = []
        for c, m in zip(names, mine, strict=True):
            unjudged |= {c} if seen.unjudged[m].any() else set()
            lost, strange = (tally(e[m], jury.groups[rows][m]) for e in (seen.lost | seen.unjudged, seen.unfamiliar))
            line.append((lost.rate, strange.rate, bar.p(lost, strange)))
        columns.append(line)
        codes.append(
            {
                c: {k: float(e[m].mean()) for k, e in seen.codes.items()}
                for c, m in zip(names, mine, strict=True)
                if m.any()
            }
        )
        alive &= np.array([cell[2] <= stop for cell in line])
        if not alive.any():
            break
    table = np.full((len(steps), len(names), 3), np.nan)
    table[: len(columns)] = columns
    return Walk(
        base, steps, names, table[..., 0], table[..., 1], table[..., 2], counts, frozenset(unjudged), tuple(codes)
    )
