"""Images and a plan become pixels: one warp, one table, then local steps, for each stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.output import Output
from augsafe.plan import Part, Plan, StagePlan
from augsafe.randomness import FloatArray
from augsafe.sample import FULL_RANGE, Image
from augsafe.warp import is_permutation, reductions, warp

Images = NDArray[Any] | Sequence[Image]
_CHUNK_BYTES = 1 << 19  # scratch that stays in the cache


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
            raise ArgumentError(
                f"out= needs outputs of one shape, these differ: {sorted({s for s, _ in wanted})[:4]}"
            )
        results = [np.empty(shape, dtype) for shape, dtype in wanted]
        for i in range(n):
            _render_one(images[i], plan, i, results[i])
        return results
    shape, dtype = output_shape(plan, 0, images[0])
    if out is None:
        out = np.empty((n, *shape), dtype)
    elif out.shape != (n, *shape) or out.dtype != dtype:
        raise ArgumentError(
            f"out= must be {dtype} of shape {(n, *shape)}, got {out.dtype} of shape {out.shape}"
        )
    if wanted is None and _fusable(images[0], plan):
        _render_fused(images, plan, out)
    else:
        for i in range(n):
            _render_one(images[i], plan, i, out[i])
    return out


def _uniform(images: Images, plan: Plan) -> bool:
    sizes = plan.sizes
    if not (sizes == sizes[0]).all():
        return False
    if isinstance(images, np.ndarray):
        return True
    first = images[0]
    return all(
        i.shape[2:] == first.shape[2:] and i.dtype == first.dtype and i.ndim == first.ndim for i in images
    )


def _fusable(image: Image, plan: Plan) -> bool:
    channels = image.shape[2] if image.ndim == 3 else 1
    return (
        image.dtype == np.uint8
        and channels in (1, 3, 4)
        and len(plan.stages) == 1
        and not plan.stages[0].local
    )


def levels_of(dtype: np.dtype[Any]) -> FloatArray:
    """All levels of an integer dtype, scaled to [0, 1]."""
    top = np.iinfo(dtype).max
    return np.arange(top + 1) / top


def _tables(curves: FloatArray, channels: int, dtype: np.dtype[Any], output: Output | None) -> NDArray[Any]:
    """Levels in [0, 1] (n, k) to output values (n, channels, k)."""
    if dtype.kind == "u":
        top = np.iinfo(dtype).max
        return np.repeat(np.rint(curves * top).astype(dtype)[:, None], channels, axis=1)
    scale, offset = (output or Output()).normalise(channels)
    return (curves[:, None, :] * scale[:, None] + offset[:, None]).astype(np.float32)


def _render_fused(images: Images, plan: Plan, out: NDArray[Any]) -> None:
    """8-bit images through one stage, a chunk at a time. RGB travels as four channels: OpenCV warps those faster."""
    stage, settings = plan.stages[0], plan.settings
    height, width = (int(v) for v in stage.size_out[0])
    first = images[0]
    channels = first.shape[2] if first.ndim == 3 else 1
    planes = 4 if channels == 3 else channels
    step = max(1, min(_CHUNK_BYTES // (height * width * planes), len(plan)))
    scratch = np.empty((step, height, width, planes), np.uint8)
    exact, reduce = is_permutation(stage.matrix), reductions(stage.matrix)
    first_toned = settings.border == "constant"
    for start in range(0, len(plan), step):
        rows = range(start, min(start + step, len(plan)))
        chunk = _four_channels(images, rows, channels)
        if first_toned:
            chunk = _toned_first(chunk, stage, rows)
        for k, i in enumerate(rows):
            flat = scratch[k] if planes > 1 else scratch[k, ..., 0]
            place = (int(reduce[i, 0]), int(reduce[i, 1]))
            frame = (height, width)
            source = chunk[k]
            warp(
                source,
                stage.matrix[i],
                frame,
                settings.border,
                settings.fill,
                settings.interpolation,
                bool(exact[i]),
                place,
                flat,
            )
        _finish(scratch[: len(rows)], stage, rows, channels, settings.output, out, plain=first_toned)


def _four_channels(images: Images, rows: range, channels: int) -> list[Image]:
    """The chunk's images, grey as (H, W) and colour with four channels."""
    chunk = [images[i] for i in rows]
    if channels == 1:
        return [image if image.ndim == 2 else image[..., 0] for image in chunk]
    if channels == 4:
        return chunk
    if isinstance(images, np.ndarray) and images.flags.c_contiguous:
        part = images[rows.start : rows.stop]
        n, height, width = part.shape[:3]
        wide = cv2.cvtColor(part.reshape(n * height, width, 3), cv2.COLOR_RGB2RGBA)
        return list(np.asarray(wide).reshape(n, height, width, 4))
    return [np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA)) for image in chunk]


def _toned_first(chunk: list[Image], stage: StagePlan, rows: range) -> list[Image]:
    """Tone before the warp, so that the fill is a value of the output."""
    toned = stage.toned[rows.start : rows.stop]
    if not toned.any():
        return chunk
    tables = np.rint(stage.curve(levels_of(np.dtype(np.uint8)), slice(rows.start, rows.stop)) * 255).astype(
        np.uint8
    )
    return [np.asarray(cv2.LUT(c, tables[k])) if toned[k] else c for k, c in enumerate(chunk)]


def _finish(
    warped: NDArray[np.uint8],
    stage: StagePlan,
    rows: range,
    channels: int,
    output: Output | None,
    out: NDArray[Any],
    plain: bool,
) -> None:
    """Levels through the table into the output's dtype and layout."""
    levels = levels_of(np.dtype(np.uint8))
    part = slice(rows.start, rows.stop)
    if out.dtype == np.uint8 and (plain or not stage.toned[part].any()):
        tables = None
    else:
        curves = np.broadcast_to(levels, (len(rows), 256)) if plain else stage.curve(levels, part)
        tables = _tables(curves, channels, out.dtype, output)
    if output is not None and output.layout == "CHW":
        n, height, width, planes = warped.shape
        split = cv2.split(warped.reshape(n * height, width, planes))
        for c in range(channels):
            plane = np.asarray(split[c]).reshape(n, height, width)
            for k, i in enumerate(rows):
                _look_up(plane[k], None if tables is None else tables[k, c], out[i, c])
        return
    for k, i in enumerate(rows):
        image = (
            warped[k]
            if channels == warped.shape[3]
            else np.asarray(cv2.cvtColor(warped[k], cv2.COLOR_RGBA2RGB))
        )
        table = None if tables is None else np.ascontiguousarray(tables[k].T).reshape(1, 256, channels)
        target = out[i] if out[i].ndim == 3 else out[i][..., None]
        _look_up(image, table, target)


def _look_up(image: Image, table: NDArray[Any] | None, target: NDArray[Any]) -> None:
    """Write table[image] to the target."""
    if table is None:
        target[...] = image
        return
    if table.dtype == np.uint16:
        target[...] = table.reshape(-1)[image]
        return
    result = cv2.LUT(image, table, dst=target)
    if not np.shares_memory(result, target):
        target[...] = np.asarray(result).reshape(target.shape)


def _render_one(image: Image, plan: Plan, row: int, target: NDArray[Any]) -> None:
    """Any dtype, any number of stages and channels, one image."""
    settings = plan.settings
    low, high = settings.value_range or FULL_RANGE[image.dtype.name]
    for stage in plan.stages:
        first = settings.border == "constant" and stage.toned[row]
        if first:
            image = _toned(image, stage, row, (low, high))
        matrix = stage.matrix[row : row + 1]
        reduce = reductions(matrix)[0]
        image = warp(
            image,
            matrix[0],
            (int(stage.size_out[row, 0]), int(stage.size_out[row, 1])),
            settings.border,
            settings.fill,
            settings.interpolation,
            bool(is_permutation(matrix)[0]),
            (int(reduce[0]), int(reduce[1])),
        )
        if not first:
            image = _toned(image, stage, row, (low, high))
        for part in stage.local:
            image = _local(part, image, row)
    _write(image, settings.output, (low, high), target)


def _toned(image: Image, stage: StagePlan, row: int, limits: tuple[float, float]) -> Image:
    if not stage.toned[row]:
        return image
    part = slice(row, row + 1)
    if image.dtype.kind == "u" and image.size > 4096:
        curve = stage.curve(levels_of(image.dtype), part)
        return np.asarray(_tables(curve, 1, image.dtype, None)[0, 0][image])
    low, high = limits
    levels = ((image.astype(np.float64) - low) / (high - low)).reshape(1, -1)
    new = (stage.curve(np.clip(levels, 0, 1), part) * (high - low) + low).reshape(image.shape)
    return (np.rint(new) if image.dtype.kind == "u" else new).astype(image.dtype)


def _local(part: Part, image: Image, row: int) -> Image:
    from augsafe.transforms.base import Local

    if not part.active[row]:
        return image
    step = part.step
    assert isinstance(step, Local)
    result = step.apply(image, {k: float(v[row]) for k, v in part.values.items()})
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
