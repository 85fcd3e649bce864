"""LeNet-5 as in LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from augsafe.cnns.specs import C3_TABLE
from augsafe.errors import ArgumentError

OUTPUTS = ("linear", "rbf")
CODE_SEED = 1998


class ScaledTanh(nn.Module):
    """1.7159 tanh(2/3 x): f(1) = 1 and f(-1) = -1 (appendix A of the paper)."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape, elementwise."""
        return 1.7159 * torch.tanh(x * (2 / 3))


class Subsampling(nn.Module):
    """The mean of 2 x 2 pixels, times a coefficient, plus a bias: two numbers a map, both trained (S2 and S4)."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.ones(maps))
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x: Tensor) -> Tensor:
        """(n, maps, h, w) to (n, maps, h // 2, w // 2)."""
        pooled = nn.functional.avg_pool2d(x, 2)
        return pooled * self.coefficient[:, None, None] + self.bias[:, None, None]


class PartialConvolution(nn.Conv2d):
    """A convolution whose maps look at some of the input maps only (C3)."""

    mask: Tensor

    def __init__(self, table: tuple[tuple[int, ...], ...], maps: int, side: int) -> None:
        super().__init__(maps, len(table), side)
        self.inputs = sum(map(len, table)) / len(table) * side**2  # of a unit, on average
        mask = torch.zeros(len(table), maps, 1, 1)
        for row, sources in enumerate(table):
            mask[row, list(sources)] = 1.0
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """(n, maps, h, w) to (n, len(table), h - side + 1, w - side + 1)."""
        return nn.functional.conv2d(input, self.weight * self.mask, self.bias)


class RadialBasis(nn.Module):
    """Minus the squared distance of (n, 84) to the code of each class: (n, classes). Codes are +1 and -1, and fixed.

    The paper draws the digits as 7 x 12 bitmaps, and names codes chosen at random as the alternative; those are taken
    here, as they serve any classes. Cross-entropy on these outputs is the paper's criterion (9) without the constant
    for a rubbish class.
    """

    codes: Tensor

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(CODE_SEED)
        self.register_buffer("codes", torch.randint(0, 2, (classes, features), generator=chance).float() * 2 - 1)

    def forward(self, x: Tensor) -> Tensor:
        """(n, features) to (n, classes)."""
        return -((x[:, None, :] - self.codes[None]) ** 2).sum(dim=2)


class LeNet5(nn.Module):
    """(n, 1, 32, 32) to (n, classes): C1 6@5x5, S2, C3 16@5x5, S4, C5 120, F6 84, and a linear or an RBF output."""

    def __init__(self, classes: int = 10, output: str = "linear") -> None:
        super().__init__()
        if output not in OUTPUTS:
            raise ArgumentError(f"LeNet5(output=...) must be one of {', '.join(OUTPUTS)}, got {output!r}")
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = PartialConvolution(C3_TABLE, 6, 5)
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output: nn.Module = nn.Linear(84, classes) if output == "linear" else RadialBasis(84, classes)
        self.squash = ScaledTanh()
        for layer in (self.c1, self.c3, self.c5, self.f6, self.output):
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                _initialise(layer)

    def features(self, x: Tensor) -> Tensor:
        """(n, 1, 32, 32) to the 84 units of F6."""
        for layer in (self.c1, self.s2, self.c3, self.s4, self.c5):
            x = self.squash(layer(x))
        return torch.as_tensor(self.squash(self.f6(x.flatten(1))))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, 32, 32) to (n, classes)."""
        return torch.as_tensor(self.output(self.features(x)))


def _initialise(layer: nn.Conv2d | nn.Linear) -> None:
    """Uniform within 2.4 / fan-in, as in the paper's appendix A."""
    inputs = layer.inputs if isinstance(layer, PartialConvolution) else layer.weight[0].numel()
    nn.init.uniform_(layer.weight, -2.4 / inputs, 2.4 / inputs)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
