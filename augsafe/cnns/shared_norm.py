"""Batch norm over all processes, on any device: PyTorch's own works on GPUs only."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.nn import functional as collective


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose statistics come from the batches of all processes, as if they were one."""

    def forward(self, input: Tensor) -> Tensor:
        """(n, channels, h, w), normalised; n may differ between the processes."""
        if not self.training or not torch.distributed.is_initialized():
            return super().forward(input)
        pixels = torch.full((1,), float(input.numel() // input.shape[1]), device=input.device)
        sums = _over_processes(torch.cat([input.sum(dim=(0, 2, 3)), pixels]))
        count = sums[-1].detach()
        mean = sums[:-1] / count
        centred = input - mean[:, None, None]
        variance = _over_processes((centred**2).sum(dim=(0, 2, 3))) / count
        if self.track_running_stats and self.running_mean is not None and self.running_var is not None:
            assert self.num_batches_tracked is not None
            with torch.no_grad():
                self.num_batches_tracked += 1
                share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
                self.running_mean.lerp_(mean, share)
                self.running_var.lerp_(variance * count / (count - 1), share)
        out = centred * torch.rsqrt(variance + self.eps)[:, None, None]
        if self.weight is not None and self.bias is not None:
            out = out * self.weight[:, None, None] + self.bias[:, None, None]
        return torch.as_tensor(out)


def _over_processes(values: Tensor) -> Tensor:
    """The sum over all processes, through which gradients pass."""
    reduce: Any = collective.all_reduce
    return torch.as_tensor(reduce(values))


def share_norms(model: nn.Module) -> None:
    """Let every batch norm of a model take its statistics over all processes; in place, weights are kept."""
    for module in model.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d
