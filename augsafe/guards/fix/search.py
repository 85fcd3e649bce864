"""The widest policy that holds: how far to narrow in which way, and then how far each end of a range can go."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from augsafe.guards.fix.ways import (
    ActLessOften,
    NarrowRange,
    Way,
    bounds,
    find,
    position,
    ranges_of,
    value_at,
    with_range,
)
from augsafe.policies import Compose
from augsafe.transforms import Parameter, Range, walk

SMALLEST = 1 / 512  # a cut to less than this is a cut to nothing
STEPS = (1 / 4, 1 / 8, 1 / 16, 1 / 32)  # by which levels are traded
LOSS = 0.008  # of an end's distance, that writing it with few digits may cost
FARTHER = 0.005  # that the same may add, where it holds
TRIED, EXACTLY = 0.01, 1e-6  # an end that cannot go out by this part stays: of a rate, and where bounds decide
PASSES = 4  # over the ends, where what one gives up in few digits may be room for another
Levels = dict[Way, float]


class Demand(Protocol):
    """What must hold."""

    @property
    def exact(self) -> bool:
        """Whether the answer is certain and quick, and no estimate from draws."""

    def holds(self, policy: Compose) -> bool:
        """Whether it holds for a policy."""


@dataclass(frozen=True)
class Search:
    """A policy to be narrowed in some ways until a demand holds, so that most of it is kept."""

    given: Compose
    ways: tuple[Way, ...]
    demand: Demand
    kept: Callable[[Compose], float]

    def at(self, levels: Levels) -> Compose:
        """The policy narrowed, each way to its level."""
        policy = self.given
        for way in self.ways:
            policy = way.at(policy, levels.get(way, 1.0))
        return policy

    def holds(self, levels: Levels) -> bool:
        """Whether the demand holds there."""
        return self.demand.holds(self.at(levels))

    def best(self) -> Compose | None:
        """The narrower policy that meets the demand and keeps most; None where the ways do not lead to one.

        Tried are each way alone, the ranges of one step together, and all together. From the best of these, levels are
        traded: one way is narrowed less, and another more where it must.
        """
        options = [dict.fromkeys(chosen, self._common(chosen)) for chosen in self._sets()]
        if not options:
            return None
        best = max(options, key=self._share)
        starts = [best, *(option for option in options[-1:] if option != best)]
        ends = [
            self._traded({way: levels.get(way, 1.0) for way in self._together})
            for levels in starts
            if set(levels) <= set(self._together)
        ]
        return self.at(max([best, *ends], key=self._share))

    def _share(self, levels: Levels) -> float:
        return self.kept(self.at(levels))

    @property
    def _together(self) -> tuple[Way, ...]:
        """The ways that go together: a step whose range is cut need not act less often, too."""
        cut = {way.step for way in self.ways if isinstance(way, NarrowRange)}
        return tuple(way for way in self.ways if not (isinstance(way, ActLessOften) and way.step in cut))

    def _sets(self) -> list[tuple[Way, ...]]:
        """Sets of ways of which each is enough, where what it acts on is taken away."""
        alone = [(way,) for way in self.ways if self._enough((way,))]
        names = dict.fromkeys(way.step for way in self.ways)
        ranges = [tuple(w for w in self.ways if w.step == name and isinstance(w, NarrowRange)) for name in names]
        sets = [*alone, *(r for r in ranges if len(r) > 1 and ((r[0],) in alone or self._enough(r)))]
        if not sets:
            if not self._enough(self._together):
                return []
            sets += [self._needed(self._together), self._needed(self._together[::-1])]
        return list(dict.fromkeys([*sets, self._together]))

    def _enough(self, ways: Sequence[Way]) -> bool:
        return bool(ways) and self.holds(dict.fromkeys(ways, 0.0))

    def _needed(self, ways: tuple[Way, ...]) -> tuple[Way, ...]:
        for way in ways:
            fewer = tuple(w for w in ways if w != way)
            if self._enough(fewer):
                ways = fewer
        return ways

    def _common(self, ways: tuple[Way, ...]) -> float:
        """The largest level that is enough for all of them; 0 where none above is."""
        low, high = 0.0, 1.0
        while not low and high > SMALLEST:
            middle = high / 2
            low, high = (middle, high) if self.holds(dict.fromkeys(ways, middle)) else (0.0, middle)
        for _ in range(halvings(self.demand, 5) if low else 0):
            middle = (low + high) / 2
            low, high = (middle, high) if self.holds(dict.fromkeys(ways, middle)) else (low, middle)
        return low

    def _traded(self, levels: Levels) -> Levels:
        share = self._share(levels)
        for step in STEPS if len(levels) > 1 else ():
            better = True
            while better:
                better = False
                for tried in _trades(levels, step):
                    now = self._share(tried)
                    if now > share + 1e-3 and self.holds(tried):
                        levels, share, better = tried, now, True
                        break
        return levels


def halvings(demand: Demand, rough: int) -> int:
    """How often a bisection is halved: many times where that costs nothing."""
    return 40 if demand.exact else rough


def _trades(levels: Levels, step: float) -> Iterator[Levels]:
    """One level raised, alone or with another lowered."""
    for up, level in levels.items():
        if level < 1:
            for down in (up, *(way for way in levels if way != up and levels[way] > 0)):
                lowered = {} if down == up else {down: max(levels[down] - step, 0.0)}
                yield {**levels, **lowered, up: min(level + step, 1.0)}


@dataclass(frozen=True)
class Cut:
    """A range that was cut, of one parameter or of some that are alike: what it is `now`, and what it was, `wanted`."""

    step: str
    parameters: tuple[Parameter, ...]
    now: Range
    wanted: Range

    @property
    def parameter(self) -> Parameter:
        """The first, for the others are like it."""
        return self.parameters[0]

    @property
    def sides(self) -> tuple[int, ...]:
        """Which of its ends were moved in."""
        return tuple(side for side in (0, 1) if (self.wanted[0] < self.now[0], self.now[1] < self.wanted[1])[side])

    @property
    def even(self) -> bool:
        """Whether it is as wide to both sides of what changes nothing, and was."""
        pairs = [[position(self.parameter, end) for end in ends] for ends in (self.now, self.wanted)]
        return all(math.isclose(low, -high, rel_tol=1e-3) for low, high in pairs)

    def set(self, policy: Compose, ends: Range) -> Compose:
        """The policy with another range."""
        return with_range(policy, self.step, self.parameters, ends)

    def moved(self, sides: Sequence[int], part: float) -> Range:
        """The range with some ends moved out by a part of the way to where they were."""
        ends = list(self.now)
        for side in sides:
            start, goal = (position(self.parameter, both[side]) for both in (self.now, self.wanted))
            value = value_at(self.parameter, start + part * (goal - start)) if part < 1 else self.wanted[side]
            ends[side] = float(round(value)) if self.parameter.whole else value
        return ends[0], ends[1]

    def first(self, sides: Sequence[int], least: float) -> float:
        """The part of the way by which ends go out when each goes out by at least `least` of where it is."""
        parts = []
        for side in sides:
            start, goal = (position(self.parameter, both[side]) for both in (self.now, self.wanted))
            parts.append(least * max(abs(start), LOSS * abs(goal)) / abs(goal - start))
        return min(1.0, max(parts))


def cuts(policy: Compose, given: Compose) -> list[Cut]:
    """The ranges that are narrower than they were given, those of a step that are alike together."""
    found: dict[tuple[str, str, Range, Range], tuple[Parameter, ...]] = {}
    for old in (held for step in given.steps for held in walk(step)):
        new = find(policy, old.label)
        for q in ranges_of(old) if type(new) is type(old) else ():
            assert new is not None
            key = (old.label, q.name.rstrip("xy"), bounds(new, q), bounds(old, q))
            found[key] = (*found.get(key, ()), q)
    made = [Cut(name, parameters, now, wanted) for (name, _, now, wanted), parameters in found.items()]
    return [cut for cut in made if cut.sides]


def widened(policy: Compose, given: Compose, demand: Demand) -> Compose:
    """Each end that was cut, moved out as far as the demand holds, and written with as few digits as cost little.

    Ends that are alike go out together. Where rates are estimated, one of them goes further than the others only if it
    goes all the way; bounds are exact, and so is each end that they decide.
    """
    for _ in range(PASSES if demand.exact else 1):
        before, policy = policy, _widened_once(policy, given, demand)
        if policy == before:
            break
    return policy


def _widened_once(policy: Compose, given: Compose, demand: Demand) -> Compose:
    least = EXACTLY if demand.exact else TRIED
    for cut in cuts(policy, given):
        alike = cut.even or len(cut.parameters) > 1
        if alike:
            policy = _widest(policy, cut, cut.sides, demand, least)
        for q in cut.parameters:
            for side in cut.sides:
                one = Cut(cut.step, (q,), _now(policy, cut, q), cut.wanted)
                policy = _widest(policy, one, (side,), demand, 1.0 if alike and not demand.exact else least)
        for left in cuts(policy, given):
            if left.step == cut.step and set(left.parameters) <= set(cut.parameters):
                policy = _short(policy, left, demand)
    return policy


def _now(policy: Compose, cut: Cut, parameter: Parameter) -> Range:
    step = find(policy, cut.step)
    return cut.now if step is None else bounds(step, parameter)


def _widest(policy: Compose, cut: Cut, sides: Sequence[int], demand: Demand, least: float) -> Compose:
    """The policy with some ends of a range moved out together, as far as the demand holds."""
    sides = [side for side in sides if side in cut.sides]
    if not sides:
        return policy

    def at(part: float) -> Compose:
        return cut.set(policy, cut.moved(sides, part))

    if demand.holds(at(1.0)):
        return at(1.0)
    low = cut.first(sides, least) if least < 1 else 1.0
    if low >= 1 or not demand.holds(at(low)):
        return policy
    high = min(1.0, 2 * low)
    while high < 1 and demand.holds(at(high)):
        low, high = high, min(1.0, 2 * high)
    for _ in range(halvings(demand, 6)):
        middle = (low + high) / 2
        low, high = (middle, high) if demand.holds(at(middle)) else (low, middle)
    return at(low)


def _short(policy: Compose, cut: Cut, demand: Demand) -> Compose:
    """The range with as few digits as cost little of the distance of its ends."""
    ends = list(cut.now)
    for side in cut.sides if not cut.parameter.whole else ():
        for value, gain in _rounded(cut, side):
            tried = cut.set(policy, (value, ends[1]) if side == 0 else (ends[0], value))
            if gain <= 0 or demand.holds(tried):
                ends[side], policy = value, tried
                break
    return policy


def _rounded(cut: Cut, side: int) -> Iterator[tuple[float, float]]:
    """An end with few digits, then more, and by what part it is then farther out."""
    value, neutral = cut.now[side], cut.parameter.neutral
    low, high = sorted((neutral, cut.wanted[side]))
    for digits in range(1, 6) if value != neutral else ():
        unit = 10.0 ** (math.floor(math.log10(max(abs(value), 1e-9))) + 1 - digits)
        for whole in (round(value / unit), math.floor(value / unit), math.ceil(value / unit)):
            new = float(f"{whole * unit:.{digits}g}")
            gain = abs(new - neutral) / abs(value - neutral) - 1
            if low <= new <= high and new != neutral and -LOSS <= gain <= FARTHER:
                yield new, gain
