"""Which symmetry turns which class into which, decided from evidence.

A claim "g makes B of A" needs: a good part of A's images under g untypical of A and typical of B, and as many of B's
under the inverse the other way round (mutual); each the other's nearest class (match); and agreement with the other
claims as a partial group action (group). Claims that only lack typicality are suggested, for a person to confirm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from augsafe.contracts.evidence import Evidence
from augsafe.contracts.symmetry import SYMMETRIES, inverse, then
from augsafe.statistics import exceeds

IDENTITY = SYMMETRIES.index("identity")
SHARE = 0.25  # a claim needs more than this share of images, at 95 %
NEAR = 1.5  # a suggestion may lie so many times further off than clean images of the class
SPOILED = 0.1  # a symmetry that keeps fewer images of a class typical than this does not leave it as it is
SAME = 0.75  # two symmetries that make one class of another are both believed where what lies between keeps so many
FALSE_SHARE = 0.05  # of the claims, by Benjamini and Hochberg


@dataclass(frozen=True)
class Claim:
    """A symmetry (its index) that makes one class (index) read as another.

    strength: the lower bound of the weaker direction. derived: it follows from two others.
    """

    symmetry: int
    cls: int
    to: int
    strength: float
    derived: bool = False


def changes(evidence: Evidence) -> list[Claim]:
    """The claims that hold, both directions of each."""
    found = {_key(c): c for c in _mutual(evidence) if _match(evidence, c)}
    return sorted(_group(evidence, found).values(), key=lambda c: (c.symmetry, c.cls))


def suggestions(evidence: Evidence, held: list[Claim]) -> list[Claim]:
    """Pairs that are each other's nearest class under a symmetry and lie close, but are not typical.

    Left out where a claim that holds speaks against them.
    """
    known = {_key(c) for c in held}
    alike = evidence.reference.alike
    out = []
    for symmetry, cls in np.argwhere(evidence.nearest >= 0):
        to = int(evidence.nearest[symmetry, cls])
        claim = Claim(int(symmetry), int(cls), to, 0.0)
        if symmetry == IDENTITY or to == cls or _key(claim) in known or alike[cls, to]:
            continue
        far = max(evidence.distance[symmetry, cls, to], evidence.distance[_back(int(symmetry)), to, cls])
        if far <= NEAR and _match(evidence, claim) and not _denied(evidence, claim, held):
            out.append(claim)
    return out


def _denied(evidence: Evidence, claim: Claim, held: list[Claim]) -> bool:
    """Whether a suggestion and a claim that holds imply something that is plainly not so."""
    for other in held:
        if other.cls != claim.to:
            continue
        symmetry = SYMMETRIES.index(then(SYMMETRIES[claim.symmetry], SYMMETRIES[other.symmetry]))
        implied = Claim(symmetry, claim.cls, other.to, 0.0)
        if claim.cls == other.to:
            if symmetry != IDENTITY and evidence.kept.rate[symmetry, claim.cls] < SPOILED:
                return True
        elif not _match(evidence, implied):
            return True
    return False


def _key(claim: Claim) -> tuple[int, int, int]:
    return claim.symmetry, claim.cls, claim.to


def _back(symmetry: int) -> int:
    return SYMMETRIES.index(inverse(SYMMETRIES[symmetry]))


def _mutual(evidence: Evidence) -> list[Claim]:
    """Both directions above SHARE, with few false ones among them (scipy's Benjamini-Hochberg)."""
    from scipy.stats import false_discovery_control

    reads = evidence.reads
    back = [_back(s) for s in range(len(SYMMETRIES))]
    p = exceeds(reads.rate, reads.n, SHARE)
    both = np.maximum(p, p[back].transpose(0, 2, 1))
    tested = np.ones(both.shape, bool)
    tested[IDENTITY] = False
    tested[:, ~evidence.ready] = tested[:, :, ~evidence.ready] = False
    tested[:, np.arange(len(evidence.classes)), np.arange(len(evidence.classes))] = False
    if not tested.any():
        return []
    adjusted = np.ones(both.shape)
    adjusted[tested] = false_discovery_control(both[tested])
    low = np.minimum(reads.low, reads.low[back].transpose(0, 2, 1))
    hit = (adjusted <= FALSE_SHARE) & (low > SHARE)
    return [Claim(int(s), int(a), int(b), float(low[s, a, b])) for s, a, b in np.argwhere(hit)]


def _match(evidence: Evidence, claim: Claim) -> bool:
    """Whether each is the other's nearest class."""
    there = evidence.nearest[claim.symmetry, claim.cls] == claim.to
    return bool(there and evidence.nearest[_back(claim.symmetry), claim.to] == claim.cls)


def _group(evidence: Evidence, found: dict[tuple[int, int, int], Claim]) -> dict[tuple[int, int, int], Claim]:
    """Drop the weaker of two claims that imply something the images deny; add what two claims imply.

    What was dropped is not implied anew: so it ends.
    """
    held = dict(found)
    dropped: set[tuple[int, int, int]] = set()
    while True:
        verdicts = [(first, second, *_implied(evidence, first, second)) for first, second in _pairs(held)]
        denied = [(first, second) for first, second, _, state in verdicts if state == "denied"]
        if denied:
            weaker = [min(pair, key=lambda c: _support(evidence, c)) for pair in denied]
            worst = min(weaker, key=lambda c: _support(evidence, c))
            for claim in (worst, Claim(_back(worst.symmetry), worst.to, worst.cls, 0.0)):
                held.pop(_key(claim), None)
                dropped.add(_key(claim))
            continue
        new = [
            c for _, _, c, state in verdicts if state == "follows" and _key(c) not in held and _key(c) not in dropped
        ]
        if not new:
            return held
        for claim in new:
            held[_key(claim)] = claim
            other = replace(claim, symmetry=_back(claim.symmetry), cls=claim.to, to=claim.cls)
            held[_key(other)] = other


def _pairs(held: dict[tuple[int, int, int], Claim]) -> list[tuple[Claim, Claim]]:
    """Claims that can be done one after the other."""
    return [(a, b) for a in held.values() for b in held.values() if a.to == b.cls]


def _support(evidence: Evidence, claim: Claim) -> tuple[bool, float]:
    """How well founded a claim is: by images before by inference, then by how near the images come to the target."""
    there = evidence.distance[claim.symmetry, claim.cls, claim.to]
    return not claim.derived, -float(max(there, evidence.distance[_back(claim.symmetry), claim.to, claim.cls]))


def _implied(evidence: Evidence, first: Claim, second: Claim) -> tuple[Claim, str]:
    """What two claims together say, and whether the images deny it, allow it ("follows") or leave it open."""
    symmetry = SYMMETRIES.index(then(SYMMETRIES[first.symmetry], SYMMETRIES[second.symmetry]))
    strength = min(first.strength, second.strength)
    claim = Claim(symmetry, first.cls, second.to, strength, derived=True)
    if symmetry == IDENTITY:
        return claim, "open" if first.cls == second.to else "denied"
    if first.cls == second.to:
        return claim, "denied" if evidence.kept.rate[symmetry, first.cls] < SAME else "open"
    back = evidence.reads.high[_back(symmetry), second.to, first.cls]
    high = min(float(evidence.reads.high[symmetry, first.cls, second.to]), float(back))
    return claim, "denied" if high < SHARE else "follows"
