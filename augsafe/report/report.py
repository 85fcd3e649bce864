"""What a check found, in one object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from augsafe.contracts import Contract
from augsafe.errors import ArgumentError
from augsafe.guards import SEVERITIES, Finding, rank, step_verdicts
from augsafe.policies import Compose
from augsafe.report.evidence import Evidence
from augsafe.report.grid import Grid
from augsafe.transforms import Choice, leaves_of, walk


@dataclass(frozen=True, eq=False)
class Report:
    """The findings of a check, one a code and the worst first, and the verdict of every (steps, class) cell.

    `verdicts` holds the whole policy's for each class. `fixed` is the nearest policy without errors, where one was
    looked for and found, and `changes` says in words what it changes. `notes` say how it was measured. `evidence` holds
    the images that were looked at (not copies of them), which `to_html` shows.
    """

    policy: Compose
    contract: Contract
    findings: tuple[Finding, ...]
    verdicts: Mapping[str, str]
    size: tuple[int, int]
    notes: tuple[str, ...] = ()
    fixed: Compose | None = None
    changes: tuple[str, ...] = ()
    evidence: Evidence | None = field(default=None, repr=False)
    _cells: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict, repr=False)

    @property
    def parts(self) -> tuple[Finding, ...]:
        """The findings for each set of steps: the parts of those that have any, and the others as they are."""
        return tuple(part for f in self.findings for part in (f.parts or (f,)))

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes checked."""
        return self.contract.classes

    @property
    def ok(self) -> bool:
        """Whether nothing of severity error was found (accepted findings apart)."""
        return not self.count("error")

    def count(self, severity: str) -> int:
        """How many findings there are of a severity, those that the contract accepts apart."""
        return sum(f.severity == severity and f.accepted is None for f in self.findings)

    def verdict(self, names_or_steps: Any = None, cls: str | int | None = None) -> str:
        """The verdict of a cell: some steps (names or transforms), all acting and alone, for one class.

        Without steps: of the whole policy, as it is drawn. Raises ArgumentError for an unknown step and
        ContractError for an unknown class.
        """
        if cls is None:
            raise ArgumentError("verdict(names_or_steps, cls): say for which class")
        name = self.contract.classes[self.contract.index(cls)]
        if names_or_steps is None:
            return self.verdicts[name]
        given = [names_or_steps] if isinstance(names_or_steps, str) else names_or_steps
        if not isinstance(given, Sequence):
            given = [given]
        steps = tuple(self._step_name(entry) for entry in given)
        if steps not in self._cells:
            self._cells[steps] = step_verdicts(self.policy, self.contract, steps, self.size)
        return self._cells[steps][name]

    def _step_name(self, entry: Any) -> str:
        if isinstance(entry, str):
            found = self.policy.step(entry)
            for step in self.policy.steps:
                if isinstance(step, Choice) and found is not step and found in (*walk(step), *leaves_of(step)):
                    raise ArgumentError(f"{entry!r} is a choice within {step.label!r}; name {step.label!r}")
            return found.label
        for step in self.policy.steps:
            if step == entry or (type(step) is type(entry) and entry.name in (None, step.name)):
                return step.label
        raise ArgumentError(f"this policy has no step {entry!r}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without pixels."""
        return {
            "ok": self.ok,
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "verdicts": dict(self.verdicts),
            "findings": [f.to_dict() for f in self.findings],
            "notes": list(self.notes),
            "contract": self.contract.name,
            "policy": self.policy.to_dict(),
            "fixed": None if self.fixed is None else self.fixed.to_dict(),
            "changes": list(self.changes),
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def picture(self, finding: Finding) -> Grid:
        """A finding as pictures that show themselves in a notebook: original, augmented, and what it looks like.

        They show what the finding's steps alone do in its draw. Raises ArgumentError for a finding that has no draw to
        show, or one that cannot be made again.
        """
        from augsafe.report.pictures import grid_of

        grid = grid_of(finding, self.policy, self.evidence)
        if not grid.rows:
            raise ArgumentError(f"the finding {finding.code} has no draw that can be shown")
        return grid

    def to_html(self, path: str | Path, names: Sequence[str] | None = None) -> None:
        """Write the report as one HTML file that needs nothing else: pictures, verdicts, curves and the fixed policy.

        names: what to call the images that were checked, such as their files; default: their numbers. The file
        shows these images, so it is as confidential as they are. Raises ArgumentError where it cannot be written.
        """
        from augsafe.report.page import page

        count = 0 if self.evidence is None else len(self.evidence.images)
        if names is not None and len(names) != count:
            raise ArgumentError(f"to_html(names=...) must name each of the {count} images, got {len(names)} names")
        try:
            Path(path).write_text(page(self, names), encoding="utf-8")
        except OSError as error:
            raise ArgumentError(f"the report cannot be written to {str(path)!r}: {error}") from error

    def _repr_html_(self) -> str:
        """What a notebook shows: the headline and the worst findings, with pictures."""
        from augsafe.report.page import card

        return card(self)

    def __str__(self) -> str:
        from augsafe.report.text import plain_text

        return plain_text(self)


def sort_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Worst first: severity, then verdict, then probability; accepted ones last."""
    return tuple(sorted(findings, key=rank))
