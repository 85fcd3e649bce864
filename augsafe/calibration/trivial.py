"""TrivialAugment within ranges that are known to be safe."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from augsafe.calibration.result import Calibration
from augsafe.calibration.scaling import alone
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError
from augsafe.guards import PADDING, VISIBLE, discrete
from augsafe.policies import Compose
from augsafe.transforms import (
    Choice,
    HorizontalFlip,
    OneOf,
    Rotate,
    Rotate90,
    Shear,
    Shift,
    Transform,
    VerticalFlip,
    Zoom,
    written_in,
)

Op = tuple[Transform, float]  # and the most that it may be chosen
QUARTERS = ("rot90", "rot180", "rot270")


def SafeTrivialAugment(
    *,
    contract: Contract | str | None = None,
    calibration: Calibration | None = None,
    classes: Sequence[str] | None = None,
) -> OneOf:
    """A step that applies one random operation, or none, to each image, at a random strength within safe ranges.

    This is TrivialAugment (Müller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation",
    ICCV 2021) within the limits of a contract, or within the strengths that a calibration certified. Flips and quarter
    turns are used only if every class keeps its meaning. The result is a `OneOf` with explicit ranges, so a saved
    policy does not change when the contract does.

    Args:
        contract: A Contract or the name of a built-in one. It does not cover levels or blur, so there are no such
            steps. Objects are assumed to fill the frame.
        calibration: The result of `calibrate`. Its certificate is for all steps together. A single step does less to an
            image, but this was not certified; calibrate the result to certify it.
        classes: Only these classes must be safe. Default: all. For a policy of each class, use PerClass.

    Returns:
        The step.

    Raises:
        ArgumentError: An argument is not valid, or nothing is safe.
        ContractError: The contract does not know a class.
    """
    if (contract is None) == (calibration is None):
        raise ArgumentError("SafeTrivialAugment needs either contract= or calibration=")
    if calibration is not None:
        if not isinstance(calibration, Calibration):
            raise ArgumentError(f"SafeTrivialAugment(calibration=...) must come from calibrate, got {calibration!r}")
        ops = list(_of_calibration(calibration, classes))
        source = "the calibration certified no strength"
    else:
        made = Contract.builtin(contract) if isinstance(contract, str) else contract
        if not isinstance(made, Contract):
            raise ArgumentError(f"SafeTrivialAugment(contract=...) must be a Contract or a name, got {contract!r}")
        ops = list(_of_contract(made, _names(made, classes)))
        source = "the contract has no limits, and no class keeps its meaning under a symmetry"
    if not ops:
        raise ArgumentError(f"SafeTrivialAugment has nothing to choose from: {source}")
    even = 1 / (len(ops) + 1)  # no operation at all is one of them
    chances = [min(even, most) for _, most in ops]
    alike = all(chance == even for chance in chances)
    total = sum(chances)
    return OneOf(
        tuple(op for op, _ in ops),
        None if alike else tuple(round(chance / total, 6) for chance in chances),
        p=round(total, 6),
        name="SafeTrivialAugment",
    )


def _names(contract: Contract, classes: Sequence[str] | None) -> tuple[str, ...]:
    if classes is None:
        return contract.classes or ("*",)
    if isinstance(classes, str) or not len(classes):
        raise ArgumentError(f"SafeTrivialAugment(classes=...) must be a list of class names, got {classes!r}")
    return tuple(contract.classes[contract.index(c)] if contract.classes else str(c) for c in classes)


@dataclass(frozen=True)
class _Room:
    """What all of some classes allow: None where nothing is said."""

    rotation: float | None
    zoom: tuple[float, float] | None
    visible: float


def _room(contract: Contract, names: Sequence[str]) -> _Room:
    limits = [contract.limits_for(name) if contract.classes else contract.limits_for("*") for name in names]
    rotations = [limit.rotation for limit in limits]
    zooms = [limit.zoom for limit in limits]
    zoom = None
    if None not in zooms:
        zoom = (max(z[0] for z in zooms if z), min(z[1] for z in zooms if z))
    return _Room(
        None if None in rotations else min(r for r in rotations if r is not None),
        zoom,
        max(VISIBLE if limit.visible is None else limit.visible for limit in limits),
    )


def _of_contract(contract: Contract, names: Sequence[str]) -> Iterator[Op]:
    """Operations on places, each as far as the limits allow."""
    room = _room(contract, names)
    keeps = {s: all(_same(contract, n, s) for n in names) for s in (*QUARTERS, "hflip", "vflip")}
    turn = 180.0 if all(keeps[q] for q in QUARTERS) and (room.rotation is None or room.rotation >= 45) else None
    if turn is None and room.rotation is not None:
        turn = min(room.rotation, 44.0)  # from 45 on the nearest symmetry is another
    if turn:
        yield Rotate((-turn, turn)), 1.0
    if room.zoom is not None:
        smallest = max(room.zoom[0], math.sqrt(1 - PADDING))
        low, high = min(1.0, _up(smallest)), max(1.0, _down(min(room.zoom[1], 1 / math.sqrt(room.visible))))
        if low < high:
            yield Zoom((low, high)), 1.0
    shift = _down(1 - room.visible)
    if shift > 0:
        yield Shift((-shift, shift), (0.0, 0.0)), 1.0
        yield Shift((0.0, 0.0), (-shift, shift)), 1.0
    slant = _slant(room, turn)
    if slant > 0:
        yield Shear((-slant, slant), (0.0, 0.0)), 1.0
        yield Shear((0.0, 0.0), (-slant, slant)), 1.0
    if keeps["hflip"]:
        yield HorizontalFlip(p=1.0), 1.0
    if keeps["vflip"]:
        yield VerticalFlip(p=1.0), 1.0
    turns = tuple(k + 1 for k, q in enumerate(QUARTERS) if keeps[q])
    if turns:
        yield Rotate90(turns), 1.0


def _same(contract: Contract, name: str, symmetry: str) -> bool:
    given = contract if contract.classes else contract.with_classes(("any class",))
    return given.relation(given.classes[0] if given is not contract else name, symmetry).kind == "same"


def _slant(room: _Room, turn: float | None) -> float:
    """Degrees of shear, along one axis, within the limits on rotation, zoom and the visible share.

    A shear by t = tan(angle) turns by atan(t / 2), has singular values (sqrt(4 + t^2) +- t) / 2, and moves a quarter of
    t of a filled frame out of sight.
    """
    if turn is None or room.zoom is None or not room.zoom[0] <= 1 <= room.zoom[1]:
        return 0.0
    low, high = max(room.zoom[0], 1e-3), room.zoom[1]
    t = min(2 * math.tan(math.radians(min(turn, 44))), high - 1 / high, 1 / low - low, 4 * (1 - room.visible))
    return _down(math.degrees(math.atan(t)))


def _down(value: float) -> float:
    return math.floor(value * 1000 + 1e-6) / 1000


def _up(value: float) -> float:
    return math.ceil(value * 1000 - 1e-6) / 1000


def _of_calibration(c: Calibration, classes: Sequence[str] | None) -> Iterator[Op]:
    """Each range of the certified policy as an operation of its own, no more often than its step was certified."""
    policy = c.compose
    if classes is not None:
        if isinstance(classes, str) or len(classes) != 1 or classes[0] not in c.by_class:
            raise ArgumentError(
                f"SafeTrivialAugment(classes=...) with a calibration must be a list with one of its classes, "
                f"got {classes!r}"
            )
        policy = c.by_class[classes[0]].compose
    yield from _apart(policy)


def _apart(policy: Compose) -> Iterator[Op]:
    chances: dict[str, float] = {}

    def enter(step: Transform, chance: float) -> None:
        chances[step.label] = chance * step.p
        if isinstance(step, Choice):
            for held, share in zip(step.inside, step.chances, strict=False):
                enter(held, chances[step.label] * share)

    for step in policy.steps:
        enter(step, 1.0)
    for leaf in (leaf for step in policy.steps for leaf in written_in(step)):
        if leaf.frame or leaf.never_acts:
            continue
        if discrete(leaf):
            yield replace(leaf, p=1.0, name=None), chances[leaf.label]
            continue
        strong = [q for q in leaf.parameters if not q.free and not np.allclose(leaf.bounds(q), q.neutral)]
        still = [q.name for q in strong if alone(leaf, q.name, leaf.bounds(q)).never_acts]
        acting = [q for q in strong if q.name not in still]
        for q in acting:  # the others, such as the ratio of erased patches, only say how it acts
            ranged: dict[str, Any] = {name: getattr(leaf, name) for name in still}
            yield replace(alone(leaf, q.name, leaf.bounds(q)), name=None, **ranged), chances[leaf.label] / len(acting)
