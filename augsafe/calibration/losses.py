"""What a draw does to an image: its class is changed or its content lost, or it becomes unfamiliar."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import KINDS, Contract
from augsafe.guards import TONE, Appearance, LimitTable, Looks, hue_limits, judge_plan, look, measure, violations
from augsafe.objects import Objects
from augsafe.pixels import render, tilted
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.typicality import AMBIGUOUS, CHANGED, UNDECIDED, UNFAMILIAR, Judged, Reference, fit

BoolArray = NDArray[np.bool_]
Rows = NDArray[np.int64]
CHUNK = 2048
_BROKEN = tuple(KINDS.index(kind) for kind in ("to", "invalid", "ambiguous"))


@dataclass(frozen=True, eq=False)
class Losses:
    """What n draws did, beyond what the image was before.

    lost: the class changed, or content or tone lost. unfamiliar: unlike any class, or not clearly one. unjudged:
    neither the contract nor the images can say. codes: what was lost, by the guards' codes (AS101 for the class, AS106
    for the contract's limits on rotation, zoom and displacement, AS2xx for the content, AS3xx for tone and colour); one
    draw may lose in several ways.
    """

    lost: BoolArray
    unfamiliar: BoolArray
    unjudged: BoolArray
    codes: Mapping[str, BoolArray]


@dataclass(frozen=True, eq=False)
class Jury:
    """Who says what is lost: the contract where it speaks, the images where not, the guards on content and tone where
    the object is known.

    own (n,): class indices of the contract. fitted: the rows from which the reference is learned, which must not be
    those that certify. silent: there is no contract, so that the images are asked about every draw.
    """

    images: Sequence[NDArray[Any]] = field(repr=False)
    own: Rows
    groups: Rows
    objects: Objects = field(repr=False)
    contract: Contract
    silent: bool
    fitted: Rows
    alpha: float
    seed: int
    jobs: int
    model: Callable[[Any], Any] | None = None
    value_range: tuple[float, float] | None = None

    @cached_property
    def reference(self) -> Reference:
        """What is typical of each class, learned when it is first asked. Raises InputError."""
        rows = self.fitted
        names = self.contract.classes
        return fit(
            [self.images[int(i)] for i in rows],
            self.own[rows],
            classes=names,
            groups=self.groups[rows],
            reference=self.model,
            alpha=self.alpha,
            seed=self.seed,
            jobs=self.jobs,
        )

    @property
    def asked(self) -> bool:
        """Whether the images had to be asked."""
        return "reference" in self.__dict__

    @cached_property
    def _limits(self) -> LimitTable:
        return LimitTable.of(self.contract)

    @cached_property
    def _looks(self) -> Looks:
        return look(self.images, self.value_range, np.isfinite(hue_limits(self.contract)[self.own]))

    @cached_property
    def _shapes(self) -> Rows:
        return np.array([image.shape[:2] for image in self.images], dtype=np.int64)

    def losses(self, compose: Compose, rows: Rows) -> Losses:
        """One draw of the policy on each of these images; the draw depends on the image's number alone."""
        parts = [self._losses(compose, rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)]
        lost, strange, unjudged = (
            np.concatenate([getattr(p, k) for p in parts]) for k in ("lost", "unfamiliar", "unjudged")
        )
        codes = {code: np.concatenate([p.codes[code] for p in parts]) for code in parts[0].codes}
        return Losses(lost, strange, unjudged, codes)

    def _losses(self, compose: Compose, rows: Rows) -> Losses:
        plan = compose.plan(self._shapes[rows], rows, self.seed, objects=self.objects.rows(rows))
        changed, far, ask = self._by_contract(plan, self.own[rows])
        lost = changed | far
        objects, limits = self.objects.rows(rows), self._limits.take(self.own[rows])
        codes = violations(measure(plan, objects, limits), limits, objects)
        appearance = Appearance.of(compose, self.contract)
        if appearance.codes:
            codes |= appearance.broken(plan, self.own[rows], self._looks.rows(rows))
            for code in set(TONE) & set(codes):
                codes[code] = codes[code] & objects.known
        for bad in codes.values():
            lost |= bad
        ask &= ~lost
        unfamiliar, unjudged = np.zeros(len(rows), bool), np.zeros(len(rows), bool)
        if ask.any():
            some = np.flatnonzero(ask)
            now, before = self._seen(compose, plan, rows, some)
            changed[some] |= (now.outcome == CHANGED) & (before.outcome != CHANGED)
            unclear = [np.isin(j.outcome, (UNFAMILIAR, AMBIGUOUS)) for j in (now, before)]
            unfamiliar[some] = unclear[0] & ~unclear[1]
            unjudged[some] = now.outcome == UNDECIDED
        return Losses(lost | changed, unfamiliar, unjudged, {"AS101": changed, "AS106": far, **codes})

    def _by_contract(self, plan: Plan, own: Rows) -> tuple[BoolArray, BoolArray, BoolArray]:
        """Where the contract says that the class is lost or a limit crossed, and where it says nothing."""
        acts = np.any([*plan.draws.active.values(), np.zeros(len(plan), bool)], axis=0)
        if self.silent:
            return np.zeros(len(plan), bool), np.zeros(len(plan), bool), acts
        tables, judged = self.contract.tables(), judge_plan(plan)
        kind = tables.kind[own, judged.symmetry]
        turned = np.abs(judged.residual)
        far = turned > tables.rotation[own] + 1e-9
        far |= plan.displaced > tables.displacement[own] + 1e-9
        far |= (judged.zoom_min < tables.zoom_lo[own] - 1e-9) | (judged.zoom_max > tables.zoom_hi[own] + 1e-9)
        unknown = kind == KINDS.index("unknown")
        unknown |= (turned > 1e-6) & np.isinf(tables.rotation[own])
        zoomed = (np.abs(judged.zoom_min - 1) > 1e-6) | (np.abs(judged.zoom_max - 1) > 1e-6)
        unknown |= zoomed & np.isinf(tables.zoom_hi[own])
        unknown |= (plan.displaced > 0) & np.isinf(tables.displacement[own])
        # of levels, blur and perspective a contract says nothing
        other = tilted(plan.matrix)
        for stage in plan.stages:
            other = other | np.any(
                [*(p.active for p in (*stage.tone, *stage.local)), np.zeros(len(plan), bool)], axis=0
            )
        return np.isin(kind, _BROKEN) & ~far, far, (unknown | other) & acts

    def _seen(self, compose: Compose, plan: Plan, rows: Rows, some: NDArray[np.intp]) -> tuple[Judged, Judged]:
        """How typical these images are after the draw, and before it."""
        bare = compose if compose.output is None else replace(compose, output=None)
        drawn = bare.assemble(plan.shapes[some], plan.draws.rows(some))
        made = list(render([self.images[int(i)] for i in rows[some]], drawn))
        reference = self.reference
        clean = self._clean
        now = reference.judge_features(reference.extract(made), self.own[rows[some]], self._folds[rows[some]])
        taken = rows[some]
        before = Judged(clean.outcome[taken], clean.to[taken], clean.p_own[taken], clean.p_other[taken])
        return now, before

    @cached_property
    def _folds(self) -> Rows:
        """The fold (n,) of each image of the reference, so that it is not compared with itself; -1 for others."""
        place = np.full(len(self.images), -1, np.int64)
        place[self.fitted] = np.arange(len(self.fitted))
        known = place >= 0
        out = np.full(len(self.images), -1, np.int64)
        out[known] = self.reference.fold_of(place[known], int(known.sum()))
        return out

    @cached_property
    def _clean(self) -> Judged:
        reference = self.reference
        return reference.judge_features(reference.extract(list(self.images)), self.own, self._folds)
