"""The static guard: what a whole policy can do to each class, without an image.

Bounds over all compositions (bounds.py) prove absence; many plans give probabilities; draws from the ends of the ranges
find rare witnesses; and each violating draw is shrunk, step by step, to the steps that bring its outcome about.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import SYMMETRIES, Contract
from augsafe.guards.base import Finding
from augsafe.guards.content import assumed_findings
from augsafe.guards.judging import Judged, judge, judge_plan
from augsafe.guards.symmetry.bounds import Reach, reach
from augsafe.guards.symmetry.distortions import distortion_findings
from augsafe.guards.symmetry.outcomes import Outcome, outcomes_for
from augsafe.guards.witnesses import shrink, witness_of
from augsafe.objects import Objects
from augsafe.planning import Draws, Plan
from augsafe.policies import Compose
from augsafe.randomness import Key
from augsafe.statistics import clopper_pearson, interval_of_part
from augsafe.transforms import Choice, Distortion, Geometric, Opaque, Transform, may_move

DRAWS = 40_000
BENT_DRAWS = 4_000  # where fields must be made
SHRUNK = 1_000  # violating draws that are shrunk, for each outcome
RARE = 0.005  # sets of steps below this share of an outcome are left to the others
# the order in which verdicts hide one another
PRECEDENCE = (
    "changes",
    "invalid",
    "outside-limits",
    "content-lost",
    "tone-lost",
    "ambiguous",
    "unfamiliar",
    "unknown",
    "undecided",
    "safe",
)


@dataclass(frozen=True)
class StaticResult:
    """Findings, the verdict of the whole policy for each class, and what is proven.

    touched: symmetries that would break the contract and lie at the very end of a range, where no sampled value comes.
    """

    findings: tuple[Finding, ...]
    verdicts: dict[str, str]
    reach: Reach
    draws: int
    touched: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Bench:
    """The plans that a policy is judged on: `natural` as users draw them, `ends` from the ends of the ranges."""

    compose: Compose
    natural: Plan
    ends: Plan
    bounds: Reach
    judged: dict[str, Judged] = field(default_factory=dict)

    def judge(self, which: str) -> Judged:
        if which not in self.judged:
            self.judged[which] = judge_plan(self.natural if which == "natural" else self.ends)
        return self.judged[which]


def static_check(
    compose: Compose,
    contract: Contract,
    *,
    size: tuple[int, int] = (224, 224),
    draws: int = DRAWS,
    seed: int = 0,
    content: bool = True,
) -> StaticResult:
    """Judge a policy against a contract whose classes are known.

    size: height and width of the images that go in. `content` also judges an object assumed in the middle half of the
    frame (where there are no images to look at).
    """
    bench = _bench(compose, size, draws, seed)
    findings: list[Finding] = []
    worst = dict.fromkeys(contract.classes, "safe")
    touched: list[str] = []
    for classes, outcome in outcomes_for(contract):
        found = _outcome_findings(bench, contract, classes, outcome)
        findings += found
        touched += outcome.touched(bench.bounds)
        for finding in found:
            for cls in finding.classes:
                worst[cls] = _worse(worst[cls], finding.verdict)
    for finding in distortion_findings(compose, bench.natural, contract):
        findings.append(finding)
        for cls in finding.classes:
            worst[cls] = _worse(worst[cls], finding.verdict)
    if content:
        findings += assumed_findings(compose, bench.natural, contract)
    merged = _merged(findings, contract.classes)
    beyond = _beyond(bench, contract) if sum(f.code == "AS106" for f in merged) > 1 else None
    merged = [replace(f, whole=beyond) if f.code == "AS106" else f for f in merged]
    return StaticResult(tuple(merged), worst, bench.bounds, len(bench.natural), tuple(dict.fromkeys(touched)))


def _beyond(bench: _Bench, contract: Contract) -> dict[str, tuple[float, float, float]]:
    """By class how often samples pass one limit or several, with its interval: limits are passed together, too."""
    found: dict[str, list[NDArray[np.bool_]]] = {cls: [] for cls in contract.classes}
    for classes, outcome in outcomes_for(contract):
        if outcome.kind in ("rotation", "zoom"):
            passed = outcome.happens(bench.judge("natural"))
            for cls in classes:
                found[cls].append(passed)
    displaced = {c: contract.limits_for(c).displacement for c in contract.classes}
    far = {limit: bench.natural.displaced > limit + 1e-9 for limit in displaced.values() if limit is not None}
    n, out = len(bench.natural), {}
    for cls, passed_ones in found.items():
        limit = displaced[cls]
        every = [*passed_ones, far[limit]] if limit is not None else passed_ones
        count = int(np.any(every, axis=0).sum()) if every else 0
        if count:
            out[cls] = (count / n, *clopper_pearson(count, n))
    return out


def broken_outcomes(
    compose: Compose, contract: Contract, *, size: tuple[int, int], draws: int = DRAWS, seed: int = 0
) -> list[Outcome]:
    """The ways in which draws of a policy break a contract, without their steps."""
    bench = _bench(compose, size, draws, seed)
    return [
        outcome
        for _, outcome in outcomes_for(contract)
        if not outcome.impossible(bench.bounds)
        and (outcome.happens(bench.judge("natural")).any() or outcome.happens(bench.judge("ends")).any())
    ]


def _worse(a: str, b: str) -> str:
    return min(a, b, key=PRECEDENCE.index)


def _bench(compose: Compose, size: tuple[int, int], draws: int, seed: int) -> _Bench:
    bent = any(isinstance(leaf, Distortion) for leaf in compose.leaves)
    draws = min(draws, BENT_DRAWS) if bent else draws
    key = Key.of(seed, 0, np.arange(draws))
    shapes = np.broadcast_to(np.array(size, dtype=np.int64), (draws, 2))
    assumed = Objects.centre(draws) if compose.aims else None  # as in assumed_findings
    natural = compose.assemble(shapes, compose.draw(key, shapes, assumed))
    slow = any(map(may_move, compose.leaves))
    few = min(draws, 512) if slow or bent else min(4096, max(draws, 512))
    ends = compose.assemble(np.broadcast_to(shapes[:1], (few, 2)), _ends(compose, few, seed))
    return _Bench(compose, natural, ends, reach(compose, size))


def _ends(compose: Compose, n: int, seed: int) -> Draws:
    """Draws that favour the ends of the ranges, and let every step act half of the time where it may."""
    key = Key.of(seed, 0, np.arange(n), view=1)
    drawn = compose.draw(key)
    rng = np.random.default_rng(seed)
    values = {}
    for leaf in compose.leaves:
        columns = dict(drawn.values[leaf.label])
        for parameter in leaf.parameters:
            if parameter.free:
                continue
            u = rng.choice([0.0, 1.0 - 1e-12, 0.5, np.nan], size=n)
            u = np.where(np.isnan(u), rng.random(n), u)
            columns[parameter.name] = parameter.from_uniform(u, leaf.bounds(parameter))
        values[leaf.label] = columns
    active = dict(drawn.active)
    for step in compose.steps:
        _act(step, np.ones(n, bool), rng, active)
    return Draws(key, active, values)


def _act(
    step: Transform, chosen: NDArray[np.bool_], rng: np.random.Generator, active: dict[str, NDArray[np.bool_]]
) -> None:
    """Let a step act half of the time where it may, and each count and set of a choice's parts be as likely."""
    n = len(chosen)
    acts = chosen if step.p == 1 else chosen & (rng.random(n) < 0.5 if step.p > 0 else False)
    if not isinstance(step, Choice):
        active[step.label] = acts
        return
    possible = np.array(step.chances) > 0
    order = np.where(possible[:, None], rng.random((len(possible), n)), 2.0)
    low, high = step.counts
    count = rng.integers(low, high, n, endpoint=True)
    rank = np.argsort(np.argsort(order, axis=0), axis=0)
    for part, on in zip(step.parts, rank < count, strict=True):
        _act(part, acts & on, rng, active)


def _outcome_findings(bench: _Bench, contract: Contract, classes: tuple[str, ...], outcome: Outcome) -> list[Finding]:
    natural = outcome.happens(bench.judge("natural"))
    if natural.any():
        return _explained(bench, contract, classes, outcome, bench.natural, natural, float(natural.mean()))
    if outcome.impossible(bench.bounds):
        return []
    ends = outcome.happens(bench.judge("ends"))
    if ends.any():
        inside = outcome.inside(bench.judge("ends"))  # at the limit itself a witness may have no probability at all
        ends = inside if inside.any() else ends
        return _explained(bench, contract, classes, outcome, bench.ends, ends, 0.0)
    return [_undecided(bench, classes, outcome)]


def _explained(
    bench: _Bench,
    contract: Contract,
    classes: tuple[str, ...],
    outcome: Outcome,
    plan: Plan,
    where: NDArray[np.bool_],
    probability: float,
) -> list[Finding]:
    rows = np.flatnonzero(where)[:SHRUNK]
    before = judge_plan(plan.rows(rows))
    acting = shrink(bench.compose, plan, rows, lambda p: outcome.same(judge_plan(p), before))
    counts = Counter(tuple(row) for row in acting)
    hits, n = int(where.sum()), len(bench.natural)
    out: list[Finding] = []
    for key, count in counts.most_common():
        share = count / len(rows)
        if share < RARE and out:
            continue
        steps = tuple(leaf.label for leaf, on in zip(bench.compose.leaves, key, strict=True) if on)
        row = _plainest(plan, rows[[i for i, r in enumerate(acting) if tuple(r) == key]], outcome.kind == "rotation")
        part = share * probability
        # from the ends of the ranges: in the samples that users get there is none
        interval = interval_of_part(count, len(rows), hits, n) if probability else clopper_pearson(0, n)
        symmetry = _symmetry(bench.compose, plan, row, steps)
        witness = witness_of(bench.compose, plan, row)
        how = "proven" if bench.bounds.known else "witnessed"
        out.append(outcome.finding(contract, classes, steps, symmetry, part, interval, witness, how))
    return out


def _plainest(plan: Plan, rows: NDArray[np.intp], turned: bool) -> int:
    """The draw that shows it best: fewest steps act, least rotation is left over (most, where that is the matter)."""
    acting = np.sum([column[rows] for column in plan.draws.active.values()], axis=0)
    residual = np.abs(judge(plan.jacobian[rows]).residual) * (-1 if turned else 1)
    return int(rows[np.lexsort((residual, acting))[0]])


def _symmetry(compose: Compose, plan: Plan, row: int, steps: tuple[str, ...]) -> str:
    """The symmetry nearest to what the steps alone do in a draw."""
    draws = plan.draws.rows(np.array([row]))
    for leaf in compose.leaves:
        if leaf.label not in steps:
            draws = draws.without(leaf)
    alone = compose.assemble(plan.shapes[[row]], draws)
    return SYMMETRIES[int(judge(alone.jacobian).symmetry[0])]


def _undecided(bench: _Bench, classes: tuple[str, ...], outcome: Outcome) -> Finding:
    n = len(bench.natural)
    upper = clopper_pearson(0, n)[1]
    return Finding(
        code="AS105",
        severity="warning",
        how="sampled",
        evidence="stated",
        verdict="undecided",
        steps=tuple(leaf.label for leaf in bench.compose.leaves if isinstance(leaf, (Geometric, Opaque, Distortion))),
        classes=classes,
        message=f"it cannot be ruled out that {outcome.words}; seen in none of {n:,} draws, so its rate is at most "
        f"{upper:.2g}",
        help="Narrow the ranges. Flips, rotation, zoom, shift and mild shear or tilt can be proven. This one cannot.",
        probability=0.0,
        interval=(0.0, upper),
        per_class=dict.fromkeys(classes, 0.0),
    )


def _merged(findings: list[Finding], order: tuple[str, ...]) -> list[Finding]:
    """One finding for each (code, steps, outcome), its classes together."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for f in findings:
        groups.setdefault((f.code, f.steps, f.verdict, f.message if f.code != "AS105" else ""), []).append(f)
    out: list[Finding] = []
    for same in groups.values():
        first = max(same, key=lambda f: f.probability or 0.0)
        named = {c for f in same for c in f.classes}
        out.append(
            replace(
                first,
                classes=tuple(c for c in order if c in named),
                becomes={k: v for f in same for k, v in f.becomes.items()},
                per_class={k: v for f in same for k, v in f.per_class.items()},
            )
        )
    return out


def step_verdicts(
    compose: Compose, contract: Contract, steps: tuple[str, ...], size: tuple[int, int], draws: int = 4000
) -> dict[str, str]:
    """The verdict of some steps alone, all of them acting, for each class."""
    chosen = tuple(replace(s, p=1.0) for s in compose.steps if s.label in steps)
    return static_check(replace(compose, steps=chosen), contract, size=size, draws=draws, content=False).verdicts
