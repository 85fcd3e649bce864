"""The report for a terminal."""

from __future__ import annotations

import io
from typing import Any

from augsafe.guards import Finding
from augsafe.report.report import Report

ANY = "any class"  # the name of the one class where no classes are known
_COLOUR = {"error": "bold red", "warning": "yellow", "info": "cyan"}


def percent(value: float) -> str:
    """A probability in words short enough for a table."""
    if value <= 0:
        return "under 0.01%"
    if value < 0.001:
        return f"{100 * value:.2g}%"
    return f"{100 * value:.0f}%" if value >= 0.095 else f"{100 * value:.1f}%"


def class_words(finding: Finding, total: int) -> str:
    """Whom a finding concerns: "6 -> 9, 9 -> 6", "all classes", "2, 3 and 4 more"."""
    if finding.becomes:
        return _shortened([f"{a} reads as {b}" for a, b in finding.becomes.items()])
    if len(finding.classes) == total and total > 1:
        return "all classes"
    if finding.classes == (ANY,):
        return ANY
    return ("class " if len(finding.classes) == 1 else "classes ") + _shortened(list(finding.classes))


def evidence_words(finding: Finding) -> str:
    """What a finding rests on, and how sure it is."""
    return f"{finding.evidence}, {finding.how}"


def _shortened(words: list[str], most: int = 10) -> str:
    return ", ".join(words) if len(words) <= most else f"{', '.join(words[:most])} and {len(words) - most} more"


def headline(report: Report) -> str:
    """Safe or not, in one sentence."""
    errors, warnings = report.count("error"), report.count("warning")
    if errors:
        unsafe = sum(v not in ("safe", "unknown", "undecided", "ambiguous") for v in report.verdicts.values())
        return (
            f"Not safe: {errors} error{'s' * (errors != 1)} and {warnings} warning{'s' * (warnings != 1)}; "
            f"{unsafe} of {len(report.classes)} classes are harmed."
        )
    guesses = sum(f.remark for f in report.findings)
    rest = f"{guesses} remarks rest" if guesses > 1 else "1 remark rests"
    more = f" {rest} on a guess at where the object is." if guesses else ""
    if warnings:
        return f"No errors, but {warnings} warning{'s' * (warnings != 1)} to look at.{more}"
    if not report.contract.name and not report.contract.relations:
        return f"Nothing harmful was found, but no contract states what is true of the classes.{more}"
    whom = f"all {len(report.classes)} classes" if len(report.classes) > 1 else report.classes[0]
    return f"Safe for {whom}, as far as the contract says.{more}"


def render_text(report: Report) -> Any:
    """A rich renderable: the headline, the findings, how to fix, how it was measured."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    good = report.ok and not report.count("warning")
    parts: list[Any] = [Text(headline(report), style="bold green" if good else "bold red" if not report.ok else "bold")]
    for finding in report.findings:
        parts.append(Text())
        parts.append(_title(finding, len(report.classes)))
        parts.append(Padding(_body(finding), (0, 0, 0, 4)))
    if report.changes:
        parts += [Text(), Text("How to fix it", style="bold")]
        parts += [Padding(Text(f"- {line}"), (0, 0, 0, 2)) for line in report.changes]
    if report.notes:
        parts += [Text(), *(Text(note, style="dim") for note in report.notes)]
    return Group(*parts)


def _title(finding: Finding, total: int) -> Any:
    from rich.text import Text

    line = Text()
    style = "dim" if finding.accepted else _COLOUR[finding.severity]
    line.append(f"{finding.code} {finding.severity:<7} ", style=style)
    line.append(" + ".join(finding.steps) or "policy", style="bold")
    if finding.classes:
        line.append(f": {class_words(finding, total)}")
    if finding.probability is not None:
        rates = set(finding.per_class.values())
        most = "up to " if len(rates) > 1 and max(rates) - min(rates) > 0.02 else ""
        line.append(f", in {most}{percent(finding.probability)} of augmented images")
    return line


def _body(finding: Finding) -> Any:
    from rich.text import Text

    line = Text(finding.message + ".", style="")
    line.append(f"\nEvidence: {evidence_words(finding)}", style="dim")
    if finding.witness is not None:
        line.append(f"\nShown by: {finding.witness.words}", style="dim")
    if finding.accepted:
        line.append(f"\nAccepted by the contract: {finding.accepted}", style="dim")
    elif finding.help:
        line.append(f"\n{finding.help}")
    return line


def finding_text(finding: Finding, total: int) -> str:
    """One finding without colours, on lines as long as they are."""
    body = _body(finding).plain.replace("\n", "\n    ")
    return f"{_title(finding, total).plain}\n    {body}"


def plain_text(report: Report, width: int = 100) -> str:
    """The same without colours."""
    from rich.console import Console

    buffer = io.StringIO()
    Console(file=buffer, width=width, color_system=None, highlight=False).print(render_text(report))
    return buffer.getvalue()
