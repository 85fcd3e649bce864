"""A stage for images of any dtype, size and number of channels: warp and tone one by one, then local steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ForeignStepError, InputError
from augsafe.pixels.colors import Colors, check_channels
from augsafe.pixels.lookup import as_dtype, levels_of, tables
from augsafe.pixels.permutation import is_permutation
from augsafe.pixels.samples import Image
from augsafe.pixels.warping import displace, reductions, squashes, warp
from augsafe.pixels.writing import looked_up
from augsafe.planning import Part, Plan, Settings, StagePlan
from augsafe.transforms import FULL_RANGE, Local, Opaque, Range

_LEVELS = levels_of(np.dtype(np.uint8))
_TABLE_ROWS = 64


def limits_of(image: Image, settings: Settings) -> Range:
    """What the levels of an image span."""
    return settings.value_range or FULL_RANGE[image.dtype.name]


def through_stages(images: Sequence[Image], plan: Plan) -> list[Image]:
    """Images of any kind through all stages of a plan, not yet in the form of its output.

    They go stage by stage, so that an opaque step does many at once, and a plan that is not resolved learns from their
    sizes how the next stage begins. Raises ForeignStepError where a step gives another size than it was found to give.
    """
    done, settings = list(images), plan.settings
    limits = [limits_of(image, settings) for image in done]
    for number in range(len(plan.stages) if plan.resolved else plan.maker.count):
        sizes = np.array([image.shape[:2] for image in done], dtype=np.int64)
        stage = plan.stages[number] if plan.resolved else plan.maker.stage(number, plan.draws, sizes)
        for image in done:
            check_channels(stage, image.shape[2] if image.ndim == 3 else 1)
        warps = Warping(stage, settings)
        done = [warps.run(image, row, limits[row]) for row, image in enumerate(done)]
        for part in stage.local:
            done = _local_of_all(part, done, limits)
        if stage.size_end is not None:
            _check_sizes(stage, done)
    return done


def _check_sizes(stage: StagePlan, images: Sequence[Image]) -> None:
    for image, wanted in zip(images, stage.size_after.tolist(), strict=True):
        if list(image.shape[:2]) != wanted:
            labels = " and ".join(part.step.label for part in stage.local if isinstance(part.step, Opaque))
            raise ForeignStepError(
                f"step {labels!r} gave an image of {image.shape[0]} x {image.shape[1]} pixels where it was found to "
                f"give {wanted[0]} x {wanted[1]}; the size may depend on its draw and the image's size, on nothing else"
            )


class Warping:
    """The warp, the distortion and the tone of one stage, for images one by one."""

    def __init__(self, stage: StagePlan, settings: Settings) -> None:
        self.stage, self.settings = stage, settings
        self.exact = is_permutation(stage.matrix)
        self.reduce = reductions(stage.matrix, stage.size_in)
        self.squash = squashes(stage.matrix, stage.size_in, self.reduce)
        same = (stage.matrix == np.eye(3)).all(axis=(1, 2)) & (stage.size_in == stage.size_out).all(axis=1)
        self.still: list[bool] = same.tolist()
        plain = ~self.exact & (self.reduce == 1).all(axis=1) & ~self.squash & (settings.interpolation == "linear")
        self.plain: list[bool] = plain.tolist()
        self._block: tuple[int, NDArray[Any]] | None = None

    def run(self, image: Image, row: int, limits: Range) -> Image:
        """A new image: after the warp and the tone of its row."""
        settings = self.settings
        first = settings.border == "constant"  # so that the fill is a value of the output
        image = self._warped(self._toned(image, row, limits) if first else image, row)
        if (field := self.stage.field(row)) is not None:
            image = displace(image, field, settings.border, settings.fill, settings.interpolation)
        return image if first else self._toned(image, row, limits)

    def local(self, image: Image, row: int, limits: Range) -> Image:
        """The image after the local steps of its row."""
        for part in self.stage.local:
            image = _local(part, image, row, limits)
        return image

    def _warped(self, image: Image, row: int) -> Image:
        if self.still[row]:
            return image.copy()  # a step that writes into its input must not reach the caller's
        stage, settings = self.stage, self.settings
        height, width = stage.size_out[row].tolist()
        across, down = self.reduce[row].tolist()
        # with four channels, OpenCV gives the same in half the time
        wide = self.plain[row] and image.dtype == np.uint8 and image.shape[2:] == (3,)
        moved = warp(
            np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)) if wide else image,
            stage.matrix[row],
            (height, width),
            settings.border,
            settings.fill,
            settings.interpolation,
            bool(self.exact[row]),
            (across, down),
            bool(self.squash[row]),
        )
        return np.asarray(cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB)) if wide else moved

    @cached_property
    def _colors(self) -> Colors:
        return Colors(self.stage)

    def _toned(self, image: Image, row: int, limits: Range) -> Image:
        stage = self.stage
        if not stage.toned[row]:
            return image
        if stage.colors and image.ndim == 3 and image.shape[2] > 1:
            return self._colors.recolored(image, row, limits)
        tabled = image.size > 4096 and limits == FULL_RANGE[image.dtype.name]
        if tabled and image.dtype == np.uint8:
            return looked_up(image, self._table(row))
        part = slice(row, row + 1)
        if tabled and image.dtype.kind == "u":
            return looked_up(image, tables(stage.curve(levels_of(image.dtype), part), 1, image.dtype, None)[0, 0])
        low, high = limits
        levels = ((image.astype(np.float64) - low) / (high - low)).reshape(1, -1)
        new = (stage.curve(np.clip(levels, 0, 1), part) * (high - low) + low).reshape(image.shape)
        return as_dtype(new, image.dtype)

    def _table(self, row: int) -> NDArray[Any]:
        """The table of 256 levels for a row; those of some rows are made at once."""
        start = row - row % _TABLE_ROWS
        if self._block is None or self._block[0] != start:
            curves = self.stage.curve(_LEVELS, slice(start, start + _TABLE_ROWS))
            self._block = start, tables(curves, 1, np.dtype(np.uint8), None)[:, 0]
        return np.asarray(self._block[1][row - start])


def _local_of_all(part: Part, images: list[Image], limits: Sequence[Range]) -> list[Image]:
    """A local step of every image for which it acts."""
    if not isinstance(part.step, Opaque):
        return [_local(part, image, row, limits[row]) for row, image in enumerate(images)]
    rows = np.flatnonzero(part.active)
    made = part.step.apply_all([images[row] for row in rows], {k: v[rows] for k, v in part.values.items()})
    done = list(images)
    for row, image in zip(rows.tolist(), made, strict=True):
        done[row] = image
    return done


def _local(part: Part, image: Image, row: int, limits: Range) -> Image:
    if not part.active[row]:
        return image
    step = part.step
    assert isinstance(step, Local)
    result = step.within(image, {k: float(v[row]) for k, v in part.values.items()}, limits)
    if result.shape != image.shape or result.dtype != image.dtype:
        raise InputError(
            f"step {step.label!r} turned {image.dtype} {image.shape} into {result.dtype} {result.shape}; "
            "a local step must keep both"
        )
    return result
