"""The nearest policy without errors: ranges narrowed, and steps left out where that does not help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from augsafe.guards.base import Finding
from augsafe.guards.content import COVERED
from augsafe.guards.scaling import leave_out, narrowed
from augsafe.policies import Compose
from augsafe.transforms import Choice, Erase, Transform, leaves_of, written_in

Recheck = Callable[[Compose], Sequence[Finding]]
_KEEP = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


def fixed_policy(
    compose: Compose,
    findings: Sequence[Finding],
    recheck: Recheck,
    start: Compose | None = None,
    confirm: Recheck | None = None,
) -> tuple[Compose | None, tuple[str, ...]]:
    """Change one step at a time until `recheck` finds no errors, from `start` on where one is given.

    The step that errors blame most is narrowed by a tenth of its range, or left out when it has no range to narrow;
    one that erases spares the object first. Of a choice, the branch that is blamed most is left out.
    confirm: a costlier `recheck`, asked where that one finds no errors; what it finds is fixed, too.
    Gives the fixed policy and what was changed in words; None where nothing helps.
    """
    first = given = compose
    if start is not None and start != compose:
        first = compose = start
        findings = recheck(start)
    shrunk: dict[str, int] = {}
    for _ in range(12 * (len(compose.steps) + 1) + len(compose.leaves)):
        if confirm is not None and not _errors(findings):
            findings = confirm(compose)
        blamed = _blamed(compose, findings)
        if blamed is None:
            return (None, ()) if _errors(findings) else (compose, _words(given, compose))
        compose = _weaker(first, compose, blamed, shrunk)
        findings = recheck(compose)
    return None, ()


def _errors(findings: Sequence[Finding]) -> list[Finding]:
    return [f for f in findings if f.severity == "error" and f.accepted is None]


def _blamed(compose: Compose, findings: Sequence[Finding]) -> str | None:
    """The step that errors name most, weighed by how often they happen; steps alone weigh more."""
    weights: dict[str, float] = {}
    for finding in _errors(findings):
        for name in finding.steps:
            weights[name] = weights.get(name, 0.0) + (finding.probability or 1e-6) / len(finding.steps)
    for step in compose.steps:
        for leaf in leaves_of(step) if isinstance(step, Choice) else ():
            unit = _branch(step, leaf.label)
            if leaf.label in weights and unit != leaf.label:
                weights[unit] = weights.get(unit, 0.0) + weights.pop(leaf.label)
    fixed = {s.label for s in compose.steps if s.frame and not _narrowable(s)}
    weights = {name: w for name, w in weights.items() if name not in fixed}
    return max(weights, key=lambda name: weights[name]) if weights else None


def _branch(choice: Transform, leaf: str) -> str:
    """What can be left out for a step that a choice draws: the child as it is written, which a Repeat copies."""
    written = {child.label for child in written_in(choice)}
    return next((name for name in (leaf, leaf.rsplit("/", 1)[0]) if name in written), choice.label)


def _narrowable(step: Transform) -> bool:
    return any(not q.free for q in step.parameters)


def _weaker(first: Compose, compose: Compose, name: str, shrunk: dict[str, int]) -> Compose:
    if name not in {step.label for step in compose.steps}:
        return leave_out(compose, {name})  # one branch of a choice; the others take its chances
    step, now = first.step(name), compose.step(name)
    turn = shrunk.get(name, 0)
    if isinstance(now, Erase) and isinstance(step, Erase):
        if now.max_object_share > COVERED:
            spares = replace(now, max_object_share=COVERED)
            return replace(compose, steps=tuple(spares if s.label == name else s for s in compose.steps))
        step = replace(step, max_object_share=now.max_object_share)
    if not _narrowable(step) or (turn >= len(_KEEP) and not step.frame):
        return compose.without(name)
    keep = _KEEP[min(turn, len(_KEEP) - 1)]
    shrunk[name] = turn + 1
    return replace(compose, steps=tuple(narrowed(step, keep) if s.label == name else s for s in compose.steps))


def _words(first: Compose, last: Compose) -> tuple[str, ...]:
    words = []
    for step in first.steps:
        kept = next((s for s in last.steps if s.label == step.label), None)
        if kept is None:
            words.append(f"leave out {step.label}")
            continue
        if type(kept) is not type(step):
            words.append(f"{step.label}: {type(kept).__name__} in its place")
            continue
        left = {child.label for child in written_in(kept)}
        gone = [child.label for child in written_in(step) if child.label not in left]
        words += [f"{step.label}: leave out {', '.join(gone)}"] if gone else []
        if isinstance(step, Erase) and isinstance(kept, Erase) and kept.max_object_share != step.max_object_share:
            words.append(f"{step.label}: max_object_share from {step.max_object_share:g} to {kept.max_object_share:g}")
        for q in step.parameters:
            if not q.free and step.bounds(q) != kept.bounds(q):
                old, new = (list(s.bounds(q)) for s in (step, kept))
                words.append(f"{step.label}: {q.name} from {_range(old)} to {_range(new)}")
    return tuple(words)


def _range(ends: list[float]) -> str:
    return f"({ends[0]:g}, {ends[1]:g})"
