"""What an ablation found: as a table, CSV, JSON, a page, a policy file and a paragraph."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augsafe.ablation.analysis import HARMS, HELPS, OPEN, Row
from augsafe.ablation.design import NONE
from augsafe.ablation.split import Data
from augsafe.policies import Compose

Share = tuple[float, float, float]
COLUMNS = (
    "name", "kind", "effect", "low", "high", "p", "p_holm", "verdict", "seeds", "failed", "seeds_to_decide",
    "worst_class", "worst_effect", "guard", "remark",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Final:
    """The finals: each policy compared with no augmentation on the test images, with new seeds.

    Attributes:
        rows: One row for each policy.
        accuracy: The accuracy of each policy.
        worst: For each policy, its worst class and the accuracy of that class.
        policies: The policies, by name.
        seeds: Number of seeds.
    """

    rows: tuple[Row, ...]
    accuracy: Mapping[str, float]
    worst: Mapping[str, tuple[str, float]]
    policies: Mapping[str, Compose]
    seeds: int


@dataclass(frozen=True, eq=False)
class Result:
    """The result of an ablation.

    Attributes:
        design: The name of the design.
        data: The data with its split.
        rows: One row for each question.
        accuracy: The accuracy of each policy on the validation images.
        best: The name of the best policy on the validation images.
        policy: That policy.
        shares: Shapley shares with intervals, for a full factorial.
        final: The finals on the test images, or None.
        failures: Tracebacks of failed runs, by run.
        seeds: Training runs of each policy.
        training: Seconds of training, summed over processes.
        took: Seconds in total.
    """

    design: str
    data: Data
    rows: tuple[Row, ...]
    accuracy: Mapping[str, float]
    best: str
    policy: Compose
    shares: Mapping[str, Share]
    final: Final | None
    failures: Mapping[str, str]
    seeds: int
    training: float
    took: float

    @property
    def table(self) -> list[dict[str, Any]]:
        """The rows as plain values, as in CSV and JSON."""
        return [plain_row(r) for r in self.rows]

    def row(self, name: str) -> Row:
        """The row of a name.

        Args:
            name: Such as "Rotate".

        Returns:
            The row.

        Raises:
            KeyError: There is no such row.
        """
        for r in self.rows:
            if r.name == name:
                return r
        raise KeyError(f"there is no row {name!r}; rows are {', '.join(r.name for r in self.rows)}")

    def to_csv(self, path: str | Path | None = None) -> str:
        """The table as CSV.

        Args:
            path: Also save it to this file.

        Returns:
            The text.
        """
        out = io.StringIO()
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.table)
        if path is not None:
            Path(path).write_text(out.getvalue(), encoding="utf-8")
        return out.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """All results as plain values."""
        final = self.final
        return {
            "design": self.design,
            "data": {"hash": self.data.hash, "words": self.data.words},
            "seeds": self.seeds,
            "rows": [row | {"per_class": _per_class(r)} for row, r in zip(self.table, self.rows, strict=True)],
            "accuracy": {k: _number(v) for k, v in self.accuracy.items()},
            "best": {"name": self.best, "policy": self.policy.to_dict()},
            "shapley": {k: list(v) for k, v in self.shares.items()},
            "final": None
            if final is None
            else {
                "seeds": final.seeds,
                "rows": [plain_row(r) | {"per_class": _per_class(r)} for r in final.rows],
                "accuracy": {k: _number(v) for k, v in final.accuracy.items()},
                "worst": {k: {"class": c, "accuracy": _number(v)} for k, (c, v) in final.worst.items()},
                "policies": {k: v.to_dict() for k, v in final.policies.items()},
            },
            "failures": dict(self.failures),
            "seconds": {"training": round(self.training, 3), "taken": round(self.took, 3)},
            "words": self.words(),
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """All results as JSON.

        Args:
            path: Also save it to this file.

        Returns:
            The text.
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def to_html(self, path: str | Path) -> None:
        """Save a page with charts, in one file."""
        from augsafe.ablation.page import page

        Path(path).write_text(page(self), encoding="utf-8")

    def save_best(self, path: str | Path) -> None:
        """Save the best policy as YAML or JSON."""
        self.policy.save(path)

    def words(self) -> str:
        """A summary in sentences."""
        return " ".join([*_table_words(self), *_final_words(self.final), *_failure_words(self)])

    def __str__(self) -> str:
        from rich.console import Console

        out = io.StringIO()
        Console(file=out, width=120, color_system=None).print(render(self))
        return out.getvalue()


def plain_row(r: Row) -> dict[str, Any]:
    """A row as plain values."""
    worst = next(iter(r.per_class.items()), ("", (math.nan,) * 3))
    values = (
        r.name, r.question.kind, _number(r.effect), r.interval[0], r.interval[1], r.p, r.adjusted, r.verdict, r.seeds,
        r.failed, r.decide, worst[0], _number(worst[1][0]), r.guard, r.remark,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _per_class(r: Row) -> dict[str, list[float]]:
    return {k: list(v) for k, v in r.per_class.items()}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def points(value: float) -> str:
    """A difference of accuracy in percentage points, with its sign."""
    return "-" if not math.isfinite(value) else f"{100 * value:+.1f}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _table_words(r: Result) -> list[str]:
    out = [
        f"{len(r.rows)} questions, {r.seeds} seeds for each policy, on {r.data.words}. Differences are in percentage "
        "points of accuracy on the validation images."
    ]
    for verdict in (HELPS, HARMS):
        found = [f"{row.name} ({points(row.effect)})" for row in r.rows if row.verdict == verdict]
        out.append(
            f"{_listed(found)} {verdict if len(found) == 1 else verdict[:-1]}."
            if found
            else f"Nothing was shown to {verdict[:-1]}."
        )
    unclear = [row for row in r.rows if row.verdict == OPEN]
    if unclear:
        soon = [row for row in unclear if row.decide is not None]
        more = f" About {soon[0].decide} seeds would settle {soon[0].name}." if soon else ""
        some = "the one other question" if len(unclear) == 1 else f"{len(unclear)} questions"
        out.append(f"On {some} there is no evidence either way. This does not mean that there is no effect.{more}")
    out += [f"{row.name}: {row.remark}." for row in r.rows if row.remark and row.verdict == HARMS]
    return out


def _final_words(final: Final | None) -> list[str]:
    if final is None:
        return ["No finals were run, so nothing was measured on the test images."]
    out = [f"On the test images, with {final.seeds} new seeds, no augmentation reaches {final.accuracy[NONE]:.1%}."]
    for row in final.rows:
        low, high = row.interval
        span = f"{points(row.effect)} ({points(low)} to {points(high)}): {row.verdict}"
        out.append(f"{row.name}: {span}.")
    return out


def _failure_words(r: Result) -> list[str]:
    if not r.failures:
        return []
    count = len(r.failures)
    return [
        f"{count} run{'s' * (count != 1)} failed and {'is' if count == 1 else 'are'} left out; "
        "the JSON file contains the tracebacks."
    ]


def render(result: Result) -> Any:
    """The table, the finals and the summary, for the console."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Any] = [_table(result.rows, f"Ablation: {result.design}")]
    if result.shares:
        said = ", ".join(f"{n} {points(v)} ({points(lo)} to {points(hi)})" for n, (v, lo, hi) in result.shares.items())
        parts.append(Text(f"Shapley shares: {said}"))
    if result.final is not None:
        parts.append(_table(result.final.rows, "Finals on the test images"))
    return Group(*parts, Text(), Text(result.words()))


def _table(rows: tuple[Row, ...], heading: str) -> Any:
    from rich.table import Table
    from rich.text import Text

    colours = {HELPS: "green", HARMS: "bold red", OPEN: "dim"}
    counts = {r.seeds for r in rows}
    alike = f", {counts.pop()} seeds each" if len(counts) == 1 else ""
    tries = "(try N): about N seeds would settle it" if any(r.verdict == OPEN and r.decide for r in rows) else None
    table = Table(title=f"{heading}{alike}, p by Holm", title_justify="left", box=None, pad_edge=False)
    table.caption, table.caption_justify = tries, "left"
    # names break between words alone: half a name is none
    longest = max((len(word) for r in rows for word in r.name.split()), default=0)
    table.add_column("", overflow="fold", min_width=min(longest, 24))
    for name in ("effect", "95 % interval", "p"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold", min_width=len(OPEN))
    table.add_column("worst class", justify="right", overflow="fold", min_width=7)
    guarded = any(r.guard for r in rows)
    if guarded:
        table.add_column("guards", overflow="fold", min_width=7)
    for r in rows:
        worst = next(iter(r.per_class.items()), None)
        verdict = r.verdict if r.verdict != OPEN or r.decide is None else f"{r.verdict} (try {r.decide})"
        verdict += "" if alike else f", {r.seeds} seeds"
        verdict += f", {r.failed} failed" if r.failed else ""
        said = f"{r.guard}: {r.remark}" if r.remark else r.guard
        cells: list[Any] = [
            Text(r.name), points(r.effect), f"{points(r.interval[0])} to {points(r.interval[1])}", f"{r.adjusted:.2g}",
            Text(verdict, style=colours[r.verdict]),
            Text("-" if worst is None else f"{worst[0]} {points(worst[1][0])}"),
        ]  # fmt: skip
        table.add_row(*cells, *([Text(said)] if guarded else []))
    return table
