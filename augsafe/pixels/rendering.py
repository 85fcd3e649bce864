"""Images and a plan become pixels, stage by stage: one warp, one table, then local steps; or a distortion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.pixels.colors import check_channels
from augsafe.pixels.fused import fusable, render_fused
from augsafe.pixels.samples import Image
from augsafe.pixels.staged import Warping, limits_of, through_stages
from augsafe.pixels.writing import Writer
from augsafe.planning import Output, Plan
from augsafe.transforms import Opaque
from augsafe.typing import ImagesLike

Images = ImagesLike
Rendered = NDArray[Any] | list[NDArray[Any]]
Form = tuple[tuple[int, ...], np.dtype[Any]]
_GROUP_BYTES = 1 << 22  # memory that is written over again costs less than fresh memory


def output_shape(plan: Plan, row: int, image: Image) -> Form:
    """The form of one output.

    Args:
        plan: What will be done.
        row: Of which image.
        image: The image, (H, W) or (H, W, C).

    Returns:
        Its shape and dtype when it leaves.
    """
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


def render(images: Images, plan: Plan, out: NDArray[Any] | None = None) -> Rendered:
    """Render n images. Inputs are not changed, and the result owns its memory.

    Args:
        images: (n, H, W[, C]) or a list.
        plan: What will be done to them.
        out: Receives the result (n, ...), where it is given.

    Returns:
        An array (n, ...) where all outputs have one shape, else a list of arrays.

    Raises:
        ArgumentError: `out` does not fit, or the counts differ.
    """
    n = len(plan)
    if len(images) != n:
        raise ArgumentError(f"the plan is for {n} images, got {len(images)}")
    if out is not None and any(np.may_share_memory(out, image) for image in _views(images)):
        raise ArgumentError("out= shares memory with the images, which must not change; give another array")
    if not plan.resolved or any(isinstance(part.step, Opaque) for stage in plan.stages for part in stage.local):
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


def _room(forms: Sequence[Form], n: int, out: NDArray[Any] | None) -> Rendered:
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
    for part in plan.stages:
        check_channels(part, images[0].shape[2] if images[0].ndim == 3 else 1)
    if not fusable(images[0], plan):
        stages = [Warping(stage, plan.settings) for stage in plan.stages]
        limits, write = limits_of(images[0], plan.settings), Writer(plan.settings.output)
        for row, image in enumerate(images):
            for stage in stages:
                image = stage.local(stage.run(image, row, limits), row, limits)
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


def _render_by_stages(images: Images, plan: Plan, out: NDArray[Any] | None) -> Rendered:
    """Images whose sizes may be known only when they are done, some at a time."""
    settings, outputs = plan.settings, _Outputs(len(plan), out)
    write = Writer(settings.output)
    step = max(1, _GROUP_BYTES // images[0].nbytes)
    for start in range(0, len(plan), step):
        some = images[start : start + step]
        part = plan if step >= len(plan) else plan.rows(np.arange(start, start + len(some)))
        for image, given in zip(through_stages(list(some), part), some, strict=True):
            form = _form_of((image.shape[0], image.shape[1]), image, settings.output)
            write(image, limits_of(given, settings), outputs.next(form))
    return outputs.all


class _Outputs:
    """Where n outputs go as they come: into one array, `out` if it is given, while they have one form; else a list."""

    def __init__(self, n: int, out: NDArray[Any] | None) -> None:
        self.count, self.out = n, out
        self.forms: list[Form] = []
        self.all: Rendered = []

    def next(self, form: Form) -> NDArray[Any]:
        """Room for the next output. Raises ArgumentError where it does not fit `out`."""
        self.forms.append(form)
        done = len(self.forms) - 1
        if not done:
            self.all = _room([form], self.count, self.out)
        elif form != self.forms[0] and isinstance(self.all, np.ndarray):
            if self.out is not None:
                _room(self.forms, self.count, self.out)
            self.all = [image.copy() for image in self.all[:done]]
        if isinstance(self.all, list):
            self.all.append(np.empty(*form))
        return np.asarray(self.all[done])
