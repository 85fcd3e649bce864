"""Guards in the loader: plans that break the contract are redrawn, clamped, dropped, ... before a pixel moves.

Codes are those of `check`, with three differences. AS101 and AS102 are one rule with one action (a mapping may name
either); which of them it is, is found by taking one draw apart for each set of acting steps. And the visible share is
held against the contract by AS201, on the object, so that AS106 is about rotation, zoom and displacement. And what
tone and colour steps leave of levels and colours (AS301, AS302, AS303) is judged only where a mapping names these
codes: it takes a look at each image, and more time a draw than all other rules together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.errors import ArgumentError, ViolationError
from augsafe.guards.content import CODES as CONTENT_CODES
from augsafe.guards.enforce.log import Log
from augsafe.guards.enforce.rules import Rules, Seen, Verdicts
from augsafe.guards.tone import CODES as TONE_CODES
from augsafe.guards.tone import Looks
from augsafe.objects import Objects
from augsafe.planning import Draws, Plan
from augsafe.policies import Compose
from augsafe.transforms import Distortion, Erase, Geometric, Transform

ACTIONS = ("raise", "drop", "relabel", "identity", "clamp", "redraw", "warn")  # the first that is due is taken
CLASS_CODES = ("AS101", "AS103", "AS106", "AS107")
CODES = (*CLASS_CODES, *CONTENT_CODES)
WARNINGS = ("AS103", "AS107")
ATTEMPTS = 8
KEEPS = tuple(round(1 - k / 10, 1) for k in range(11))
BoolArray = NDArray[np.bool_]
Labels = NDArray[np.int64]
Rows = NDArray[np.intp]
OnViolation = str | Mapping[str, str]


def actions_of(on_violation: OnViolation) -> dict[str, str]:
    """The action for each code. Warnings (AS103, AS107) are only counted unless a mapping names them.

    AS301, AS302 and AS303 are there only where a mapping names them.

    Raises ArgumentError.
    """
    given = {} if isinstance(on_violation, str) else dict(on_violation)
    default = on_violation if isinstance(on_violation, str) else "redraw"
    if "AS102" in given:
        same = given.pop("AS102")
        if given.setdefault("AS101", same) != same:
            raise ArgumentError("on_violation: AS101 and AS102 are one rule in a loader; give them the same action")
    for code in given:
        if code not in (*CODES, *TONE_CODES):
            known = ", ".join((*CODES, *TONE_CODES))
            raise ArgumentError(f"on_violation has no code {code!r}; known are {known}")
    for action in (default, *given.values()):
        if action not in ACTIONS:
            raise ArgumentError(f"on_violation must be one of {', '.join(ACTIONS)}, got {action!r}")
    base = {code: "warn" if code in WARNINGS else default for code in CODES}
    return {**base, **given}


class Enforcer:
    """Holds the plans of one policy against a contract and fixes them.

    on_violation: one action for all errors but AS301, AS302 and AS303, or a mapping from code to action (others redraw;
    those three are not looked at):
    raise; redraw (at most 8 attempts, then clamp); clamp (continuous parameters shrink together, then discrete
    steps are switched off, last first; then the identity); identity; drop; relabel (a class that becomes another takes
    its label; redraw where that is not so); warn. After an action no rule that is acted on is broken: the identity
    breaks none.
    """

    def __init__(
        self,
        compose: Compose,
        contract: Contract | None = None,
        on_violation: OnViolation = "redraw",
        names: Sequence[str] = (),
    ) -> None:
        self.compose = compose
        self.contract = contract
        self._judges = contract is not None and bool(contract.classes)
        self.names = contract.classes if contract is not None and contract.classes else tuple(names)
        self.actions = actions_of(on_violation)
        self.rules = Rules(compose, contract, () if isinstance(on_violation, str) else tuple(on_violation))
        self._neutral = {leaf.label: {q.name: q.neutral for q in leaf.parameters} for leaf in compose.leaves}
        for leaf in compose.leaves:
            self._neutral[leaf.label] |= {"keep": 1.0} if isinstance(leaf, Erase) else {}

    def enforce(
        self, plan: Plan, labels: Labels, objects: Objects | None = None, looks: Looks | None = None
    ) -> tuple[Plan, Labels, BoolArray, Log]:
        """Fix a plan. Gives the plan, the labels, which images to keep, and what was done.

        labels: (n,) class indices of the contract, -1 where unknown (then no class rule holds); without a contract, of
        the log's names. objects: None turns
        AS201 to AS205 off (but AS204 where on_violation names it), and looks AS301, AS302 and AS303. Raises
        ViolationError where that is the action.
        """
        n, seen, given = len(plan), Seen(objects, looks), labels
        log = Log(images=n, names=self.names)
        log.seen = log.by_class(given)
        labels = given if self._judges else np.full(n, -1, np.int64)
        verdicts = self.rules.verdicts(plan, labels, seen)
        log.accepted = verdicts.count_accepted
        keep = np.ones(n, bool)
        broken = [code for code, bad in verdicts.codes.items() if bad.any()]
        if not broken:
            return plan, given, keep, log
        action = np.full(n, len(ACTIONS) - 1)
        for code in broken:
            rank = ACTIONS.index(self.actions[code])
            np.minimum(action, rank, out=action, where=verdicts.codes[code])
        named = {code: verdicts.codes[code] for code in broken}
        if "AS101" in named:
            several = self.rules.takes_several(plan, labels, verdicts)
            named.update(AS101=named["AS101"] & ~several, AS102=named["AS101"] & several)
        actions = {**self.actions, "AS102": self.actions["AS101"]}
        tone = {code: named.pop(code) for code in TONE_CODES if code in named}
        log.count(named, plan, given, actions)
        for code, bad in tone.items():
            log.count({code: bad}, plan, given, actions, [s.label for s in self.rules.appearance.steps_of(code)])
        first = plan
        for number in np.unique(action):
            rows = np.flatnonzero(action == number)
            name = ACTIONS[number]
            if name == "raise":
                self._raise(plan, rows, labels, verdicts)
            elif name == "drop":
                keep[rows] = False
            elif name == "relabel":
                plan, labels = self._relabel(plan, rows, labels, seen, verdicts)
            elif name != "warn":
                plan = self._fixed(name, plan, rows, labels, seen)
        new = labels if self._judges else given
        log.shift(first, plan, given, new, keep, self._neutral)
        acted = np.flatnonzero(~np.isin(action, [ACTIONS.index(name) for name in ("drop", "warn")]))
        still = acted[self._still(plan.draws.rows(acted))]
        log.unaugmented = log.by_class(given[still])
        return plan, new, keep, log

    def _still(self, draws: Draws) -> BoolArray:
        """Where no step does anything: off, without strength, or neutral where it sets the frame."""
        still = np.ones(len(draws), bool)
        for leaf in self.compose.leaves:
            values, neutral = draws.values[leaf.label], self._neutral[leaf.label]
            strengths = [q.name for q in leaf.parameters if leaf.frame or not q.free]
            off = [values[name] == neutral[name] for name in strengths]
            if isinstance(leaf, Erase):
                off = [values["keep"] == 0]
            nothing = np.all(off, axis=0) if off else np.full(len(draws), leaf.frame)
            still &= nothing | ~draws.active[leaf.label]
        return still

    def _broken(self, plan: Plan, labels: Labels, seen: Seen) -> BoolArray:
        return self.rules.verdicts(plan, labels, seen).acting(self.actions)

    # Acting

    def _fixed(self, name: str, plan: Plan, rows: Rows, labels: Labels, seen: Seen) -> Plan:
        way = {"redraw": self._redrawn, "clamp": self._clamped, "identity": self._identity}[name]
        draws = way(plan, rows, labels[rows], seen.rows(rows))
        return self.compose.assemble(plan.shapes, plan.draws.replaced(rows, draws))

    def _redrawn(self, plan: Plan, rows: Rows, labels: Labels, seen: Seen) -> Draws:
        draws, left = plan.draws.rows(rows), np.arange(len(rows))
        for attempt in range(1, ATTEMPTS + 1):
            attempts = np.full(len(left), attempt, np.int64)
            shapes, some = plan.shapes[rows[left]], seen.rows(left)
            new = self.compose.planned(plan.draws.key.rows(rows[left], attempts), shapes, some.objects)
            broken = self._broken(new, labels[left], some)
            draws = draws.replaced(left[~broken], new.draws.rows(np.flatnonzero(~broken)))
            left = left[broken]
            if not len(left):
                return draws
        return draws.replaced(left, self._clamped(plan, rows[left], labels[left], seen.rows(left)))

    def _identity(self, plan: Plan, rows: Rows, labels: Labels, seen: Seen) -> Draws:
        """Every step off; what is judged is what draws take from just this, so that it breaks no rule."""
        return plan.draws.rows(rows).neutral(self.compose.leaves)

    def _clamped(self, plan: Plan, rows: Rows, labels: Labels, seen: Seen) -> Draws:
        """Shrink what is continuous; where that does not help, switch discrete steps off one by one, last first.

        Steps that give levels and colours are touched where these were lost, others where something else was.
        """
        draws, left = plan.draws.rows(rows), np.arange(len(rows))
        moved, toned = self._wrong(plan.rows(rows), labels, seen)
        base = draws
        for step in (None, *filter(_discrete, reversed(self.compose.leaves)), *self._flat_tones(toned)):
            if step is not None:
                base = base.without(step, where=moved if isinstance(step, Geometric) else toned)
            for keep in KEEPS:
                if not len(left):
                    return draws
                tried = self._shrunk(base.rows(left), keep, moved[left], toned[left])
                new = self.compose.assemble(plan.shapes[rows[left]], tried)
                broken = self._broken(new, labels[left], seen.rows(left))
                draws = draws.replaced(left[~broken], tried.rows(np.flatnonzero(~broken)))
                left = left[broken]
        if not len(left):
            return draws
        return draws.replaced(left, self._identity(plan, rows[left], labels[left], seen.rows(left)))

    def _wrong(self, plan: Plan, labels: Labels, seen: Seen) -> tuple[BoolArray, BoolArray]:
        """Where something is lost by moving pixels, and where levels or colours are lost."""
        if not self.rules.appearance.codes:
            return np.ones(len(plan), bool), np.zeros(len(plan), bool)
        found = self.rules.verdicts(plan, labels, seen)
        tone, rest = ({c: b for c, b in found.codes.items() if (c in TONE_CODES) == lost} for lost in (True, False))
        moved, toned = (replace(found, codes=codes).acting(self.actions) for codes in (rest, tone))
        return moved, toned

    def _flat_tones(self, toned: BoolArray) -> list[Transform]:
        """Steps without a strength that may lose levels, last first."""
        steps = self.rules.appearance.steps if toned.any() else ()
        return [step for step in reversed(steps) if all(q.free for q in step.parameters)]

    def _shrunk(self, draws: Draws, keep: float, moved: BoolArray, toned: BoolArray) -> Draws:
        values = dict(draws.values)
        moves, tones = (np.where(where, keep, 1.0) for where in (moved, toned))
        for leaf in self.compose.leaves:
            if leaf in self.rules.appearance.steps and toned.any():
                some, keeps = [q for q in leaf.parameters if not q.free], tones
            elif isinstance(leaf, (Geometric, Distortion)) and not _discrete(leaf):
                # what says which field it is has no strength
                some, keeps = [q for q in leaf.parameters if isinstance(leaf, Geometric) or not q.free], moves
            elif isinstance(leaf, Erase):
                values[leaf.label] = {**values[leaf.label], "keep": values[leaf.label]["keep"] * moves}
                continue
            else:
                continue
            new = {q.name: q.towards_neutral(values[leaf.label][q.name], keeps) for q in some}
            values[leaf.label] = {**values[leaf.label], **new}
        return replace(draws, values=values)

    def _relabel(self, plan: Plan, rows: Rows, labels: Labels, seen: Seen, verdicts: Verdicts) -> tuple[Plan, Labels]:
        """Take the label of the class that the image becomes, if nothing else is wrong under either label."""
        target = verdicts.becomes[rows]
        fits = (target >= 0) & ~verdicts.acting(self.actions, but="AS101")[rows]
        some = rows[fits]
        new = labels.copy()
        new[some] = verdicts.becomes[some]
        if len(some):
            part = self.compose.assemble(plan.shapes[some], plan.draws.rows(some))
            after = self.rules.verdicts(part, new[some], seen.rows(some))
            wrong = some[after.acting(self.actions, but="AS101")]
            new[wrong] = labels[wrong]
        rest = rows[new[rows] == labels[rows]]
        if len(rest):
            plan = self._fixed("redraw", plan, rest, labels, seen)
        return plan, new

    def _raise(self, plan: Plan, rows: Rows, labels: Labels, verdicts: Verdicts) -> None:
        row = int(rows[0])
        codes = [c for c, bad in verdicts.codes.items() if bad[row] and self.actions[c] != "warn"]
        label = int(labels[row])
        cls = f" of class {self.names[label]!r}" if 0 <= label < len(self.names) else ""
        becomes = int(verdicts.becomes[row])
        reads = f" (it reads as {self.names[becomes]!r})" if becomes >= 0 else ""
        border = "give the policy border='constant', " if "AS205" in codes else ""
        raise ViolationError(
            f"image {int(plan.draws.key.indices[row])}{cls}: the draw {plan.describe(row)!r} breaks "
            f"{', '.join(codes)}{reads}; {border}change the policy, or choose another on_violation"
        )


def _discrete(leaf: Transform) -> bool:
    """Steps that act or do not, without a strength: flips and quarter turns."""
    if not isinstance(leaf, Geometric) or leaf.frame:
        return False
    return all(q.free for q in leaf.parameters)


__all__ = ["ACTIONS", "ATTEMPTS", "CODES", "Enforcer", "Log", "actions_of"]
