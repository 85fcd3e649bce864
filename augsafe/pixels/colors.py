"""Levels of colour images through tone and colour steps in their order: clipped after each, rounded once.

A stage without colour steps, and an image with one channel, need none of this: one table serves them (lookup.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.pixels.lookup import as_dtype
from augsafe.planning import Part, StagePlan
from augsafe.randomness import FloatArray
from augsafe.transforms import FULL_RANGE, Color, Tone

Image = NDArray[Any]
_BYTES = np.arange(256) / 255.0


def check_channels(stage: StagePlan, channels: int) -> None:
    """Refuse images in which a colour step does not know red, green and blue.

    Args:
        stage: A stage of the plan.
        channels: How many channels the images have.

    Raises:
        InputError: The stage has colour steps, and there are not 1, 3 or 4 channels.
    """
    if stage.colors and channels not in (1, 3, 4):
        raise InputError(
            f"step {stage.colors[0].step.label!r} mixes red, green and blue; this image has {channels} channels. Give "
            "images with 1, 3 or 4 channels (the fourth is left alone), or leave the step out"
        )


@dataclass(frozen=True, eq=False)
class _Op:
    """One pass over the pixels: a matrix (3, 4), or else a tone step with its values."""

    matrix: FloatArray | None = None
    closed: bool = False  # maps [0, 1] into itself, so that nothing is clipped
    part: Part | None = None


class Colors:
    """The tone and colour steps of a stage for n images of three or four channels.

    Each image goes on its own, so that it comes out the same in any company.
    """

    def __init__(self, stage: StagePlan) -> None:
        self.stage = stage
        self._maps = [
            None if (m := _as_matrix(part, len(stage.matrix))) is None else (m, _closed(m)) for part in stage.tone
        ]
        self._scratch: tuple[Image, Image] | None = None

    def ops(self, row: int) -> list[_Op]:
        """What happens to one image; a matrix that clips nothing is joined with the next."""
        out: list[_Op] = []
        for part, known in zip(self.stage.tone, self._maps, strict=True):
            if not part.active[row]:
                continue
            if known is None:
                values = {k: v[row : row + 1] for k, v in part.values.items()}
                out.append(_Op(part=Part(part.step, part.active[row : row + 1], values)))
                continue
            matrix, closed = known[0][row], bool(known[1][row])
            before = out[-1] if out else None
            if before is not None and before.matrix is not None and before.closed:
                joined = matrix[:, :3] @ before.matrix
                joined[:, 3] += matrix[:, 3]
                out[-1] = _Op(joined, closed)
            else:
                out.append(_Op(matrix, closed))
        return out

    def recolored(self, image: Image, row: int, limits: tuple[float, float]) -> Image:
        """The image (H, W, 3 or 4) with new levels, of the same dtype."""
        ops = self.ops(row)
        if not ops:
            return image
        rgb = np.ascontiguousarray(image[..., :3])
        if image.dtype == np.uint8 and limits == FULL_RANGE["uint8"]:
            new: Image = self._bytes(rgb, ops)
        else:
            low, high = limits
            levels = np.clip((rgb.astype(np.float64) - low) / (high - low), 0, 1)
            levels = self._run(levels, np.empty_like(levels), ops) * (high - low) + low
            new = as_dtype(levels, image.dtype)
        if image.shape[2] == 3:
            return new
        return np.concatenate([new, self._alone(image[..., 3:], row, limits)], axis=2)

    def levels(self, image: NDArray[np.uint8], row: int) -> NDArray[np.float32]:
        """8-bit levels (H, W, 3) as floats in [0, 1] after all steps: not rounded, and good until the next call."""
        return self._floats(image, self.ops(row))

    def _bytes(self, rgb: NDArray[np.uint8], ops: list[_Op]) -> NDArray[np.uint8]:
        levels = self._floats(rgb, ops)  # OpenCV's own 8-bit transform is off by up to 0.74 levels
        np.multiply(levels, 255, out=levels)
        return np.rint(levels, out=levels).astype(np.uint8)

    def _floats(self, rgb: NDArray[np.uint8], ops: list[_Op]) -> NDArray[np.float32]:
        if self._scratch is None or self._scratch[0].shape != rgb.shape:
            self._scratch = np.empty(rgb.shape, np.float32), np.empty(rgb.shape, np.float32)
        levels, spare = self._scratch
        first = ops[0] if ops else None
        if first is not None and first.part is not None:  # the levels are still whole numbers: a table is exact
            cv2.LUT(rgb, _toned(_BYTES[None], first.part).astype(np.float32), levels)
            ops = ops[1:]
        else:
            np.multiply(rgb, np.float32(1 / 255), out=levels)
        result: NDArray[np.float32] = self._run(levels, spare, ops)
        return result

    def _run(self, levels: Image, spare: Image, ops: list[_Op]) -> Image:
        """Levels through the passes, back and forth between two arrays."""
        for op in ops:
            if op.part is not None:
                levels[...] = _toned(levels.reshape(1, -1), op.part).reshape(levels.shape)
                continue
            assert op.matrix is not None
            cv2.transform(levels, op.matrix, spare)
            levels, spare = spare, levels
            np.clip(levels, 0, 1, out=levels)
        return levels

    def _alone(self, extra: Image, row: int, limits: tuple[float, float]) -> Image:
        """The fourth channel: tone steps change it, as they do all channels, and colour steps do not."""
        low, high = limits
        levels = np.clip((extra.astype(np.float64) - low) / (high - low), 0, 1).reshape(1, -1)
        new = self.stage.curve(levels, slice(row, row + 1)).reshape(extra.shape) * (high - low) + low
        return as_dtype(new, extra.dtype)


def _toned(levels: FloatArray, part: Part) -> FloatArray:
    step = part.step
    assert isinstance(step, Tone)
    return np.clip(step.curve(levels, part.values), 0.0, 1.0)


def _as_matrix(part: Part, n: int) -> FloatArray | None:
    """The step as affine maps (n, 3, 4), where it is one: a colour step, or a tone that is a straight line."""
    if isinstance(part.step, Color):
        return part.step.mixes(part.values, n)
    assert isinstance(part.step, Tone)
    line = part.step.line(part.values)
    if line is None:
        return None
    out = np.zeros((n, 3, 4))
    for channel in range(3):
        out[:, channel, channel], out[:, channel, 3] = line
    return out


def _closed(matrices: FloatArray) -> NDArray[np.bool_]:
    """Which maps (n, 3, 4) take the cube of levels into itself."""
    linear, offset = matrices[:, :, :3], matrices[:, :, 3]
    least = offset + np.minimum(linear, 0).sum(axis=2)
    most = offset + np.maximum(linear, 0).sum(axis=2)
    return np.asarray(((least >= -1e-12) & (most <= 1 + 1e-12)).all(axis=1))
