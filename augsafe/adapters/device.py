"""Render a plan on a device: the whole batch in one `grid_sample` and one colour step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from augsafe.errors import ArgumentError, InputError
from augsafe.frameworks import framework
from augsafe.pixels import check_channels, line_of, reductions, squashes
from augsafe.planning import Output, Plan, StagePlan
from augsafe.policies import Compose, evaluation_policy
from augsafe.transforms import FULL_RANGE, Color, Distortion, Local

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = framework("torch", "augsafe.adapters.device")

_PADDING = {"reflect": "reflection", "replicate": "border", "constant": "zeros"}
_LEVELS = 256


class DeviceAugment(torch.nn.Module):
    """The policy as a module: images (n, C, H, W), uint8 or floats, to floats on the same device.

    The random values are those of `compose.batch` with the same seed, epoch and indices. Inverse maps are computed in
    double precision on the CPU. Positions and table look-ups use float32, whatever `dtype` or autocast is. On 8-bit
    photographs, 99 % of the values are within 2 of 255 levels of the CPU path (5 for bfloat16). Images that shrink to
    less than one half are refused, because only the CPU path filters them. In `eval` mode nothing is random: only the
    steps that are not random are applied, and a random crop becomes a centre crop. The guards do not run here.

    Args:
        compose: One stage, linear or nearest interpolation, and an output (if any) of float32 and CHW. Floats lie in
            its value range (default: (0, 1)) and leave in (0, 1) if there is no output. Values are checked in each
            batch on the CPU, and only in the first batch on another device.
        seed: The random seed.
        dtype: The float type of the result.

    Raises:
        ArgumentError: The policy cannot run on a device, or the dtype is not a float type.
    """

    def __init__(self, compose: Compose, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        if not isinstance(compose, Compose):
            raise ArgumentError(f"DeviceAugment(compose) must be an augsafe.Compose, got {type(compose).__name__}")
        _check_policy(compose)
        if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
            raise ArgumentError(f"DeviceAugment(dtype=...) must be a float type, got {dtype}")
        self.compose, self.seed, self.dtype = compose, int(seed), dtype
        self.plain = evaluation_policy(compose)
        self.epoch = 0
        self._checked = False

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the random values.

        Args:
            epoch: A whole number of at least 0.

        Raises:
            ArgumentError: It is not such a number.
        """
        if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 0:
            raise ArgumentError(f"set_epoch(epoch) must be a whole number of at least 0, got {epoch!r}")
        self.epoch = epoch

    def forward(self, images: Tensor, indices: Sequence[int] | Tensor) -> Tensor:
        """Augment images.

        Args:
            images: (n, C, H, W), uint8 or floats.
            indices: Their numbers in the data set (n,).

        Returns:
            Floats (n, C, H, W) on the same device.

        Raises:
            InputError: The images or indices do not fit.
        """
        self._check(images)
        rows = indices.detach().cpu().numpy() if isinstance(indices, torch.Tensor) else np.asarray(indices)
        if rows.dtype.kind not in "iu":
            raise InputError(f"indices must be whole numbers, got {rows.dtype}")
        shapes = np.tile(np.array(images.shape[2:], np.int64), (len(images), 1))
        policy = self.compose if self.training else self.plain
        return self.render(images, policy.plan(shapes, rows.astype(np.int64), self.seed, self.epoch))

    def render(self, images: Tensor, plan: Plan) -> Tensor:
        """Render a plan of this policy on the device of the images.

        Args:
            images: (n, C, H, W), uint8 or floats.
            plan: The plan.

        Returns:
            Floats (n, C, H, W) on the same device.

        Raises:
            InputError: The outputs differ in size, or an image shrinks to half or less.
        """
        stage, output = plan.stages[0], self.compose.output
        if not (plan.sizes == plan.sizes[0]).all():
            raise InputError("the outputs of a batch must have one size; end the policy with Resize((height, width))")
        reduce = reductions(stage.matrix, stage.size_in)
        if (reduce > 1).any() or squashes(stage.matrix, stage.size_in, reduce).any():
            raise InputError(
                "a draw shrinks the image to half or less, which aliases on the device: narrow the zoom, or give the "
                "module images of less than twice the output's size"
            )
        low, high = self._limits(images)
        fill = (float(self.compose.fill) - low) / (high - low)
        levels = images.float() if low == 0 else images.float() - low
        levels = levels * (1 / (high - low))
        if self.compose.border == "constant":  # so that the fill is a value of the output
            levels = self._moved(_toned(levels, stage, None) - fill, plan) + fill
            return _normalised(levels, output).to(self.dtype)
        return _toned(self._moved(levels, plan), stage, output).to(self.dtype)

    def _limits(self, images: Tensor) -> tuple[float, float]:
        if images.dtype == torch.uint8:
            return FULL_RANGE["uint8"]
        return self.compose.value_range or FULL_RANGE["float32"]

    def _check(self, images: Tensor) -> None:
        if not isinstance(images, torch.Tensor) or images.ndim != 4 or 0 in images.shape:
            raise InputError(f"images must be a tensor (n, C, H, W), got {_described(images)}")
        if images.dtype != torch.uint8 and not images.dtype.is_floating_point:
            raise InputError(f"images must be uint8 or floats, got {images.dtype}")
        if self.compose.output is not None:
            self.compose.output.normalise(images.shape[1])  # says so where the channels differ
        if images.dtype == torch.uint8:
            if self.compose.value_range not in (None, FULL_RANGE["uint8"]):
                raise InputError(f"uint8 images span 0 to 255, the policy says {self.compose.value_range}")
        elif images.device.type == "cpu" or not self._checked:
            low, high = self._limits(images)
            least, most = (float(v) for v in torch.aminmax(images.detach()))
            slack = 1e-4 * (high - low)
            if not (least >= low - slack and most <= high + slack):  # also where they are NaN
                raise InputError(
                    f"AS502: images hold values from {least:g} to {most:g}, outside the value range {low:g} to "
                    f"{high:g}; scale them, or say Compose(value_range=...)"
                )
        self._checked = True

    def _moved(self, levels: Tensor, plan: Plan) -> Tensor:
        (height, width), (tall, wide) = levels.shape[2:], plan.sizes[0].tolist()
        m = torch.as_tensor(np.linalg.inv(plan.matrix), device=levels.device, dtype=torch.float32)
        x = torch.arange(wide, device=levels.device, dtype=torch.float32)[None, None]
        y = torch.arange(tall, device=levels.device, dtype=torch.float32)[None, :, None]
        # not a matrix product: autocast and TF32 would leave positions with 8 to 11 bits
        across, down, weight = (
            m[:, k, 0, None, None] * x + m[:, k, 1, None, None] * y + m[:, k, 2, None, None] for k in range(3)
        )
        grid = torch.stack(
            [
                across / weight / (max(width - 1, 1) / 2.0) - 1,
                down / weight / (max(height - 1, 1) / 2.0) - 1,
            ],
            dim=-1,
        )
        mode = "bilinear" if self.compose.interpolation == "linear" else "nearest"
        return torch.nn.functional.grid_sample(
            levels, grid, mode=mode, padding_mode=_PADDING[self.compose.border], align_corners=True
        )


def _toned(levels: Tensor, stage: StagePlan, output: Output | None) -> Tensor:
    """Levels through each image's curve to the output's values; a curve that is a straight line needs no table."""
    if not stage.tone:
        return _normalised(levels, output)
    if stage.colors and levels.shape[1] > 1:
        return _normalised(_colored(levels, stage), output)
    line = line_of(stage, True, levels.shape[1], output)
    if line is None:
        return _normalised(_looked_up(levels, stage), output)
    slope, offset, low, high = (
        torch.as_tensor(v, device=levels.device)[..., None]
        for v in (line.slope * 255, line.offset, line.low, line.high)
    )
    return torch.clamp(torch.addcmul(offset, levels, slope), low, high)


def _normalised(levels: Tensor, output: Output | None) -> Tensor:
    if output is None:
        return levels
    scale, offset = (
        torch.as_tensor(v, device=levels.device, dtype=torch.float32)[:, None, None]
        for v in output.normalise(levels.shape[1])
    )
    return torch.addcmul(offset, levels, scale)


def _colored(levels: Tensor, stage: StagePlan) -> Tensor:
    """Levels through tone and colour steps one by one, clipped after each; a fourth channel keeps its colour."""
    check_channels(stage, levels.shape[1])
    for part in stage.tone:
        if not isinstance(part.step, Color):
            levels = _looked_up(levels, replace(stage, tone=(part,)))
            continue
        maps = np.where(part.active[:, None, None], part.step.mixes(part.values, len(levels)), np.eye(3, 4))
        m = torch.as_tensor(maps, device=levels.device, dtype=torch.float32)[..., None, None]
        rgb = levels[:, :3]
        mixed = [(m[:, k, :3] * rgb).sum(dim=1) + m[:, k, 3] for k in range(3)]
        levels = torch.cat([torch.stack(mixed, dim=1).clamp(0, 1), levels[:, 3:]], dim=1)
    return levels


def _looked_up(levels: Tensor, stage: StagePlan) -> Tensor:
    """A table of 256 steps for each image, read with linear interpolation."""
    curve = stage.curve(np.arange(_LEVELS) / (_LEVELS - 1.0))
    table = torch.as_tensor(curve, device=levels.device, dtype=torch.float32)
    place = levels.clamp(0, 1).flatten(1) * (_LEVELS - 1)
    # NaN must not become an index: on a GPU that ends the process. It stays NaN in the result.
    low = place.nan_to_num(0.0).floor().clamp(max=_LEVELS - 2).long()
    below, above = table.gather(1, low), table.gather(1, low + 1)
    return torch.lerp(below, above, place - low).reshape(levels.shape)


def _check_policy(compose: Compose) -> None:
    local = [leaf.label for leaf in compose.leaves if isinstance(leaf, (Local, Distortion))]
    if len(compose.stages) != 1 or local:
        raise ArgumentError(
            f"DeviceAugment renders one stage of geometry, tone and colour; this policy has {len(compose.stages)} "
            f"stages and steps that need neighbours ({', '.join(local) or 'none'}): run those on the CPU"
        )
    if compose.interpolation == "cubic":
        raise ArgumentError("DeviceAugment(compose): cubic interpolation differs between devices; use 'linear'")
    output = compose.output
    if output is not None and (output.dtype, output.layout) != ("float32", "CHW"):
        raise ArgumentError(
            f"DeviceAugment gives floats (n, C, H, W), the policy's output is {output.dtype} {output.layout}: "
            "say Output(dtype='float32', layout='CHW')"
        )


def _described(images: object) -> str:
    return f"shape {tuple(images.shape)}" if isinstance(images, torch.Tensor) else type(images).__name__


__all__ = ["DeviceAugment"]
