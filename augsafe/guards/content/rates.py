"""How often draws of a policy lose content, by class, and which steps it takes: AS201 to AS205 on images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.guards.base import Finding, Witness
from augsafe.guards.content.measures import Limits, measure
from augsafe.guards.content.rules import CODES, CONTENT_RULE_OF, COVERED, LimitTable, violations
from augsafe.guards.evidence import NEXT, Tier, tiers
from augsafe.guards.witnesses import shrink
from augsafe.objects import Objects
from augsafe.pixels import Images, render
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.statistics import EPSILON, Share, group_indices, shares_by_class
from augsafe.transforms import Geometric, Opaque

BoolArray = NDArray[np.bool_]
PER_IMAGE, PER_SAMPLED = 32, 128
SHRUNK = 1_000  # violating draws that are shrunk, for each code
RARE = 0.1  # sets of steps with a smaller share of a code's violations are left to the others


@dataclass(frozen=True, eq=False)
class _Case:
    """What is judged: a policy on images with labels (n,), their objects, and limits.

    guesses: what a guess says of all images, where few have a mask.
    """

    compose: Compose
    images: Images = field(repr=False)
    labels: NDArray[np.int64]
    objects: Objects = field(repr=False)
    guesses: Objects | None = field(repr=False)
    contract: Contract | None
    table: LimitTable


@dataclass(eq=False)
class _Tally:
    """What the draws of a tier of images showed for one code.

    said: by the guess, of `heard` draws of each image, where few have a mask.
    """

    code: str
    tier: Tier
    bad: NDArray[np.int64]  # by image
    often: NDArray[np.int64]
    said: NDArray[np.int64]
    heard: NDArray[np.int64]
    needed: Counter[tuple[tuple[str, ...], int]] = field(default_factory=Counter)  # by steps and class index
    witness: dict[tuple[str, ...], tuple[Plan, int]] = field(default_factory=dict)
    shrunk: int = 0

    @staticmethod
    def of(code: str, tier: Tier) -> _Tally:
        """Nothing counted yet."""
        return _Tally(code, tier, *np.zeros((4, len(tier.rows)), np.int64))

    @property
    def measured(self) -> bool:
        """Whether a sample of stated objects stands for all images."""
        return self.tier.evidence == "measured"


def content_findings(
    compose: Compose,
    images: Images,
    labels: NDArray[np.int64],
    objects: Objects,
    contract: Contract | None,
    *,
    asked: bool = False,
    guesses: Objects | None = None,
    groups: Any = None,
    seed: int = 0,
    draws: int = 20_000,
    epsilon: float = EPSILON,
    comparisons: int = 1,
) -> list[Finding]:
    """Draw the policy many times for each image and report how often content is lost, by class.

    An error where some class's rate is certainly above the limit, otherwise a warning. Draws of one image are not
    independent, and the intervals allow for it. Where the object is guessed it is a remark. Where few images have a
    mask or boxes, these measure the rate of all, see `augsafe.guards.content.sampled`.

    Args:
        compose: The policy.
        images: (n, H, W[, C]) or a list.
        labels: Indices into the contract's classes (n,), -1 where unknown.
        objects: One for each image.
        contract: Its limits replace the defaults.
        asked: The user wants guesses to decide.
        guesses: What a guess says of all images, of those with a mask too. It makes measured intervals narrower.
        groups: Images of one group are not independent (n,).
        seed: Of the draws.
        draws: At most so many in all, and 32 of an image, 128 of one that measures.
        epsilon: The limit: the share of draws that may lose content.
        comparisons: How many codes share what "certainly" leaves, see `shares_by_class`.

    Returns:
        AS201 to AS205, where draws break them.
    """
    case = _Case(compose, images, labels, objects, guesses, contract, LimitTable.of(contract))
    by_object, frame = tiers(objects, labels, asked), Tier(np.ones(len(images), bool), "stated")
    tallies = [
        _Tally.of(code, tier)
        for code in CODES
        for tier in (by_object if CONTENT_RULE_OF[code].about_object else (frame,))
    ]
    sampled = [tally for tally in tallies if tally.measured]
    # whether a step spares the mask of an image must not depend on its being in the sample
    acting = objects.acting(asked) if not sampled else guesses if asked else None
    few = np.flatnonzero(sampled[0].tier.rows) if sampled else np.zeros(0, np.intp)
    n = len(images)
    rows = np.union1d(np.linspace(0, n - 1, min(n, draws)).astype(np.intp), few)
    epochs = min(PER_IMAGE, max(1, draws // len(rows)))
    for plan, some in _plans(case, rows, acting, seed, range(epochs)):
        _count(case, tallies, plan, some, listen=True)
    for plan, some in _plans(case, few, acting, seed, range(epochs, min(PER_SAMPLED, draws // max(1, len(few))))):
        _count(case, sampled, plan, some)
    clusters = group_indices(groups, n)
    out: list[Finding] = []
    for tally in tallies:
        if tally.measured:
            out += _measured(case, tally, clusters, epsilon, comparisons)
            continue
        shares = shares_by_class(tally.bad, tally.often, clusters, labels, epsilon=epsilon, comparisons=comparisons)
        if tally.tier.decides:
            out += _findings(case, tally, shares)
        elif max(share.rate for share in shares.values()) > epsilon:
            out.append(_remark(case, tally, shares))
    return out


def _plans(
    case: _Case, rows: NDArray[np.intp], objects: Objects | None, seed: int, epochs: range
) -> Iterator[tuple[Plan, NDArray[np.intp]]]:
    """Plans for some images, one epoch after another. objects: those that may change draws."""
    shapes = np.array([case.images[i].shape[:2] for i in rows], dtype=np.int64)
    for epoch in epochs:
        for start in range(0, len(rows), 4096):
            part = slice(start, start + 4096)
            some = None if objects is None else objects.rows(rows[part])
            yield case.compose.plan(shapes[part], rows[part], seed, epoch, objects=some), rows[part]


def _count(case: _Case, tallies: list[_Tally], plan: Plan, drawn: NDArray[np.intp], listen: bool = False) -> None:
    """Count what a plan breaks. listen: to the guess, too, in tallies that measure."""
    labels, objects = case.labels[drawn], case.objects.rows(drawn)
    limits = case.table.take(labels)
    broken = violations(measure(plan, objects, limits), limits, objects)
    said = broken
    if listen and case.guesses is not None and any(tally.measured for tally in tallies):
        guesses = case.guesses.rows(drawn)
        said = violations(measure(plan, guesses, limits), limits, guesses)
    for tally in tallies:
        tally.often[drawn] += tally.tier.rows[drawn]
        if listen and tally.measured:
            tally.said[drawn] += said[tally.code]
            tally.heard[drawn] += 1
        rows = np.flatnonzero(broken[tally.code] & tally.tier.rows[drawn])
        tally.bad[drawn[rows]] += 1
        rows = rows[: SHRUNK - tally.shrunk]
        if not len(rows):
            continue
        tally.shrunk += len(rows)
        some, few = limits.rows(rows), objects.rows(rows)

        def persists(tried: Plan, code: str = tally.code, some: Limits = some, few: Objects = few) -> BoolArray:
            return violations(measure(tried, few, some), some, few)[code]

        for row, acting in zip(rows, shrink(case.compose, plan, rows, persists), strict=True):
            steps = tuple(leaf.label for leaf, on in zip(case.compose.leaves, acting, strict=True) if on)
            steps = steps or _framing(case.compose)
            tally.needed[steps, int(labels[row])] += 1
            tally.witness.setdefault(steps, (plan, int(row)))


def _framing(compose: Compose) -> tuple[str, ...]:
    """The steps that decide the frame: to blame where steps that cannot be seeded leave nobody else."""
    return tuple(
        leaf.label
        for leaf in compose.leaves
        if isinstance(leaf, (Geometric, Opaque)) and (leaf.frame or isinstance(leaf, Opaque))
    )


def _measured(
    case: _Case, tally: _Tally, clusters: NDArray[np.int64], epsilon: float, comparisons: int
) -> list[Finding]:
    """The rate of all images by those with a mask; of single classes where theirs alone is certainly over the limit."""
    from augsafe.guards.content.sampled import said_of_all  # not needed without a sample
    from augsafe.statistics import share_of_all

    rows = np.flatnonzero(tally.tier.rows)
    bad, often, own = tally.bad[rows], tally.often[rows], case.labels[rows]
    several = len(np.unique(own)) > 1
    guess = None if case.guesses is None else said_of_all(tally.said, tally.heard, rows, case.labels)
    whole, weight = share_of_all(
        bad, often, clusters[rows], guess, epsilon=epsilon, comparisons=comparisons * (1 + several)
    )
    if several and whole.status != "error":
        each = shares_by_class(bad, often, clusters[rows], own, epsilon=epsilon, comparisons=2 * comparisons)
        worse = {label: share for label, share in each.items() if share.status == "error"}
        if worse:
            return _findings(case, tally, worse, f", measured on {len(rows)} images")
    by = (
        f" and narrowed by {case.guesses.guessed_by} (weight {weight:.2f})"
        if case.guesses is not None and weight
        else ""
    )
    return _findings(case, tally, {-1: whole}, f", measured on {len(rows)} images{by}{whole.more}")


def _findings(case: _Case, tally: _Tally, shares: dict[int, Share], by: str = "") -> list[Finding]:
    """One finding for each set of steps that brings it about in a good part of the draws; -1 is all images."""
    labels = np.full(len(case.labels), -1) if set(shares) == {-1} else case.labels
    lost = {label: int(tally.bad[labels == label].sum()) for label in shares}
    by_steps = _by_steps(tally)
    severity = min((share.status for share in shares.values()), key=("error", "warning", "info").index)
    whole = _whole(case, shares)
    guess = f"by {case.objects.guessed_by} (a guess), " if tally.tier.evidence == "guessed" else ""
    out: list[Finding] = []
    for steps, total in by_steps.most_common():
        if out and total < RARE * by_steps.total():
            continue
        # the shrunk draws are a part of all violating ones: their shares are scaled up
        scale = sum(lost.values()) / by_steps.total()
        seen = {c: tally.needed[steps, c] if c in lost and labels is case.labels else total for c in lost}
        parts = {c: min(1.0, round(scale * seen[c]) / lost[c]) for c in lost if seen[c] and lost[c]}
        if not parts:
            continue
        worst = max(parts, key=lambda c: parts[c] * shares[c].rate)
        share, part = shares[worst], parts[worst]
        plan, row = tally.witness[steps]
        limits_of = worst if worst >= 0 else int(case.labels[plan.draws.key.indices[row]])
        out.append(
            Finding(
                code=tally.code,
                severity=severity,
                how="sampled",
                evidence=tally.tier.evidence,
                verdict="safe" if severity == "info" else "content-lost",
                steps=steps,
                message=f"{guess}{_message(case, tally.code, limits_of)}{by}",
                help=CONTENT_RULE_OF[tally.code].help.format(steps=" or ".join(steps) or "the output size"),
                probability=part * share.rate,
                interval=(part * share.low, part * share.high),
                witness=_witness(case, plan, row),
                whole=whole,
                **_classes(case, {c: parts[c] * shares[c].rate for c in parts}),
            )
        )
    return out


def _whole(case: _Case, shares: dict[int, Share]) -> dict[str, tuple[float, float, float]]:
    """By class how often it happens in all, with its interval; images without a label stand for every class."""
    names = case.contract.classes if case.contract is not None else ()
    seen = [share for share in shares.values() if share.rate]
    return {
        name: (share.rate, share.low, share.high)
        for share in seen
        for name in ((names or ("any class",)) if share.label < 0 else (names[share.label],))
    }


def _remark(case: _Case, tally: _Tally, shares: dict[int, Share]) -> Finding:
    """What a guess says, in one finding: of the steps that bring it about most often, at the rate of all."""
    steps = _by_steps(tally).most_common(1)[0][0]
    worst = max(shares.values(), key=lambda share: share.rate)
    return Finding(
        code=tally.code,
        severity="info",
        how="sampled",
        evidence=tally.tier.evidence,
        verdict="undecided",
        steps=steps,
        message=f"by {case.objects.guessed_by} (a guess), {_message(case, tally.code, worst.label)}",
        help=NEXT,
        probability=worst.rate,
        interval=(worst.low, worst.high),
        witness=_witness(case, *tally.witness[steps]),
        **_classes(case, {share.label: share.rate for share in shares.values() if share.rate}),
    )


def _by_steps(tally: _Tally) -> Counter[tuple[str, ...]]:
    by_steps: Counter[tuple[str, ...]] = Counter()
    for (steps, _), count in tally.needed.items():
        by_steps[steps] += count
    return by_steps


def _message(case: _Case, code: str, worst: int) -> str:
    limits = case.table.take(np.array([worst]))
    words = {k: float(getattr(limits, k)[0]) for k in ("visible", "min_pixels", "padding", "doubled")}
    return CONTENT_RULE_OF[code].message.format_map({**words, "covered": COVERED})


def _classes(case: _Case, rates: dict[int, float]) -> dict[str, Any]:
    """Whom it concerns, in the contract's order; images without a label stand for every class."""
    names = case.contract.classes if case.contract is not None else ()
    named = {name: rates.get(c, rates.get(-1, 0.0)) for c, name in enumerate(names) if c in rates or -1 in rates}
    named = named if names else {"any class": max(rates.values())}
    return {"classes": tuple(named), "per_class": named}


def _witness(case: _Case, plan: Plan, row: int) -> Witness:
    one = case.compose.assemble(plan.shapes[[row]], plan.draws.rows(np.array([row])))
    index = int(plan.draws.key.indices[row])
    image: Any = case.images[index]
    return Witness(one.describe(), one.record(), one.matrix[0], index, image, render([image], one)[0])
