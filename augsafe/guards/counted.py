"""Which rules a check counts in draws on images: what one report claims together, and what its errors answer for."""

from __future__ import annotations

from augsafe.contracts import Contract
from augsafe.guards.tone import Appearance
from augsafe.policies import Compose
from augsafe.transforms import Distortion, Erase, Geometric, Opaque


def counted_codes(compose: Compose, contract: Contract | None) -> tuple[str, ...]:
    """The codes that draws of this policy may break at all.

    It follows from the policy and the contract, not from what the draws showed: a family of tests that is chosen by
    its results would be wrong more often than it says.
    """
    acting = [leaf for leaf in compose.leaves if not leaf.never_acts]
    sized = compose.output is not None and compose.output.size is not None
    moves = sized or any(isinstance(leaf, (Geometric, Distortion, Opaque)) for leaf in acting)
    content = {
        "AS201": moves,
        "AS202": moves,
        "AS203": any(isinstance(leaf, Erase) for leaf in acting),
        "AS204": moves,
        "AS205": moves and compose.border == "reflect",
    }
    return (*(code for code, may in content.items() if may), *Appearance.of(compose, contract).codes)
