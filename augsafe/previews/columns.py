"""Modes in which each row is an image and each column a draw: epochs, steps, strengths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from augsafe.errors import ArgumentError
from augsafe.guards import scaled
from augsafe.pixels import render
from augsafe.planning import Draws, Plan
from augsafe.policies import Compose, near, spared
from augsafe.previews.scene import Rows, Scene
from augsafe.report import Cell
from augsafe.transforms import Choice, Transform, walk


@dataclass(frozen=True)
class Column:
    """One column: its title, and the policy and draws that fill it for all rows."""

    title: str
    plan: Plan


Maker = Callable[[Scene, Rows, int], Iterator[Column]]


def drawn(scene: Scene, rows: Rows, count: int) -> Iterator[Column]:
    """What the loader gives in so many epochs."""
    for k in range(count):
        yield Column(f"epoch {scene.epoch + k}", scene.plan(scene.compose, rows, k))


def stepwise(scene: Scene, rows: Rows, _: int) -> Iterator[Column]:
    """Each step alone and acting, then all together."""
    for leaf in scene.compose.leaves:
        yield Column(leaf.label, scene.plan(only(scene.compose, leaf), rows))
    yield Column("all together", scene.plan(scene.compose, rows))


def swept(scene: Scene, rows: Rows, count: int) -> Iterator[Column]:
    """The same draws of the whole policy, from nearly the images as they are to the ranges given."""
    for strength in np.arange(1, count + 1) / count:
        weaker = scaled(scene.compose, float(strength))
        yield Column(f"strength {_number(strength)}", scene.plan(weaker, rows))


def strengths(step: str | None) -> Maker:
    """One step from one end of its range to the other; a step without numbers, such as a flip, has one column."""

    def columns(scene: Scene, rows: Rows, count: int) -> Iterator[Column]:
        leaf = step_named(scene.compose, step)
        one, n = only(scene.compose, leaf), len(rows)
        named = [q.name for q in leaf.parameters if not q.free]  # the strength; places and noise stay as they are
        for u in np.linspace(0, 1 - 1e-12, count) if leaf.parameters else np.zeros(1):
            places = [u if not named or not q.free else 0.5 for q in leaf.parameters]
            values = leaf.draw(np.repeat(np.array(places)[:, None], n, axis=1).reshape(-1, n))
            title = " ".join(f"{k} {_number(values[k][0])}" for k in named or values) or leaf.label
            draws = Draws(scene.key(rows), {leaf.label: np.ones(n, bool)}, {leaf.label: values})
            yield Column(title, one.assemble(scene.shapes(rows), draws))

    return columns


def filled(scene: Scene, rows: Rows, columns: list[Column]) -> list[list[Cell]]:
    """The cells of each row: the original, then its columns."""
    shown, marks = scene.shown(rows), scene.marks(rows)
    cells = [[Cell(image)] for image in shown]
    for column in columns:
        plan = spared(column.plan, marks.objects.acting(marks.asked))
        rendered = render(shown, plan)
        for row, (reasons, severity) in enumerate(marks.judge(plan)):
            cells[row].append(Cell(rendered[row], reasons, severity))
    return cells


def only(compose: Compose, *leaves: Transform) -> Compose:
    """A policy of some steps, each with p=1."""
    return replace(compose, steps=tuple(replace(leaf, p=1.0) for leaf in leaves))


def step_named(compose: Compose, name: str | None) -> Transform:
    """The step whose strength is shown. Raises ArgumentError."""
    known = [leaf.label for leaf in compose.leaves]
    if name is None and len(known) == 1:
        return compose.leaves[0]
    if name is None:
        raise ArgumentError(f"mode='strength' needs step=, one of {', '.join(known) or 'none'}")
    for leaf in compose.leaves:
        if leaf.label == name:
            return leaf
    if any(isinstance(s, Choice) and s.label == name for step in compose.steps for s in walk(step)):
        raise ArgumentError(f"step={name!r} is a choice; name one of its children: {', '.join(known)}")
    raise ArgumentError(f"this policy has no step {name!r}{near(name, known)}")


def _number(value: float) -> str:
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
