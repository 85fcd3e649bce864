"""Modes in which rows are not single images: a row for each class, and for each pair of steps that fails together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.pixels import render
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.previews.columns import only
from augsafe.previews.scene import Rows, Scene, spread
from augsafe.randomness import Key
from augsafe.report import Cell, Mark, Marks, thumb
from augsafe.transforms import Geometric, Opaque, Transform

CLASS_DRAWS = 300  # for the share of flagged draws in a class's title
POOL, EPOCHS = 60, 8  # images and draws of each in which pairs are looked for
Named = list[tuple[str, list[Cell]]]


def class_rows(scene: Scene, most: int, columns: int) -> tuple[Named, Rows]:
    """A row for each class: a typical original, then other images of the class, each under a draw of its own.

    The title says how many of 300 draws are flagged. The second value is the number of each row's first image.
    """
    made, first = [], []
    for number in np.unique(scene.labels)[:most]:
        rows = np.flatnonzero(scene.labels == number)
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), CLASS_DRAWS)).astype(np.int64))]
        typical = _typical(scene, rows)
        shown = np.resize(np.roll(rows, -1 - int(np.flatnonzero(rows == typical)[0])), columns).astype(np.int64)
        judge = scene.marks(shown)
        plan = scene.plan(scene.compose, shown)
        rendered = render(scene.shown(shown), plan)
        marks = judge.judge(plan)
        cells = [Cell(scene.shown(np.array([typical]))[0])]
        cells += [Cell(image, *mark) for image, mark in zip(rendered, marks, strict=True)]
        name = scene.name(int(rows[0])) or "any class"
        made.append((f"{name}: {_flagged(scene, rows):.0%} flagged", cells))
        first.append(typical)
    return made, np.array(first, dtype=np.int64)


def _typical(scene: Scene, rows: Rows) -> int:
    small = np.stack([thumb(image, scene.compose.value_range) for image in scene.shown(rows)])
    return int(rows[((small - small.mean(axis=0)) ** 2).sum(axis=(1, 2, 3)).argmin()])


def _flagged(scene: Scene, rows: Rows) -> float:
    """The share of draws of a class's images that break something for certain."""
    marks = scene.marks(rows)
    found: list[bool] = []
    epoch = 0
    while len(found) < CLASS_DRAWS:
        plan = scene.plan(scene.compose, rows, epoch)
        found += [severity == "error" for _, severity in marks.judge(plan)]
        epoch += 1
    return float(np.mean(found))


@dataclass(frozen=True)
class _Hit:
    """A draw in which two steps together break what neither breaks alone."""

    row: int
    plans: tuple[Plan, Plan, Plan]
    at: int
    kind: str
    flags: int  # of either step alone


def pair_rows(scene: Scene, most: int) -> tuple[Named, Rows]:
    """A row for each pair of steps, and way of breaking the contract, that takes both: each alone, then together.

    Both steps act in every draw that is looked at. Rates are of the worst class; the most frequent come first.
    """
    pool = spread(scene.labels, min(len(scene.labels), POOL))
    marks = scene.marks(np.tile(pool, EPOCHS))
    found: list[tuple[float, _Hit, tuple[Transform, Transform]]] = []
    moving = [s for s in scene.compose.leaves if isinstance(s, (Geometric, Opaque)) and not s.never_acts]
    for pair in combinations(moving, 2):
        hits: dict[str, list[_Hit]] = {}
        for hit in _hits(scene, pool, marks, pair):
            hits.setdefault(hit.kind, []).append(hit)
        for kind_hits in hits.values():
            found.append((*_clearest(scene, pool, kind_hits), pair))
    found.sort(key=lambda one: -one[0])
    made = [_pair_row(scene, marks, *one) for one in found[:most]]
    return made, np.array([hit.row for _, hit, _ in found[:most]], dtype=np.int64)


def _clearest(scene: Scene, pool: Rows, hits: list[_Hit]) -> tuple[float, _Hit]:
    """The rate in the worst class, and its hit in which the steps alone are flagged least and the image moves least."""
    drawn = np.bincount(scene.labels[pool] + 1)
    failed = np.bincount(scene.labels[[hit.row for hit in hits]] + 1, minlength=len(drawn))
    rates = failed / np.maximum(drawn * EPOCHS, 1)
    worst = int(rates.argmax()) - 1
    mine = [hit for hit in hits if scene.labels[hit.row] == worst]
    moved = [float(np.abs(hit.plans[2].matrix[hit.at, :2, 2]).sum()) for hit in mine]
    best = min(range(len(mine)), key=lambda k: (mine[k].flags, moved[k]))
    return float(rates.max()), mine[best]


def _hits(scene: Scene, pool: Rows, marks: Marks, pair: tuple[Transform, Transform]) -> Iterator[_Hit]:
    plans = _plans(scene, pool, pair)
    first, second, both = (marks.judge(plan) for plan in plans)
    for at, (a, b, c) in enumerate(zip(first, second, both, strict=True)):
        new = _kinds(c) - _kinds(a) - _kinds(b)
        if c[1] == "error" and new:
            yield _Hit(int(pool[at % len(pool)]), plans, at, sorted(new)[0], len(a[0]) + len(b[0]))


def _plans(scene: Scene, pool: Rows, pair: tuple[Transform, Transform]) -> tuple[Plan, Plan, Plan]:
    """Each of two steps alone, then both, all with the same draws."""
    rows = np.tile(pool, EPOCHS)
    # one plan holds several draws of each image: each is keyed by a number of its own
    key = Key.of(scene.seed, scene.epoch, np.arange(len(rows)))

    def plan(policy: Compose) -> Plan:
        return policy.assemble(scene.shapes(rows), policy.draw(key))

    first, second, both = (only(scene.compose, *steps) for steps in (pair[:1], pair[1:], pair))
    return plan(first), plan(second), plan(both)


def _kinds(mark: Mark) -> set[str]:
    """The reasons without their numbers, so that "turned 31" and "turned 44" are one; classes stay apart."""
    return {reason if reason.startswith("reads as") else re.sub(r"[\d.°%]+", "", reason) for reason in mark[0]}


def _pair_row(
    scene: Scene, marks: Marks, share: float, hit: _Hit, pair: tuple[Transform, Transform]
) -> tuple[str, list[Cell]]:
    image: NDArray[Any] = scene.shown(np.array([hit.row]))[0]
    cells = [Cell(image, caption=f"in {share:.0%} of images" if share >= 0.01 else "in under 1% of images")]
    for plan, words in zip(hit.plans, (pair[0].label, pair[1].label, "together"), strict=True):
        reasons, severity = marks.judge(plan)[hit.at]
        cells.append(Cell(render([image], plan.rows(np.array([hit.at])))[0], reasons, severity, words))
    return scene.name(hit.row), cells
