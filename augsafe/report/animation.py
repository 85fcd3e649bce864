"""A grid as a moving picture: the originals stand still above, and the columns follow one another below."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.report.grid import PAPER, Cell, Grid

if TYPE_CHECKING:
    from PIL import Image as PillowImage

ACROSS = 8  # pictures beside one another


def frames(grid: Grid) -> list[NDArray[np.uint8]]:
    """One picture (H, W, 3) for each column after the original, all of one size. Raises ArgumentError."""
    if not grid.rows or len(grid.columns) < 2:
        raise ArgumentError("a moving preview needs at least one image and one column")
    drawn = [_frame(grid, column).image for column in range(1, len(grid.columns))]
    height, width = (max(picture.shape[axis] for picture in drawn) for axis in (0, 1))
    out = []
    for picture in drawn:
        whole = np.full((height, width, 3), PAPER, np.uint8)
        whole[: picture.shape[0], : picture.shape[1]] = picture
        out.append(whole)
    return out


def _frame(grid: Grid, column: int) -> Grid:
    """The originals in one line, what the column makes of them in the next, in as many pairs of lines as it takes."""
    cells: list[tuple[Cell, ...]] = []
    rows: list[str] = []
    title = grid.columns[column]
    for start in range(0, len(grid.cells), ACROSS):
        part = grid.cells[start : start + ACROSS]
        names = grid.rows[start : start + ACROSS]
        originals = [replace(row[0], caption=name or row[0].caption) for row, name in zip(part, names, strict=True)]
        # captions of changing length would move what is below
        changed = [replace(row[column], reasons=row[column].reasons[:2], caption="") for row in part]
        cells += [tuple(originals), tuple(changed)]
        rows += [grid.columns[0], title]
    wide = max(len(row) for row in cells)
    return Grid(tuple(cells), tuple(rows), ("",) * wide, grid.cell, grid.value_range)


def write(pictures: list[NDArray[np.uint8]], path: Path, seconds: float) -> None:
    """Write a moving GIF or WebP that repeats. Raises ArgumentError."""
    from PIL import Image

    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0.02 <= seconds <= 60:
        raise ArgumentError(f"save(seconds=...) must be from 0.02 to 60, got {seconds!r}")
    shown: list[PillowImage.Image] = [Image.fromarray(picture) for picture in pictures]
    if path.suffix.lower() == ".gif":
        # one palette for all frames, so that what stands still does not flicker
        sheet = Image.fromarray(np.concatenate(pictures[:: max(1, len(pictures) // 8)]))
        palette = sheet.quantize(256, Image.Quantize.MEDIANCUT)
        shown = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in shown]
        shown[0].save(path, save_all=True, append_images=shown[1:], duration=round(1000 * seconds), loop=0, disposal=1)
    else:
        shown[0].save(
            path, save_all=True, append_images=shown[1:], duration=round(1000 * seconds), loop=0, quality=85, method=4
        )
