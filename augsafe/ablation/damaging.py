"""AS403: what augmentation does to learning, although it keeps the class.

A learner is trained with and without the policy, and judged on clean and on augmented images: the 2 x 2 of which
affinity (Gontijo-Lopes, Smullin, Cubuk and Dyer, "Tradeoffs in data augmentation: an empirical study", ICLR 2021) is
one difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from augsafe.ablation.analysis import HARMS, Row, Scores, answer, judge
from augsafe.ablation.design import Question
from augsafe.ablation.light import Light
from augsafe.ablation.run import train_once
from augsafe.ablation.split import Split, Train, split_data
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError
from augsafe.foreign import as_policy
from augsafe.guards import Finding
from augsafe.policies import Compose
from augsafe.randomness import check_seed
from augsafe.statistics import needed_seeds
from augsafe.typing import GroupsLike, ImagesLike, LabelsLike, PolicyLike

CLEAN, SEEN, BOTH, AFTER = "clean to clean", "clean to augmented", "augmented to augmented", "augmented to clean"
ASKED = {"affinity": SEEN, "recoverability": BOTH, "benefit": AFTER}
SHARE = 0.4  # of the images, for testing
FAR = 1_000_000  # an epoch that no training reaches, so that test images have random values of their own


@dataclass(frozen=True, eq=False)
class Damage:
    """The effect of a policy on a learner. All differences are in accuracy, compared with training and testing on
    original images.

    Attributes:
        affinity: A learner trained on original images, tested on augmented ones. Below 0: they look different to it.
        recoverability: A learner trained with the policy, tested on augmented images. Below 0: information is lost.
        benefit: A learner trained with the policy, tested on original images. This is what the policy is for.
        accuracy: The accuracy of the four combinations.
        guard: The verdict of `check` on the policy.
        findings: AS403, or nothing.
    """

    affinity: Row
    recoverability: Row
    benefit: Row
    accuracy: Mapping[str, float]
    guard: str
    findings: tuple[Finding, ...]

    @property
    def rows(self) -> tuple[Row, Row, Row]:
        """The three differences."""
        return self.affinity, self.recoverability, self.benefit

    def __str__(self) -> str:
        lines = [f"{'':<16}{'points':>8}{'95 %':>18}   worst class"]
        for row in self.rows:
            low, high = (100 * end for end in row.interval)
            worst, (effect, _, _) = next(iter(row.per_class.items()))
            between = f"{low:+.1f} to {high:+.1f}"
            lines.append(f"{row.name:<16}{100 * row.effect:>+8.1f}{between:>18}   {worst} {100 * effect:+.1f}")
        return "\n".join([*lines, *(f"{f.code} {f.message}" for f in self.findings)])


def damage(
    transform: PolicyLike,
    images: ImagesLike,
    labels: LabelsLike,
    *,
    train: Train | None = None,
    contract: Contract | str | None = None,
    classes: Sequence[str] | None = None,
    groups: GroupsLike | None = None,
    seeds: int | None = None,
    seed: int = 0,
) -> Damage:
    """Measure whether a policy damages learning (AS403).

    A learner is trained with and without the policy, and tested on original and on augmented images. Both sides use the
    same images, seeds and random values. AS403 is reported if the benefit is certainly below 0, over all images (an
    exact sign-flip test over seeds and a model with crossed seeds and images, corrected for three rows) or in some
    class (its corrected interval).

    Args:
        transform: The policy: a Compose, one transform, a list, or a pipeline of another library.
        images: (n, H, W[, C]) or a list of arrays.
        labels: (n,) names or indices.
        train: A function (policy, seed, split), as in `ablate`. Default: `Light()`.
        contract: A Contract or the name of a built-in one, for the verdict of the guards.
        classes: The names of the classes.
        groups: (n,) Images of one group stay on one side and count as one.
        seeds: Number of training runs of each kind, at least 2. Default: as many as the test needs.
        seed: The seed of the split.

    Returns:
        Affinity, recoverability and benefit, with intervals.

    Raises:
        ArgumentError: An argument is not valid, or the training function fails.
        InputError: The images or labels do not fit.
    """
    compose = replace(as_policy(transform)[0], output=None)
    count = needed_seeds(len(ASKED)) if seeds is None else seeds
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 2:
        raise ArgumentError(f"damage(seeds=...) must be a whole number of at least 2, got {seeds!r}")
    check_seed(seed)
    learner = Light() if train is None else train
    if not callable(learner):
        raise ArgumentError(f"damage(train=...) must be a function (policy, seed, split), got {train!r}")
    data = split_data(images, labels, classes, (SHARE - 0.05, 0.05), seed, groups)
    judging = np.concatenate([data.rows["validation"], data.rows["test"]])
    data = replace(data, rows={"train": data.rows["train"], "validation": judging})
    split, truth = data.part("validation"), data.labels[judging]
    right: dict[str, list[Any]] = {name: [] for name in (CLEAN, SEEN, BOTH, AFTER)}
    for number in range(int(count)):
        drawn = compose.batch(split.targets, judging, seed=number, epoch=FAR)
        for policy, names in ((replace(compose, steps=()), (CLEAN, SEEN)), (compose, (AFTER, BOTH))):
            for name, said in zip(names, _predictions(learner, policy, number, split, drawn), strict=True):
                right[name].append(said == truth)
    tables = {name: np.array(rows, dtype=float) for name, rows in right.items()}
    found = Scores(tables, truth, data.classes, data.grouped("validation"))
    questions = [Question(name, "policy", (), ((corner, 1.0), (CLEAN, -1.0)), name) for name, corner in ASKED.items()]
    affinity, recoverability, benefit = answer(found, questions)
    guard = judge({"policy": compose}, split, contract)["policy"] or "safe"
    findings = _findings(compose, benefit, guard, data.classes)
    corners = {name: found.mean(name) for name in right}
    return Damage(affinity, recoverability, benefit, corners, guard, findings)


def _predictions(train: Train, policy: Compose, seed: int, split: Split, drawn: Any) -> tuple[Any, Any]:
    """What a learner says of the clean and of the augmented images. Raises ArgumentError with what it raised."""
    n = len(split.targets)
    if isinstance(split.targets, np.ndarray) and isinstance(drawn, np.ndarray) and drawn.shape == split.targets.shape:
        targets: Any = np.concatenate([split.targets, drawn])
    else:
        targets = [*split.targets, *drawn]
    outcome = train_once(train, policy, seed, replace(split, targets=targets))
    if outcome.predictions is None:
        raise ArgumentError(f"damage(train=...) failed with seed {seed}:\n{outcome.error}")
    return outcome.predictions[:n], outcome.predictions[n:]


def _findings(compose: Compose, benefit: Row, guard: str, classes: Sequence[str]) -> tuple[Finding, ...]:
    said = benefit.per_class
    harmed = {cls: said[cls][0] for cls in classes if cls in said and said[cls][2] < 0}
    overall = benefit.verdict == HARMS
    if not overall and not harmed:
        return ()
    low, high = (100 * end for end in benefit.interval)
    where = "" if overall else f" in {', '.join(harmed)}"
    keeps = "it keeps the class" if guard.startswith("safe") else f"the guards report: {guard}"
    worst, (least, _, _) = next(iter(said.items()))
    return (
        Finding(
            code="AS403",
            severity="info",
            how="sampled",
            evidence="measured",
            verdict="safe",
            steps=tuple(leaf.label for leaf in compose.leaves),
            classes=tuple(harmed or (cls for cls in classes if cls in said)),
            message=f"it damages learning{where}: {100 * benefit.effect:+.1f} points of accuracy on original images "
            f"({low:+.1f} to {high:+.1f}), worst for {worst} ({100 * least:+.1f}); {keeps}",
            help="Weaken the steps, or find the one that costs most with `augsafe ablate`.",
            per_class=harmed,
        ),
    )
