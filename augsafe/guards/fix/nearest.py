"""The nearest policy that holds: ranges are cut at their limits, and steps left out where no part of them holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from augsafe.guards.base import Finding
from augsafe.guards.fix.demands import (
    Absent,
    All,
    Displaced,
    Kind,
    Rare,
    Trial,
    Unreachable,
    Unseen,
    farthest,
    is_error,
)
from augsafe.guards.fix.kept import changes, kept_share
from augsafe.guards.fix.search import Search, widened
from augsafe.guards.fix.ways import find, narrowed_by, ways_of
from augsafe.policies import Compose
from augsafe.statistics import EPSILON
from augsafe.transforms import walk

MEASURED = "AS104"  # what images say of relations that the contract leaves open
CLASS_CODES = frozenset({"AS101", "AS102", MEASURED, "AS106"})
TRIES, MARGIN = 6, 0.9  # after each try that other draws find fault with, rates are held to less
SLACK = 1.1  # of a limit, for a rate in other draws


def fixed_policy(
    compose: Compose, findings: Sequence[Finding], trial: Trial, start: Compose | None = None
) -> tuple[Compose | None, tuple[str, ...]]:
    """The policy nearest to the given one of which the check finds no errors, and what it changes in words.

    Nearest keeps the largest share of the given ranges, see `kept_share`, among the ways that are tried: only steps
    that errors name are changed, one parameter where one is enough. No end of a range can be moved out further. Limits
    of the contract are held by bounds on all that a policy reaches, rates by the check's own draws.

    Args:
        compose: The policy.
        findings: What the check found of it.
        trial: The check, which is asked again and again.
        start: What to start from, where the policy has another duty.

    Returns:
        The fixed policy and the words; None and no words where nothing helps.
    """
    given = compose if start is None else start
    policy, demands = given, {}
    errors = [f for f in (findings if start is None else trial.findings(given)) if is_error(f)]
    measured = any(f.code == MEASURED for f in errors)
    for number in range(TRIES):
        if not errors:
            return policy, changes(compose, policy)
        demands.update(_demands(policy, errors, trial, EPSILON * MARGIN**number))
        narrower = _met(policy, errors, list(demands.values()), given)
        if narrower is None:
            return None, ()
        policy = widened(narrower, given, All(tuple(demands.values())))
        found = [*trial.findings(policy), *(trial.findings(policy, frozenset({MEASURED})) if measured else ())]
        again = _too_often(policy, demands, trial, SLACK / MARGIN**number)
        errors = [f for f in found if is_error(f)] or [f for f in errors if f.code in again]
    return None, ()


def _too_often(policy: Compose, demands: Mapping[object, Kind], trial: Trial, slack: float) -> set[str]:
    """The rules that many other draws break more often than the draws by which the policy was found."""
    rare = [d for d in demands.values() if isinstance(d, Rare)]
    rates = trial.rates(policy, frozenset(d.code for d in rare), last=True) if rare else {}
    return {d.code for d in rare if not d.kept(rates, slack)}


def _demands(policy: Compose, errors: Sequence[Finding], trial: Trial, limit: float) -> dict[object, Kind]:
    """What must hold, so that these errors go."""
    out: dict[object, Kind] = {}
    codes = {f.code for f in errors}
    of_contract = _of_contract(policy, errors, trial) if codes & CLASS_CODES else {}
    out.update(of_contract)
    others = codes - CLASS_CODES | (codes & {MEASURED} if not of_contract else set())
    rates = trial.rates(policy, frozenset(others))
    for code in sorted(others):
        harmed = {cls for f in errors if f.code == code for cls in f.classes}
        limits = {
            label: limit if label < 0 or trial.contract.classes[label] in harmed else max(limit, rate)
            for label, rate in rates.get(code, {}).items()
        }
        out[code] = Rare(trial, code, limits) if limits else Absent(trial, code)
    return out


def _of_contract(policy: Compose, errors: Sequence[Finding], trial: Trial) -> dict[object, Kind]:
    out: dict[object, Kind] = {}
    broken = [outcome for outcome in trial.broken(policy) if outcome.harms]
    if any(entry.code in CLASS_CODES for entry in trial.contract.accept):
        return {code: Absent(trial, code) for code in {f.code for f in errors} & CLASS_CODES - {MEASURED}}
    every = [way for name in _blamed(policy, errors, CLASS_CODES) for way in ways_of(policy, name, rates=False)]
    still = narrowed_by(policy, every, 0)
    for outcome in sorted(broken, key=lambda o: ("rotation", "zoom", "invalid", "to").index(o.kind)):
        bounded = Unreachable(outcome, trial.size)
        out[outcome] = bounded if bounded.holds(still) else Unseen(trial, (outcome,))
    limits = {trial.contract.limits_for(cls).displacement for cls in trial.contract.classes} - {None}
    for limit in limits:
        if limit is not None and farthest(policy, trial.size) > limit + 1e-9:
            out[limit] = Displaced(limit, trial.size)
    if not out:
        out.update({code: Absent(trial, code) for code in {f.code for f in errors} & CLASS_CODES - {MEASURED}})
    return out


def _met(policy: Compose, errors: Sequence[Finding], demands: Sequence[Kind], given: Compose) -> Compose | None:
    """The policy narrowed until the demands hold; None where one cannot be met.

    What bounds decide comes first, one after the other; what draws decide is then met together.
    """
    sampled = tuple(d for d in demands if isinstance(d, (Rare, Absent)))
    groups = [All((d,)) for d in demands if d not in sampled] + ([All(sampled)] if sampled else [])
    everyone = [held.label for step in given.steps for held in walk(step)]
    for group in groups:
        if group.holds(policy):
            continue
        codes = frozenset(d.code for d in group.demands if isinstance(d, (Rare, Absent))) or CLASS_CODES
        for names in (_blamed(policy, errors, codes), everyone):
            ways = tuple(way for name in names for way in ways_of(policy, name, rates=group.demands == sampled))
            narrower = Search(policy, ways, group, lambda tried: kept_share(given, tried)).best()
            if narrower is not None:
                policy = narrower
                break
        else:
            return None
    return policy


def _blamed(policy: Compose, errors: Sequence[Finding], codes: frozenset[str]) -> list[str]:
    """The steps, as they are written, that errors of some codes name: those that are blamed least first."""
    weights: dict[str, float] = {}
    for finding in errors:
        for leaf in finding.steps if finding.code in codes else ():
            name = leaf if find(policy, leaf) is not None else leaf.rsplit("/", 1)[0]
            weights[name] = weights.get(name, 0.0) + (finding.probability or 1e-6) / len(finding.steps)
    return sorted((name for name in weights if find(policy, name) is not None), key=lambda name: weights[name])
