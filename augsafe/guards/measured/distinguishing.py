"""AS401: can augmented images be told from originals?

A classifier two-sample test (Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017) between the augmented
images of one half of the data and the originals of the other. Interpolation alone can be told by a classifier, so the
control is the same half, resampled and otherwise left alone. That images cannot be told is claimed only where the
excess over the control is certainly below a margin, never because nothing was found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.foreign import as_policy
from augsafe.guards.base import Finding, Witness
from augsafe.pixels import check_image, is_permutation, render
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.randomness import check_seed
from augsafe.statistics import Estimate, Scores, area, excess, group_indices
from augsafe.transforms import Shift
from augsafe.typicality import extractor

MARGIN = 0.05  # of the area under the curve
LEVEL = 0.95
LEAST, MOST = 80, 2000  # images
COMPONENTS = 40
Images = Sequence[NDArray[Any]]


@dataclass(frozen=True)
class Realism:
    """How well augmented images are told from originals, as areas under the ROC curve: 0.5 is not at all.

    auc and interval (95 %): of augmented images. control: of the same images, only resampled. excess: how much larger
    the first is, with its one-sided 95 % bounds. verdict: "distinguishable" (the excess is certainly above 0),
    "indistinguishable" (certainly below the margin), "undecided", with `needed`, about how many images would decide; an
    excess that is above 0 and below the margin for certain counts as indistinguishable.
    """

    verdict: str
    auc: float
    interval: tuple[float, float]
    control: float
    excess: float
    bounds: tuple[float, float]
    margin: float
    images: int
    needed: int | None
    findings: tuple[Finding, ...] = ()

    def __str__(self) -> str:
        low, high = self.interval
        more = f"; about {self.needed:,} images would decide" if self.needed else ""
        least, most = self.bounds
        return (
            f"{self.verdict}: a classifier separates augmented images from originals with an AUC of {self.auc:.2f} "
            f"({low:.2f} to {high:.2f}), and resampled images with {self.control:.2f}; the excess is {self.excess:.2f} "
            f"({least:.2f} to {most:.2f}), the margin is {self.margin:g}, on {self.images:,} images{more}"
        )


def realism(
    transform: Any,
    images: Any,
    *,
    groups: Any = None,
    reference: Callable[[Any], Any] | None = None,
    margin: float = MARGIN,
    seed: int = 0,
) -> Realism:
    """Measure whether a classifier can tell augmented images from originals (AS401).

    transform: as in `check`. images: (n, H, W[, C]) or a list, at least 80; of more than 2,000 an even part is used.
    groups (n,): images of one group (patient, video) stay together. reference: embeddings in place of the built-in
    features. margin: the excess of the area under the curve, over that of images that are only resampled, which does
    not matter.

    It is said of these features and this classifier (a support vector machine): another may see more. Raises
    ArgumentError and InputError.
    """
    if isinstance(margin, bool) or not isinstance(margin, (int, float)) or not 0 < margin < 0.5:
        raise ArgumentError(f"realism(margin=...) must be between 0 and 0.5, got {margin!r}")
    check_seed(seed)
    compose = replace(as_policy(transform)[0], output=None)
    chosen, cluster = _chosen(compose, images, groups)
    parts = _parts(cluster, seed)  # 0 and 1 are augmented, 2 and 3 stay; 0 and 2 teach
    extract = extractor(reference, chosen)
    mine, theirs = np.flatnonzero(parts < 2), np.flatnonzero(parts >= 2)
    plan = compose.plan([chosen[i].shape[:2] for i in mine], mine, seed)
    originals = extract([chosen[i] for i in theirs])
    drawn = extract(list(render([chosen[i] for i in mine], plan)))
    plain = extract(_resampled(compose, [chosen[i] for i in mine], mine, plan, seed))
    learn, asked = (parts[mine] == 0, parts[theirs] == 2), (parts[mine] == 1, parts[theirs] == 3)
    seen, control = (_scores(ones, originals, learn, asked, seed) for ones in (drawn, plain))
    ones, zeros = cluster[mine[asked[0]]], cluster[theirs[asked[1]]]
    own, more = area(seen, ones, zeros), excess(seen, control, ones, zeros)
    low, high = more.bounds(LEVEL)
    verdict = "indistinguishable" if high < margin else "distinguishable" if low > 0 else "undecided"
    interval = own.interval(LEVEL)
    wanted = _needed(more, margin, len(chosen)) if verdict == "undecided" else None
    made = Realism(
        verdict, own.value, interval, control.area, more.value, (low, high), float(margin), len(chosen), wanted
    )
    if verdict != "distinguishable":
        return made
    shown = np.flatnonzero(asked[0])[int(seen.ones.argmax())]
    return replace(made, findings=(_finding(made, compose, plan, int(shown), chosen),))


def _chosen(compose: Compose, images: Any, groups: Any) -> tuple[list[NDArray[Any]], NDArray[np.int64]]:
    n = len(images)
    if n < LEAST:
        raise InputError(
            f"realism needs at least {LEAST} images, got {n}: half are augmented, and half of each are for training"
        )
    cluster = group_indices(groups, n)
    rows = np.unique(np.linspace(0, n - 1, min(n, MOST)).astype(np.intp))
    for i in rows.tolist():
        check_image(images[i], compose.value_range, f"images[{i}]")
    return [images[i] for i in rows.tolist()], cluster[rows]


def _parts(cluster: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """One of four parts (n,) for each image, whole groups together. Raises InputError."""
    names, place = np.unique(cluster, return_inverse=True)
    if len(names) < 16:
        raise InputError(f"realism needs images in at least 16 groups, got {len(names)}")
    order = np.random.default_rng([seed, 401]).permutation(len(names))
    return np.asarray((order % 4)[place], dtype=np.int64)


def _resampled(compose: Compose, images: Images, rows: NDArray[np.intp], plan: Plan, seed: int) -> list[NDArray[Any]]:
    """The images moved by a part of a pixel, where their draw is resampled too; else as they are."""
    if not any(leaf.frame for leaf in compose.leaves):
        moved = ~np.all([is_permutation(stage.whole) for stage in plan.stages], axis=0) | (plan.displaced > 0)
    else:
        moved = np.ones(len(images), bool)
    out = list(images)
    for i in np.flatnonzero(moved).tolist():
        height, width = images[i].shape[:2]
        step = Shift(x=(-0.5 / width, 0.5 / width), y=(-0.5 / height, 0.5 / height))
        policy = replace(compose, steps=(step,), border="replicate")
        out[i] = policy.batch([images[i]], [int(rows[i])], seed)[0]
    return out


def _scores(
    ones: NDArray[np.float32],
    zeros: NDArray[np.float32],
    learn: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    asked: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    seed: int,
) -> Scores:
    """What a classifier that has learned from one part says of the other."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    known = np.concatenate([ones[learn[0]], zeros[learn[1]]]).astype(np.float64)
    truth = np.repeat([1, 0], [learn[0].sum(), learn[1].sum()])
    components = PCA(min(COMPONENTS, len(known) - 1, known.shape[1]), svd_solver="randomized", random_state=seed)
    model = make_pipeline(components, StandardScaler(), SVC(C=1.0, gamma="scale", class_weight="balanced"))
    model.fit(known, truth)
    return Scores(*(np.asarray(model.decision_function(x[y])) for x, y in zip((ones, zeros), asked, strict=True)))


def _needed(more: Estimate, margin: float, n: int) -> int | None:
    """About how many images would put the excess clearly above 0 or below the margin; None for more than 100,000."""
    room = max(more.value, margin - more.value)
    low, high = more.bounds(LEVEL)
    half = high - more.value if more.value < margin / 2 else more.value - low
    wanted = int(np.ceil(n * (half / room) ** 2 / 10) * 10)
    return wanted if wanted <= 100_000 else None


def _finding(made: Realism, compose: Compose, plan: Plan, row: int, images: Images) -> Finding:
    one = compose.assemble(plan.shapes[[row]], plan.draws.rows(np.array([row])))
    index = int(plan.draws.key.indices[row])
    shown = render([images[index]], one)[0]
    return Finding(
        code="AS401",
        severity="info",
        how="sampled",
        evidence="measured",
        verdict="safe",
        steps=tuple(leaf.label for leaf in compose.leaves),
        classes=(),
        message=f"a classifier separates augmented images from originals with an AUC of {made.auc:.2f} "
        f"({made.interval[0]:.2f} to {made.interval[1]:.2f}), and merely resampled images with {made.control:.2f}",
        help="Look at the most obvious image: does it have borders, angles or levels that originals do not have?",
        witness=Witness(one.describe(), one.record(), one.matrix[0], index, images[index], shown),
    )
