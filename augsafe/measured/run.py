"""All measured guards on one policy and its images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.compose import Compose
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError, InputError
from augsafe.guards.base import Finding
from augsafe.measured.class_change import Bench, class_changes
from augsafe.render import Images


@dataclass(frozen=True)
class Measured:
    """Findings, what was measured in words, and the contract with what the images say of unknown relations."""

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    contract: Contract


def measure(
    compose: Compose,
    images: Images,
    labels: NDArray[np.int64],
    contract: Contract,
    unknown: tuple[str, ...],
    groups: Any = None,
    reference: Callable[[Any], Any] | None = None,
    *,
    size: tuple[int, int],
    seed: int = 0,
    realism: bool = False,
) -> Measured:
    """Render draws on labelled images and judge them; with `realism`, also tell them from originals (AS401).

    labels: indices into the contract's classes, -1 for none. unknown: the classes of which the contract leaves open
    what the policy does to them. groups: images of one group are not independent. reference: see `typicality.fit`.
    size: of most images. Where no `groups` and no `reference` are given and the images allow no judgement, a note says
    why; where they are given, InputError is raised.
    """
    asked = groups is not None or reference is not None
    if asked and (labels < 0).all() and not realism:
        raise ArgumentError("groups= and reference= are for measuring class change, which needs labels")
    changed = _class_change(compose, images, labels, contract, unknown, groups, reference, size, seed)
    if not realism:
        return changed
    from augsafe.measured.realism import realism as told

    found = told(compose, images, groups=groups, reference=reference, seed=seed)
    return Measured((*changed.findings, *found.findings), (*changed.notes, f"Realism: {found}."), changed.contract)


def _class_change(
    compose: Compose,
    images: Images,
    labels: NDArray[np.int64],
    contract: Contract,
    unknown: tuple[str, ...],
    groups: Any,
    reference: Callable[[Any], Any] | None,
    size: tuple[int, int],
    seed: int,
) -> Measured:
    asked = groups is not None or reference is not None
    nothing = Measured((), (), contract)
    if not unknown or (labels < 0).all() or all(step.never_acts for step in compose.steps):
        return nothing
    try:
        bench = Bench.of(compose, images, labels, contract, unknown, groups, reference, size, seed)
    except InputError as error:
        if asked:
            raise
        return Measured((), (f"Class change was not measured: {error}.",), contract)
    return Measured(*class_changes(bench))
