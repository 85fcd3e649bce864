"""Noise. It is drawn from a number that the plan holds, so that it is the same in any batch, worker or replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from augsafe.transforms.base import Local
from augsafe.transforms.parameters import Parameter, Range

Image = NDArray[Any]
_SEED = Parameter("seed", free=True)


def generator(values: Mapping[str, float]) -> np.random.Generator:
    """What draws for one image, from its own uniform number."""
    return np.random.default_rng(int(values["seed"] * 2**53))


@dataclass(frozen=True)
class GaussianNoise(Local):
    """Add normal noise to every value, of standard deviation `sigma`, a fraction of the value range.

    Args:
        sigma: Range of the standard deviation, a fraction of the value range within [0, 1].
    """

    sigma: Range = (0.0, 0.05)

    parameters: ClassVar = (Parameter("sigma", low=0, high=1), _SEED)

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or self.sigma[1] == 0

    def within(self, image: Image, values: Mapping[str, float], limits: Range) -> Image:
        if values["sigma"] == 0:
            return image.copy()
        low, high = limits
        new = generator(values).standard_normal(image.shape, dtype=np.float32)
        new *= np.float32(values["sigma"] * (high - low))
        new += image
        np.clip(new, low, high, out=new)
        return (np.rint(new, out=new) if image.dtype.kind == "u" else new).astype(image.dtype)


@dataclass(frozen=True)
class SaltAndPepper(Local):
    """Make a share `amount` of the pixels white or black, both equally often, in all channels.

    Args:
        amount: Range of the share of pixels, within [0, 1].
    """

    amount: Range = (0.0, 0.02)

    parameters: ClassVar = (Parameter("amount", low=0, high=1), _SEED)

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or self.amount[1] == 0

    def within(self, image: Image, values: Mapping[str, float], limits: Range) -> Image:
        out = image.copy()
        u = generator(values).random(image.shape[:2], dtype=np.float32)
        out[u < values["amount"] / 2] = limits[0]
        out[u > 1 - values["amount"] / 2] = limits[1]
        return out
