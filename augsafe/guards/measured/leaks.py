"""AS404: does the augmentation reveal the label if classes have policies of their own?

No image is needed. Plans are sampled for each policy. A small classifier sees only the traces that they leave, and
predicts for new plans which policy they come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.guards.base import Finding, Witness, lines_of
from augsafe.guards.judging import judge, padding
from augsafe.pixels import is_permutation, render
from augsafe.planning import Assembly, Plan
from augsafe.policies import ANY, Compose, PerClass
from augsafe.randomness import FloatArray
from augsafe.statistics import clopper_pearson
from augsafe.transforms import Color, Local, Opaque, Tone

DRAWS, FOREIGN_DRAWS = 2000, 200  # plans of each policy, half to learn from
BEYOND = 0.05  # how much the accuracy must certainly exceed chance
LEVEL = 0.95
# sixteen colours that tone and colour steps leave their trace on
PALETTE = np.array(
    [[v, v, v] for v in (0, 36, 73, 109, 146, 182, 219, 255)]
    + [[200, 40, 40], [40, 200, 40], [40, 40, 200], [200, 200, 40], [40, 200, 200], [200, 40, 200], [120, 90, 60]]
    + [[250, 240, 200]],
    np.uint8,
).reshape(4, 4, 3)


@dataclass(frozen=True)
class Leak:
    """How well a classifier recognises the policy of a plan from its traces.

    Attributes:
        findings: AS404, or nothing.
        accuracy: Share of plans whose policy was recognised, the mean over the policies.
        interval: Its 95 % confidence interval (exact).
        chance: The accuracy of guessing.
        recall: For each policy of the PerClass, the share of its plans that were recognised.
        draws: Number of plans in the test.
    """

    findings: tuple[Finding, ...]
    accuracy: float
    interval: tuple[float, float]
    chance: float
    recall: dict[str, float]
    draws: int

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        low, high = self.interval
        said = f"The traces alone reveal the policy of {self.accuracy:.0%} ({low:.0%} to {high:.0%}) of {self.draws:,} "
        return "\n".join([*lines_of(self.findings), f"{said}plans; chance is {self.chance:.0%}."])


def label_leak(
    policies: PerClass,
    classes: Sequence[str] | None = None,
    *,
    size: tuple[int, int] = (224, 224),
    draws: int | None = None,
    seed: int = 0,
) -> Leak:
    """Measure whether a network could learn the label from how an image was augmented (AS404).

    Traces are what can be seen in an image whatever it shows: resampling, zoom, tilt, rotation from the nearest
    symmetry, padding, levels, colours, and steps on neighbouring pixels. A flip or a quarter turn leaves no trace.

    Args:
        policies: The policy of each class.
        classes: The names of the classes. Default: those in `policies`.
        size: Height and width of the images, in pixels.
        draws: Plans of each policy; half of them are for training. Default: 2,000, or 200 if a step comes from another
            library.
        seed: The random seed.

    Returns:
        The accuracy with its interval, and AS404 if it is certainly more than 5 points above chance.

    Raises:
        ArgumentError: An argument is not of the right kind.
    """
    if not isinstance(policies, PerClass):
        raise ArgumentError(f"label_leak needs a PerClass, got {type(policies).__name__}; one policy leaks no label")
    named = list(classes) if classes is not None else list(policies.policies)
    entries = list(dict.fromkeys(policies.key_for(name) for name in named))
    moving = any(isinstance(s, Opaque) for key in entries for s in policies.policies[key].leaves)
    n = draws if draws is not None else FOREIGN_DRAWS if moving else DRAWS
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 100:
        raise ArgumentError(f"label_leak(draws=...) must be at least 100, got {draws!r}")
    if len(entries) < 2:
        return Leak((), 1.0, (1.0, 1.0), 1.0, dict.fromkeys(entries, 1.0), 0)
    n -= n % 2
    plans = [_plan(policies.policies[key], size, int(n), seed, number) for number, key in enumerate(entries)]
    names = _columns([policies.policies[key] for key in entries])
    seen = [traces(policies.policies[key], plan, names) for key, plan in zip(entries, plans, strict=True)]
    right = _recognised(seen)
    hits, total = int(right.sum()), right.size
    chance = 1 / len(entries)
    low, high = clopper_pearson(hits, total, LEVEL)
    recall = {key: float(row.mean()) for key, row in zip(entries, right, strict=True)}
    findings: tuple[Finding, ...] = ()
    if low > chance + BEYOND:
        worst = int(right.mean(axis=1).argmax())
        findings = (_finding(policies, entries, named, recall, (low, high), chance, plans[worst], right[worst]),)
    return Leak(findings, hits / total, (low, high), chance, recall, total)


def _plan(policy: Compose, size: tuple[int, int], n: int, seed: int, number: int) -> Plan:
    # other indices for each policy: images of two classes are never drawn with the same numbers
    return policy.plan(np.tile(np.array(size), (n, 1)), np.arange(n) + n * number, seed)


def _columns(policies: Sequence[Compose]) -> tuple[tuple[str, str], ...]:
    """The steps on neighbouring pixels in any of the policies, and their parameters ("" for whether it acts)."""
    steps = [leaf for policy in policies for leaf in policy.leaves if isinstance(leaf, Local)]
    pairs = [(_kind(leaf), name) for leaf in steps for name in ("", *(q.name for q in leaf.parameters if not q.free))]
    return tuple(dict.fromkeys(pairs))


def _kind(leaf: Local) -> str:
    return leaf.said() if isinstance(leaf, Opaque) else type(leaf).__name__


def traces(policy: Compose, plan: Plan, names: Sequence[tuple[str, str]]) -> FloatArray:
    """What the plans (n) leave to see, (n, k)."""
    n = len(plan)
    judged = judge(plan.jacobian)
    resampled = ~np.all([is_permutation(stage.matrix) for stage in plan.stages], axis=0) | (plan.displaced > 0)
    shape = [resampled, np.abs(judged.residual), judged.zoom_min, judged.zoom_max, padding(plan)]
    columns = {name: np.zeros(n) for name in names}
    for leaf in policy.leaves:
        if isinstance(leaf, Local):
            acts, values = plan.draws.active[leaf.label], plan.draws.values[leaf.label]
            columns[_kind(leaf), ""] += acts
            for q in leaf.parameters:
                if not q.free:
                    columns[_kind(leaf), q.name] += np.where(acts, values[q.name], 0)
    return np.column_stack([*shape, _coloured(policy, plan).reshape(n, -1), *columns.values()]).astype(np.float64)


def _coloured(policy: Compose, plan: Plan) -> NDArray[Any]:
    """The palette (n, 4, 4, 3) after tone and colour steps."""
    pairs = [p for p in zip(policy.leaves, policy.stage_of, strict=True) if isinstance(p[0], (Tone, Color))]
    leaves, stages = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
    settings = replace(policy.settings, output=None, value_range=None)
    shapes = np.full((len(plan), 2), 4)
    painted = Assembly(leaves, stages, settings, policy.stage_count).plan(shapes, plan.draws, {})
    return np.asarray(render(np.broadcast_to(PALETTE, (len(plan), 4, 4, 3)), painted))


def _recognised(seen: Sequence[FloatArray]) -> NDArray[np.bool_]:
    """For each policy, which plans of its second half were recognised by a forest trained on the first halves."""
    from sklearn.ensemble import RandomForestClassifier

    half = len(seen[0]) // 2
    owner = np.repeat(np.arange(len(seen)), half)
    forest = RandomForestClassifier(60, min_samples_leaf=5, max_features=0.5, random_state=0)
    forest.fit(np.concatenate([x[:half] for x in seen]), owner)
    guessed = _tie_free(forest.predict_proba(np.concatenate([x[half:] for x in seen])))
    return np.asarray((guessed == owner).reshape(len(seen), half))


def _tie_free(chances: FloatArray) -> NDArray[np.intp]:
    """The likeliest policy; among equally likely ones each in turn, so that ties win no more than chance."""
    n, k = chances.shape
    order = (np.arange(k)[None] + np.arange(n)[:, None]) % k
    return np.asarray(order[np.arange(n), np.take_along_axis(chances, order, 1).argmax(axis=1)])


def _finding(
    policies: PerClass,
    entries: Sequence[str],
    named: Sequence[str],
    recall: dict[str, float],
    interval: tuple[float, float],
    chance: float,
    plan: Plan,
    right: NDArray[np.bool_],
) -> Finding:
    known = [key for key in entries if recall[key] > chance + BEYOND]
    classes = tuple(name for name in named if name != ANY and policies.key_for(name) in known)
    row = len(right) + int(np.flatnonzero(right)[0])
    one = plan.rows(np.array([row]))
    said = ", ".join(f"{recall[key]:.0%} of {key}" for key in known[:6])
    return Finding(
        code="AS404",
        severity="warning",
        how="sampled",
        evidence="measured",
        verdict="safe",
        steps=(),
        classes=classes,
        message=f"the way an image was augmented reveals its policy, and so its class ({said}; chance is {chance:.0%})",
        help="Give all classes the same strengths. Only flips and quarter turns, which leave no trace, may differ.",
        probability=float(np.mean(list(recall.values()))),
        interval=interval,
        per_class={name: recall[policies.key_for(name)] for name in classes},
        witness=Witness(one.describe(), one.record(), one.matrix[0]),
    )
