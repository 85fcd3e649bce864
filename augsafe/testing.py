"""For the tests of a project: a policy that breaks the labels fails the test, with the reasons."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from augsafe.checking import check
from augsafe.contracts import Contract
from augsafe.guards import DRAWS
from augsafe.policies import Compose
from augsafe.report import Report, finding_text, headline
from augsafe.typing import (
    BoxesLike,
    FinderLike,
    GroupsLike,
    ImagesLike,
    LabelsLike,
    MasksLike,
    PathLike,
    PolicyLike,
    ReferenceLike,
)

SHOWN = 8


def assert_safe(
    policy: PolicyLike | PathLike,
    images: ImagesLike | None = None,
    labels: LabelsLike | None = None,
    *,
    contract: Contract | str | None = None,
    masks: MasksLike | None = None,
    boxes: BoxesLike | None = None,
    objects: FinderLike | str | None = None,
    groups: GroupsLike | None = None,
    reference: ReferenceLike | None = None,
    classes: Sequence[str] | None = None,
    size: tuple[int, int] | None = None,
    strict: bool = False,
    seed: int = 0,
    draws: int = DRAWS,
    html: str | os.PathLike[str] | None = None,
) -> Report:
    """Check a policy as `augsafe.check` does, and fail with the findings. Findings that the contract accepts do not
    count.

    Args:
        policy: What `check` accepts, or the path of a policy file.
        images: (n, H, W[, C]) or a list of arrays.
        labels: (n,) names or indices.
        contract: What `check` accepts, or the path of a contract file.
        masks: (n) Masks of the object, or None for an image without one.
        boxes: (n) Boxes of the object (m, 4), xyxy in pixels, or None for an image without any.
        objects: "saliency" lets a guess of the object count, as in `check`.
        groups: (n,) Images of one group (patient, video, font) are not independent.
        reference: A function from images to class probabilities or embeddings. Default: built-in features.
        classes: The names of the classes.
        size: Height and width of the images in pixels, if none are given.
        strict: Fail on warnings too.
        seed: The random seed.
        draws: Number of random draws used to estimate rates.
        html: Save the report to this file if the check fails.

    Returns:
        The report.

    Raises:
        AssertionError: The policy is not safe.
    """
    __tracebackhide__ = True  # pytest then shows the line of the test
    report = check(
        Compose.load(Path(policy)) if isinstance(policy, (str, os.PathLike)) else policy,
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
    """What a failed test prints.

    Args:
        report: The report.
        strict: Show warnings too.
        html: The file with the report, if it was saved.

    Returns:
        The headline, the findings that count, and how to fix the policy.
    """
    counted = ("error", "warning") if strict else ("error",)
    found = [f for f in report.findings if f.severity in counted and f.accepted is None]
    lines = [headline(report)]
    for finding in found[:SHOWN]:
        lines += ["", finding_text(finding, len(report.classes))]
    if len(found) > SHOWN:
        lines += ["", f"... and {len(found) - SHOWN} more"]
    if report.changes:
        lines += ["", "How to fix it:", *(f"  - {line}" for line in report.changes)]
    lines += ["", f"Report saved to {html}." if html else "Pass html='report.html' to save the report with pictures."]
    return "\n".join(lines)
