"""Which policies to train, and which differences between them are the questions: designs of experiments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.guards import scaled_step
from augsafe.policies import Compose
from augsafe.transforms import Choice, Transform

DESIGNS = ("one-at-a-time", "leave-one-out", "pairs", "factorial", "screen", "strengths")
NONE = "none"
MOST = 10  # steps of a full factorial: 2^10 policies
STRENGTHS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Question:
    """One row of the table: a difference of policies, given as {policy: weight}.

    kind: "step", "pair", "interaction", "within" (a step within the whole policy), "average" (a step averaged over
    the settings of the others), "strength" or "policy". steps: whom it is about. shown: the policy that the guards
    judge beside it.
    """

    name: str
    kind: str
    steps: tuple[str, ...]
    weights: tuple[tuple[str, float], ...]
    shown: str
    strength: float | None = None


@dataclass(frozen=True)
class Design:
    """Policies by name, `none` among them, and the questions asked of them."""

    policies: dict[str, Compose]
    questions: tuple[Question, ...]


def subset(policy: Compose, names: Sequence[str]) -> Compose:
    """The policy with these steps alone; names, and so draws, stay as they are."""
    kept = set(names)
    return replace(policy, steps=tuple(s for s in policy.steps if s.label in kept))


def title(names: Sequence[str]) -> str:
    """The name of a policy that has these steps."""
    return " + ".join(names) if names else NONE


def scaled(step: Transform, strength: float) -> Transform:
    """A step at a share of its strength: ranges shrink towards what changes nothing, or, without one, p does.

    Raises ArgumentError for a strength that is not in (0, 1].
    """
    if not 0 < strength <= 1:
        raise ArgumentError(f"a strength must be above 0 and at most 1, got {strength!r}")
    if strength == 1:
        return step
    if isinstance(step, Choice):
        return scaled_step(step, strength) or replace(step, p=0.0)
    changed: dict[str, tuple[float, float]] = {}
    for q in step.parameters:
        if q.free or not hasattr(step, q.name):
            continue
        low, high = q.towards_neutral(np.array(step.bounds(q)), np.array(strength)).tolist()
        changed[q.name] = (low, high)
    return replace(step, **changed) if changed else replace(step, p=step.p * strength)  # type: ignore[arg-type]


def make(policy: Compose, kind: str, strengths: Sequence[float] = STRENGTHS) -> Design:
    """The design of that kind for the steps of a policy; "screen" gives its first stage. Raises ArgumentError."""
    names = [s.label for s in policy.steps]
    if kind not in DESIGNS:
        raise ArgumentError(f"ablate(design=...) must be one of {', '.join(DESIGNS)}, got {kind!r}")
    if not names:
        raise ArgumentError("ablate(transforms=...) must hold at least one step, got an empty policy")
    least = {"pairs": 2, "screen": 3}.get(kind, 1)
    if len(names) < least:
        raise ArgumentError(f"the design {kind!r} needs at least {least} steps, got {len(names)}: {', '.join(names)}")
    if kind == "factorial" and len(names) > MOST:
        raise ArgumentError(f"a factorial of {len(names)} steps has 2^{len(names)} policies; use design='screen'")
    if kind == "strengths":
        return _strengths(policy, strengths)
    if kind == "screen":
        return _screen(policy, names)
    if kind == "factorial":
        return factorial(policy, names)
    return {"one-at-a-time": _singles, "leave-one-out": _leave_one_out, "pairs": _pairs}[kind](policy, names)


def _of(policy: Compose, sets: Sequence[Sequence[str]], questions: Sequence[Question]) -> Design:
    ordered = [[s.label for s in policy.steps if s.label in set(chosen)] for chosen in ([], *sets)]
    return Design({title(chosen): subset(policy, chosen) for chosen in ordered}, tuple(questions))


def _singles(policy: Compose, names: Sequence[str]) -> Design:
    rows = [Question(n, "step", (n,), ((n, 1.0), (NONE, -1.0)), n) for n in names]
    return _of(policy, [[n] for n in names], rows)


def _leave_one_out(policy: Compose, names: Sequence[str]) -> Design:
    rest = {n: [m for m in names if m != n] for n in names}
    full = title(names)
    rows = [Question(n, "within", (n,), ((full, 1.0), (title(rest[n]), -1.0)), full) for n in names]
    return _of(policy, [names, *rest.values()], rows)


def _pairs(policy: Compose, names: Sequence[str]) -> Design:
    rows = list(_singles(policy, names).questions)
    both = list(combinations(names, 2))
    rows += [Question(title(ab), "pair", ab, ((title(ab), 1.0), (NONE, -1.0)), title(ab)) for ab in both]
    rows += [
        Question(
            f"{a} x {b}", "interaction", (a, b), ((f"{a} + {b}", 1.0), (a, -1.0), (b, -1.0), (NONE, 1.0)), f"{a} + {b}"
        )
        for a, b in both
    ]
    return _of(policy, [*([n] for n in names), *both], rows)


def factorial(policy: Compose, names: Sequence[str]) -> Design:
    """All subsets of some steps; questions are each step averaged over the others, and how two of them interact."""
    sets = [list(c) for size in range(len(names) + 1) for c in combinations(names, size)]
    rows = []
    for n in names:
        share = 1 / 2 ** (len(names) - 1)
        rows.append(Question(n, "average", (n,), tuple((title(s), share if n in s else -share) for s in sets), n))
    for a, b in combinations(names, 2):
        share = 1 / 2 ** (len(names) - 2)
        weights = tuple((title(s), share if (a in s) == (b in s) else -share) for s in sets)
        rows.append(Question(f"{a} x {b}", "interaction", (a, b), weights, f"{a} + {b}"))
    return _of(policy, sets, rows)


def screening(k: int) -> NDArray[np.bool_]:
    """Runs by k factors, on or off: a Hadamard design and its mirror, of resolution IV.

    Main effects are free of each other and of all interactions of two factors (Box and Wilson 1951, fold-over);
    8 factors take 16 runs. Interactions are not free of each other.
    """
    from scipy.linalg import hadamard

    n = 1 << max((k - 1).bit_length(), 1)
    h = hadamard(n)[:, :k]
    return np.concatenate([h, -h]) > 0


def _screen(policy: Compose, names: Sequence[str]) -> Design:
    runs = screening(len(names))
    sets = [[n for n, on in zip(names, run, strict=True) if on] for run in runs]
    share = 2 / len(runs)
    rows = []
    for j, n in enumerate(names):
        weights: dict[str, float] = {}
        for chosen, run in zip(sets, runs, strict=True):
            weights[title(chosen)] = weights.get(title(chosen), 0.0) + (share if run[j] else -share)
        rows.append(Question(n, "average", (n,), tuple(weights.items()), n))
    return _of(policy, [*sets, *([n] for n in names)], rows)


def _strengths(policy: Compose, strengths: Sequence[float]) -> Design:
    if not strengths:
        raise ArgumentError("ablate(strengths=...) must hold at least one share, got none")
    policies = {NONE: subset(policy, [])}
    rows = []
    for step in policy.steps:
        for g in sorted(set(strengths)):
            name = f"{step.label} at {g:g}"
            policies[name] = replace(policy, steps=(scaled(step, g),))
            rows.append(Question(name, "strength", (step.label,), ((name, 1.0), (NONE, -1.0)), name, g))
    return Design(policies, tuple(rows))
