"""From level to output value, for images of whole numbers: a table, or a clipped straight line where that is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.planning import Output, StagePlan
from augsafe.randomness import FloatArray
from augsafe.transforms import Tone


def levels_of(dtype: np.dtype[Any]) -> FloatArray:
    """All levels of an integer dtype, scaled to [0, 1]."""
    top = np.iinfo(dtype).max
    return np.arange(top + 1) / top


def as_dtype(levels: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Levels in a dtype: whole numbers are rounded, and kept to what they can be."""
    if dtype.kind != "u":
        return levels.astype(dtype)
    return np.asarray(np.clip(np.rint(levels), 0, np.iinfo(dtype).max).astype(dtype))


def tables(curves: FloatArray, channels: int, dtype: np.dtype[Any], output: Output | None) -> NDArray[Any]:
    """Levels in [0, 1] (n, k) to output values (n, channels, k)."""
    if dtype.kind == "u":
        top = np.iinfo(dtype).max
        return np.repeat(np.rint(curves * top).astype(dtype)[:, None], channels, axis=1)
    scale, offset = (output or Output()).normalise(channels)
    out = np.empty((len(curves), channels, curves.shape[-1]), np.float32)
    scratch = np.empty(curves.shape)
    for c in range(channels):
        np.multiply(curves, scale[c], out=scratch)
        np.add(scratch, offset[c], out=out[:, c], casting="same_kind")
    return out


@dataclass(frozen=True)
class Line:
    """Output = clip(slope * level + offset, low, high), each (n, channels, 1) float32.

    Attributes:
        slope: Output units for each level.
        offset: Output units.
        low: The least output, -infinity where there is none.
        high: The largest output, infinity where there is none.
    """

    slope: NDArray[np.float32]
    offset: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]

    def apply(
        self,
        levels: NDArray[np.uint8],
        rows: slice,
        channel: int,
        scratch: NDArray[np.float32],
        out: NDArray[np.float32],
    ) -> None:
        """Levels (n, k) of some rows' channel to `out` (n, k), by way of a scratch that stays in the cache."""
        np.copyto(scratch, levels)
        np.multiply(scratch, self.slope[rows, channel], out=scratch)
        low, high = self.low[rows, channel], self.high[rows, channel]
        bounds = [(np.maximum, low)] * bool(np.isfinite(low).any()) + [(np.minimum, high)] * bool(
            np.isfinite(high).any()
        )
        np.add(scratch, self.offset[rows, channel], out=scratch if bounds else out)
        for number, (bound, limit) in enumerate(bounds, 1):
            bound(scratch, limit, out=out if number == len(bounds) else scratch)


def line_of(stage: StagePlan, toned: bool, channels: int, output: Output | None) -> Line | None:
    """The straight line from 8-bit levels to float output, if all curves are lines.

    Whether there is one depends on the steps alone, never on what was drawn, so that a row comes out the same in any
    batch. A line clipped after each step is a line clipped once.

    Args:
        stage: A stage of the plan.
        toned: Whether its tone steps are included.
        channels: How many channels the images have.
        output: The form in which images leave.

    Returns:
        The line of each image and channel; None where some curve is no line.
    """
    n = len(stage.matrix)
    slope, offset, low, high = np.ones(n), np.zeros(n), np.zeros(n), np.ones(n)
    if channels > 1 and stage.colors:
        return None
    for part in stage.tone if toned else ():
        if not isinstance(part.step, Tone):
            continue
        line = part.step.line(part.values)
        if line is None:
            return None
        a, b = np.where(part.active, line[0], 1.0), np.where(part.active, line[1], 0.0)
        ends = np.clip(a * low + b, 0, 1), np.clip(a * high + b, 0, 1)
        slope, offset, low, high = a * slope, a * offset + b, np.minimum(*ends), np.maximum(*ends)
    darkest, brightest = np.minimum(offset, slope + offset), np.maximum(offset, slope + offset)
    low, high = np.where(darkest < low, low, -np.inf), np.where(brightest > high, high, np.inf)
    scale, shift = (output or Output()).normalise(channels)

    def scaled(x: FloatArray, by: FloatArray, plus: FloatArray | float) -> NDArray[np.float32]:
        return np.asarray(x[:, None, None] * by[:, None] + np.reshape(plus, (-1, 1)), np.float32)

    return Line(scaled(slope, scale / 255, 0.0), *(scaled(x, scale, shift) for x in (offset, low, high)))
