"""Rate against strength, drawn with Pillow: one panel for the policy, one for each direction of each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from augsafe.report import Cell, Grid

if TYPE_CHECKING:
    from augsafe.calibration.result import Calibration
    from augsafe.calibration.single import Single

COLUMNS = 3
SMOOTH = 3  # drawn so much larger, then reduced
INK, FAINT, PAPER, PALE = (34, 34, 34), (110, 110, 110), (255, 255, 255), (200, 214, 229)
WORST, LIMIT, GOOD = (23, 92, 170), (206, 32, 41), (36, 130, 62)
LEFT, RIGHT, TOP, BOTTOM = 42, 14, 26, 36
SMALL = 11


@dataclass(frozen=True)
class Panel:
    """Lines of rates (lines, k) over strengths (k,); `worst` is drawn above the others, `mark` is a place on x."""

    title: str
    words: str
    x: tuple[float, ...]
    rates: NDArray[np.float64]
    limit: float
    strange: NDArray[np.float64] | None = None
    mark: float | None = None


def figure(c: Calibration, cell: int) -> Grid:
    """All panels as one picture."""
    panels = [_joint(c), *_singles(c)]
    pictures = [Cell(draw(panel, cell)) for panel in panels]
    blank = Cell(np.full((cell, cell, 3), 255, np.uint8))
    pictures += [blank] * (-len(pictures) % COLUMNS)
    rows = [tuple(pictures[i : i + COLUMNS]) for i in range(0, len(pictures), COLUMNS)]
    strange = f" Dashed: the largest unfamiliar share (limit {100 * c.bar.unfamiliar:g} %)." if c.measured else ""
    note = (
        f"Share of lost images. Pale: each class. Blue: the worst class.{strange} Red: the limit of "
        f"{100 * c.bar.epsilon:g} %. Green: the certified scale. "
        "Only the first panel is certified. The others show single steps."
    )
    return Grid(tuple(rows), ("",) * len(rows), ("",) * COLUMNS, cell, (0, 255), note)


def _joint(c: Calibration) -> Panel:
    rates = np.maximum(c.walk.lost, 0).T
    mark = c.scale if c.certified else None
    return Panel("whole policy", "scale", c.walk.scales, rates, c.bar.epsilon, _most(c, c.walk.unfamiliar.T), mark)


def _singles(c: Calibration) -> list[Panel]:
    groups: dict[tuple[str, str, str], list[Single]] = {}
    for row in c.singles:
        if row.side != "acts":
            groups.setdefault((row.step, row.parameter, row.side), []).append(row)
    return [
        Panel(
            f"{step}: {parameter} to {rows[0].end:.3g}",
            parameter,
            rows[0].values,
            np.array([r.rates for r in rows]),
            c.bar.epsilon,
            _most(c, np.array([r.unfamiliar for r in rows])),
        )
        for (step, parameter, _), rows in groups.items()
    ]


def _most(c: Calibration, unfamiliar: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The largest of the classes, where the images were asked."""
    known = unfamiliar[~np.isnan(unfamiliar).all(axis=1)]
    return known.max(axis=0) if c.measured and len(known) else None


def draw(panel: Panel, side: int) -> NDArray[np.uint8]:
    """One panel as an image (side, side, 3)."""
    from PIL import Image, ImageDraw, ImageFont

    sheet = Image.new("RGB", (side * SMOOTH, side * SMOOTH), PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(SMALL * SMOOTH)
    at = _Axes(panel, side)
    for share in at.ticks:
        pen.line([at.place(at.first, share), at.place(at.last, share)], (235, 235, 235), SMOOTH)
        pen.text(at.beside(share), f"{100 * share:g} %", FAINT, font, anchor="rm")
    for k in sorted({0, len(panel.x) // 2, len(panel.x) - 1}):
        x, y = at.place(panel.x[k], 0)
        pen.text((x, y + 4 * SMOOTH), f"{panel.x[k]:.3g}", FAINT, font, anchor="ma")
    known = [np.asarray(line) for line in panel.rates if not np.isnan(line).all()]
    for line in known:
        _line(pen, at, panel.x, line, PALE, 2)
    if known:
        _line(pen, at, panel.x, np.nanmax(np.stack(known), axis=0), WORST, 3)
    if panel.strange is not None:
        _dashes(pen, at, panel.x, panel.strange)
    pen.line([at.place(at.first, panel.limit), at.place(at.last, panel.limit)], LIMIT, 2 * SMOOTH)
    if panel.mark is not None:
        pen.line([at.place(panel.mark, 0), at.place(panel.mark, at.top)], GOOD, 2 * SMOOTH)
    pen.line([at.place(at.first, at.top), at.place(at.first, 0), at.place(at.last, 0)], INK, SMOOTH)
    middle = (LEFT + side - RIGHT) / 2 * SMOOTH
    pen.text((middle, (side - 3) * SMOOTH), panel.words, FAINT, font, anchor="mb")
    pen.text((middle, 3 * SMOOTH), panel.title, INK, font, anchor="ma")
    return np.asarray(sheet.resize((side, side), Image.Resampling.LANCZOS))


class _Axes:
    """From strength and rate to pixels."""

    def __init__(self, panel: Panel, side: int) -> None:
        rates = np.append(panel.rates, [] if panel.strange is None else panel.strange)
        rates = rates[~np.isnan(rates)]
        most = float(rates.max()) if rates.size else 0.0
        self.side, self.first, self.last = side, panel.x[0], panel.x[-1]
        self.top = min(1.0, max(most, 2 * panel.limit) * 1.05)
        step = next(s for s in (0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0) if self.top / s <= 5)
        self.ticks: Sequence[float] = [round(k * step, 4) for k in range(int(self.top / step + 1e-9) + 1)]

    def place(self, x: float, rate: float) -> tuple[float, float]:
        width, height = self.side - LEFT - RIGHT, self.side - TOP - BOTTOM
        across = (x - self.first) / (self.last - self.first) if self.last != self.first else 0.5
        return (LEFT + across * width) * SMOOTH, (TOP + (1 - rate / self.top) * height) * SMOOTH

    def beside(self, rate: float) -> tuple[float, float]:
        return (LEFT - 6) * SMOOTH, self.place(self.first, rate)[1]


def _line(
    pen: object, at: _Axes, x: Sequence[float], rates: NDArray[np.float64], colour: tuple[int, int, int], width: int
) -> None:
    from PIL import ImageDraw

    assert isinstance(pen, ImageDraw.ImageDraw)
    points = [at.place(v, float(r)) for v, r in zip(x, rates, strict=True) if not np.isnan(r)]
    if len(points) > 1:
        pen.line(points, colour, width * SMOOTH, joint="curve")
    for px, py in points:
        radius = (width + 0.5) * SMOOTH / 1.5
        pen.ellipse((px - radius, py - radius, px + radius, py + radius), fill=colour)


def _dashes(pen: object, at: _Axes, x: Sequence[float], rates: NDArray[np.float64]) -> None:
    """A broken line: Pillow draws none."""
    from PIL import ImageDraw

    assert isinstance(pen, ImageDraw.ImageDraw)
    points = [at.place(v, float(r)) for v, r in zip(x, rates, strict=True) if not np.isnan(r)]
    for (x0, y0), (x1, y1) in pairwise(points):
        count = max(1, int(np.hypot(x1 - x0, y1 - y0) / (8 * SMOOTH)))
        for k in range(count):
            a, b = k / count, (k + 0.55) / count
            pen.line(
                [(x0 + a * (x1 - x0), y0 + a * (y1 - y0)), (x0 + b * (x1 - x0), y0 + b * (y1 - y0))], WORST, 2 * SMOOTH
            )
