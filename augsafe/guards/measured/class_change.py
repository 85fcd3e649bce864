"""AS104, AS105 and AS402: what a policy does to each class, from labelled images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import SYMMETRIES, Contract, Learned, Relation, from_reference
from augsafe.errors import ContractError
from augsafe.guards.base import Finding
from augsafe.guards.measured.draws import drawn_findings, look
from augsafe.guards.measured.symmetric import open_cells, symmetric_findings
from augsafe.guards.symmetry import PRECEDENCE
from augsafe.pixels import Images
from augsafe.policies import Compose
from augsafe.typicality import Reference, fit

ALPHA = 0.05  # level at which an image counts as untypical of its class


@dataclass(frozen=True, eq=False)
class Given:
    """The images of a check: labels (n,) are indices into the contract's classes, -1 for none.

    groups: images of one group are not independent. reference: see `typicality.fit`.
    """

    images: Images = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    groups: Any = field(default=None, repr=False)
    reference: Callable[[Any], Any] | None = None

    @property
    def asked(self) -> bool:
        """Whether class change was asked for by name, so that it must not be left out with a note."""
        return self.groups is not None or self.reference is not None


@dataclass(frozen=True, eq=False)
class Bench:
    """A policy, the images it is judged on, and what was learned from them."""

    compose: Compose
    images: list[NDArray[Any]] = field(repr=False)
    contract: Contract
    unknown: tuple[str, ...]
    reference: Reference
    learned: Learned = field(repr=False)
    size: tuple[int, int]
    seed: int

    @staticmethod
    def of(
        compose: Compose, given: Given, contract: Contract, unknown: tuple[str, ...], size: tuple[int, int], seed: int
    ) -> Bench:
        """Fit the reference on the labelled images and look at them under the symmetries. Raises InputError."""
        rows, groups = np.flatnonzero(given.labels >= 0), given.groups
        known = [given.images[int(i)] for i in rows]
        grouped = None if groups is None else np.asarray(groups)[rows] if len(groups) == len(given.images) else groups
        fitted = fit(
            known,
            given.labels[rows],
            classes=contract.classes,
            groups=grouped,
            reference=given.reference,
            alpha=ALPHA,
            seed=seed,
        )
        return Bench(compose, known, contract, unknown, fitted, from_reference(fitted, known), size, seed)

    def finding(self, found: list[Finding]) -> list[Finding]:
        """The findings, narrowed to the classes that the contract leaves open."""
        out = []
        for f in found:
            classes = tuple(c for c in f.classes if c in self.unknown)
            if classes:
                rates = {c: v for c, v in f.per_class.items() if c in classes}
                becomes = {c: v for c, v in f.becomes.items() if c in classes}
                out.append(replace(f, classes=classes, per_class=rates, becomes=becomes))
        return out


def class_changes(bench: Bench) -> tuple[tuple[Finding, ...], tuple[str, ...], Contract]:
    """The findings, the notes, and the contract with the changes found."""
    if not bench.reference.scores.ready.any():
        return tuple(bench.finding(_too_few(bench))), (_note(bench),), bench.contract
    completed = _completed(bench)
    found = symmetric_findings(bench.compose, completed, bench.learned, bench.images, bench.size, bench.seed)
    seen = look(bench.compose, bench.reference, bench.images, bench.seed)
    found += drawn_findings(bench.reference, bench.images, seen)
    found += _too_few(bench)
    found += open_cells(bench.compose, bench.learned, bench.size, bench.seed)
    return tuple(bench.finding(found)), (_note(bench),), completed


def worst(verdicts: Mapping[str, str], findings: tuple[Finding, ...]) -> dict[str, str]:
    """The verdicts of the classes, with what was measured; unknown gives way to what is now known."""
    out = dict(verdicts)
    for f in findings:
        for cls in f.classes:
            if f.verdict in PRECEDENCE and PRECEDENCE.index(f.verdict) < PRECEDENCE.index(out[cls]):
                out[cls] = f.verdict
    return out


def _completed(bench: Bench) -> Contract:
    """The contract, with the changes that hold where it says nothing."""
    names = bench.contract.classes
    out = bench.contract
    for claim in bench.learned.held:
        cls, symmetry = names[claim.cls], SYMMETRIES[claim.symmetry]
        if out.relation(cls, symmetry).kind != "unknown":
            continue
        try:
            out = replace(out, relations={**out.relations, (cls, symmetry): Relation("to", names[claim.to])})
        except ContractError:  # it speaks against what a person has stated
            continue
    return out


def _too_few(bench: Bench) -> list[Finding]:
    short = {c: n for c, n in bench.reference.undecided.items() if c in bench.unknown}
    if not short:
        return []
    words = "; ".join(f"{c} has {bench.reference.lack(c)}" for c in list(short)[:8])
    more = f"; and {len(short) - 8} more" if len(short) > 8 else ""
    return [
        Finding(
            code="AS105",
            severity="warning",
            how="sampled",
            evidence="measured",
            verdict="undecided",
            steps=tuple(leaf.label for leaf in bench.compose.leaves),
            classes=tuple(short),
            message=f"too few images to learn what is typical of these classes: {words}{more}",
            help="Give more images of these classes, or state their relations in a contract.",
        )
    ]


def _note(bench: Bench) -> str:
    fitted = bench.reference
    if not fitted.scores.ready.any():
        return "Class change was not measured: every class has too few images."
    alike = "".join(f" They cannot tell {a} and {b} apart." for a, b in fitted.look_alikes)
    groups = len(np.unique(fitted.groups))
    return (
        f"Class change was measured on {len(fitted.rows):,} images in {groups:,} groups, with "
        f"{'built-in features' if type(fitted.extract).__name__ == 'Builtin' else 'the reference given'}.{alike}"
    )
