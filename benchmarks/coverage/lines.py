"""One row of the table: what is promised, and how often it was wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from augsafe.statistics import clopper_pearson

REJECT = 0.001  # of each row; there are about sixty


@dataclass(frozen=True)
class Line:
    """How often a number was wrong.

    number: what it is. setting: on which problem. nominal: the largest share of repeats in which it may be wrong.
    """

    number: str
    setting: str
    nominal: float
    wrong: int
    repeats: int

    @property
    def holds(self) -> bool:
        """Whether a one-sided binomial test does not reject that it is wrong with a chance of at most `nominal`."""
        from scipy.stats import binomtest

        return bool(binomtest(self.wrong, self.repeats, self.nominal, alternative="greater").pvalue >= REJECT)

    @property
    def cells(self) -> tuple[str, ...]:
        """As text: number, setting, promised, seen, its interval, repeats, verdict."""
        low, high = clopper_pearson(self.wrong, self.repeats)
        return (
            self.number,
            self.setting,
            f"{self.nominal:.1%}",
            f"{self.wrong / self.repeats:.1%}",
            f"{low:.1%} to {high:.1%}",
            f"{self.repeats:,}",
            "yes" if self.holds else "**no**",
        )


HEADS = ("number", "problem", "wrong at most", "wrong", "95% interval", "repeats", "holds")
Simulation = Callable[[int], Sequence[Line]]


def table(lines: Sequence[Line]) -> str:
    """A table in Markdown."""
    rows = [HEADS, tuple("---" for _ in HEADS), *(line.cells for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
