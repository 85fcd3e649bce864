"""The report as one HTML file that loads nothing."""

from __future__ import annotations

import base64
import difflib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from augsafe.guards import SEVERITIES, Finding
from augsafe.report.curves import Curve, curves
from augsafe.report.pictures import Album, Shown, show
from augsafe.report.text import class_words, headline, minor_words, part_words, percent, steps_words
from augsafe.report.verdicts import Table, owners, table
from augsafe.report.weakest import weakest

if TYPE_CHECKING:
    from augsafe.report.report import Report

BUDGET = 3_500_000  # bytes of pictures: the whole file stays below 5 MB
MOST_FINDINGS = 300
CARD_BUDGET, CARD_FINDINGS = 200_000, 6  # a notebook keeps what it shows
EVIDENCE = {
    "stated": "by the policy, the contract, masks or boxes",
    "measured": "on labelled images",
    "guessed": "no more than a remark, unless you asked for it by name",
}
HOW = {
    "proven": "true for all possible augmentations of this policy; the rate is counted in random draws",
    "witnessed": "an example shows it",
    "sampled": "counted in random draws, with a confidence interval",
}


@dataclass(frozen=True)
class Entry:
    """A finding as it stands on the page: its words, its pictures, and what it is filtered by."""

    number: int
    finding: Finding
    title: str
    whom: str
    rate: str
    interval: str
    shown: tuple[Shown, ...]
    classes: str  # class numbers, or "*" for all
    steps: str  # step numbers, or "*"
    rates: tuple[tuple[str, str], ...]
    whole: bool  # whether the pictures show all steps of the policy
    pictured: str  # the steps that the pictures show
    parts: tuple[str, ...]  # what each set of steps does, where there are several
    alike: bool  # whether they all do the same


def page(report: Report, names: Sequence[str] | None = None) -> str:
    """The page as text, with names for the images.

    Names are escaped; a policy in the page itself forbids all but its own style and script.
    """
    from markupsafe import Markup

    environment = _environment()
    style, script = (_source(environment, name) for name in ("report.css", "report.js"))
    album = Album(BUDGET)
    kept = [(k, f) for k, f in enumerate(report.findings) if not f.minor or f.accepted]
    entries = [entry_of(report, k, f, show(f, report.policy, report.evidence, album)) for k, f in kept[:MOST_FINDINGS]]
    weak = weakest(report.policy, report.evidence, album)
    contract = report.contract if report.evidence is None else report.evidence.contract
    verdicts = table(report)
    environment.filters.update(percent=percent, points=_points, band=_band)
    made = environment.get_template("report.html").render(
        report=report,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        headline=headline(report),
        tone=_tone(report),
        counts=[(severity, report.count(severity)) for severity in SEVERITIES],
        entries=entries,
        minor=minor_words(report),
        more=max(0, len(kept) - MOST_FINDINGS),
        steps=[leaf.label for leaf in report.policy.leaves],
        diff=_diff(report),
        policy=report.policy.to_yaml(),
        table=verdicts,
        column_steps=_column_steps(report, verdicts),
        curves=curves(report.policy, contract, report.evidence, report.size),
        weak=weak,
        album=album,
        called=lambda index: f"#{index}" if names is None else names[index],
        how=HOW,
        evidence=EVIDENCE,
        guessed=report.evidence is None or not report.evidence.objects.stated.all(),
    )
    return str(made)


def card(report: Report) -> str:
    """The report in short, as a notebook shows it: a part of a page, without a script, its style its own.

    The worst findings, each with one picture; names and images are escaped as on the page.
    """
    album = Album(CARD_BUDGET)
    findings = report.findings[:CARD_FINDINGS]
    entries = [entry_of(report, k, f, show(f, report.policy, report.evidence, album)) for k, f in enumerate(findings)]
    return str(
        _environment()
        .get_template("card.html")
        .render(
            headline=headline(report),
            tone=_tone(report),
            entries=entries,
            real=report.evidence is not None,
            more=len(report.findings) - len(findings),
            fixed=None if report.fixed is None else report.fixed.to_yaml(),
            changes=report.changes,
        )
    )


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader

    return Environment(loader=PackageLoader("augsafe.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def _tone(report: Report) -> str:
    return "bad" if not report.ok else "open" if report.count("warning") else "good"


def _source(environment: Any, name: str) -> str:
    return str(environment.loader.get_source(environment, name)[0])


def _hash(text: str) -> str:
    """As a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def entry_of(report: Report, number: int, finding: Finding, shown: list[Shown]) -> Entry:
    """A finding as it stands on the page, with its pictures."""
    leaves = [leaf.label for leaf in report.policy.leaves]
    numbers = {cls: str(k) for k, cls in enumerate(report.classes)}
    named = [numbers[c] for c in finding.classes if c in numbers]
    low, high = finding.interval or (0.0, 0.0)
    rates = sorted(finding.per_class.items(), key=lambda pair: -pair[1])
    spread = len({round(rate, 3) for _, rate in rates}) > 1
    return Entry(
        number=number,
        finding=finding,
        title=steps_words(finding),
        whom=class_words(finding, len(numbers)) if finding.classes else "",
        rate="" if finding.probability is None else ("up to " if spread else "") + percent(finding.probability),
        interval="" if finding.interval is None else f"{_exact(low)} to {_exact(high)}",
        shown=tuple(shown),
        classes=" ".join(named) if 0 < len(named) < len(numbers) else "*",
        steps=" ".join(str(leaves.index(s)) for s in finding.steps if s in leaves) or "*",
        rates=tuple((cls, percent(rate)) for cls, rate in rates[:40]) if spread else (),
        whole=not finding.lead.steps or set(leaves) <= set(finding.lead.steps),
        pictured=" + ".join(finding.lead.steps),
        parts=tuple(part_words(part, finding, len(numbers)) for part in finding.parts),
        alike=len({part.message for part in finding.parts}) <= 1,
    )


def _column_steps(report: Report, verdicts: Table) -> list[str]:
    """For each column the numbers of the steps that it is filtered by; "*" for the whole policy."""
    owner = owners(report)
    of = [owner.get(leaf.label, leaf.label) for leaf in report.policy.leaves]
    return [" ".join(str(k) for k, name in enumerate(of) if name in column) or "*" for column in verdicts.columns]


def _exact(value: float) -> str:
    return f"{100 * value:.1f}%" if value == 0 or value >= 0.001 else f"{100 * value:.2g}%"


def _diff(report: Report) -> list[tuple[str, str]]:
    """The lines of the policy with ("-", "+" or " ") whether the fixed one leaves them out, adds or keeps them."""
    if report.fixed is None:
        return []
    before, after = (p.to_yaml().splitlines() for p in (report.policy, report.fixed))
    return [(line[0], line[2:]) for line in difflib.ndiff(before, after) if line[0] != "?"]


def _points(values: tuple[float, ...]) -> str:
    """A curve of shares as the points of an SVG line, in a field of 200 by 100."""
    last = max(len(values) - 1, 1)
    return " ".join(f"{200 * k / last:g},{100 - 100 * v:.1f}" for k, v in enumerate(values))


def _band(curve: Curve) -> str:
    """The field between the mean and the weakest, as the points of a polygon."""
    there, back = _points(curve.visible), _points(curve.weakest).split(" ")
    return f"{there} {' '.join(reversed(back))}"
