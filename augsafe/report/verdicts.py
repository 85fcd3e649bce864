"""The table of verdicts: a row for each class, columns for the whole policy, each step, and each combination found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from augsafe.foreign import Foreign
from augsafe.guards import PRECEDENCE, SEVERITIES, Finding, step_verdicts
from augsafe.transforms import Choice, leaves_of, walk

if TYPE_CHECKING:
    from augsafe.report.report import Report

MOST_ROWS = 200
MOST_COMBINATIONS = 6
GOOD = ("safe",)
OPEN = ("ambiguous", "unfamiliar", "unknown", "undecided")


@dataclass(frozen=True)
class Cell:
    """One verdict; `tone` is "good", "bad" or "open". `finding` is the number of the finding that says so, if any."""

    verdict: str
    tone: str
    probability: float | None = None
    finding: int | None = None


@dataclass(frozen=True)
class Table:
    """Columns are the names of steps, alone or together; the first, (), is the whole policy. `rows` are (class, cells).

    `left_out` counts the classes that are not listed, where there are very many: safe ones first.
    """

    columns: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    left_out: int = 0


def table(report: Report) -> Table:
    """The verdicts of a report: what is proven or drawn of steps alone, and what the findings say of them."""
    owner = owners(report)
    said: dict[tuple[str, ...], list[tuple[int, Finding]]] = {}
    for number, finding in _parts(report):
        if finding.verdict in PRECEDENCE and finding.accepted is None and not finding.remark:
            key = tuple(dict.fromkeys(owner.get(name, name) for name in finding.steps))
            said.setdefault(key, []).append((number, finding))
    alone = [(step.label,) for step in report.policy.steps]
    found = [key for key in said if len(key) > 1 and len(key) < max(len(alone), 3)]
    columns = [*alone, *found[:MOST_COMBINATIONS]]
    slow = any(isinstance(leaf, Foreign) and leaf.moves_pixels for leaf in report.policy.leaves)
    drawn = {
        c: step_verdicts(report.policy, report.contract, c, report.size, draws=200 if slow else 4000) for c in columns
    }
    rows = []
    for cls in report.classes:
        cells = [_cell(drawn[c][cls], said.get(c, []), cls) for c in columns]
        rows.append((cls, (_whole(report, cls), *cells)))
    return _shortened(((), *columns), rows)


def _parts(report: Report) -> list[tuple[int, Finding]]:
    """The findings for each set of steps, with the number of the finding that they are part of."""
    return [(number, part) for number, f in enumerate(report.findings) for part in (f.parts or (f,))]


def owners(report: Report) -> dict[str, str]:
    """The step of the policy that each step within a choice belongs to, by name."""
    choices = [step for step in report.policy.steps if isinstance(step, Choice)]
    return {held.label: step.label for step in choices for held in (*walk(step), *leaves_of(step))}


def _cell(verdict: str, said: list[tuple[int, Finding]], cls: str) -> Cell:
    mine = [(number, f) for number, f in said if cls in f.classes or not f.classes]
    if not mine:
        return Cell(verdict, tone_of(verdict))
    number, worst = min(mine, key=lambda pair: (SEVERITIES.index(pair[1].severity), PRECEDENCE.index(pair[1].verdict)))
    if PRECEDENCE.index(verdict) < PRECEDENCE.index(worst.verdict) and worst.severity != "error":
        return Cell(verdict, tone_of(verdict))
    tone = {"error": "bad", "warning": "open"}.get(worst.severity, "open" if worst.verdict != "safe" else "good")
    return Cell(worst.verdict, tone, worst.per_class.get(cls, worst.probability), number)


def _whole(report: Report, cls: str) -> Cell:
    verdict = report.verdicts[cls]
    same = [
        number
        for number, f in _parts(report)
        if f.verdict == verdict and cls in f.classes and f.accepted is None and not f.remark
    ]
    return Cell(verdict, tone_of(verdict), finding=same[0] if same else None)


def tone_of(verdict: str) -> str:
    """Whether a verdict is good, bad, or leaves it open."""
    return "good" if verdict in GOOD else "open" if verdict in OPEN else "bad"


def _shortened(columns: tuple[tuple[str, ...], ...], rows: list[tuple[str, tuple[Cell, ...]]]) -> Table:
    """Of very many classes, those first that are not safe everywhere."""
    if len(rows) <= MOST_ROWS:
        return Table(columns, tuple(rows))
    rows = sorted(rows, key=lambda row: all(cell.tone == "good" for cell in row[1]))
    return Table(columns, tuple(rows[:MOST_ROWS]), len(rows) - MOST_ROWS)
