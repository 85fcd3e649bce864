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

from augsafe.lookup import levels_of, tables
from augsafe.plan import Plan
from augsafe.warp import BORDERS, INTERPOLATIONS, is_permutation, paddings, reductions, warp

Bytes = NDArray[np.uint8]
_LEVELS = levels_of(np.dtype(np.uint8))
_CHUNK_BYTES = 1 << 18
_TABLE_ROWS = 64


def fusable(image: NDArray[Any], plan: Plan) -> bool:
    """Whether this path can render images like `image`, given that all outputs have one shape."""
    channels = image.shape[2] if image.ndim == 3 else 1
    one_stage = len(plan.stages) == 1 and not plan.stages[0].local
    return image.dtype == np.uint8 and channels in (1, 3, 4) and one_stage


def render_fused(images: Bytes | Sequence[Bytes], plan: Plan, out: NDArray[Any]) -> None:
    """Write the n outputs to `out`, which is contiguous."""
    height, width = (int(v) for v in plan.sizes[0])
    channels = images[0].shape[2] if images[0].ndim == 3 else 1
    planes = 4 if channels == 3 else channels
    step = max(1, min(_CHUNK_BYTES // (height * width * planes), len(plan)))
    warped = np.empty((step, height, width, planes), np.uint8)
    spare = np.empty((planes, step, height, width), np.uint8)
    block = step * max(1, _TABLE_ROWS // step)
    mover = _Mover(plan, planes)
    wide = _wide_scratch(images, plan, step, channels)
    for start in range(0, len(plan), step):
        stop, first = min(start + step, len(plan)), start % block
        if first == 0:
            before, after = _tables_of(plan, slice(start, start + block), channels, out.dtype)
        sources = _four_channels(images, start, stop, channels, wide)
        if before is not None:
            sources = [cv2.LUT(s, table) for s, table in zip(sources, before[first:], strict=False)]  # type: ignore[misc]
        mover.move(sources, start, warped)
        part = None if after is None else after[first : first + stop - start]
        _finish(warped[: stop - start], spare, part, out[start:stop], plan)


def _tables_of(
    plan: Plan, rows: slice, channels: int, dtype: np.dtype[Any]
) -> tuple[Bytes | None, NDArray[Any] | None]:
    """The tables (n, 256) from before and (n, channels, 256) from after the warp, where there are any."""
    stage = plan.stages[0]
    toned = bool(stage.toned[rows].any())
    tone_first = plan.settings.border == "constant"  # so that the fill is a value of the output
    before = after = None
    if tone_first and toned:
        before = tables(stage.curve(_LEVELS, rows), 1, np.dtype(np.uint8), None)[:, 0]
    if dtype != np.uint8 or (toned and not tone_first):
        n = len(stage.matrix[rows])
        curves = np.broadcast_to(_LEVELS, (n, 256)) if tone_first else stage.curve(_LEVELS, rows)
        after = tables(curves, channels, dtype, plan.settings.output)
    return before, after


class _Mover:
    """The warps of a plan, with what they need prepared for all images at once."""

    def __init__(self, plan: Plan, planes: int) -> None:
        stage, self.settings, self.planes = plan.stages[0], plan.settings, planes
        self.frame = (int(stage.size_out[0, 0]), int(stage.size_out[0, 1]))
        self.matrix = stage.matrix
        self.exact, self.reduce = is_permutation(stage.matrix), reductions(stage.matrix, stage.size_in)
        affine = (stage.matrix[:, 2, :2] == 0).all(axis=1)
        plain = affine & ~self.exact & (self.reduce.max(axis=1) == 1)
        self.plain: list[bool] = list(np.asarray(plain, dtype=object))
        pads = np.where(plain[:, None], paddings(stage.matrix, stage.size_in, self.frame), 0)
        self.pads: list[list[int]] = pads.tolist()
        self.padded = [any(pad) for pad in self.pads]
        moved = stage.matrix[:, :2].copy()
        moved[:, :, 2] -= (moved[:, :, :2] @ pads[:, ::2, None])[:, :, 0]
        self.affine = list(moved)
        widened = stage.size_in + np.stack([pads[:, 2] + pads[:, 3], pads[:, 0] + pads[:, 1]], axis=1)
        self.widened: list[list[int]] = widened.tolist()
        self.room = np.empty(int((widened.prod(axis=1) * pads.any(axis=1)).max()) * planes, np.uint8)

    def move(self, sources: Sequence[Bytes], start: int, warped: Bytes) -> None:
        """Warp the images from number `start` on into the scratch."""
        s = self.settings
        flags, rule, fill = INTERPOLATIONS[s.interpolation], BORDERS[s.border], (s.fill,) * 4
        shape = (self.frame[1], self.frame[0])
        grey = warped.shape[3] == 1
        targets = list(warped[..., 0] if grey else warped)
        for k, source in enumerate(sources):
            i = start + k
            if not self.plain[i]:
                self._move_otherwise(source, i, targets[k])
                continue
            if self.padded[i]:
                source = self._widened(source, i, rule, fill)
            cv2.warpAffine(source, self.affine[i], shape, targets[k], flags, rule, fill)

    def _widened(self, source: Bytes, i: int, rule: int, fill: tuple[float, ...]) -> Bytes:
        left, right, top, bottom = self.pads[i]
        height, width = self.widened[i]
        wide = self.room[: height * width * self.planes].reshape(height, width, *source.shape[2:])
        cv2.copyMakeBorder(source, top, bottom, left, right, rule, wide, fill)
        return wide

    def _move_otherwise(self, source: Bytes, i: int, target: Bytes) -> None:
        s, place = self.settings, (int(self.reduce[i, 0]), int(self.reduce[i, 1]))
        matrix, exact = self.matrix[i], bool(self.exact[i])
        warp(source, matrix, self.frame, s.border, s.fill, s.interpolation, exact, place, target)


def _wide_scratch(images: Bytes | Sequence[Bytes], plan: Plan, step: int, channels: int) -> Bytes | None:
    if channels != 3 or not (plan.shapes == plan.shapes[0]).all():
        return None
    return np.empty((step, *images[0].shape[:2], 4), np.uint8)


def _four_channels(
    images: Bytes | Sequence[Bytes], start: int, stop: int, channels: int, wide: Bytes | None
) -> list[Bytes]:
    """A chunk's images, grey as (H, W) and colour with four channels."""
    if channels == 3 and isinstance(images, np.ndarray) and images.flags.c_contiguous and wide is not None:
        n, (height, width) = stop - start, images.shape[1:3]
        rows = images[start:stop].reshape(n * height, width, 3)
        cv2.cvtColor(rows, cv2.COLOR_RGB2RGBA, wide[:n].reshape(n * height, width, 4))
        return list(wide[:n])
    chunk = [np.ascontiguousarray(images[i]) for i in range(start, stop)]
    if channels == 1:
        return [image if image.ndim == 2 else image[..., 0] for image in chunk]
    if channels == 4:
        return chunk
    if wide is None:
        return [cv2.cvtColor(image, cv2.COLOR_RGB2RGBA) for image in chunk]  # type: ignore[misc]
    return [cv2.cvtColor(image, cv2.COLOR_RGB2RGBA, w) for image, w in zip(chunk, wide, strict=False)]  # type: ignore[misc]


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
