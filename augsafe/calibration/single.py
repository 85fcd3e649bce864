"""Limits of single transforms, in each direction and for each class: measured to look at, not certified."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.calibration.losses import Jury, Losses
from augsafe.calibration.scaling import Direction, directions
from augsafe.policies import Compose
from augsafe.statistics import grouped_bounds, needed

SAFE, HARMFUL, STRANGE, OPEN = "safe", "harmful", "unfamiliar", "undecided"
LEVEL = 0.95  # of each bound


@dataclass(frozen=True, eq=False)
class Single:
    """The measured rates of one step in one direction for one class, from weak to strong.

    Attributes:
        step: The name of the step.
        parameter: The name of its parameter, "" for a step without a strength.
        side: The direction: "below" or "above" the neutral value, or "acts" for a step without a strength.
        cls: The class.
        end: The end of the range given.
        values: The strengths.
        rates: Share of lost images at each strength.
        low: One-sided 95 % lower bounds of the rates.
        high: One-sided 95 % upper bounds of the rates.
        unfamiliar: Share of images that became unfamiliar at each strength.
        limit: The largest strength up to which no rate exceeds its limit, None if the weakest already does.
        verdict: For the largest strength measured: "safe", "harmful", "unfamiliar" or "undecided".
        n: Number of independent images.
        needed: If undecided, how many images of the class would settle it, None for too many.
        unjudged: How many images of the class are needed before anything can be measured, None if there are enough.
    """

    step: str
    parameter: str
    side: str
    cls: str
    end: float
    values: tuple[float, ...]
    rates: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    unfamiliar: tuple[float, ...]
    limit: float | None
    verdict: str
    n: int
    needed: int | None = None
    unjudged: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "step": self.step,
            "parameter": self.parameter,
            "side": self.side,
            "class": self.cls,
            "end": self.end,
            "limit": self.limit,
            "verdict": self.verdict,
            "n": self.n,
            "needed": self.needed if self.unjudged is None else self.unjudged,
            "values": list(self.values),
            "rates": [None if np.isnan(v) else round(v, 6) for v in self.rates],
            "low": [round(v, 6) for v in self.low],
            "high": [round(v, 6) for v in self.high],
            "unfamiliar": [None if np.isnan(v) else round(v, 6) for v in self.unfamiliar],
        }


Track = Callable[[Iterable[Any], str], Iterable[Any]]


def singles(
    jury: Jury, compose: Compose, rows: NDArray[np.int64], epsilon: float, unfamiliar: float, grid: int, track: Track
) -> tuple[Single, ...]:
    """Measure every direction of every step on these images."""
    out: list[Single] = []
    present = np.unique(jury.own[rows])
    for direction in track(list(directions(compose, grid)), "Single limits"):
        seen: list[Losses] = []
        lines: list[Single] = []
        for k in range(len(direction.values)):
            seen.append(jury.losses(direction.at(compose, k), rows))
            lines = [_single(jury, direction, seen, rows, int(c), (epsilon, unfamiliar)) for c in present]
            if all(line.verdict in (HARMFUL, STRANGE) for line in lines):
                break
        out += lines
    return tuple(out)


def _single(
    jury: Jury,
    direction: Direction,
    seen: Sequence[Losses],
    rows: NDArray[np.int64],
    cls: int,
    limits: tuple[float, float],
) -> Single:
    mine = jury.own[rows] == cls
    name, count = jury.contract.classes[cls], int(mine.sum())
    values = direction.values[: len(seen)]
    head = (direction.step, direction.parameter, direction.side, name, direction.values[-1], values)
    if any(s.unjudged[mine].any() for s in seen):
        none = (float("nan"),) * len(seen)
        ends = ((0.0,) * len(seen), (1.0,) * len(seen))
        return Single(*head, none, *ends, none, None, OPEN, count, unjudged=jury.reference.undecided.get(name))
    lost, strange = (np.stack([getattr(s, k)[mine] for s in seen], axis=1) for k in ("lost", "unfamiliar"))
    low, high = grouped_bounds(lost, jury.groups[rows][mine], LEVEL)
    strange_low, strange_high = grouped_bounds(strange, jury.groups[rows][mine], LEVEL)
    rates, unfamiliar = lost.mean(axis=0), strange.mean(axis=0)
    fine = (rates <= limits[0]) & (unfamiliar <= limits[1])
    reached = int(np.cumprod(fine).sum())
    if high[-1] <= limits[0] and strange_high[-1] <= limits[1]:
        verdict = SAFE
    else:
        verdict = HARMFUL if low[-1] > limits[0] else STRANGE if strange_low[-1] > limits[1] else OPEN
    more = None
    if verdict == OPEN:
        asked = [needed(float(r[-1]), limit, LEVEL) for r, limit in zip((rates, unfamiliar), limits, strict=True)]
        more = None if None in asked else max(v for v in asked if v is not None)
    return Single(
        *head,
        tuple(map(float, rates)),
        tuple(map(float, low)),
        tuple(map(float, high)),
        tuple(map(float, unfamiliar)),
        direction.values[reached - 1] if reached else None,
        verdict,
        count,
        more,
    )
