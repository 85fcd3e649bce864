"""Find the largest strength of a policy that can be shown to be safe."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.calibration.certify import Bar, Walk, walk
from augsafe.calibration.default import wide
from augsafe.calibration.losses import Jury
from augsafe.calibration.result import Calibration, Certificate
from augsafe.calibration.scaling import held_to
from augsafe.calibration.single import Single, singles
from augsafe.checking import bind_contract
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError, InputError
from augsafe.foreign import as_policy
from augsafe.guards import leave_out
from augsafe.objects import Guess, Objects, asked_for, inspect
from augsafe.pixels import check_image
from augsafe.policies import Compose
from augsafe.randomness import check_seed
from augsafe.statistics import folds, group_indices, one_thread, sample
from augsafe.transforms import Transform
from augsafe.typicality import as_list, refuse_constant
from augsafe.typing import (
    BoxesLike,
    FinderLike,
    GroupsLike,
    ImagesLike,
    LabelsLike,
    MasksLike,
    PolicyLike,
    ReferenceLike,
)

Rows = NDArray[np.int64]
UNFAMILIAR = 0.1
GRID = 10
MOST = 400  # images of a class that are used
RANKED = 60  # images of a class on which single limits are measured: none lost of 60 is clearly under 5 %


@one_thread()
def calibrate(
    transform: PolicyLike | None,
    images: ImagesLike,
    labels: LabelsLike | None,
    *,
    epsilon: float = 0.05,
    delta: float = 0.05,
    groups: GroupsLike | None = None,
    contract: Contract | str | None = None,
    reference: ReferenceLike | None = None,
    masks: MasksLike | None = None,
    boxes: BoxesLike | None = None,
    objects: FinderLike | str | None = None,
    classes: Sequence[str] | None = None,
    unfamiliar: float = UNFAMILIAR,
    narrow: bool | None = None,
    grid: int = GRID,
    most: int = MOST,
    seed: int = 0,
    jobs: int = 1,
    progress: bool = True,
) -> Calibration:
    """Find the largest safe strength of each step, and certify one strength of the whole policy.

    Half of the groups measures the limits of single steps, which are not certified. On the other half, the whole policy
    is tested along one scale, from the identity outward, by Learn then Test (Angelopoulos et al., 2021). The
    certificate says: with confidence 1 - delta/2, in every class, at most `epsilon` of the augmented images are lost,
    and at most `unfamiliar` are unlike any class. An image is lost if its class changes (by the contract, or by the
    images if the contract does not cover it) or if its content or tone is lost. Steps without a strength that are
    harmful are removed.

    Args:
        transform: A Compose, one transform, a list, a pipeline of another library, or None for a wide policy.
        images: (n, H, W[, C]) or a list of arrays.
        labels: (n,) names or indices.
        epsilon: Largest share of lost images in any class, between 0 and 1.
        delta: Probability that anything certified is wrong, between 0 and 1.
        groups: (n,) Images of one group (patient, video, font) count as one.
        contract: A Contract or the name of a built-in one.
        reference: A function from images to class probabilities or embeddings. Default: built-in features.
        masks: (n) Masks of the object, or None for an image without one.
        boxes: (n) Boxes of the object (m, 4), xyxy in pixels, or None for an image without any.
        objects: "saliency", or a finder as in `check`, uses a guess for images without masks and boxes. Default: their
            content is not checked.
        classes: The names of the classes.
        unfamiliar: Largest share of unfamiliar images in any class.
        narrow: Start from the limits of single steps, not from the policy's own ranges. Default: if no policy is given.
        grid: Number of strengths to try, at least 2.
        most: Largest number of images per class to use, at least 4.
        seed: The random seed.
        jobs: Number of threads. It does not change the result.
        progress: Show progress bars.

    Returns:
        The certificate, the certified policies, and the limits of single steps.

    Raises:
        ArgumentError: An argument is not valid.
        InputError: The images or labels do not fit.
        ContractError: The contract does not fit the classes.
    """
    check_limits(epsilon, delta, unfamiliar)
    _check_counts(grid, most)
    check_seed(seed)
    guess = asked_for(objects, "calibrate")
    policy = _policy(transform)
    if not any(not leaf.never_acts for leaf in policy.leaves):
        raise ArgumentError("calibrate: no step of this policy ever acts; give it ranges to calibrate")
    given = _Given(images, labels, groups, contract, reference, classes, masks, boxes, guess)
    bench = _bench(policy, given, epsilon, most, seed, jobs)
    track = _tracker(progress)
    bar = Bar(epsilon, unfamiliar)
    few = sample(bench.jury.own[bench.rank], bench.jury.groups[bench.rank], RANKED, np.random.default_rng(seed))
    table = singles(bench.jury, policy, bench.rank[few], epsilon, unfamiliar, grid, track)
    narrow = transform is None if narrow is None else narrow
    return _certify(bench, policy, table, bar, delta, narrow, grid, track)


def _policy(given: Any) -> Compose:
    if given is None:
        return wide()
    if isinstance(given, (list, tuple)) and given and all(isinstance(step, Transform) for step in given):
        return Compose(tuple(given))
    return as_policy(given)[0]


@dataclass(frozen=True, eq=False)
class _Bench:
    """The images, who judges them, and the two halves (rows)."""

    jury: Jury
    rank: Rows
    test: Rows


@dataclass(frozen=True, eq=False)
class _Given:
    """What the user gave; guess: who says where objects are, where neither masks nor boxes do."""

    images: Any
    labels: Any
    groups: Any
    contract: Contract | str | None
    reference: Callable[[Any], Any] | None
    classes: Sequence[str] | None
    masks: Any
    boxes: Any
    guess: Guess | None

    def objects(self, used: Sequence[Any], rows: Rows) -> Objects:
        """The objects of the images that are used. Raises InputError."""
        n = len(self.images)
        masks, boxes = (_of_used(k, given, rows, n) for k, given in (("masks", self.masks), ("boxes", self.boxes)))
        return inspect(used, masks, boxes, self.guess, [self.labels[i] for i in rows])


def _bench(policy: Compose, given: _Given, epsilon: float, most: int, seed: int, jobs: int) -> _Bench:
    if given.labels is None:
        raise InputError("calibrate(labels=...) needs one label for each image, got None")
    images = as_list(given.images)
    for i, image in enumerate(images):
        check_image(image, policy.value_range, f"images[{i}]")
    _check_labels(given.labels, len(images))
    bound, own = bind_contract(given.contract, given.labels, len(images), given.classes)
    if given.contract is None and len(np.unique(own)) < 2:
        raise InputError(
            f"all images are of class {bound.classes[int(own[0])]!r}: without a contract at least two classes are "
            "needed to see a class change; give a contract or images of another class"
        )
    grouped = group_indices(given.groups, len(images))
    rng = np.random.default_rng(seed)
    rows = sample(own, grouped, most, rng)
    half = folds(own[rows], grouped[rows], 2, rng)
    rank, test = np.flatnonzero(half == 0), np.flatnonzero(half == 1)  # among the images that are used
    if not len(rank) or not len(test):
        raise InputError(f"calibrate splits the groups into two halves; there are only {len(np.unique(grouped))}")
    used = [images[int(i)] for i in rows]
    if given.contract is None:  # named here by their numbers among all images; the reference sees a part of them
        refuse_constant([used[int(i)] for i in rank], rows[rank])
    jury = Jury(
        used,
        own[rows],
        grouped[rows],
        given.objects(used, rows),
        bound,
        given.contract is None,
        rank,
        float(epsilon) / 5,
        seed,
        jobs,
        given.reference,
        policy.value_range,
    )
    return _Bench(jury, rank, test)


def _of_used(name: str, values: Any, rows: Rows, n: int) -> list[Any] | None:
    """The masks or boxes of the images that are used. Raises InputError."""
    if values is None:
        return None
    if len(values) != n:
        raise InputError(f"{name} has {len(values)} entries, images {n}; give one (or None) for each image")
    return [values[int(i)] for i in rows]


def _certify(
    bench: _Bench,
    policy: Compose,
    table: Sequence[Single],
    bar: Bar,
    delta: float,
    narrow: bool,
    grid: int,
    track: Callable[[Iterable[Any], str], Iterable[Any]],
) -> Calibration:
    """Half of delta for the policy of all classes, half for the policies by class, shared among these."""
    jury, names = bench.jury, bench.jury.contract.classes
    present = [int(c) for c in np.unique(jury.own[np.r_[bench.rank, bench.test]])]
    together, apart = delta / 2, delta / (2 * len(present))
    scales = tuple((k + 1) / grid for k in range(grid))
    base = _start(policy, table, narrow)
    own_bases: dict[str, tuple[Compose, list[int]]] = {}
    for c in present:
        start = _start(policy, [row for row in table if row.cls == names[c]], narrow)
        own_bases.setdefault(start.to_yaml(), (start, []))[1].append(c)
    joint = _walked(bench, base, present, bar, track(scales, "Certifying"), 1.0)
    walks = {c: joint for c in present}
    for text, (start, members) in own_bases.items():
        if text != base.to_yaml():
            words = f"Certifying {', '.join(names[c] for c in members[:5])}"
            walks |= dict.fromkeys(members, _walked(bench, start, members, bar, track(scales, words), apart))
    short = {row.cls: row.unjudged for row in table if row.unjudged is not None}
    all_classes = Certificate.of(joint, bar, together, None, names, bool(short))
    return Calibration(
        policy,
        base,
        jury.contract,
        tuple(table),
        all_classes,
        {names[c]: Certificate.of(walks[c], bar, apart, c, names, names[c] in short) for c in present},
        joint,
        bar,
        delta,
        dict(_left_out(table)),
        short | {names[c]: jury.reference.undecided[names[c]] for c in joint.unjudged},
        jury.asked,
        tuple((jury.asked and jury.reference.look_alikes) or ()),
        narrow,
        float(jury.objects.known.mean()),
    )


def _walked(
    bench: _Bench, base: Compose, members: Sequence[int], bar: Bar, scales: Iterable[float], stop: float
) -> Walk:
    own = bench.jury.own[bench.test]
    return walk(bench.jury, base, bench.test[np.isin(own, members)], members, bar, scales, stop)


def _left_out(table: Iterable[Single]) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Steps without a strength that harm, and whom: seen on the half that does not certify."""
    found: dict[str, list[str]] = {}
    for row in table:
        if row.side == "acts" and row.limit is None:
            found.setdefault(row.step, []).append(row.cls)
    return ((step, tuple(classes)) for step, classes in found.items())


def _start(policy: Compose, table: Sequence[Single], narrow: bool) -> Compose:
    """The policy to walk: without what harms in itself and, if asked, with its ranges held to the single limits."""
    start = leave_out(policy, {step for step, _ in _left_out(table)})
    if not narrow:
        return start
    ends: dict[tuple[str, str, str], float] = {}
    for row in table:
        if row.side == "acts":
            continue
        neutral = next(q.neutral for q in policy.step(row.step).parameters if q.name == row.parameter)
        value = neutral if row.limit is None else row.limit
        key = (row.step, row.parameter, row.side)
        held = ends.get(key, value)
        ends[key] = max(held, value) if row.side == "below" else min(held, value)
    return held_to(start, ends)


def check_limits(epsilon: float, delta: float, unfamiliar: float) -> None:
    """Raise an error for a limit that is not between 0 and 1.

    Args:
        epsilon: Largest share of lost images.
        delta: Probability of a wrong certificate.
        unfamiliar: Largest share of unfamiliar images.

    Raises:
        ArgumentError: One of them is not between 0 and 1.
    """
    for name, value in (("epsilon", epsilon), ("delta", delta), ("unfamiliar", unfamiliar)):
        real = isinstance(value, (int, float, np.floating)) and not isinstance(value, bool)
        if not real or not math.isfinite(value) or not 0 < value < 1:
            raise ArgumentError(f"calibrate({name}=...) must be between 0 and 1, such as 0.05, got {value!r}")


def _check_counts(grid: int, most: int) -> None:
    for name, count, least in (("grid", grid, 2), ("most", most, 4)):
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < least:
            raise ArgumentError(f"calibrate({name}=...) must be a whole number of at least {least}, got {count!r}")


def _check_labels(labels: Any, n: int) -> None:
    if isinstance(labels, (str, bytes)) or not hasattr(labels, "__len__") or len(labels) != n:
        raise InputError(f"labels must have one entry for each image, {n} in all, got {labels!r}"[:300])
    values = np.asarray(labels)
    if values.dtype.kind == "f" or (values.dtype.kind in "iu" and values.size and int(values.min()) < 0):
        raise InputError(
            f"labels must be class names or indices from 0, got {values.dtype} from {values.min()}; remove images "
            "without a label"
        )
    if values.dtype.kind == "O" and any(v is None for v in values):
        raise InputError(f"labels[{[v is None for v in values].index(True)}] is None; remove images without a label")


def _tracker(progress: bool) -> Callable[[Iterable[Any], str], Iterable[Any]]:
    """A progress bar on the error stream where that is a terminal."""

    def track(items: Iterable[Any], words: str) -> Iterable[Any]:
        from rich.console import Console
        from rich.progress import track as bar

        console = Console(stderr=True)
        off = not (progress and console.is_terminal)
        return bar(items, words, console=console, transient=True, disable=off)

    return track
