"""All measured guards on one policy and its images."""

from __future__ import annotations

from dataclasses import dataclass

from augsafe.contracts import Contract
from augsafe.errors import ArgumentError, InputError
from augsafe.guards.base import Finding
from augsafe.guards.measured.class_change import Bench, Given, class_changes
from augsafe.policies import Compose
from augsafe.statistics import one_thread


@dataclass(frozen=True)
class Measured:
    """Findings, what was measured in words, and the contract with what the images say of unknown relations."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    contract: Contract


@one_thread()
def measure_classes(
    compose: Compose,
    given: Given,
    contract: Contract,
    unknown: tuple[str, ...],
    *,
    size: tuple[int, int],
    seed: int = 0,
    realism: bool = False,
) -> Measured:
    """Render draws on labelled images and judge them; with `realism`, also tell them from originals (AS401).

    unknown: the classes of which the contract leaves open what the policy does to them. size: of most images. Where no
    groups and no reference are given and the images allow no judgement, a note says why; where they are given,
    InputError is raised.
    """
    if given.asked and (given.labels < 0).all() and not realism:
        raise ArgumentError("groups= and reference= are for measuring class change, which needs labels")
    changed = _class_change(compose, given, contract, unknown, size, seed)
    if not realism:
        return changed
    from augsafe.guards.measured.distinguishing import realism as told

    found = told(compose, given.images, groups=given.groups, reference=given.reference, seed=seed)
    return Measured((*changed.findings, *found.findings), (*changed.notes, f"Realism: {found}."), changed.contract)


def _class_change(
    compose: Compose, given: Given, contract: Contract, unknown: tuple[str, ...], size: tuple[int, int], seed: int
) -> Measured:
    if not unknown or (given.labels < 0).all() or all(step.never_acts for step in compose.steps):
        return Measured((), (), contract)
    try:
        bench = Bench.of(compose, given, contract, unknown, size, seed)
    except InputError as error:
        if given.asked:
            raise
        return Measured((), (f"Class change was not measured: {error}.",), contract)
    return Measured(*class_changes(bench))
