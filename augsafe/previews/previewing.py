"""A grid of what the network will see, with the cells that break the contract outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from augsafe.checking import bind_contract
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError
from augsafe.foreign import as_policy
from augsafe.objects import asked_for
from augsafe.pixels import check_images
from augsafe.policies import Compose
from augsafe.previews import columns as made_by
from augsafe.previews.groups import class_rows, pair_rows
from augsafe.previews.scene import Scene, spread
from augsafe.report import Grid, visible
from augsafe.typing import BoxesLike, FinderLike, ImagesLike, LabelsLike, MasksLike, PolicyLike

MODES = ("draws", "steps", "strength", "sweep", "classes", "pairs")
ROWS, MOST_CLASSES = 8, 20


def preview(
    transform: PolicyLike,
    images: ImagesLike,
    labels: LabelsLike | None = None,
    *,
    classes: Sequence[str] | None = None,
    contract: Contract | str | None = None,
    masks: MasksLike | None = None,
    boxes: BoxesLike | None = None,
    objects: FinderLike | str | None = None,
    mode: str = "draws",
    columns: int = 8,
    rows: int | None = None,
    seed: int = 0,
    epoch: int = 0,
    cell: int = 112,
    step: str | None = None,
    indices: Sequence[int] | NDArray[np.int64] | None = None,
) -> Grid:
    """Show images before and after augmentation. Cells that break the contract are outlined, with the reason.

    Args:
        transform: A Compose, one transform, a list, or a pipeline of another library.
        images: (n, H, W[, C]) or a list of arrays.
        labels: (n,) names or indices.
        classes: The names of the classes.
        contract: A Contract or the name of a built-in one.
        masks: (n) Masks of the object, or None for an image without one.
        boxes: (n) Boxes of the object (m, 4), xyxy in pixels, or None for an image without any.
        objects: In images without mask and boxes, the object is guessed, and what the guess shows is outlined as a
            remark. With "saliency", or a finder as in `check`, the guess counts.
        mode: What rows and columns show. The first column is the original.

            - "draws": the images of `columns` epochs, starting with `epoch`.
            - "steps": each step applied on its own, then all together.
            - "strength": the step named `step`, from one end of its range to the other.
            - "sweep": the whole policy at increasing strength, with the same random values.
            - "classes": a row for each class, with the share of flagged images.
            - "pairs": a row for each pair of steps that causes a problem only together.
        columns: Number of columns beside the original, from 1 to 100.
        rows: Number of images, spread over the classes. Default: 8; with "classes" 20 classes, with "pairs" 8 pairs.
        seed: The random seed.
        epoch: The first epoch shown.
        cell: Side of a cell in pixels, from 32 to 1024.
        step: The step to vary in mode "strength".
        indices: The numbers of the images in their data set (n,), which set the random values. Default: 0, 1, ...

    Returns:
        The grid. A notebook shows it, and `save` writes it to a file.

    Raises:
        ArgumentError: An argument is not valid.
        InputError: The images or labels do not fit.
        ContractError: The contract does not fit the classes.
    """
    compose, _ = as_policy(transform)
    check_arguments(compose, mode, columns, rows, cell, step)
    guess = asked_for(objects, "preview")
    check_images(images, compose.value_range)
    numbers = np.arange(len(images)) if indices is None else np.asarray(indices, dtype=np.int64)
    if numbers.shape != (len(images),):
        raise ArgumentError(f"preview(indices=...) must have one number for each image, got {numbers.shape}")
    bound, known = bind_contract(contract, labels, len(images), classes)
    judged, shown = contract is not None, visible(compose)
    scene = Scene(shown, images, known, numbers, bound, judged, masks, boxes, guess, labels, int(seed), int(epoch))
    grid = replace(_grid(scene, mode, columns, rows, step), cell=cell, value_range=compose.value_range)
    return replace(grid, note=_note(grid, mode, scene))


def check_arguments(policy: object, mode: str, columns: int, rows: int | None, cell: int, step: str | None) -> None:
    """Check the arguments of a preview that can be checked without images.

    Args:
        policy: The policy. Its steps are checked if it is a Compose.
        mode: The mode.
        columns: Number of columns.
        rows: Number of rows, or None.
        cell: Side of a cell in pixels.
        step: The step to vary, or None.

    Raises:
        ArgumentError: One of them is not valid.
    """
    if mode not in MODES:
        raise ArgumentError(f"preview(mode=...) must be one of {', '.join(MODES)}, got {mode!r}")
    for name, value, low, high in (
        ("columns", columns, 1, 100),
        ("rows", ROWS if rows is None else rows, 1, 1000),
        ("cell", cell, 32, 1024),
    ):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
            raise ArgumentError(f"preview({name}=...) must be a whole number from {low} to {high}, got {value!r}")
    if step is not None and mode != "strength":
        raise ArgumentError("preview(step=...) needs mode='strength'")
    if mode == "strength" and isinstance(policy, Compose):
        made_by.step_named(policy, step)


def _grid(scene: Scene, mode: str, count: int, rows: int | None, step: str | None) -> Grid:
    if mode in ("classes", "pairs"):
        if mode == "classes":
            named, first = class_rows(scene, rows or MOST_CLASSES, count)
            titles = ("original", *(f"image {k + 1}" for k in range(count)))
        else:
            named, first = pair_rows(scene, rows or ROWS)
            titles = ("original", "first alone", "second alone", "both")
        cells = tuple(tuple(cells) for _, cells in named)
        return Grid(cells, tuple(name for name, _ in named), titles, indices=_numbers(scene, first))
    chosen = spread(scene.labels, min(rows or ROWS, len(scene.images)))
    makers = {"draws": made_by.drawn, "steps": made_by.stepwise, "sweep": made_by.swept}
    maker = makers[mode] if mode in makers else made_by.strengths(step)
    made = list(maker(scene, chosen, count))
    filled = made_by.filled(scene, chosen, made)
    return Grid(
        tuple(tuple(row) for row in filled),
        tuple(scene.name(i) for i in chosen),
        ("original", *(column.title for column in made)),
        indices=_numbers(scene, chosen),
    )


def _numbers(scene: Scene, rows: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(i) for i in scene.numbers[rows])


def _note(grid: Grid, mode: str, scene: Scene) -> str:
    judged = "" if scene.judged else " Without a contract, only the content is checked."
    if mode == "pairs":
        said = "Each row shows a pair of steps that causes a problem only together."
        return (said if grid.rows else "No pair of steps causes a problem only together.") + judged
    total = sum(len(row) - 1 for row in grid.cells)
    errors = sum(c.severity == "error" for row in grid.cells for c in row)
    warnings = sum(c.severity == "warning" for row in grid.cells for c in row)
    guesses = sum(c.severity == "info" for row in grid.cells for c in row)
    if guesses:
        judged += f" In {guesses} the object may be lost, by a guess at where it is (grey)."
    if not errors + warnings:
        return f"Nothing flagged in {total} pictures.{judged}"
    said_of = [f"{errors} break the contract or lose the object (red)"] if errors else []
    said_of += [f"{warnings} are uncertain (amber)"] if warnings else []
    return f"Of {total} pictures, {' and '.join(said_of)}.{judged}"


__all__ = ["MODES", "ROWS", "check_arguments", "preview", "spread"]
