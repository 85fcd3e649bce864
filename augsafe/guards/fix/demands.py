"""What a fixed policy must hold: the contract, by bounds on what the policy reaches, and rates, by draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from augsafe.contracts import Contract
from augsafe.guards.base import Finding
from augsafe.guards.symmetry import Outcome, reach
from augsafe.policies import Compose
from augsafe.statistics import EPSILON
from augsafe.transforms import Choice, Distortion, Transform

Rates = Mapping[str, Mapping[int, float]]  # by code and class index


class Trial(Protocol):
    """The check, as a fix asks it."""

    @property
    def contract(self) -> Contract:
        """What is true of the classes."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of most images."""

    def broken(self, policy: Compose) -> list[Outcome]:
        """The ways in which draws break the contract."""

    def rates(self, policy: Compose, codes: frozenset[str], last: bool = False) -> Rates:
        """How often draws of the policy break rules on content and tone; at last in many draws of another seed."""

    def findings(self, policy: Compose, codes: frozenset[str] | None = None) -> Sequence[Finding]:
        """All errors that the whole check finds with another seed; of some codes, in few draws."""


@dataclass(frozen=True)
class Unreachable:
    """Bounds rule an outcome out."""

    outcome: Outcome
    size: tuple[int, int]
    exact: ClassVar = True

    def holds(self, policy: Compose) -> bool:
        return self.outcome.impossible(reach(policy, self.size))


@dataclass(frozen=True)
class Displaced:
    """No draw of the distortions moves a pixel further than this, in fractions of the shorter side."""

    limit: float
    size: tuple[int, int]
    exact: ClassVar = True

    def holds(self, policy: Compose) -> bool:
        return farthest(policy, self.size) <= self.limit + 1e-9


@dataclass(frozen=True)
class Unseen:
    """Draws show none of some outcomes: where no bound is known, or where the contract accepts some of it."""

    trial: Trial
    outcomes: tuple[Outcome, ...]
    exact: ClassVar = False

    def holds(self, policy: Compose) -> bool:
        return not set(self.outcomes) & set(self.trial.broken(policy))


@dataclass(frozen=True)
class Rare:
    """Draws break a rule at most so often in each class."""

    trial: Trial
    code: str
    limits: Mapping[int, float] = field(hash=False)
    exact: ClassVar = False

    def holds(self, policy: Compose) -> bool:
        return self.kept(self.trial.rates(policy, frozenset({self.code})))

    def kept(self, rates: Rates, slack: float = 1.0) -> bool:
        """Whether these rates keep the limits, or so many times as much."""
        return all(rate <= slack * self.limits.get(label, EPSILON) for label, rate in rates.get(self.code, {}).items())


@dataclass(frozen=True)
class Absent:
    """The check does not report an error of this code."""

    trial: Trial
    code: str
    exact: ClassVar = False

    def holds(self, policy: Compose) -> bool:
        found = self.trial.findings(policy, frozenset({self.code}))
        return not [f for f in found if f.code == self.code and is_error(f)]


Kind = Unreachable | Displaced | Unseen | Rare | Absent


@dataclass(frozen=True)
class All:
    """Several demands, the quick ones first and rates together."""

    demands: tuple[Kind, ...]

    @property
    def exact(self) -> bool:
        """Whether all are."""
        return all(d.exact for d in self.demands)

    def holds(self, policy: Compose) -> bool:
        rates = [d for d in self.demands if isinstance(d, Rare)]
        others = [d for d in self.demands if not isinstance(d, Rare)]
        if not all(d.holds(policy) for d in sorted(others, key=lambda d: not d.exact)):
            return False
        if not rates:
            return True
        seen = rates[0].trial.rates(policy, frozenset(d.code for d in rates))
        return all(d.kept(seen) for d in rates)


def is_error(finding: Finding) -> bool:
    """Whether a finding is an error that no contract accepts."""
    return finding.severity == "error" and finding.accepted is None


def farthest(policy: Compose, size: tuple[int, int]) -> float:
    """How far the distortions of a draw can move a pixel at most, all together."""
    return sum(_farthest(step, size) for step in policy.steps)


def _farthest(step: Transform, size: tuple[int, int]) -> float:
    if step.p == 0:
        return 0.0
    if isinstance(step, Distortion):
        return step.strongest(size)
    if not isinstance(step, Choice):
        return 0.0
    parts = sorted((_farthest(part, size) for part in step.parts), reverse=True)
    return sum(parts[: step.counts[1]])
