"""Guards in the loader: plans that break the contract are redrawn, clamped, dropped, ... before a pixel moves.

Codes are those of `check`, with two differences. AS101 and AS102 are one rule with one action (a mapping may name
either); which of them it is, is found by taking one draw apart for each set of acting steps. And the visible share is
held against the contract by AS201, on the object, so that AS106 is about rotation, zoom and displacement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from augsafe.compose import Compose
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError, ViolationError
from augsafe.guards.content import CODES as CONTENT_CODES
from augsafe.guards.log import Log
from augsafe.guards.rules import Rules, Verdicts
from augsafe.objects import Objects
from augsafe.plan import Draws, Plan
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

    Raises ArgumentError.
    """
    given = {} if isinstance(on_violation, str) else dict(on_violation)
    default = on_violation if isinstance(on_violation, str) else "redraw"
    if "AS102" in given:
        same = given.pop("AS102")
        if given.setdefault("AS101", same) != same:
            raise ArgumentError("on_violation: AS101 and AS102 are one rule in a loader; give them the same action")
    for code in given:
        if code not in CODES:
            raise ArgumentError(f"on_violation has no code {code!r}; known are {', '.join(CODES)}")
    for action in (default, *given.values()):
        if action not in ACTIONS:
            raise ArgumentError(f"on_violation must be one of {', '.join(ACTIONS)}, got {action!r}")
    base = {code: "warn" if code in WARNINGS else default for code in CODES}
    return {**base, **given}


class Enforcer:
    """Holds the plans of one policy against a contract and mends them.

    on_violation: one action for all errors, or a mapping from code to action (others redraw):
    raise; redraw (at most 8 attempts, then the identity); clamp (continuous parameters shrink together, then discrete
    steps are switched off, last first); identity; drop; relabel (a class that becomes another takes its label; redraw
    where that is not so); warn. After an action no rule that is acted on is broken, or ViolationError is raised.
    """

    def __init__(
        self, compose: Compose, contract: Contract | None = None, on_violation: OnViolation = "redraw"
    ) -> None:
        self.compose = compose
        self.contract = contract
        self.actions = actions_of(on_violation)
        self.rules = Rules(compose, contract)
        self._neutral = {leaf.label: {q.name: q.neutral for q in leaf.parameters} for leaf in compose.leaves}
        for leaf in compose.leaves:
            self._neutral[leaf.label] |= {"keep": 1.0} if isinstance(leaf, Erase) else {}

    @property
    def names(self) -> tuple[str, ...]:
        """The classes of the contract."""
        return self.contract.classes if self.contract is not None else ()

    def enforce(
        self, plan: Plan, labels: Labels, objects: Objects | None = None
    ) -> tuple[Plan, Labels, BoolArray, Log]:
        """Mend a plan. Gives the plan, the labels, which images to keep, and what was done.

        labels: (n,) class indices of the contract, -1 where unknown (then no class rule holds). objects: None turns
        AS201, AS202, AS203 and AS205 off. Raises ViolationError.
        """
        n = len(plan)
        verdicts = self.rules.verdicts(plan, labels, objects)
        keep = np.ones(n, bool)
        broken = [code for code, bad in verdicts.codes.items() if bad.any()]
        if not broken:
            return plan, labels, keep, Log(images=n, accepted=verdicts.count_accepted)
        action = np.full(n, len(ACTIONS) - 1)
        for code in broken:
            rank = ACTIONS.index(self.actions[code])
            np.minimum(action, rank, out=action, where=verdicts.codes[code])
        log = Log(images=n, names=self.names)
        named = {code: verdicts.codes[code] for code in broken}
        if "AS101" in named:
            several = self.rules.takes_several(plan, labels, verdicts)
            named.update(AS101=named["AS101"] & ~several, AS102=named["AS101"] & several)
        log.count(named, plan, labels, {**self.actions, "AS102": self.actions["AS101"]})
        log.accepted = verdicts.count_accepted
        first, old_labels = plan, labels
        for number in np.unique(action):
            rows = np.flatnonzero(action == number)
            name = ACTIONS[number]
            if name == "raise":
                self._raise(plan, rows, labels, verdicts)
            elif name == "drop":
                keep[rows] = False
            elif name == "relabel":
                plan, labels = self._relabel(plan, rows, labels, objects, verdicts)
            elif name != "warn":
                plan = self._mended(name, plan, rows, labels, objects)
        log.shift(first, plan, old_labels, labels, keep, self._neutral)
        return plan, labels, keep, log

    def _broken(self, plan: Plan, labels: Labels, objects: Objects | None) -> BoolArray:
        return self.rules.verdicts(plan, labels, objects).acting(self.actions)

    # Acting

    def _mended(self, name: str, plan: Plan, rows: Rows, labels: Labels, objects: Objects | None) -> Plan:
        way = {"redraw": self._redrawn, "clamp": self._clamped, "identity": self._identity}[name]
        draws = way(plan, rows, labels[rows], None if objects is None else objects.rows(rows))
        return self.compose.assemble(plan.shapes, plan.draws.replaced(rows, draws))

    def _redrawn(self, plan: Plan, rows: Rows, labels: Labels, objects: Objects | None) -> Draws:
        draws, left = plan.draws.rows(rows), np.arange(len(rows))
        for attempt in range(1, ATTEMPTS + 1):
            attempts = np.full(len(left), attempt, np.int64)
            shapes, some = plan.shapes[rows[left]], None if objects is None else objects.rows(left)
            new = self.compose.planned(plan.draws.key.rows(rows[left], attempts), shapes, some)
            broken = self._broken(new, labels[left], some)
            draws = draws.replaced(left[~broken], new.draws.rows(np.flatnonzero(~broken)))
            left = left[broken]
            if not len(left):
                return draws
        rest = None if objects is None else objects.rows(left)
        return draws.replaced(left, self._identity(plan, rows[left], labels[left], rest))

    def _identity(self, plan: Plan, rows: Rows, labels: Labels, objects: Objects | None) -> Draws:
        draws = plan.draws.rows(rows)
        for leaf in self.compose.leaves:
            draws = draws.without(leaf)
        new = self.compose.assemble(plan.shapes[rows], draws)
        verdicts = self.rules.verdicts(new, labels, objects)
        broken = verdicts.acting(self.actions)
        if broken.any():
            self._raise(new, np.flatnonzero(broken)[:1], labels, verdicts, "even with every step switched off, ")
        return draws

    def _clamped(self, plan: Plan, rows: Rows, labels: Labels, objects: Objects | None) -> Draws:
        """Shrink what is continuous; where that does not help, switch discrete steps off one by one, last first."""
        draws, left = plan.draws.rows(rows), np.arange(len(rows))
        discrete = [leaf for leaf in reversed(self.compose.leaves) if _discrete(leaf)]
        base = draws
        for step in (None, *discrete):
            base = base if step is None else base.without(step)
            for keep in KEEPS:
                if not len(left):
                    return draws
                tried = self._shrunk(base.rows(left), keep)
                new = self.compose.assemble(plan.shapes[rows[left]], tried)
                broken = self._broken(new, labels[left], None if objects is None else objects.rows(left))
                draws = draws.replaced(left[~broken], tried.rows(np.flatnonzero(~broken)))
                left = left[broken]
        some = None if objects is None else objects.rows(left)
        return draws.replaced(left, self._identity(plan, rows[left], labels[left], some)) if len(left) else draws

    def _shrunk(self, draws: Draws, keep: float) -> Draws:
        values = dict(draws.values)
        for leaf in self.compose.leaves:
            if isinstance(leaf, (Geometric, Distortion)) and not _discrete(leaf):
                # what says which field it is has no strength
                some = [q for q in leaf.parameters if isinstance(leaf, Geometric) or not q.free]
                new = {q.name: q.towards_neutral(values[leaf.label][q.name], np.asarray(keep)) for q in some}
                values[leaf.label] = {**values[leaf.label], **new}
            elif isinstance(leaf, Erase):
                values[leaf.label] = {**values[leaf.label], "keep": values[leaf.label]["keep"] * keep}
        return replace(draws, values=values)

    def _relabel(
        self, plan: Plan, rows: Rows, labels: Labels, objects: Objects | None, verdicts: Verdicts
    ) -> tuple[Plan, Labels]:
        """Take the label of the class that the image becomes, if nothing else is wrong under either label."""
        target = verdicts.becomes[rows]
        fits = (target >= 0) & ~verdicts.acting(self.actions, but="AS101")[rows]
        some = rows[fits]
        new = labels.copy()
        new[some] = verdicts.becomes[some]
        if len(some):
            part = self.compose.assemble(plan.shapes[some], plan.draws.rows(some))
            after = self.rules.verdicts(part, new[some], None if objects is None else objects.rows(some))
            wrong = some[after.acting(self.actions, but="AS101")]
            new[wrong] = labels[wrong]
        rest = rows[new[rows] == labels[rows]]
        if len(rest):
            plan = self._mended("redraw", plan, rest, labels, objects)
        return plan, new

    def _raise(self, plan: Plan, rows: Rows, labels: Labels, verdicts: Verdicts, why: str = "") -> None:
        row = int(rows[0])
        codes = [c for c, bad in verdicts.codes.items() if bad[row] and self.actions[c] != "warn"]
        label = int(labels[row])
        cls = f" of class {self.names[label]!r}" if 0 <= label < len(self.names) else ""
        becomes = int(verdicts.becomes[row])
        reads = f" (it reads as {self.names[becomes]!r})" if becomes >= 0 else ""
        border = "give the policy border='constant', " if "AS205" in codes else ""
        raise ViolationError(
            f"image {int(plan.draws.key.indices[row])}{cls}: {why}the draw {plan.describe(row)!r} breaks "
            f"{', '.join(codes)}{reads}; {border}change the policy, or choose another on_violation"
        )


def _discrete(leaf: Transform) -> bool:
    """Steps that act or do not, without a strength: flips and quarter turns."""
    if not isinstance(leaf, Geometric) or leaf.frame:
        return False
    return all(q.free for q in leaf.parameters)


__all__ = ["ACTIONS", "ATTEMPTS", "CODES", "Enforcer", "Log", "actions_of"]
