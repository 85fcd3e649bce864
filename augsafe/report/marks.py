"""Why a single drawn image is flagged, in a few words each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import SYMMETRIES, Contract, Limits
from augsafe.guards import (
    CONTENT_RULE_OF,
    SEVERITIES,
    ContentMeasures,
    LimitTable,
    judge_plan,
    measure,
    violations,
)
from augsafe.objects import Objects
from augsafe.planning import Plan

Mark = tuple[tuple[str, ...], str]  # reasons and the severity of the worst
_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class Marks:
    """What images are judged by: the contract (None: content only), their classes (-1: unknown), their objects.

    asked: guesses at the object count like what is stated.
    """

    contract: Contract | None
    labels: NDArray[np.int64]
    objects: Objects
    asked: bool = False

    def judge(self, plan: Plan) -> list[Mark]:
        """The reasons for each row of a plan, errors first, and "error", "warning", "info" (a guess) or ""."""
        by_class = self._class_marks(plan)
        by_content = self._content_marks(plan)
        out: list[Mark] = []
        for first, second in zip(by_class, by_content, strict=True):
            both = sorted([*first, *second], key=lambda mark: SEVERITIES.index(mark[0]))
            out.append((tuple(words for _, words in both), both[0][0] if both else ""))
        return out

    def _limits(self, row: int) -> Limits:
        if self.contract is None or self.labels[row] < 0:
            return Limits()
        return self.contract.limits_for(int(self.labels[row]))

    def _class_marks(self, plan: Plan) -> list[list[tuple[str, str]]]:
        """(severity, words) for what the drawn map does to the class."""
        judged = judge_plan(plan)
        out: list[list[tuple[str, str]]] = []
        for row in range(len(plan)):
            marks: list[tuple[str, str]] = []
            out.append(marks)
            if self.contract is None or self.labels[row] < 0:
                continue
            limits, turn = self._limits(row), float(judged.residual[row])
            relation = self.contract.relation(int(self.labels[row]), SYMMETRIES[int(judged.symmetry[row])])
            if limits.rotation is not None and abs(turn) > limits.rotation + _SLACK:
                marks.append(("error", f"rotated {_beyond(abs(turn), limits.rotation, 0)}°"))
            elif relation.kind == "to":
                marks.append(("error", f"reads as {relation.to}"))
            elif relation.kind == "invalid":
                marks.append(("error", "invalid"))
            elif relation.kind in ("ambiguous", "unknown"):
                marks.append(("warning", relation.kind))
            low, high = limits.zoom or (0.0, np.inf)
            least, most = float(judged.zoom_min[row]), float(judged.zoom_max[row])
            if least < low - _SLACK:
                marks.append(("error", f"zoom {_beyond(least, low, 2)}"))
            elif most > high + _SLACK:
                marks.append(("error", f"zoom {_beyond(most, high, 2)}"))
        return out

    def _content_marks(self, plan: Plan) -> list[list[tuple[str, str]]]:
        """(severity, words) for what is left of the object."""
        known = self.labels if self.contract is not None else np.full(len(plan), -1)
        limits = LimitTable.of(self.contract).take(known)
        found = measure(plan, self.objects)
        broken = violations(found, limits, self.objects)
        fact = self.objects.stated | self.asked
        return [
            [
                ("error", content_words(code, found, row))
                if fact[row] or not CONTENT_RULE_OF[code].about_object
                else ("info", f"guess: {content_words(code, found, row)}")
                for code in broken
                if broken[code][row]
            ]
            for row in range(len(plan))
        ]


def content_words(code: str, found: ContentMeasures, row: int) -> str:
    """What a draw is flagged for, by its code."""
    return CONTENT_RULE_OF[code].mark(found, row)


def _beyond(value: float, limit: float, digits: int) -> str:
    """The number with as many digits as it takes to differ from the limit that it breaks."""
    while digits < 6 and round(value, digits) == round(limit, digits):
        digits += 1
    return f"{value:.{digits}f}"
