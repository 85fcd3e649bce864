"""The ways in which a policy can be narrowed, each by one number: 1 leaves it as it is, 0 takes the effect away."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from augsafe.guards.content import COVERED
from augsafe.guards.scaling import leave_out, with_steps
from augsafe.policies import Compose
from augsafe.transforms import AllOf, Choice, Erase, Parameter, Range, Repeat, ResizedCrop, Rotate90, Transform, walk

LEAST = 0.1  # a range without the identity, or a chance, of which less is left is left out


class Way(Protocol):
    """One way to narrow a policy."""

    @property
    def step(self) -> str:
        """The name of the step, as it is written in the policy."""

    def at(self, policy: Compose, level: float) -> Compose:
        """The policy narrowed to a level from 0 to 1."""


@dataclass(frozen=True)
class NarrowRange:
    """Cut a range at some distance from what changes nothing, without moving the ends that are nearer.

    A range that leaves out what changes nothing keeps its nearer end, and goes with its step when less than a tenth of
    it would be left: a single value is not a range. The frame cannot go: its range may reach to what changes nothing.
    """

    step: str
    parameters: tuple[Parameter, ...]  # of one step, with the same range: they stay alike
    ends: Range

    @property
    def parameter(self) -> Parameter:
        """The first, for the others are like it."""
        return self.parameters[0]

    @property
    def leaves_out_identity(self) -> bool:
        """Whether no value of the range changes nothing."""
        return not self.ends[0] <= self.parameter.neutral <= self.ends[1]

    def at(self, policy: Compose, level: float) -> Compose:
        step = find(policy, self.step)
        if step is None or level >= 1:
            return policy
        low, high = (position(self.parameter, end) for end in self.ends)
        far = max(low, high, key=abs)
        if not self.leaves_out_identity:
            cut = abs(far) * level
            inside = max(low, -cut), min(high, cut)
        elif step.frame:
            inside = ordered(0.0, far * level)
        elif level < LEAST:
            return leave_out(policy, {self.step})
        else:
            near = min(low, high, key=abs)
            inside = ordered(near, near + level * (far - near))
        return with_range(policy, self.step, self.parameters, (self._value(inside[0]), self._value(inside[1])))

    def _value(self, place: float) -> float:
        value = value_at(self.parameter, place)
        if self.parameter.whole:
            return float(math.floor(value) if value > self.parameter.neutral else math.ceil(value))
        low, high = min(self.ends[0], self.parameter.neutral), max(self.ends[1], self.parameter.neutral)
        return min(max(value, low), high)


@dataclass(frozen=True)
class ThinTurns:
    """Take one of the quarter turns away."""

    step: str
    turn: int

    def at(self, policy: Compose, level: float) -> Compose:
        step = find(policy, self.step)
        if not isinstance(step, Rotate90) or level >= 1:
            return policy
        turns = tuple(t for t in step.turns if t != self.turn)
        if not set(turns) - {0}:
            return leave_out(policy, {self.step})
        return edited(policy, self.step, lambda s: replace(s, turns=turns))  # type: ignore[call-arg]


@dataclass(frozen=True)
class SpareObject:
    """Let patches shrink until they hide no more of the object than the rule allows."""

    step: str

    def at(self, policy: Compose, level: float) -> Compose:
        if level >= 1:
            return policy
        return edited(policy, self.step, lambda s: replace(s, max_object_share=COVERED))  # type: ignore[call-arg]


@dataclass(frozen=True)
class LeaveOut:
    """Leave the step out."""

    step: str

    def at(self, policy: Compose, level: float) -> Compose:
        return policy if level >= 1 else leave_out(policy, {self.step})


@dataclass(frozen=True)
class ActLessOften:
    """Lower the chance of a step; below a tenth of it, leave the step out."""

    step: str

    def at(self, policy: Compose, level: float) -> Compose:
        if level >= 1:
            return policy
        if level < LEAST:
            return leave_out(policy, {self.step})
        return edited(policy, self.step, lambda s: replace(s, p=math.floor(s.p * level * 1000) / 1000))


def ways_of(policy: Compose, name: str, *, rates: bool) -> list[Way]:
    """The ways to narrow one written step. rates: what must hold is a rate, which a lower chance helps to keep."""
    step = find(policy, name)
    if step is None or step.never_acts:
        return []
    ways: list[Way] = []
    if isinstance(step, Erase) and step.max_object_share > COVERED:
        ways.append(SpareObject(name))
    if isinstance(step, Rotate90):
        ways += [ThinTurns(name, turn) for turn in sorted(set(step.turns) - {0})]
    ranges = [NarrowRange(name, alike, ends) for ends, alike in _alike(step) if ends != (alike[0].neutral,) * 2]
    ways += ranges
    if step.frame:
        return ways
    less = rates and may_act_less(policy, name)
    if not ways:
        return [ActLessOften(name) if less else LeaveOut(name)]
    return [*ways, ActLessOften(name)] if less and any(way.leaves_out_identity for way in ranges) else ways


def _alike(step: Transform) -> list[tuple[Range, tuple[Parameter, ...]]]:
    """The ranges of a step; those of x and of y together, where they are the same."""
    groups: dict[tuple[str, Range], list[Parameter]] = {}
    for q in ranges_of(step):
        groups.setdefault((q.name.rstrip("xy"), bounds(step, q)), []).append(q)
    return [(ends, tuple(group)) for (_, ends), group in groups.items()]


def ranges_of(step: Transform) -> tuple[Parameter, ...]:
    """The parameters whose ranges a policy can narrow."""
    if isinstance(step, ResizedCrop):  # its ranges are drawn from several times over
        return (Parameter("scale", neutral=1.0, low=1e-4, high=1), Parameter("ratio", neutral=1.0, log=True))
    return tuple(q for q in step.parameters if not q.free)


def bounds(step: Transform, parameter: Parameter) -> Range:
    """The range of a parameter, as it is written."""
    low, high = getattr(step, parameter.name)
    return float(low), float(high)


def position(parameter: Parameter, value: float) -> float:
    """How far a value is from what changes nothing, on the scale on which it is drawn."""
    return math.log(value / parameter.neutral) if parameter.log else value - parameter.neutral


def value_at(parameter: Parameter, place: float) -> float:
    """The reverse of `position`."""
    return parameter.neutral * math.exp(place) if parameter.log else parameter.neutral + place


def ordered(one: float, two: float) -> Range:
    """The two as (low, high)."""
    return min(one, two), max(one, two)


def find(policy: Compose, name: str) -> Transform | None:
    """The written step of that name, None where there is none."""
    return next((held for step in policy.steps for held in walk(step) if held.label == name), None)


def edited(policy: Compose, name: str, change: Callable[[Transform], Transform]) -> Compose:
    """The policy with one written step changed, within a choice too."""

    def inner(step: Transform) -> Transform:
        if step.label == name:
            return change(step)
        if isinstance(step, Choice) and any(held.label == name for held in walk(step)):
            return step.with_inside([inner(held) for held in step.inside])
        return step

    return with_steps(policy, [inner(step) for step in policy.steps])


def with_range(policy: Compose, name: str, parameters: Sequence[Parameter], ends: Range) -> Compose:
    """The policy with another range of some parameters; without the step, where it then never acts."""
    given: dict[str, Any] = dict.fromkeys((q.name for q in parameters), (ends[0] + 0.0, ends[1] + 0.0))  # no -0
    new = edited(policy, name, lambda step: replace(step, **given))
    step = find(new, name)
    return leave_out(new, {name}) if step is not None and step.never_acts else new


def narrowed_by(policy: Compose, ways: Iterable[Way], level: float) -> Compose:
    """The policy narrowed in several ways at once."""
    for way in ways:
        policy = way.at(policy, level)
    return policy


def may_act_less(policy: Compose, name: str) -> bool:
    """Whether the step may have a chance of its own: not where a choice says how likely it is."""
    return any(_free_in(step, name) for step in policy.steps)


def _free_in(step: Transform, name: str) -> bool:
    if step.label == name:
        return not isinstance(step, Choice)
    return isinstance(step, (AllOf, Repeat)) and any(_free_in(held, name) for held in step.inside)
