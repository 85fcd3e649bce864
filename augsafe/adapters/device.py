"""A plan carried out on the device: the whole batch in one `grid_sample`, one colour step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from augsafe.compose import Compose
from augsafe.errors import ArgumentError, InputError
from augsafe.frameworks import framework
from augsafe.plan import Plan, StagePlan
from augsafe.warp import reductions

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = framework("torch", "augsafe.adapters.device")

_PADDING = {"reflect": "reflection", "replicate": "border", "constant": "zeros"}
_LEVELS = 256


class DeviceAugment(torch.nn.Module):
    """The policy as a module: images (n, C, H, W), uint8 or floats in [0, 1], to floats on the same device.

    The draws are those of `compose.batch` with the same seed, epoch and indices. Positions are computed on the CPU in
    double precision and pixels on the device in `dtype`; on 8-bit photographs the result is within 2 levels of 255 of
    the CPU path at nearly all pixels, as that path computes positions in fixed point.

    compose: one stage, linear or nearest interpolation, and an output (if any) of float32 and CHW. Draws that shrink
    below one half, which the CPU path filters first, are refused. In `eval` mode images pass with nothing but the
    output's normalisation and size, on a plan in which no step acts. Raises ArgumentError and InputError.
    """

    def __init__(self, compose: Compose, *, seed: int = 0, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        if not isinstance(compose, Compose):
            raise ArgumentError(f"DeviceAugment(compose) must be an augsafe.Compose, got {type(compose).__name__}")
        if len(compose.stages) != 1 or _local(compose):
            raise ArgumentError(
                f"DeviceAugment renders one stage of geometry and tone; this policy has {len(compose.stages)} stages "
                f"or local steps ({', '.join(_local(compose)) or 'none'}): run those on the CPU"
            )
        if compose.interpolation == "cubic":
            raise ArgumentError("DeviceAugment(compose): cubic interpolation differs between devices; use 'linear'")
        if not dtype.is_floating_point:
            raise ArgumentError(f"DeviceAugment(dtype=...) must be a float type, got {dtype}")
        self.compose, self.seed, self.dtype = compose, int(seed), dtype
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the draws."""
        self.epoch = int(epoch)

    def forward(self, images: Tensor, indices: Sequence[int] | Tensor) -> Tensor:
        """Augment images (n, C, H, W) that have these indices in their data set."""
        if images.ndim != 4:
            raise InputError(f"images must be (n, C, H, W), got shape {tuple(images.shape)}")
        if images.dtype != torch.uint8 and not images.dtype.is_floating_point:
            raise InputError(f"images must be uint8 or floats in [0, 1], got {images.dtype}")
        rows = indices.detach().cpu().numpy() if isinstance(indices, torch.Tensor) else np.asarray(indices)
        shapes = np.tile(np.array(images.shape[2:], np.int64), (len(images), 1))
        plan = self.compose.plan(shapes, rows.astype(np.int64), self.seed, self.epoch)
        if not self.training:
            draws = plan.draws
            for leaf in self.compose.leaves:
                draws = draws.without(leaf)
            plan = self.compose.assemble(shapes, draws)
        return self.render(images, plan)

    def render(self, images: Tensor, plan: Plan) -> Tensor:
        """Carry out a plan of this policy on the images' device."""
        stage, output = plan.stages[0], self.compose.output
        if not (plan.sizes == plan.sizes[0]).all():
            raise InputError("the outputs of a batch must have one size; end the policy with Resize((height, width))")
        if (reductions(stage.matrix, stage.size_in) > 1).any():
            raise InputError("a draw shrinks the image below one half, which aliases on the device; narrow the zoom")
        levels = images.to(self.dtype) / 255 if images.dtype == torch.uint8 else images.to(self.dtype)
        constant = self.compose.border == "constant"
        if constant:  # so that the fill is a value of the output
            levels = self._moved(self._toned(levels, stage) - self._fill(images), plan) + self._fill(images)
        else:
            levels = self._toned(self._moved(levels, plan), stage)
        if output is None:
            return levels
        scale, offset = (
            torch.as_tensor(v, device=levels.device, dtype=torch.float32) for v in output.normalise(images.shape[1])
        )
        return torch.addcmul(offset[:, None, None].to(self.dtype), levels, scale[:, None, None].to(self.dtype))

    def _fill(self, images: Tensor) -> float:
        return float(self.compose.fill) / (255.0 if images.dtype == torch.uint8 else 1.0)

    def _moved(self, levels: Tensor, plan: Plan) -> Tensor:
        (height, width), (tall, wide) = levels.shape[2:], plan.sizes[0].tolist()
        inverse = np.linalg.inv(plan.matrix)
        half = np.array([[max(width - 1, 1) / 2.0], [max(height - 1, 1) / 2.0]])
        m = torch.as_tensor(inverse, device=levels.device, dtype=torch.float32)
        y, x = torch.meshgrid(
            torch.arange(tall, device=levels.device, dtype=torch.float32),
            torch.arange(wide, device=levels.device, dtype=torch.float32),
            indexing="ij",
        )
        points = torch.stack([x, y, torch.ones_like(x)]).reshape(3, -1)
        source = m @ points
        centre = torch.as_tensor(half, device=levels.device, dtype=torch.float32)
        grid = (source[:, :2] / source[:, 2:]) / centre - 1
        grid = grid.reshape(-1, 2, tall, wide).permute(0, 2, 3, 1)
        mode = "bilinear" if self.compose.interpolation == "linear" else "nearest"
        # positions need more than the 8 to 11 bits of half precision, and the sampler wants one type for both
        moved = torch.nn.functional.grid_sample(
            levels.float(), grid, mode=mode, padding_mode=_PADDING[self.compose.border], align_corners=True
        )
        return moved.to(self.dtype)

    def _toned(self, levels: Tensor, stage: StagePlan) -> Tensor:
        """Levels through each image's curve: a table of 256 steps, read with linear interpolation."""
        if not stage.toned.any():
            return levels
        curve = stage.curve(np.arange(_LEVELS) / (_LEVELS - 1.0))
        table = torch.as_tensor(curve, device=levels.device, dtype=torch.float32)
        place = levels.float().clamp(0, 1).flatten(1) * (_LEVELS - 1)
        low = place.floor().clamp(max=_LEVELS - 2).long()
        below, above = table.gather(1, low), table.gather(1, low + 1)
        return torch.lerp(below, above, place - low).reshape(levels.shape).to(self.dtype)


def _local(compose: Compose) -> list[str]:
    from augsafe.transforms import Local

    return [leaf.label for leaf in compose.leaves if isinstance(leaf, Local)]


__all__: list[Any] = ["DeviceAugment"]
