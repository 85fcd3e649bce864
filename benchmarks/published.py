"""What published policies break, by the contracts of known data sets: `python -m benchmarks.published [--write]`.

The table stands in docs/published-policies.md; --write puts a new one there.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import augsafe as aug
from augsafe.guards import Finding

PAGE = Path(__file__).resolve().parent.parent / "docs" / "published-policies.md"
MARKS = ("<!-- the table begins -->", "<!-- the table ends -->")
SIZES = {"mnist": 28, "svhn": 32, "gtsrb": 32, "cifar10": 32}
POLICIES: dict[str, Callable[[int], aug.transforms.Transform]] = {
    "AutoAugment, imagenet": lambda size: aug.AutoAugment("imagenet"),
    "AutoAugment, cifar10": lambda size: aug.AutoAugment("cifar10"),
    "AutoAugment, svhn": lambda size: aug.AutoAugment("svhn"),
    "RandAugment(2, 9)": lambda size: aug.RandAugment(2, 9),
    "RandAugment(2, 28)": lambda size: aug.RandAugment(2, 28),
    "TrivialAugmentWide": aug.TrivialAugmentWide,
}


@dataclass(frozen=True)
class Row:
    """One policy against one contract: how many classes are harmed, and what breaks them."""

    policy: str
    contract: str
    harmed: int
    classes: int
    breaks: tuple[str, ...]

    def line(self) -> str:
        """The row of the table."""
        said = "<br>".join(self.breaks) or "nothing covered by the contract"
        return f"| {self.policy} | `{self.contract}` | {self.harmed} of {self.classes} | {said} |"


def row(policy: str, contract: str, draws: int) -> Row:
    """Check one policy as it is used on images of the data set, with a black border."""
    size = SIZES[contract]
    compose = aug.Compose([POLICIES[policy](size)], border="constant")
    report = aug.check(compose, contract=contract, size=(size, size), draws=draws, suggest=False)
    classes = report.contract.classes
    found = [f for f in report.parts if f.severity in ("error", "warning") or f.evidence == "guessed"]
    harmed = {c for f in found if f.severity == "error" for c in f.classes}
    return Row(policy, contract, len(harmed), len(classes), tuple(_said(found, len(classes))))


def _said(found: list[Finding], classes: int) -> Iterator[str]:
    """Findings of one code, set of operations and outcome together, the most frequent first."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in found:
        ops = sorted({re.split(r"[-/]", name)[0] for name in finding.steps})
        groups.setdefault((finding.code, " + ".join(ops), _outcome(finding)), []).append(finding)
    often = {key: sum(f.probability or 0 for f in same) for key, same in groups.items()}
    for key, share in sorted(often.items(), key=lambda item: -item[1]):
        code, ops, outcome = key
        named = {c for f in groups[key] for c in f.classes}
        who = "all classes" if len(named) == classes else f"{len(named)} classes" if len(named) > 1 else min(named)
        rate = f"{share:.1%}" if share >= 0.001 else "under 0.1%"
        guess = "a guess, " if groups[key][0].evidence == "guessed" else ""
        yield f"{code} {ops}: {outcome} ({guess}{who}, {rate})"


def _outcome(finding: Finding) -> str:
    if finding.becomes:
        return ", ".join(f"{a} reads as {b}" for a, b in finding.becomes.items())
    return {
        "AS201": "the object leaves the frame",
        "AS106": "rotated too far" if "rotates" in finding.message else "scaled too far",
        "AS105": "not decided",
    }.get(finding.code, finding.message)


def table(draws: int) -> str:
    """The table as Markdown."""
    rows = [row(policy, contract, draws).line() for policy in POLICIES for contract in SIZES]
    head = [
        "| policy | contract | classes harmed | what breaks, and in how many augmented images |",
        "| --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *rows])


def main(arguments: list[str] | None = None) -> None:
    """Print the table, or put it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=40_000)
    parser.add_argument("--write", action="store_true", help="put the table into docs/published-policies.md")
    options = parser.parse_args(arguments)
    made = table(options.draws)
    print(made)
    if options.write:
        before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
        _, after = rest.split(MARKS[1])
        PAGE.write_text(f"{before}{MARKS[0]}\n\n{made}\n\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
