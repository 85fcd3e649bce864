"""A grid of what the network will see, with the cells that break the contract outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.check import bind_contract
from augsafe.compose import Compose
from augsafe.contracts import Contract
from augsafe.covering import spared
from augsafe.errors import ArgumentError
from augsafe.foreign import as_policy
from augsafe.plan import Draws, Plan
from augsafe.policy import near
from augsafe.randomness import Key
from augsafe.render import render
from augsafe.report.evidence import visible
from augsafe.report.grid import Cell, Grid
from augsafe.report.marks import Marks
from augsafe.sample import check_images
from augsafe.transforms import Choice, Transform
from augsafe.transforms.choice import walk

MODES = ("draws", "steps", "strength")
ROWS = 8


@dataclass(frozen=True)
class _Column:
    """One column: its title, and the policy and draws that fill it for all rows."""

    title: str
    plan: Plan


def preview(
    transform: Any,
    images: Any,
    labels: Any = None,
    *,
    classes: Sequence[str] | None = None,
    contract: Contract | str | None = None,
    masks: Any = None,
    boxes: Any = None,
    mode: str = "draws",
    columns: int = 8,
    rows: int | None = None,
    seed: int = 0,
    epoch: int = 0,
    cell: int = 112,
    step: str | None = None,
    indices: Sequence[int] | NDArray[np.int64] | None = None,
) -> Grid:
    """Show images and what a policy makes of them; cells that break the contract are outlined with the reason.

    transform: a Compose, one transform, or a pipeline of another library as in `check`. images: (n, H, W[, C]) or a
    list; labels: (n,) names or indices. The first column is the original. mode: "draws" shows what the loader gives
    in `columns` epochs, from `epoch` on; "steps" each step alone and acting, then all together; "strength" the step
    named `step` from one end of its range to the other. rows: how many images, spread over the classes (8 unless said).
    cell: the side of a cell in pixels.
    indices: the numbers of the images in their data set, which key the draws (0, 1, ... unless said).

    Raises ArgumentError, InputError and ContractError.
    """
    compose, _ = as_policy(transform)
    _check_numbers(mode, columns, rows, cell)
    check_images(images, compose.value_range)
    numbers = np.arange(len(images)) if indices is None else np.asarray(indices, dtype=np.int64)
    if numbers.shape != (len(images),):
        raise ArgumentError(f"preview(indices=...) must hold one number an image, got {numbers.shape}")
    bound, known = bind_contract(contract, labels, len(images), classes)
    chosen = spread(known, min(rows or ROWS, len(images)))
    shown = [np.asarray(images[i]) for i in chosen]
    bare = visible(compose)
    given = (None if targets is None else [targets[i] for i in chosen] for targets in (masks, boxes))
    marks = Marks.of(bound if contract is not None else None, shown, known[chosen], *given)
    made = _columns(bare, mode, shown, Key.of(seed, epoch, numbers[chosen]), columns, step)
    made = [_Column(column.title, spared(column.plan, marks.objects)) for column in made]
    pictures = [render(shown, column.plan) for column in made]
    cells = [[Cell(image)] for image in shown]
    for column, rendered in zip(made, pictures, strict=True):
        for row, (reasons, severity) in enumerate(marks.judge(column.plan)):
            cells[row].append(Cell(rendered[row], reasons, severity))
    grid = Grid(
        tuple(tuple(row) for row in cells),
        tuple("" if known[i] < 0 else bound.classes[known[i]] for i in chosen),
        ("original", *(column.title for column in made)),
        cell,
        compose.value_range,
        indices=tuple(int(i) for i in numbers[chosen]),
    )
    return replace(grid, note=_note(grid, marks))


def _check_numbers(mode: str, columns: int, rows: int | None, cell: int) -> None:
    if mode not in MODES:
        raise ArgumentError(f"preview(mode=...) must be one of {', '.join(MODES)}, got {mode!r}")
    for name, value, low, high in (
        ("columns", columns, 1, 100),
        ("rows", ROWS if rows is None else rows, 1, 1000),
        ("cell", cell, 32, 1024),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
            raise ArgumentError(f"preview({name}=...) must be a whole number from {low} to {high}, got {value!r}")


def spread(labels: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """The indices of n images, taken from each class in turn, in the order of the classes."""
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    turn = np.arange(len(labels)) - starts
    picked = order[np.lexsort((ordered, turn))][:n]
    return np.asarray(picked[np.lexsort((picked, labels[picked]))], dtype=np.int64)


def _columns(
    compose: Compose, mode: str, images: Sequence[NDArray[Any]], key: Key, count: int, step: str | None
) -> list[_Column]:
    shapes = np.array([image.shape[:2] for image in images], dtype=np.int64)
    if mode == "draws":
        if step is not None:
            raise ArgumentError("preview(step=...) belongs to mode='strength'")
        keys = [replace(key, epoch=key.epoch + k) for k in range(count)]
        return [_Column(f"epoch {k.epoch}", compose.assemble(shapes, compose.draw(k))) for k in keys]
    if mode == "steps":
        alone = [(leaf.label, _only(compose, leaf)) for leaf in compose.leaves]
        made = [_Column(name, one.assemble(shapes, one.draw(key))) for name, one in alone]
        return [*made, _Column("all together", compose.assemble(shapes, compose.draw(key)))]
    return _strengths(compose, _named(compose, step), shapes, key, count)


def _only(compose: Compose, leaf: Transform) -> Compose:
    return replace(compose, steps=(replace(leaf, p=1.0),))


def _named(compose: Compose, name: str | None) -> Transform:
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


def _strengths(compose: Compose, leaf: Transform, shapes: NDArray[np.int64], key: Key, count: int) -> list[_Column]:
    """One column a strength; a step without numbers, such as a flip, has one column."""
    one, n = _only(compose, leaf), len(shapes)
    places = np.linspace(0, 1 - 1e-12, count) if leaf.parameters else np.zeros(1)
    made = []
    named = [q.name for q in leaf.parameters if not q.free]  # the strength; places and noise stay as they are
    for u in places:
        values = leaf.draw(
            np.array([[u if not named or not q.free else 0.5] * n for q in leaf.parameters]).reshape(-1, n)
        )
        title = " ".join(f"{k} {_number(values[k][0])}" for k in named or values) or leaf.label
        made.append(
            _Column(title, one.assemble(shapes, Draws(key, {leaf.label: np.ones(n, bool)}, {leaf.label: values})))
        )
    return made


def _number(value: float) -> str:
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _note(grid: Grid, marks: Marks) -> str:
    total = sum(len(row) - 1 for row in grid.cells)
    errors = sum(c.severity == "error" for row in grid.cells for c in row)
    warnings = sum(c.severity == "warning" for row in grid.cells for c in row)
    judged = "" if marks.contract is not None else " Judged without a contract: content only."
    if not errors + warnings:
        return f"Nothing flagged in {total} pictures.{judged}"
    said = [f"{errors} break the contract or lose the object (red)"] if errors else []
    said += [f"{warnings} are uncertain (amber)"] if warnings else []
    return f"Of {total} pictures, {' and '.join(said)}.{judged}"
