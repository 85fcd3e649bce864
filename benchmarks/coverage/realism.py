"""The areas and the verdicts of the realism test (AS401): statistics/two_sample.py."""

from __future__ import annotations

import numpy as np

from augsafe.guards.measured.distinguishing import MARGIN
from augsafe.statistics import area
from benchmarks import realism as cases
from benchmarks.coverage.lines import Line

CASES = (
    *(cases.Case(excess, per_group=size) for excess in (0.0, MARGIN) for size in (1, 5)),
    *(cases.Case(excess, n=50, control=0.9) for excess in (0.0, MARGIN)),
)
AREAS = (
    cases.Case(0.0),
    cases.Case(0.0, per_group=5),
    cases.Case(0.0, n=50, control=0.9),
    cases.Case(0.0, 50, 1, 0.98),
)


def simulate(repeats: int) -> list[Line]:
    """Verdicts that the truth excludes, and the interval of the area."""
    lines = []
    for case in CASES:
        wrong = cases.wrong(case, cases.shares(case, repeats))
        said = "distinguishable, at no excess" if case.excess == 0 else "indistinguishable, at the margin"
        lines.append(Line(f"realism: {said}", _setting(case), 0.05, int(wrong or 0), repeats))
    return [*lines, *(_area(case, repeats) for case in AREAS)]


def _setting(case: cases.Case) -> str:
    grouped = f" in groups of {case.per_group}" if case.per_group > 1 else ""
    return f"{case.n} images of each kind{grouped}, control at {case.control}"


def _area(case: cases.Case, repeats: int) -> Line:
    rng = np.random.default_rng(case.per_group)
    truth, missed = case.control + case.excess, 0
    for _ in range(repeats):
        seen, _, groups = cases.draw(case, rng)
        low, high = area(seen, groups, groups).interval()
        missed += not low <= truth <= high
    return Line("realism: 95% interval of the AUC", _setting(case), 0.05, missed, repeats)


def control(repeats: int) -> list[Line]:
    """Wrong on purpose: images of one group taken for independent."""
    case = cases.Case(MARGIN, per_group=25)
    wrong = cases.wrong(case, cases.shares(case, repeats, blind=True))
    return [Line("realism: groups not given", _setting(case), 0.05, int(wrong or 0), repeats)]
