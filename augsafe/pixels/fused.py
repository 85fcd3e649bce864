"""The fast path of rendering: 8-bit images of one output shape through one stage.

RGB travels as four channels, because OpenCV warps those in half the time. Work goes in chunks whose scratch stays in
the cache and is written over again, since fresh memory costs more than the arithmetic. A call into OpenCV costs about
a microsecond, so conversions take a whole chunk at once and only the warp and the table go image by image.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.pixels.batch_warps import Warps
from augsafe.pixels.colors import Colors
from augsafe.pixels.lookup import Line, levels_of, line_of, tables
from augsafe.planning import Output, Plan
from augsafe.transforms import FULL_RANGE

Bytes = NDArray[np.uint8]
_LEVELS = levels_of(np.dtype(np.uint8))
_CHUNK_BYTES = 1 << 18
_TABLE_ROWS = 64


def fusable(image: NDArray[Any], plan: Plan) -> bool:
    """Whether this path can render images like `image`, given that all outputs have one shape."""
    channels = image.shape[2] if image.ndim == 3 else 1
    one_stage = len(plan.stages) == 1 and not plan.stages[0].local and not plan.distorts
    spans_all = plan.settings.value_range in (None, FULL_RANGE["uint8"])
    return image.dtype == np.uint8 and channels in (1, 3, 4) and one_stage and spans_all


def render_fused(images: Bytes | Sequence[Bytes], plan: Plan, out: NDArray[Any]) -> None:
    """Write the n outputs to `out`, which is contiguous."""
    height, width = (int(v) for v in plan.sizes[0])
    channels = images[0].shape[2] if images[0].ndim == 3 else 1
    planes = 4 if channels == 3 else channels
    step = max(1, min(_CHUNK_BYTES // (height * width * planes), len(plan)))
    warped = np.empty((step, height, width, planes), np.uint8)
    spare = np.empty((planes, step, height, width), np.uint8)
    floats = np.empty((step, height * width), np.float32)
    block = step * max(1, _TABLE_ROWS // step)
    warps = Warps(plan, planes, step)
    wide = _wide_scratch(images, plan, step, channels)
    line = _line_of(plan, channels, out.dtype)
    colors = Colors(plan.stages[0]) if channels > 1 and plan.stages[0].colors else None
    for start in range(0, len(plan), step):
        stop, first = min(start + step, len(plan)), start % block
        if first == 0:
            before, after = _tables_of(plan, slice(start, start + block), channels, out.dtype, line is None)
        shown = warps.shown(images, start, stop)
        if before is not None and colors is not None:
            shown = [colors.recolored(image, i, (0, 255)) for i, image in enumerate(shown, start)]
        sources = _four_channels(shown, warps.late[start:stop], channels, wide)
        if before is not None and colors is None:
            sources = [cv2.LUT(s, table) for s, table in zip(sources, before[first:], strict=False)]
        warps.run(sources, start, warped)
        if line is not None:
            _finish_by_line(warped[: stop - start], spare, floats, line, slice(start, stop), out)
            continue
        if colors is not None and plan.settings.border != "constant":
            _finish_colored(warped[: stop - start], colors, slice(start, stop), out, plan)
            continue
        part = None if after is None else after[first : first + stop - start]
        _finish(warped[: stop - start], spare, part, out[start:stop], plan)


def _line_of(plan: Plan, channels: int, dtype: np.dtype[Any]) -> Line | None:
    """What takes the warped levels to the output without a table, where that is possible and pays."""
    output = plan.settings.output
    planar = channels == 1 or (output is not None and output.layout == "CHW")
    if dtype != np.float32 or not planar:
        return None
    return line_of(plan.stages[0], plan.settings.border != "constant", channels, output)


def _tables_of(
    plan: Plan, rows: slice, channels: int, dtype: np.dtype[Any], finishing: bool
) -> tuple[Bytes | None, NDArray[Any] | None]:
    """The tables (n, 256) from before and, if `finishing`, (n, channels, 256) from after the warp, if there are any."""
    stage = plan.stages[0]
    toned = bool(stage.toned[rows].any())
    tone_first = plan.settings.border == "constant"  # so that the fill is a value of the output
    before = after = None
    if tone_first and toned:
        before = tables(stage.curve(_LEVELS, rows), 1, np.dtype(np.uint8), None)[:, 0]
    if finishing and (dtype != np.uint8 or (toned and not tone_first)):
        n = len(stage.matrix[rows])
        curves = np.broadcast_to(_LEVELS, (n, 256)) if tone_first else stage.curve(_LEVELS, rows)
        after = tables(curves, channels, dtype, plan.settings.output)
    return before, after


def _wide_scratch(images: Bytes | Sequence[Bytes], plan: Plan, step: int, channels: int) -> Bytes | None:
    if channels != 3 or not (plan.shapes == plan.shapes[0]).all():
        return None
    return np.empty((step, *images[0].shape[:2], 4), np.uint8)


def _four_channels(
    shown: Bytes | list[Bytes], late: list[bool], channels: int, wide: Bytes | None
) -> Bytes | list[Bytes]:
    """The images of a chunk: grey as (H, W), and colour with four channels but where `late`.

    One array where they come as one.
    """
    n = len(shown)
    if channels == 1:
        return [image if image.ndim == 2 else image[..., 0] for image in shown]
    if channels == 4 or all(late):
        return list(shown)
    if isinstance(shown, np.ndarray) and shown.flags.c_contiguous and wide is not None and not any(late):
        height, width = shown.shape[1:3]
        rows, broad = shown.reshape(n * height, width, 3), wide[:n].reshape(n * height, width, 4)
        cv2.cvtColor(rows, cv2.COLOR_RGB2RGBA, broad)
        return wide[:n]
    rooms = [None] * n if wide is None else [room.reshape(-1) for room in wide[:n]]
    return [image if after else _widened(image, room) for image, after, room in zip(shown, late, rooms, strict=True)]


def _widened(image: Bytes, room: Bytes | None) -> Bytes:
    """A colour image with a fourth channel, in a flat scratch where there is one."""
    height, width = image.shape[:2]
    dst = None if room is None else room[: height * width * 4].reshape(height, width, 4)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA, dst))


def _finish_by_line(
    warped: Bytes, spare: Bytes, floats: NDArray[np.float32], line: Line, rows: slice, out: NDArray[Any]
) -> None:
    """Warped levels to rows `rows` of the output, channel by channel."""
    n, height, width, planes = warped.shape
    flat = out.reshape(len(out), -1, height * width)
    parts = [spare[c, :n].reshape(n * height, width) for c in range(planes)]
    cv2.split(warped.reshape(n * height, width, planes), parts)
    for c in range(flat.shape[1]):
        line.apply(spare[c, :n].reshape(n, -1), rows, c, floats[:n], flat[rows, c])


def _finish_colored(warped: Bytes, colors: Colors, rows: slice, out: NDArray[Any], plan: Plan) -> None:
    """Warped levels (n, H, W, 4) through tone and colour steps to rows `rows` of the output, image by image."""
    output = plan.settings.output
    planar = output is not None and output.layout == "CHW"
    channels = out.shape[1] if planar else out.shape[3]
    scale, offset = (v.astype(np.float32) for v in (output or Output()).normalise(channels))
    for k, row in enumerate(range(rows.start, rows.stop)):
        target = out[row].transpose(1, 2, 0) if planar else out[row]
        if out.dtype == np.uint8:
            image = cv2.cvtColor(warped[k], cv2.COLOR_RGBA2RGB) if channels == 3 else warped[k]
            target[...] = colors.recolored(np.asarray(image), row, (0, 255))
            continue
        levels = colors.levels(np.asarray(cv2.cvtColor(warped[k], cv2.COLOR_RGBA2RGB)), row)
        for c in range(3):
            if out.dtype.kind == "u":
                target[..., c] = np.rint(levels[..., c] * np.iinfo(out.dtype).max)
            else:
                np.multiply(levels[..., c], scale[c], out=target[..., c])
                target[..., c] += offset[c]
        if channels == 4:
            curve = colors.stage.curve(_LEVELS, slice(row, row + 1))
            target[..., 3] = tables(curve, 4, out.dtype, output)[0, 3][warped[k, ..., 3]]


def _finish(warped: Bytes, spare: Bytes, after: NDArray[Any] | None, out: NDArray[Any], plan: Plan) -> None:
    """Levels through the tables (n, channels, 256) into the output's dtype and layout."""
    n, height, width, planes = warped.shape
    output = plan.settings.output
    channels = out[0].size // (height * width)
    if channels == 1:
        _look_up([warped.reshape(n, height, width)], after, out.reshape(n, 1, height, width))
    elif output is not None and output.layout == "CHW":
        parts = [spare[c, :n].reshape(n * height, width) for c in range(planes)]
        cv2.split(warped.reshape(n * height, width, planes), parts)
        _look_up([part.reshape(n, height, width) for part in parts[:channels]], after, out)
    else:
        rows = warped.reshape(n * height, width, planes)
        if channels == 3:
            rgb = spare.reshape(-1)[: n * height * width * 3].reshape(n * height, width, 3)
            if after is None:
                rgb = out.reshape(n * height, width, 3)
            cv2.cvtColor(rows, cv2.COLOR_RGBA2RGB, rgb)
            rows = rgb
        images = rows.reshape(n, height, width, channels)
        if after is not None:
            for image, table, target in zip(images, after.transpose(0, 2, 1), out, strict=True):
                cv2.LUT(image, np.ascontiguousarray(table).reshape(1, 256, channels), target)
        elif channels == 4:
            out[...] = images


def _look_up(planes: Sequence[Bytes], after: NDArray[Any] | None, out: NDArray[Any]) -> None:
    """Write the planes, a list over channels of (n, H, W), to out (n, channels, H, W)."""
    for c, plane in enumerate(planes):
        if after is None:
            out[:, c] = plane
            continue
        for image, table, target in zip(plane, after[:, c], out[:, c], strict=True):
            cv2.LUT(image, table, target)
