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


def steps_words(finding: Finding, most: int = 3) -> str:
    """The sets of steps to blame: "Shift + Zoom, Zoom"."""
    return _shortened([" + ".join(steps) or "the policy" for steps in finding.sets], most)


def part_words(part: Finding, finding: Finding, total: int) -> str:
    """One set of steps: how often, and what it does and to whom where that differs from the whole."""
    said = " + ".join(part.steps) or "the policy"
    if part.probability is not None:
        said += f" in {percent(part.probability)}"
    if len({p.message for p in finding.parts}) == 1:
        return said
    whom = "" if not part.classes or set(part.classes) == set(finding.classes) else f" ({class_words(part, total)})"
    return f"{said}: {part.message}{whom}"


def minor_words(report: Report) -> str:
    """What is counted and certainly under its limit, in one line; empty where there is none."""
    found = [f for f in report.findings if f.minor]
    named = [f"{f.code} by {steps_words(f)} in {percent(f.probability or 0.0)}" for f in found]
    return f"Under their limits: {'; '.join(named)} of augmented images." if named else ""


def first_thing(report: Report) -> str:
    """What to do first: the change that helps most against the worst finding, else what that finding says."""
    found = [f for f in report.findings if f.accepted is None and f.severity in ("error", "warning")]
    if not found:
        return ""
    named = [line for step in found[0].lead.steps for line in report.changes if step in line]
    said = (named or list(report.changes))[:1] if found[0].severity == "error" else []
    return f" Do this first: {said[0]}." if said else f" Do this first: {found[0].lead.help}"


def _shortened(words: list[str], most: int = 10) -> str:
    return ", ".join(words) if len(words) <= most else f"{', '.join(words[:most])} and {len(words) - most} more"


def headline(report: Report) -> str:
    """Safe or not, and what to do first."""
    errors, warnings = report.count("error"), report.count("warning")
    if errors:
        unsafe = sum(v not in ("safe", "unknown", "undecided", "ambiguous") for v in report.verdicts.values())
        return (
            f"Not safe: {errors} error{'s' * (errors != 1)} and {warnings} warning{'s' * (warnings != 1)}; "
            f"{unsafe} of {len(report.classes)} classes are harmed.{first_thing(report)}"
        )
    guesses = sum(f.remark for f in report.findings)
    rest = f"{guesses} remarks rest" if guesses > 1 else "1 remark rests"
    more = f" {rest} on a guess at where the object is." if guesses else ""
    if warnings:
        return f"No errors, but {warnings} warning{'s' * (warnings != 1)} to look at.{first_thing(report)}{more}"
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
        if finding.minor and finding.accepted is None:
            continue
        parts.append(Text())
        parts.append(_title(finding, len(report.classes)))
        parts.append(Padding(_body(finding, len(report.classes)), (0, 0, 0, 4)))
    if minor := minor_words(report):
        parts += [Text(), Text(minor)]
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
    line.append(steps_words(finding), style="bold")
    if finding.classes:
        line.append(f": {class_words(finding, total)}")
    if finding.probability is not None:
        rates = set(finding.per_class.values())
        most = "up to " if len(rates) > 1 and max(rates) - min(rates) > 0.02 else ""
        line.append(f", in {most}{percent(finding.probability)} of augmented images")
    return line


def _body(finding: Finding, total: int) -> Any:
    from rich.text import Text

    said = [part_words(part, finding, total) for part in finding.parts]
    if len({part.message for part in finding.parts}) > 1:
        line = Text("\n".join(f"- {words}." for words in said))
    else:
        line = Text(finding.message + "." + (f"\nBy {', '.join(said)}." if said else ""))
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
    body = _body(finding, total).plain.replace("\n", "\n    ")
    return f"{_title(finding, total).plain}\n    {body}"


def plain_text(report: Report, width: int = 100) -> str:
    """The same without colours."""
    from rich.console import Console

    buffer = io.StringIO()
    Console(file=buffer, width=width, color_system=None, highlight=False).print(render_text(report))
    return buffer.getvalue()
