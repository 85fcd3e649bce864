"""A table of pictures: titles, outlined cells and the reason below each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.transforms import FULL_RANGE

if TYPE_CHECKING:
    from PIL import Image as PillowImage
    from PIL import ImageDraw, ImageFont

Flag = tuple[int, int, str]
COLOURS = {"error": (206, 32, 41), "warning": (196, 120, 0), "info": (120, 140, 165)}
INK, FAINT, PAPER, EMPTY = (34, 34, 34), (110, 110, 110), (255, 255, 255), (238, 238, 238)
NO_BREAK = "\N{NO-BREAK SPACE}"  # for `wrap`; the font has no glyph for it
GAP, MARGIN, OUTLINE = 8, 14, 3
TITLE, CAPTION = 13, 12
WIDEST_TITLE = 170


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture with the reasons for which it is flagged; severity "error", "warning", "info" or "" for none.

    `caption` stands below it, before the reasons.
    """

    image: NDArray[Any]
    reasons: tuple[str, ...] = ()
    severity: str = ""
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows of pictures that show themselves in a notebook.

    rows: the row titles; columns: the column titles; cells: one list a row. `flags` are (row, column, reason), with
    columns counted from 0 at the original. `indices` are the numbers of the images in what was given.
    """

    cells: tuple[tuple[Cell, ...], ...] = field(repr=False)
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cell: int = 112
    value_range: tuple[float, float] | None = None
    note: str = ""
    indices: tuple[int, ...] = ()

    @property
    def flags(self) -> list[Flag]:
        """The flagged cells: (row, column, reason)."""
        return [
            (r, c, ", ".join(cell.reasons))
            for r, row in enumerate(self.cells)
            for c, cell in enumerate(row)
            if cell.reasons
        ]

    @cached_property
    def image(self) -> NDArray[np.uint8]:
        """The drawing as an array (H, W, 3)."""
        return np.asarray(_draw(self))

    def save(self, path: str | Path, seconds: float = 0.7) -> None:
        """Write the drawing; the name's ending says the format. A `.gif` or `.webp` moves: one column after the other.

        seconds: how long each column of a moving picture is shown. Raises ArgumentError.
        """
        from PIL import Image

        from augsafe.report.animation import frames, write

        try:
            if Path(path).suffix.lower() in (".gif", ".webp"):
                write(frames(self), Path(path), seconds)
            else:
                Image.fromarray(self.image).save(path)
        except (OSError, ValueError) as error:
            raise ArgumentError(f"the preview cannot be written to {str(path)!r}: {error}") from error

    def _repr_png_(self) -> bytes:
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(self.image).save(buffer, "PNG")
        return buffer.getvalue()


def to_rgb(image: NDArray[Any], value_range: tuple[float, float] | None = None) -> NDArray[np.uint8]:
    """Any image as 8-bit RGB (H, W, 3); of more than three channels the first three are shown."""
    planes = image if image.ndim == 3 else image[..., None]
    planes = planes[..., :3] if planes.shape[2] >= 3 else planes[..., :1]
    low, high = value_range or FULL_RANGE[image.dtype.name]
    if planes.dtype != np.uint8 or (low, high) != (0, 255):
        levels = np.clip((planes.astype(np.float64) - low) / (high - low), 0, 1)
        planes = np.rint(levels * 255).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(planes, (*planes.shape[:2], 3)))


def fit(image: NDArray[np.uint8], side: int) -> PillowImage.Image:
    """Scale to fit a square: tiny images by whole factors with their pixels visible, others smoothly."""
    from PIL import Image

    height, width = image.shape[:2]
    picture = Image.fromarray(image)
    factor = side / max(height, width)
    if factor >= 2.5:
        whole = int(factor)
        return picture.resize((width * whole, height * whole), Image.Resampling.NEAREST)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def shorten(text: str, width: float, size: int) -> str:
    """The text, cut with an ellipsis where it is wider than `width` pixels."""
    font = _font(size)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def wrap(text: str, width: float, size: int, lines: int = 2) -> list[str]:
    """Break at spaces (not at no-break ones) into at most so many lines; what does not fit is cut."""
    font, out = _font(size), [""]
    words = [word.replace(NO_BREAK, " ") for word in text.split(" ")]
    for word in words:
        longer = f"{out[-1]} {word}".strip()
        if not out[-1] or len(out) == lines or font.getlength(longer) <= width:
            out[-1] = longer
        else:
            out.append(word)
    return [shorten(line, width, size) for line in out]


@dataclass(frozen=True)
class _Layout:
    left: int
    top: int
    pitch: int
    row_tops: tuple[int, ...]
    width: int
    height: int


def _layout(grid: Grid, captions: Sequence[Sequence[list[str]]], note: list[str]) -> _Layout:
    font = _font(TITLE)
    widest = max((font.getlength(title) for title in grid.rows), default=0)
    left = MARGIN + (min(round(widest), WIDEST_TITLE) + GAP if widest else 0)
    heads = max((len(wrap(t, grid.cell, TITLE)) for t in grid.columns if t), default=0)
    top = MARGIN + heads * (TITLE + 4) + 4
    row_tops, y = [], top
    for row in captions:
        row_tops.append(y)
        y += grid.cell + max((len(lines) for lines in row), default=0) * (CAPTION + 3) + GAP + 4
    pitch = grid.cell + GAP
    width = left + pitch * len(grid.columns) - GAP + MARGIN
    return _Layout(left, top, pitch, tuple(row_tops), width, y + len(note) * (CAPTION + 5) + MARGIN // 2)


def _draw(grid: Grid) -> PillowImage.Image:
    from PIL import Image, ImageDraw

    captions = [[_caption(c, grid.cell) for c in row] for row in grid.cells]
    wide = 2 * MARGIN + (grid.cell + GAP) * len(grid.columns)
    note = wrap(grid.note, max(wide - 2 * MARGIN, 200), CAPTION, lines=4) if grid.note else []
    place = _layout(grid, captions, note)
    sheet = Image.new("RGB", (place.width, place.height), PAPER)
    pen = ImageDraw.Draw(sheet)
    for c, title in enumerate(grid.columns):
        x = place.left + c * place.pitch + grid.cell / 2
        lines = wrap(title, grid.cell, TITLE)
        first = place.top - 4 - len(lines) * (TITLE + 4)
        for k, line in enumerate(lines):
            pen.text((x, first + k * (TITLE + 4)), line, INK, _font(TITLE), anchor="ma")
    for r, row in enumerate(grid.cells):
        y = place.row_tops[r]
        title = shorten(grid.rows[r], WIDEST_TITLE, TITLE)
        pen.text((place.left - GAP, y + grid.cell / 2), title, INK, _font(TITLE), anchor="rm")
        for c, cell in enumerate(row):
            _draw_cell(sheet, pen, grid, cell, captions[r][c], (place.left + c * place.pitch, y))
    for k, line in enumerate(note):
        y = place.height - MARGIN // 2 - (len(note) - k) * (CAPTION + 5)
        pen.text((MARGIN, y), line, FAINT, _font(CAPTION))
    return sheet


def _caption(cell: Cell, width: int) -> list[str]:
    whole = [reason.replace(" ", NO_BREAK) for reason in cell.reasons]
    words = [shorten(cell.caption, width + GAP - 4, CAPTION)] if cell.caption else []
    return words + (wrap(", ".join(whole), width + GAP - 4, CAPTION, lines=3) if whole else [])


def _draw_cell(
    sheet: PillowImage.Image,
    pen: ImageDraw.ImageDraw,
    grid: Grid,
    cell: Cell,
    caption: list[str],
    corner: tuple[int, int],
) -> None:
    x, y = corner
    side = grid.cell
    pen.rectangle((x, y, x + side - 1, y + side - 1), fill=EMPTY)
    picture = fit(to_rgb(cell.image, grid.value_range), side)
    sheet.paste(picture, (x + (side - picture.width) // 2, y + (side - picture.height) // 2))
    if cell.severity:
        colour = COLOURS[cell.severity]
        # outside the picture, so that nothing of it is hidden
        box = (x - OUTLINE, y - OUTLINE, x + side - 1 + OUTLINE, y + side - 1 + OUTLINE)
        pen.rectangle(box, outline=colour, width=OUTLINE)
    for k, line in enumerate(caption):
        spot = (x + side / 2, y + side + OUTLINE + 1 + k * (CAPTION + 3))
        own = cell.caption and k == 0
        pen.text(spot, line, INK if own or not cell.severity else COLOURS[cell.severity], _font(CAPTION), anchor="ma")
