"""Which rules a check counts in draws on images: what one report claims together, and what its errors answer for."""

from __future__ import annotations

from augsafe.contracts import Contract
from augsafe.guards.content import CONTENT_RULES
from augsafe.guards.tone import Appearance
from augsafe.policies import Compose


def counted_codes(compose: Compose, contract: Contract | None) -> tuple[str, ...]:
    """The codes that draws of this policy may break at all.

    It follows from the policy and the contract, not from what the draws showed: a family of tests that is chosen by
    its results would be wrong more often than it says.
    """
    content = [rule.code for rule in CONTENT_RULES if rule.may_break(compose)]
    return (*content, *Appearance.of(compose, contract).codes)
