"""Images and a plan become pixels, stage by stage: one warp, one table, then local steps; or a distortion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.colors import Colors, check_channels
from augsafe.errors import ArgumentError, InputError
from augsafe.fused import fusable, render_fused
from augsafe.lookup import levels_of, tables
from augsafe.output import Output
from augsafe.permutation import is_permutation
from augsafe.plan import Part, Plan, StagePlan
from augsafe.sample import Image
from augsafe.transforms.base import FULL_RANGE
from augsafe.warp import displace, reductions, squashes, warp

Images = NDArray[Any] | Sequence[Image]


def output_shape(plan: Plan, row: int, image: Image) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of one output."""
    height, width = (int(v) for v in plan.sizes[row])
    shape: tuple[int, ...] = (height, width, *image.shape[2:])
    output = plan.settings.output
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
    wanted = [output_shape(plan, i, images[i]) for i in range(n)] if not _uniform(images, plan) else None
    if wanted is not None and len(set(wanted)) > 1:
        if out is not None:
            raise ArgumentError(f"out= needs outputs of one shape, these differ: {sorted({s for s, _ in wanted})[:4]}")
        results = [np.empty(shape, dtype) for shape, dtype in wanted]
        for i, result in enumerate(results):
            _render_alike([images[i]], plan.rows(np.array([i])), result[None])
        return results
    shape, dtype = output_shape(plan, 0, images[0])
    if out is None:
        out = np.empty((n, *shape), dtype)
    elif out.shape != (n, *shape) or out.dtype != dtype:
        raise ArgumentError(f"out= must be {dtype} of shape {(n, *shape)}, got {out.dtype} of shape {out.shape}")
    elif any(np.may_share_memory(out, image) for image in _views(images)):
        raise ArgumentError("out= shares memory with the images, which must not change; give another array")
    if wanted is None:
        _render_alike(images, plan, out)
    else:  # one shape of output from inputs of several kinds
        for i in range(n):
            _render_alike([images[i]], plan.rows(np.array([i])), out[i : i + 1])
    return out


def _render_alike(images: Images, plan: Plan, out: NDArray[Any]) -> None:
    """Images of one dtype and channel count to outputs of one shape."""
    for stage in plan.stages:
        check_channels(stage, images[0].shape[2] if images[0].ndim == 3 else 1)
    if not fusable(images[0], plan):
        for i, image in enumerate(images):
            _render_one(image, plan, i, out[i])
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


def _render_one(image: Image, plan: Plan, row: int, target: NDArray[Any]) -> None:
    """Any dtype, any number of stages and channels, one image."""
    settings = plan.settings
    low, high = settings.value_range or FULL_RANGE[image.dtype.name]
    for stage in plan.stages:
        first = settings.border == "constant" and stage.toned[row]
        if first:
            image = _toned(image, stage, row, (low, high))
        matrix = stage.matrix[row : row + 1]
        reduce = reductions(matrix, stage.size_in[row : row + 1])[0]
        image = warp(
            image,
            matrix[0],
            (int(stage.size_out[row, 0]), int(stage.size_out[row, 1])),
            settings.border,
            settings.fill,
            settings.interpolation,
            bool(is_permutation(matrix)[0]),
            (int(reduce[0]), int(reduce[1])),
            bool(squashes(matrix, stage.size_in[row : row + 1], reduce[None])[0]),
        )
        if (field := stage.field(row)) is not None:
            image = displace(image, field, settings.border, settings.fill, settings.interpolation)
        if not first:
            image = _toned(image, stage, row, (low, high))
        for part in stage.local:
            image = _local(part, image, row, (low, high))
    _write(image, settings.output, (low, high), target)


def _toned(image: Image, stage: StagePlan, row: int, limits: tuple[float, float]) -> Image:
    if not stage.toned[row]:
        return image
    if stage.colors and image.ndim == 3 and image.shape[2] > 1:
        return Colors(stage.rows(np.array([row]))).recolored(image, 0, limits)
    part = slice(row, row + 1)
    if image.dtype.kind == "u" and image.size > 4096:
        curve = stage.curve(levels_of(image.dtype), part)
        return np.asarray(tables(curve, 1, image.dtype, None)[0, 0][image])
    low, high = limits
    levels = ((image.astype(np.float64) - low) / (high - low)).reshape(1, -1)
    new = (stage.curve(np.clip(levels, 0, 1), part) * (high - low) + low).reshape(image.shape)
    return (np.rint(new) if image.dtype.kind == "u" else new).astype(image.dtype)


def _local(part: Part, image: Image, row: int, limits: tuple[float, float]) -> Image:
    from augsafe.transforms.base import Local, Opaque

    if not part.active[row]:
        return image
    step = part.step
    assert isinstance(step, Local)
    result = step.within(image, {k: float(v[row]) for k, v in part.values.items()}, limits)
    if isinstance(step, Opaque):
        return result
    if result.shape != image.shape or result.dtype != image.dtype:
        raise InputError(
            f"step {step.label!r} turned {image.dtype} {image.shape} into {result.dtype} {result.shape}; "
            "a local step must keep both"
        )
    return result


def _write(image: Image, output: Output | None, limits: tuple[float, float], target: NDArray[Any]) -> None:
    if output is None:
        target[...] = image
        return
    channels = image.shape[2] if image.ndim == 3 else 1
    low, high = limits
    planes = image if image.ndim == 3 else image[..., None]
    count = int(np.iinfo(image.dtype).max) + 1 if image.dtype.kind == "u" else 0
    if count and target.dtype == np.float32 and planes[..., 0].size > count // 4:
        known = np.asarray(
            (np.arange(count) - low) / (high - low), np.float64
        )  # a table costs less than the arithmetic
        for c, table in enumerate(tables(known[None], channels, target.dtype, output)[0]):
            place = c if output.layout == "CHW" else (..., c) if target.ndim == 3 else ...
            target[place] = table[planes[..., c]]
        return
    if output.dtype not in (None, image.dtype.name) or output.mean or output.std:
        levels = (planes.astype(np.float64) - low) / (high - low)
        if target.dtype.kind == "u":
            planes = np.rint(np.clip(levels, 0, 1) * np.iinfo(target.dtype).max).astype(target.dtype)
        else:
            scale, offset = output.normalise(channels)
            planes = (levels * scale + offset).astype(np.float32)
    elif image.dtype == np.float32 and output.value_range != (low, high):
        scale, offset = output.normalise(channels)
        planes = (((planes.astype(np.float64) - low) / (high - low)) * scale + offset).astype(np.float32)
    target[...] = planes.transpose(2, 0, 1) if output.layout == "CHW" else planes.reshape(target.shape)
