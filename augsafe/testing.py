"""For the tests of a project: a policy that breaks the labels fails the test, and says why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from augsafe.checking import check
from augsafe.contracts import Contract
from augsafe.guards import DRAWS
from augsafe.policies import Compose
from augsafe.report import Report, finding_text, headline

SHOWN = 8


def assert_safe(
    policy: Any,
    images: Any = None,
    labels: Any = None,
    *,
    contract: Contract | str | None = None,
    masks: Any = None,
    boxes: Any = None,
    objects: str | None = None,
    groups: Any = None,
    reference: Any = None,
    classes: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    strict: bool = False,
    seed: int = 0,
    draws: int = DRAWS,
    html: str | os.PathLike[str] | None = None,
) -> Report:
    """Check a policy as `augsafe.checking.checks` does, and fail with what was found in words.

    policy: what `check` takes, or the path of a policy file. contract: what `check` takes, or the path of a contract.
    strict: warnings fail too. html: where to write the report when it fails. The other arguments are those of `check`.
    Findings that the contract accepts do not count. Gives the report. Raises AssertionError, and what `check` raises.
    """
    __tracebackhide__ = True  # pytest then shows the line of the test
    report = check(
        Compose.load(policy) if isinstance(policy, (str, Path)) else policy,
        images,
        labels,
        contract=Contract.load(contract) if isinstance(contract, str) and Path(contract).suffix else contract,
        masks=masks,
        boxes=boxes,
        objects=objects,
        groups=groups,
        reference=reference,
        seed=seed,
        draws=draws,
        size=size,
        classes=classes,
    )
    if report.ok and not (strict and report.count("warning")):
        return report
    if html is not None:
        report.to_html(Path(html))
    raise AssertionError(failure(report, strict, None if html is None else Path(html)))


def failure(report: Report, strict: bool = False, html: Path | None = None) -> str:
    """What a failed test prints: the headline, the findings that count, and how to fix the policy."""
    counted = ("error", "warning") if strict else ("error",)
    found = [f for f in report.findings if f.severity in counted and f.accepted is None]
    lines = [headline(report)]
    for finding in found[:SHOWN]:
        lines += ["", finding_text(finding, len(report.classes))]
    if len(found) > SHOWN:
        lines += ["", f"... and {len(found) - SHOWN} more"]
    if report.changes:
        lines += ["", "How to fix it:", *(f"  - {line}" for line in report.changes)]
    lines += ["", f"The report is in {html}" if html else "With html='report.html' the pictures are written to a file."]
    return "\n".join(lines)
