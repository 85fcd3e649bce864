"""How often draws of a policy break a rule on levels or colours, by class, and which steps it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.guards.base import Finding, Witness
from augsafe.guards.evidence import NEXT, Tier
from augsafe.guards.witnesses import shrink
from augsafe.pixels import Images, render
from augsafe.planning import Draws, Plan
from augsafe.policies import Compose
from augsafe.randomness import Key
from augsafe.statistics import EPSILON, Share, group_indices, rates_by_class, shares_by_class
from augsafe.transforms import Sizes, Transform

BoolArray = NDArray[np.bool_]
Rows = NDArray[np.intp]
PER_CLASS, MOST, TONE_DRAWS, PER_IMAGE = 400, 4000, 8000, 16
RARE = 0.1  # sets of steps with a smaller share of the violations are left to the others


class Judge(Protocol):
    """Who says which draws break a rule."""

    @property
    def compose(self) -> Compose:
        """The policy."""

    @property
    def images(self) -> Images:
        """The images it is judged on."""

    @property
    def steps(self) -> tuple[Transform, ...]:
        """The steps that may bring it about."""

    @property
    def shrunk(self) -> int:
        """How many violating draws are shrunk, for each code."""

    def plan(self, shapes: Sizes, draws: Draws) -> Plan:
        """The plan of what is judged, which may leave other steps out."""

    def broken(self, plan: Plan, labels: NDArray[np.int64]) -> dict[str, BoolArray]:
        """For each code, which rows of a plan break it; labels (n,) are those of the rows."""

    def message(self, code: str, label: int) -> str:
        """What it says, to images of a class."""


def sample(labels: NDArray[np.int64], draws: int = MOST) -> Rows:
    """At most 400 images of each class, evenly, and 4,000 or `draws` in all."""
    parts = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        parts.append(_even(rows, MOST if label < 0 else PER_CLASS))
    return _even(np.sort(np.concatenate(parts)), min(MOST, draws))


def _even(rows: Rows, most: int) -> Rows:
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.intp))]


def drawn_findings(
    judge: Judge,
    rows: Rows,
    labels: NDArray[np.int64],
    contract: Contract | None,
    *,
    groups: Any,
    seed: int,
    draws: int,
    epsilon: float = EPSILON,
    comparisons: int = 1,
    tiers: Sequence[Tier] | None = None,
) -> list[Finding]:
    """Draw the policy for some images and report how often each code is broken.

    labels (n,): indices into the contract's classes, -1 where unknown. groups (n,): images of one group count as far as
    they differ. An error for classes whose rate is certainly above `epsilon`, a warning where that is undecided, and a
    remark below. comparisons: how many codes share what "certainly" leaves, see `shares_by_class`. tiers: which images
    decide, see `augsafe.guards.evidence`; a guess is a remark, where it is over the limit.
    """
    plans = list(_plans(judge, rows, seed, min(PER_IMAGE, max(1, draws // len(rows)))))
    bad = [judge.broken(plan, labels[plan.draws.key.indices]) for plan in plans]
    index = np.concatenate([plan.draws.key.indices for plan in plans])
    clusters, drawn = group_indices(groups, len(labels)), np.bincount(index, minlength=len(labels))
    out: list[Finding] = []
    names = contract.classes if contract else ()
    for code, tier in product(bad[0], tiers or (Tier(np.ones(len(labels), bool), "stated"),)):
        hits = [one[code] & tier.rows[plan.draws.key.indices] for one, plan in zip(bad, plans, strict=True)]
        lost = np.bincount(index[np.concatenate(hits)], minlength=len(labels))
        # a few images with a mask measure all of them, whatever their class
        own = np.full(len(labels), -1) if tier.evidence == "measured" else labels
        shares = shares_by_class(lost, drawn * tier.rows, clusters, own, epsilon=epsilon, comparisons=comparisons)
        seen = [s for s in shares.values() if s.rate > (0 if tier.decides else epsilon)]
        if seen:
            found = _findings(code, judge, plans, hits, labels, _named(seen, names), tier.evidence)
            out += found if tier.decides else [_remark(found[0], judge, _named(seen, names))]
    return out


def drawn_rates(
    judge: Judge, rows: Rows, labels: NDArray[np.int64], decides: BoolArray, *, seed: int, draws: int
) -> dict[str, dict[int, float]]:
    """How often draws break each code, by class index, without intervals and without the steps that do it.

    The draws of all epochs are planned together, so that few images cost little. decides (n,): which images count.
    """
    rows = rows[decides[rows]]
    if not len(rows):
        return {}
    times, n = max(1, draws // len(rows)), len(labels)
    place, attempt = np.divmod(np.arange(len(rows) * times), times)
    shapes = np.array([judge.images[int(i)].shape[:2] for i in rows], dtype=np.int64)
    bad: dict[str, NDArray[np.int64]] = {}
    for start in range(0, len(place), 1024):
        part = slice(start, start + 1024)
        some = rows[place[part]]
        plan = judge.plan(shapes[place[part]], judge.compose.draw(Key(seed, 0, some, 0, attempt[part])))
        for code, hit in judge.broken(plan, labels[some]).items():
            bad[code] = bad.get(code, np.zeros(n, np.int64)) + np.bincount(some[hit], minlength=n)
    drawn = np.bincount(rows, minlength=n) * times
    return {code: rates_by_class(lost, drawn, labels) for code, lost in bad.items()}


def _remark(first: Finding, judge: Judge, shares: Mapping[str, Share]) -> Finding:
    """What a guess says, in one finding at the rate of all sets of steps."""
    worst = max(shares.values(), key=lambda s: s.rate)
    return replace(
        first,
        severity="info",
        verdict="undecided",
        classes=tuple(shares),
        message=f"of the whole image, {judge.message(first.code, worst.label)}",
        help=NEXT,
        probability=worst.rate,
        interval=(worst.low, worst.high),
        per_class={name: s.rate for name, s in shares.items()},
        whole=None,
    )


def _named(shares: Sequence[Share], names: Sequence[str]) -> dict[str, Share]:
    """By class name; images without a label stand for every class."""
    out: dict[str, Share] = {}
    for share in shares:
        for name in names if share.label < 0 else (names[share.label],):
            out[name] = share
        if share.label < 0 and not names:
            out["any class"] = share
    return out


def _plans(judge: Judge, rows: Rows, seed: int, epochs: int) -> Iterator[Plan]:
    shapes = np.array([judge.images[int(i)].shape[:2] for i in rows], dtype=np.int64)
    for epoch in range(epochs):
        for start in range(0, len(rows), 1024):
            part = slice(start, start + 1024)
            yield judge.plan(shapes[part], judge.compose.draw(Key.of(seed, epoch, rows[part])))


def _findings(
    code: str,
    judge: Judge,
    plans: list[Plan],
    bad: list[BoolArray],
    labels: NDArray[np.int64],
    shares: Mapping[str, Share],
    evidence: str,
) -> list[Finding]:
    """One finding for each set of steps that brings it about in a good part of the draws."""
    seen: dict[tuple[str, ...], list[tuple[Plan, int]]] = {}
    total = 0
    for plan, hit in zip(plans, bad, strict=True):
        rows = np.flatnonzero(hit)[: judge.shrunk - total]
        if len(rows):
            total += len(rows)
            for row, steps in zip(rows, _needed(judge, plan, rows, code, labels), strict=True):
                seen.setdefault(steps, []).append((plan, int(row)))
    status = min((s.status for s in shares.values()), key=("error", "warning", "info").index)
    told = {name: s for name, s in shares.items() if s.status == status}
    worst = max(told.values(), key=lambda s: s.rate)
    out: list[Finding] = []
    for steps, draws in sorted(seen.items(), key=lambda entry: -len(entry[1])):
        part = len(draws) / total
        if part < RARE and out:
            continue
        out.append(
            Finding(
                code=code,
                severity=status,
                how="sampled",
                evidence=evidence,
                verdict={"error": "tone-lost", "warning": "undecided", "info": "safe"}[status],
                steps=steps,
                classes=tuple(told),
                message=judge.message(code, worst.label) + worst.more,
                help=f"Narrow the range of {' or '.join(steps)}, or remove it.",
                probability=worst.rate * part,
                interval=(worst.low * part, worst.high * part),
                per_class={name: s.rate * part for name, s in told.items()},
                whole={name: (s.rate, s.low, s.high) for name, s in told.items()},
                witness=_witness(judge, *draws[0]),
            )
        )
    return out


def _needed(judge: Judge, plan: Plan, rows: Rows, code: str, labels: NDArray[np.int64]) -> list[tuple[str, ...]]:
    some = labels[plan.draws.key.indices[rows]]

    def persists(tried: Plan) -> BoolArray:
        return judge.broken(tried, some)[code]

    acting = shrink(judge.compose, plan, rows, persists, judged=judge.steps, assemble=judge.plan)
    return [tuple(s.label for s, on in zip(judge.compose.leaves, row, strict=True) if on) for row in acting]


def _witness(judge: Judge, plan: Plan, row: int) -> Witness:
    """The draw, its other steps included, on its image."""
    index = int(plan.draws.key.indices[row])
    image: Any = judge.images[index]
    one = judge.compose.assemble(np.array([image.shape[:2]]), plan.draws.rows(np.array([row])))
    return Witness(one.describe(), one.record(), one.matrix[0], index, image, render([image], one)[0])
