"""How much of a policy a narrower one keeps, and what it changes in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from augsafe.guards.fix.ways import bounds, find, position, ranges_of
from augsafe.policies import Compose
from augsafe.transforms import Choice, Erase, OneOf, Parameter, Rotate90, Transform, written_in


def kept_share(given: Compose, policy: Compose) -> float:
    """The share of the given ranges that a policy keeps: the power mean over the steps, with exponent 1/2.

    Of a step: the chance that one of its own draws could still be drawn, times what is left of its chance to act. Of a
    choice: that of its children, as likely as they were. A step that is left out keeps nothing. With the exponent no
    step is given up for a little more of another.
    """
    shares = [_kept(step, policy) for step in given.steps]
    return (sum(map(math.sqrt, shares)) / len(shares)) ** 2 if shares else 1.0


def _kept(step: Transform, policy: Compose) -> float:
    now = find(policy, step.label)
    if now is None:
        return 0.0
    share = min(now.p / step.p, 1.0) if step.p else 1.0
    if isinstance(step, Choice):
        weights = step.shares if isinstance(step, OneOf) else (1.0,) * len(step.inside)
        inside = sum(w * _kept(held, policy) for held, w in zip(step.inside, weights, strict=True))
        return share * inside / sum(weights)
    if type(now) is not type(step):
        return 0.0
    if isinstance(step, Rotate90) and isinstance(now, Rotate90):
        share *= sum(turn in now.turns for turn in step.turns) / len(step.turns)
    for parameter in ranges_of(step):
        share *= _overlap(parameter, bounds(step, parameter), bounds(now, parameter))
    return share


def _overlap(parameter: Parameter, old: tuple[float, float], new: tuple[float, float]) -> float:
    if old == new:
        return 1.0
    (a, b), (c, d) = ([position(parameter, end) for end in ends] for ends in (old, new))
    more = 1.0 if parameter.whole else 0.0
    return max(0.0, min(b, d) - max(a, c) + more) / (b - a + more) if b > a else 0.0


def changes(first: Compose, last: Compose) -> tuple[str, ...]:
    """What is different, in words, step by step."""
    words = []
    for step in first.steps:
        kept = find(last, step.label)
        if kept is None:
            words.append(f"leave out {step.label}")
        elif type(kept) is not type(step):
            words.append(f"{step.label}: {type(kept).__name__} in its place")
        elif isinstance(step, Choice):
            words += _inside(step, last)
        else:
            words += _own(step, kept)
    return tuple(words)


def _inside(choice: Choice, last: Compose) -> list[str]:
    words, gone = [], []
    for held in written_in(choice):
        kept = find(last, held.label)
        if kept is None:
            gone.append(held.label)
        else:
            words += _own(held, kept)
    return [f"{choice.label}: leave out {', '.join(gone)}", *words] if gone else words


def _own(step: Transform, kept: Transform) -> list[str]:
    words = []
    if kept.p != step.p:
        words.append(f"{step.label}: p from {step.p:g} to {kept.p:g}")
    if isinstance(step, Rotate90) and isinstance(kept, Rotate90) and step.turns != kept.turns:
        words.append(f"{step.label}: turns from {_list(step.turns)} to {_list(kept.turns)}")
    if isinstance(step, Erase) and isinstance(kept, Erase) and kept.max_object_share != step.max_object_share:
        words.append(f"{step.label}: max_object_share from {step.max_object_share:g} to {kept.max_object_share:g}")
    for q in ranges_of(step):
        old, new = bounds(step, q), bounds(kept, q)
        if old != new:
            words.append(f"{step.label}: {q.name} from {_range(old)} to {_range(new)}")
    return words


def _list(turns: Sequence[int]) -> str:
    return f"({', '.join(map(str, turns))}{',' * (len(turns) == 1)})"


def _range(ends: tuple[float, float]) -> str:
    return f"({ends[0]:g}, {ends[1]:g})"
