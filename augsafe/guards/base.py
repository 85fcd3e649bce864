"""Findings: what a guard reports, how severe it is, and how sure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEVERITIES = ("error", "warning", "info")
HOW = ("proven", "witnessed", "sampled")
EVIDENCE = ("stated", "measured", "guessed")


@dataclass(frozen=True, eq=False)
class Witness:
    """One draw that shows a finding.

    `record` replays it (see `Compose.replay`); `words` says it; `index` is the image's number in the data, and
    `original` and `augmented` its pixels, where the finding was made on images. `matrix` (3, 3) is the drawn map.
    """

    words: str
    record: Mapping[str, Any]
    matrix: NDArray[np.float64] | None = field(default=None, repr=False)
    index: int | None = None
    original: NDArray[Any] | None = field(default=None, repr=False)
    augmented: NDArray[Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Finding:
    """One thing the user must know.

    code: such as "AS102" (`augsafe explain AS102` tells more). severity: "error", "warning" or "info".
    how: "proven" (algebra), "witnessed" (a draw shows it) or "sampled" (n draws, interval).
    evidence: what it rests on. "stated": the policy, and what the user says (contract, mask, boxes, keypoints);
    "measured": labelled images, with an interval; "guessed": saliency, the centre or the whole frame in place of the
    object. A guess is no more than a remark, unless the user asked for it by name.
    verdict: what it makes of its cells, such as "changes". steps: the smallest set of steps that brings it about.
    classes: whom it concerns; becomes: class -> the class it then reads as. probability: of the worst class, per
    image, with its 95 % `interval`; per_class: of each. accepted: the reason for which a contract accepts it.
    parts: in a report, where several sets of steps bring it about: one finding for each set, the worst first. Then
    steps are those of all parts, and severity and rates those of the whole. whole: what a guard counted of all sets of
    steps together, by class the rate with its interval.
    """

    code: str
    severity: str
    how: str
    evidence: str
    verdict: str
    steps: tuple[str, ...]
    classes: tuple[str, ...]
    message: str
    help: str
    becomes: Mapping[str, str] = field(default_factory=dict)
    probability: float | None = None
    interval: tuple[float, float] | None = None
    per_class: Mapping[str, float] = field(default_factory=dict)
    witness: Witness | None = None
    accepted: str | None = None
    parts: tuple[Finding, ...] = field(default=(), repr=False)
    whole: Mapping[str, tuple[float, float, float]] | None = field(default=None, repr=False)

    @property
    def lead(self) -> Finding:
        """The worst part, or the finding itself: its steps bring about what the witness shows."""
        return self.parts[0] if self.parts else self

    @property
    def sets(self) -> tuple[tuple[str, ...], ...]:
        """The sets of steps that bring it about, the worst first."""
        return tuple(dict.fromkeys(f.steps for f in self.parts or (self,)))

    @property
    def minor(self) -> bool:
        """Whether it is counted, and certainly under its limit."""
        return self.severity == "info" and self.verdict == "safe" and self.probability is not None

    @property
    def remark(self) -> bool:
        """Whether it is a guess, which decides nothing."""
        return self.evidence == "guessed" and self.severity == "info"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without pixels."""
        witness = self.witness
        return {
            "code": self.code,
            "severity": self.severity,
            "how": self.how,
            "evidence": self.evidence,
            "verdict": self.verdict,
            "steps": list(self.steps),
            "classes": list(self.classes),
            "becomes": dict(self.becomes),
            "probability": self.probability,
            "interval": None if self.interval is None else list(self.interval),
            "per_class": dict(self.per_class),
            "message": self.message,
            "help": self.help,
            "accepted": self.accepted,
            "parts": [part.to_dict() for part in self.parts],
            "witness": None
            if witness is None
            else {"words": witness.words, "index": witness.index, "record": dict(witness.record)},
        }


def lines_of(findings: Iterable[Finding]) -> list[str]:
    """Findings as short text, one line each."""
    return [f"{f.code} {f.severity}: {f.message}. {f.help}" for f in findings]


@dataclass(frozen=True)
class Example:
    """What to give to `check` to see a rule at work: a policy as YAML, and a contract: the name of a built-in
    one, or YAML.

    how: "check"; "validation", as the policy of validation images; "torchvision", where it is a list of v2 transforms;
    "words", where it is no policy and only said.
    data: where the rule needs images, the name of those in `augsafe.guards.measured.example`, such as "arrows".
    """

    policy: str
    contract: str | None = None
    data: str | None = None
    how: str = "check"


class Guard:
    """One rule. The docstring of each subclass is the text of `augsafe explain CODE` and of the docs page.

    The rule must report on `fires` and must not on `silent`: the tests run both.
    """

    code: str
    title: str
    severity: str
    fires: Example
    silent: Example
