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
PER_IMAGE = 32
SHRUNK = 1_000  # violating draws that are shrunk, for each code
RARE = 0.1  # sets of steps with a smaller share of a code's violations are left to the others


@dataclass(frozen=True, eq=False)
class _Case:
    """What is judged: a policy on images with labels (n,), their objects, and limits."""

    compose: Compose
    images: Images = field(repr=False)
    labels: NDArray[np.int64]
    objects: Objects = field(repr=False)
    contract: Contract | None
    table: LimitTable


@dataclass(eq=False)
class _Tally:
    """What the draws of a tier of images showed for one code."""

    code: str
    tier: Tier
    bad: NDArray[np.int64]  # by image
    images: Counter[int] = field(default_factory=Counter)  # by class index
    needed: Counter[tuple[tuple[str, ...], int]] = field(default_factory=Counter)  # by steps and class index
    witness: dict[tuple[str, ...], tuple[Plan, int]] = field(default_factory=dict)
    shrunk: int = 0


def content_findings(
    compose: Compose,
    images: Images,
    labels: NDArray[np.int64],
    objects: Objects,
    contract: Contract | None,
    *,
    asked: bool = False,
    groups: Any = None,
    seed: int = 0,
    draws: int = 20_000,
    epsilon: float = EPSILON,
    comparisons: int = 1,
) -> list[Finding]:
    """Draw the policy many times for each image and report how often content is lost, by class.

    labels are indices into the contract's classes, -1 where unknown. At most 32 draws for each image, `draws` in all.
    An error where some class's rate is certainly above `epsilon`, otherwise a warning; `comparisons` is how many codes
    share what "certainly" leaves, see `shares_by_class`. Draws of one image, or of the images of one of the `groups`
    (n,), are not independent, and the intervals allow for it. Where the object is guessed it is a remark, if in more
    than `epsilon` of the draws; asked: the user wants guesses to decide.
    """
    case = _Case(compose, images, labels, objects, contract, LimitTable.of(contract))
    often = np.zeros(len(images), np.int64)
    by_object, frame = tiers(objects, labels, asked), Tier(np.ones(len(images), bool), "stated")
    tallies = [
        _Tally(code, tier, np.zeros(len(images), np.int64))
        for code in CODES
        for tier in (by_object if CONTENT_RULE_OF[code].about_object else (frame,))
    ]
    for plan, rows in _plans(case, objects.acting(asked), seed, draws):
        often[rows] += 1
        _count(case, tallies, plan, rows)
    clusters = group_indices(groups, len(images))
    out: list[Finding] = []
    for tally in tallies:
        drawn = often * tally.tier.rows
        shares = shares_by_class(tally.bad, drawn, clusters, labels, epsilon=epsilon, comparisons=comparisons)
        if tally.tier.decides:
            out += _findings(case, tally, drawn, shares)
        elif max(share.rate for share in shares.values()) > epsilon:
            out.append(_remark(case, tally, drawn, shares))
    return out


def _plans(case: _Case, objects: Objects | None, seed: int, draws: int) -> Iterator[tuple[Plan, NDArray[np.intp]]]:
    """Plans for all images (evenly chosen ones, where there are more images than draws), one epoch after another.

    objects: those that may change draws.
    """
    images, n = case.images, len(case.images)
    rows = np.unique(np.linspace(0, n - 1, min(n, draws)).astype(np.intp))
    shapes = np.array([images[i].shape[:2] for i in rows], dtype=np.int64)
    for epoch in range(min(PER_IMAGE, max(1, draws // len(rows)))):
        for start in range(0, len(rows), 4096):
            part = slice(start, start + 4096)
            some = None if objects is None else objects.rows(rows[part])
            yield case.compose.plan(shapes[part], rows[part], seed, epoch, objects=some), rows[part]


def _count(case: _Case, tallies: list[_Tally], plan: Plan, drawn: NDArray[np.intp]) -> None:
    labels, objects = case.labels[drawn], case.objects.rows(drawn)
    limits = case.table.take(labels)
    broken = violations(measure(plan, objects, limits), limits, objects)
    for tally in tallies:
        rows = np.flatnonzero(broken[tally.code] & tally.tier.rows[drawn])
        tally.images.update(labels[rows].tolist())
        tally.bad[plan.draws.key.indices[rows]] += 1
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


def _findings(case: _Case, tally: _Tally, often: NDArray[np.int64], shares: dict[int, Share]) -> list[Finding]:
    """One finding for each set of steps that brings it about in a good part of the draws."""
    drawn = {label: int(often[case.labels == label].sum()) for label in shares}
    by_steps = _by_steps(tally)
    severe = any(share.status == "error" for share in shares.values())
    out: list[Finding] = []
    for steps, total in by_steps.most_common():
        if out and total < RARE * by_steps.total():
            continue
        # the shrunk draws are a part of all violating ones: their shares are scaled up
        scale = sum(tally.images.values()) / by_steps.total()
        counts = {c: round(scale * tally.needed[steps, c]) for c in drawn if tally.needed[steps, c]}
        counts = {c: min(count, tally.images[c]) for c, count in counts.items() if tally.images[c]}
        worst = max(counts, key=lambda c: counts[c] / drawn[c])
        share = counts[worst] / tally.images[worst]
        out.append(
            Finding(
                code=tally.code,
                severity="error" if severe else "warning",
                how="sampled",
                evidence=tally.tier.evidence,
                verdict="content-lost",
                steps=steps,
                message=_message(case, tally.code, worst),
                help=CONTENT_RULE_OF[tally.code].help.format(steps=" or ".join(steps) or "the output size"),
                probability=counts[worst] / drawn[worst],
                interval=(share * shares[worst].low, share * shares[worst].high),
                witness=_witness(case, *tally.witness[steps]),
                **_classes(case, {c: counts[c] / drawn[c] for c in counts}),
            )
        )
    return out


def _remark(case: _Case, tally: _Tally, often: NDArray[np.int64], shares: dict[int, Share]) -> Finding:
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
        message=f"by saliency (a guess), {_message(case, tally.code, worst.label)}",
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
