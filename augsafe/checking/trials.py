"""A check as a fix asks it: quick answers while it searches, and the whole check at the end, with another seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from augsafe.contracts import Contract
from augsafe.guards import (
    Finding,
    Outcome,
    Rates,
    broken_outcomes,
    content_rates,
    hue_rates,
    tone_rates,
)
from augsafe.policies import Compose

if TYPE_CHECKING:
    from augsafe.checking.checks import Case

DRAWS, LAST_DRAWS = 4000, 20_000  # of each policy that is tried, and of the last
MEASURED = "AS104"
SIDE, LAST_SIDE = 96, 512  # of images that must be rendered: while searching, and at the end


@dataclass(frozen=True, eq=False)
class CheckTrial:
    """One check of many policies.

    Attributes:
        case: What policies are held against.
        contract: What is known of the classes once the images were measured.
        draws: How many the check makes.
        changed: What of a policy changes classes, measured on labelled images.
    """

    case: Case
    contract: Contract
    draws: int
    changed: Callable[[Compose], Sequence[Finding]]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of most images."""
        return self.case.size

    def broken(self, policy: Compose) -> list[Outcome]:
        """The ways in which draws break the contract."""
        return broken_outcomes(policy, self.contract, size=self.size, draws=self.draws, seed=self.case.seed)

    def rates(self, policy: Compose, codes: frozenset[str], last: bool = False) -> Rates:
        """How often draws of the policy break rules; at last in many draws of another seed."""
        case, few, out = self.case, LAST_DRAWS if last else DRAWS, dict[str, dict[int, float]]()
        images, rows, contract, seed = case.images, case.rows, case.contract, case.seed + 2 * last
        if images is None or case.objects is None:
            return out
        objects, asked = case.objects, case.asked
        if any(code.startswith("AS2") for code in codes):
            out |= content_rates(policy, images, rows, objects, contract, asked=asked, seed=seed, draws=few)
        if codes & {"AS301", "AS302"}:
            decides = objects.stated | asked
            tone: Any = {"seen": case.seen, "side": SIDE, "regions": case.regions}
            out |= tone_rates(policy, images, rows, contract, decides, seed=seed, draws=few, **tone)
        if "AS303" in codes:
            out |= hue_rates(policy, images, rows, contract, seed=seed, draws=few)
        return out

    def findings(self, policy: Compose, codes: frozenset[str] | None = None) -> Sequence[Finding]:
        """All errors that the whole check finds with another seed; of some codes, in few draws."""
        if codes == frozenset({MEASURED}):
            return self.changed(policy)
        if codes is not None:
            found = self.case.run(policy, min(self.draws, DRAWS), self.contract)[1]
            return [f for f in found if f.code in codes]
        other = replace(self.case, seed=self.case.seed + 1, side=LAST_SIDE)
        return other.run(policy, self.draws, self.contract)[1]
