"""`augsafe check --fix`: the fixed policy is written, and what changes is shown as a unified diff."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from augsafe.cli.options import check_file
from augsafe.errors import ArgumentError

if TYPE_CHECKING:
    from augsafe.report import Report


@dataclass(frozen=True)
class WrittenFix:
    """What came of a fix: the file that was written, None where there was nothing to write, and the diff."""

    path: Path | None
    diff: str
    words: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"file": None if self.path is None else str(self.path), "diff": self.diff}

    def text(self) -> Any:
        """A rich renderable: the diff in colours, then what was done."""
        from rich.text import Text

        shown = Text()
        for line in self.diff.splitlines(keepends=True):
            bold = line.startswith(("---", "+++"))
            style = "bold" if bold else {"-": "red", "+": "green", "@": "cyan"}.get(line[0], "")
            shown.append(line, style=style)
        return shown.append(self.words, style="bold")


def check_target(policy: str, fix: bool, output: Path | None) -> Path | None:
    """The file that a fix is written to; None where none is asked for. Raises ArgumentError."""
    if not fix:
        if output is not None:
            raise ArgumentError(f"--output={str(output)!r} says where to write a fixed policy; add --fix")
        return None
    if output is None and not Path(policy).is_file():
        raise ArgumentError(f"--fix cannot write to {policy!r}, which is not a file; add --output FILE")
    target = Path(policy) if output is None else output
    check_file("--fix" if output is None else "--output", target, (".yaml", ".yml", ".json"))
    return target


def write_fix(report: Report, policy: Path, target: Path) -> WrittenFix:
    """Write the fixed policy of a report, with the comments of the file that the policy was read from.

    Args:
        report: The report.
        policy: The file that the policy was read from.
        target: The file to write.

    Returns:
        What was written, as a diff.

    Raises:
        ArgumentError: The policy has steps of another library, which no file can hold.
    """
    from augsafe.foreign import Foreign
    from augsafe.policies import edited_text, read_file

    if report.fixed is None:
        words = "Nothing to fix." if report.ok else "No policy without errors was found near this one."
        return WrittenFix(None, "", words)
    held = [leaf.label for leaf in report.fixed.leaves if isinstance(leaf, Foreign)]
    if held:
        raise ArgumentError(
            f"--fix cannot write {', '.join(held)}: a policy file holds no steps of other libraries; use report.fixed "
            "in Python"
        )
    if policy.is_file() and policy.suffix == target.suffix:
        before = read_file(policy)
        after = edited_text(before, report.policy, report.fixed)
        target.write_text(after, encoding="utf-8")
    else:
        before = report.policy.to_yaml()
        report.fixed.save(target)
        after = report.fixed.to_yaml()
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), str(policy), str(target)
    )
    return WrittenFix(target, "".join(lines), f"Fixed policy written to {target}.")
