"""Which rules of a contract a plan breaks, and by which steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import KINDS, SYMMETRIES, Contract
from augsafe.guards.content import LimitTable, measure, violations
from augsafe.guards.enforce.log import kinds_of
from augsafe.guards.judging import Judged, judge, judge_plan
from augsafe.guards.symmetry import Reach, reach
from augsafe.guards.tone import CODES as TONE_CODES
from augsafe.guards.tone import Appearance, Looks
from augsafe.guards.witnesses import shrink
from augsafe.objects import Objects
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.transforms import Distortion

BoolArray = NDArray[np.bool_]
Labels = NDArray[np.int64]
Rows = NDArray[np.intp]
CLASS_CODES = ("AS101", "AS103", "AS106", "AS107")


@dataclass(frozen=True, eq=False)
class Verdicts:
    """For n images: which codes they violate, and the class that the image becomes (-1 where there is none)."""

    codes: dict[str, BoolArray]
    becomes: Labels
    accepted: BoolArray | None = None  # those of which something was left out, since the contract accepts it

    @property
    def count_accepted(self) -> int:
        """How many images broke a rule in a way that the contract accepts."""
        return 0 if self.accepted is None else int(self.accepted.sum())

    def acting(self, actions: Mapping[str, str], but: str = "") -> BoolArray:
        """Which images violate a code that is acted on."""
        due = [bad for code, bad in self.codes.items() if actions[code] != "warn" and code != but]
        n = len(self.becomes)
        return np.any(due, axis=0) if due else np.zeros(n, bool)


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known of n images: where their objects are and how they look, None where no rule is to ask."""

    objects: Objects | None
    looks: Looks | None = None

    def rows(self, rows: Rows) -> Seen:
        """The same of some of the images."""
        objects = None if self.objects is None else self.objects.rows(rows)
        return Seen(objects, None if self.looks is None else self.looks.rows(rows))


class Rules:
    """Judges the plans of one policy by a contract; None holds content alone against the default limits.

    named: codes that the user named. AS301, AS302 and AS303 are judged only if they are, and AS204 then also in images
    of which no object is known.
    """

    def __init__(self, compose: Compose, contract: Contract | None, named: Collection[str] = ()) -> None:
        self.compose, self.contract = compose, contract
        self.appearance = Appearance.of(compose, contract, named)
        self._padding = "AS204" in named
        self.limits = LimitTable.of(contract)
        self._reached: dict[tuple[int, int], bool] = {}
        self._several: dict[tuple[int, ...], bool] = {}  # by acting steps, class, and the class that it becomes
        self._distorts = any(isinstance(leaf, Distortion) for leaf in compose.leaves)
        if contract is not None and contract.classes:
            tables = contract.tables()
            same = np.full((1, len(SYMMETRIES)), KINDS.index("same"), tables.kind.dtype)
            self._kind = np.concatenate([tables.kind, same])
            self._target = np.concatenate([tables.target, np.full_like(same, -1, dtype=np.int64)])
            self._rotation = np.append(tables.rotation, np.inf)
            self._zoom_lo = np.append(tables.zoom_lo, 0.0)
            self._zoom_hi = np.append(tables.zoom_hi, np.inf)
            self._displacement = np.append(tables.displacement, np.inf)

    def verdicts(self, plan: Plan, labels: Labels, seen: Seen) -> Verdicts:
        """The verdicts, without what the contract accepts."""
        found = self._rules(plan, labels, seen)
        if self.contract is None or not self.contract.accept:
            return found
        accepted = np.zeros(len(plan), bool)
        codes = dict(found.codes)
        for code in {"AS101" if entry.code == "AS102" else entry.code for entry in self.contract.accept} & set(codes):
            rows = np.flatnonzero(codes[code])
            if not len(rows):
                continue
            needed = self.needed(plan, rows, labels, seen, code, found)
            fine = rows[[self._accepts(code, steps, int(labels[row])) for steps, row in zip(needed, rows, strict=True)]]
            codes[code] = codes[code].copy()
            codes[code][fine] = False
            accepted[fine] = True
        return Verdicts(codes, np.where(codes.get("AS101", accepted), found.becomes, -1), accepted)

    def _accepts(self, code: str, needed: BoolArray, label: int) -> bool:
        assert self.contract is not None
        if not 0 <= label < len(self.contract.classes):
            return False
        steps = tuple(leaf.label for leaf, on in zip(self.compose.leaves, needed, strict=True) if on)
        named = "AS102" if code == "AS101" and len(steps) > 1 else code
        return self.contract.accepts(named, steps, self.contract.classes[label]) is not None

    def needed(self, plan: Plan, rows: Rows, labels: Labels, seen: Seen, code: str, found: Verdicts) -> BoolArray:
        """The steps (rows, leaves) that it takes to break a rule in the same way."""
        some, few, becomes = labels[rows], seen.rows(rows), found.becomes[rows]

        def persists(tried: Plan) -> BoolArray:
            now = self._rules(tried, some, few, only=code)
            return np.asarray(now.codes[code] & ((now.becomes == becomes) | (code != "AS101")))

        return shrink(self.compose, plan, rows, persists, judged=self.appearance.steps if code in TONE_CODES else None)

    def takes_several(self, plan: Plan, labels: Labels, verdicts: Verdicts) -> BoolArray:
        """Where it takes several steps to change the class, as the first draw of each set of acting steps showed."""
        rows = np.flatnonzero(verdicts.codes["AS101"])
        columns = [*(plan.draws.active[leaf.label] for leaf in self.compose.leaves), labels, verdicts.becomes]
        kind, example = kinds_of([column[rows] for column in columns])
        keys = list(zip(*(column[rows[example]].tolist() for column in columns), strict=True))
        new = [k for k, key in enumerate(keys) if key not in self._several]
        if new:
            needed = self.needed(plan, rows[example[new]], labels, Seen(None), "AS101", verdicts)
            self._several.update(zip((keys[k] for k in new), (needed.sum(axis=1) > 1).tolist(), strict=True))
        several = np.zeros(len(plan), bool)
        several[rows] = np.array([self._several[key] for key in keys])[kind]
        return several

    def _rules(self, plan: Plan, labels: Labels, seen: Seen, only: str = "") -> Verdicts:
        """The codes, or those of the kind of one of them."""
        codes: dict[str, BoolArray] = {}
        becomes = np.full(len(plan), -1, np.int64)
        if only in TONE_CODES and seen.looks is not None:
            return Verdicts(self.appearance.broken(plan, labels, seen.looks), becomes)
        if self.contract is not None and self.contract.classes and not self._proven(plan.shapes):
            judged = judge(plan.jacobian)
            limit = np.minimum(self._rotation[labels], 45.0)
            turned = np.abs(judged.residual) > limit + 1e-9
            kind = self._kind[labels, judged.symmetry]
            changed = ((kind == KINDS.index("to")) | (kind == KINDS.index("invalid"))) & ~turned
            becomes = np.where(changed, self._target[labels, judged.symmetry], -1)
            codes["AS101"] = changed
            codes["AS103"] = (kind == KINDS.index("unknown")) & ~turned
            zoomed = self._zoomed(judged, labels)
            if zoomed.any():
                rows = np.flatnonzero(zoomed)
                zoomed[rows] = self._zoomed(judge_plan(plan.rows(rows)), labels[rows])
            codes["AS106"] = (turned & (limit < 45)) | zoomed | (plan.displaced > self._displacement[labels] + 1e-9)
            codes["AS107"] = (kind == KINDS.index("ambiguous")) & ~turned
        if only in CLASS_CODES:
            return Verdicts(codes, becomes)
        if seen.objects is not None or self._padding:
            codes.update(self._content(plan, labels, seen.objects))
        if not only and seen.looks is not None and self.appearance.codes:
            codes.update(self.appearance.broken(plan, labels, seen.looks))
        return Verdicts(codes, becomes)

    def _zoomed(self, judged: Judged, labels: Labels) -> BoolArray:
        return (judged.zoom_min < self._zoom_lo[labels] - 1e-9) | (judged.zoom_max > self._zoom_hi[labels] + 1e-9)

    def _content(self, plan: Plan, labels: Labels, objects: Objects | None) -> dict[str, BoolArray]:
        limits = self.limits.take(labels)
        found = violations(measure(plan, objects, limits), limits, objects)
        if objects is not None and not self._padding:
            found["AS204"] = found["AS204"] & objects.known
        return found

    def _proven(self, shapes: NDArray[np.int64]) -> bool:
        """Whether bounds on the policy rule out every class rule, for images of these sizes."""
        uniform = bool((shapes == shapes[0]).all())
        sizes = [(int(h), int(w)) for h, w in (shapes[:1] if uniform else np.unique(shapes, axis=0)[:9])]
        if len(sizes) > 8:
            return False
        for size in sizes:
            if size not in self._reached:
                self._reached[size] = self._harmless(reach(self.compose, size))
        return all(self._reached[size] for size in sizes)

    def _harmless(self, bounds: Reach) -> bool:
        if not bounds.known:
            return False
        reached = [SYMMETRIES.index(name) for name in bounds.rotation]
        most = max((max(-low, high) for low, high in bounds.rotation.values()), default=0.0)
        limit = np.where(self._rotation < 45, self._rotation, np.inf)
        return bool(
            (self._kind[:, reached] == KINDS.index("same")).all()
            and most <= limit.min() + 1e-9
            and bounds.zoom[0] >= self._zoom_lo.max() - 1e-9
            and bounds.zoom[1] <= self._zoom_hi.min() + 1e-9
            and (np.isinf(self._displacement).all() or not self._distorts)
        )
