"""Images and a plan become pixels, stage by stage: one warp, one table, then local steps; or a distortion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.colors import Colors, check_channels
from augsafe.errors import ArgumentError, ForeignStepError, InputError
from augsafe.fused import fusable, render_fused
from augsafe.lookup import levels_of, tables
from augsafe.output import Output
from augsafe.plan import Plan, Settings
from augsafe.sample import Image
from augsafe.stages import Part, StagePlan
from augsafe.transforms.base import FULL_RANGE, Local, Opaque, Range
from augsafe.warp import displace, is_permutation, reductions, squashes, warp
from augsafe.writing import Writer, looked_up

Images = NDArray[Any] | Sequence[Image]
Form = tuple[tuple[int, ...], np.dtype[Any]]


def output_shape(plan: Plan, row: int, image: Image) -> Form:
    """Shape and dtype of one output."""
    height, width = plan.sizes[row].tolist()
    return _form_of((height, width), image, plan.settings.output)


def _form_of(size: tuple[int, int], image: Image, output: Output | None) -> Form:
    """Shape and dtype of an image like `image`, (height, width) in size, when it leaves."""
    height, width = size
    shape: tuple[int, ...] = (height, width, *image.shape[2:])
    if output is None:
        return shape, image.dtype
    if output.layout == "CHW":
        shape = (image.shape[2] if image.ndim == 3 else 1, height, width)
    return shape, np.dtype(output.dtype or image.dtype)


def render(images: Images, plan: Plan, out: NDArray[Any] | None = None) -> Any:
    """Render n images: an array (n, ...) where all outputs have one shape, else a list of arrays.

    `out` receives the result where it is given. Inputs are not changed, and the result owns its memory. Raises
    ArgumentError when `out` does not fit.
    """
    n = len(plan)
    if len(images) != n:
        raise ArgumentError(f"the plan is for {n} images, got {len(images)}")
    if out is not None and any(np.may_share_memory(out, image) for image in _views(images)):
        raise ArgumentError("out= shares memory with the images, which must not change; give another array")
    if not plan.settled or any(isinstance(part.step, Opaque) for stage in plan.stages for part in stage.local):
        return _render_by_stages(images, plan, out)
    wanted = [output_shape(plan, i, images[i]) for i in range(n)] if not _uniform(images, plan) else None
    results = _room(wanted or [output_shape(plan, 0, images[0])], n, out)
    if isinstance(results, list):
        for i, result in enumerate(results):
            _render_alike([images[i]], plan.rows(np.array([i])), result[None])
    elif wanted is None:
        _render_alike(images, plan, results)
    else:  # one shape of output from inputs of several kinds
        for i in range(n):
            _render_alike([images[i]], plan.rows(np.array([i])), results[i : i + 1])
    return results


def _room(forms: Sequence[Form], n: int, out: NDArray[Any] | None) -> Any:
    """Where n outputs go: `out` or a new array where they have one form, else a list of arrays."""
    if len(set(forms)) > 1:
        if out is not None:
            raise ArgumentError(f"out= needs outputs of one shape, these differ: {sorted({s for s, _ in forms})[:4]}")
        return [np.empty(shape, dtype) for shape, dtype in forms]
    shape, dtype = forms[0]
    if out is None:
        return np.empty((n, *shape), dtype)
    if out.shape != (n, *shape) or out.dtype != dtype:
        raise ArgumentError(f"out= must be {dtype} of shape {(n, *shape)}, got {out.dtype} of shape {out.shape}")
    return out


def _render_alike(images: Images, plan: Plan, out: NDArray[Any]) -> None:
    """Images of one dtype and channel count to outputs of one shape."""
    for stage in plan.stages:
        check_channels(stage, images[0].shape[2] if images[0].ndim == 3 else 1)
    if not fusable(images[0], plan):
        warps = [_Warps(stage, plan.settings) for stage in plan.stages]
        limits, write = _limits(images[0], plan.settings), Writer(plan.settings.output)
        for row, image in enumerate(images):
            for warp_of in warps:
                image = warp_of.run(image, row, limits)
                for part in warp_of.stage.local:
                    image = _local(part, image, row, limits)
            write(image, limits, out[row])
    elif out.flags.c_contiguous:
        render_fused(images, plan, out)
    else:
        target = np.empty(out.shape, out.dtype)
        render_fused(images, plan, target)
        out[...] = target


def _views(images: Images) -> Sequence[Image]:
    return [images] if isinstance(images, np.ndarray) else images


def _uniform(images: Images, plan: Plan) -> bool:
    sizes = plan.sizes
    if not (sizes == sizes[0]).all():
        return False
    if isinstance(images, np.ndarray):
        return True
    first = images[0]
    return all(i.shape[2:] == first.shape[2:] and i.dtype == first.dtype and i.ndim == first.ndim for i in images)


def _render_by_stages(images: Images, plan: Plan, out: NDArray[Any] | None) -> Any:
    """All images stage by stage, so that an opaque step does many at once and the next stage follows from their sizes.

    Raises ForeignStepError where a step gives another size than it was found to give.
    """
    settings, done, count = plan.settings, list(images), plan.maker.count
    limits = [_limits(image, settings) for image in done]
    for number in range(len(plan.stages) if plan.settled else count):
        sizes = np.array([image.shape[:2] for image in done], dtype=np.int64)
        stage = plan.stages[number] if plan.settled else plan.maker.stage(number, plan.draws, sizes)
        for image in done:
            check_channels(stage, image.shape[2] if image.ndim == 3 else 1)
        warps = _Warps(stage, settings)
        done = [warps.run(image, row, limits[row]) for row, image in enumerate(done)]
        for part in stage.local:
            done = _local_of_all(part, done, limits)
        if stage.size_end is not None:
            _check_sizes(stage, done)
    forms = [_form_of((image.shape[0], image.shape[1]), image, settings.output) for image in done]
    results, write = _room(forms, len(done), out), Writer(settings.output)
    for image, limit, target in zip(done, limits, results, strict=True):
        write(image, limit, target)
    return results


def _check_sizes(stage: StagePlan, images: Sequence[Image]) -> None:
    for image, wanted in zip(images, stage.size_after.tolist(), strict=True):
        if list(image.shape[:2]) != wanted:
            labels = " and ".join(part.step.label for part in stage.local if isinstance(part.step, Opaque))
            raise ForeignStepError(
                f"step {labels!r} gave an image of {image.shape[0]} x {image.shape[1]} pixels where it was found to "
                f"give {wanted[0]} x {wanted[1]}; the size may depend on its draw and the image's size, on nothing else"
            )


class _Warps:
    """The warps of one stage, and its tone, for images of any dtype and number of channels, one by one."""

    def __init__(self, stage: StagePlan, settings: Settings) -> None:
        self.stage, self.settings = stage, settings
        self.exact = is_permutation(stage.matrix)
        self.reduce = reductions(stage.matrix, stage.size_in)
        self.squash = squashes(stage.matrix, stage.size_in, self.reduce)
        same = (stage.matrix == np.eye(3)).all(axis=(1, 2)) & (stage.size_in == stage.size_out).all(axis=1)
        self.still: list[bool] = same.tolist()
        plain = ~self.exact & (self.reduce == 1).all(axis=1) & ~self.squash & (settings.interpolation == "linear")
        self.plain: list[bool] = plain.tolist()

    def run(self, image: Image, row: int, limits: Range) -> Image:
        """A new image: after the warp and the tone of its row."""
        stage, settings = self.stage, self.settings
        first = settings.border == "constant" and stage.toned[row]
        if first:
            image = _toned(image, stage, row, limits)
        image = self._warped(image, row)
        if (field := stage.field(row)) is not None:
            image = displace(image, field, settings.border, settings.fill, settings.interpolation)
        return image if first else _toned(image, stage, row, limits)

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


def _limits(image: Image, settings: Settings) -> Range:
    return settings.value_range or FULL_RANGE[image.dtype.name]


def _toned(image: Image, stage: StagePlan, row: int, limits: tuple[float, float]) -> Image:
    if not stage.toned[row]:
        return image
    if stage.colors and image.ndim == 3 and image.shape[2] > 1:
        return Colors(stage.rows(np.array([row]))).recolored(image, 0, limits)
    part = slice(row, row + 1)
    if image.dtype.kind == "u" and image.size > 4096:
        curve = stage.curve(levels_of(image.dtype), part)
        return looked_up(image, tables(curve, 1, image.dtype, None)[0, 0])
    low, high = limits
    levels = ((image.astype(np.float64) - low) / (high - low)).reshape(1, -1)
    new = (stage.curve(np.clip(levels, 0, 1), part) * (high - low) + low).reshape(image.shape)
    return (np.rint(new) if image.dtype.kind == "u" else new).astype(image.dtype)


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
