"""AugMix, of the operations that move no pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.transforms.base import Local
from augsafe.transforms.histogram import AutoContrast, Equalize, joined, planes
from augsafe.transforms.noise import generator
from augsafe.transforms.parameters import Parameter, Range

Levels = NDArray[np.float32]
Operation = Callable[[Levels, float], Levels]  # levels in [0, 1], and how strong, from 0.1 to 10
_UNIT = (0.0, 1.0)
_SMOOTH = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13  # Pillow's ImageFilter.SMOOTH


@dataclass(frozen=True)
class AugMix(Local):
    """Blend the image with a mixture of `width` chains of one to `depth` operations each.

    A chain's operations are drawn from autocontrast, equalize, posterize, solarize, saturation, contrast, brightness
    and sharpness. The operations of the paper that move pixels are left out, because a mask cannot follow an image
    that lies over a moved copy of itself. Put such steps before this one.

    Hendrycks, Mu, Cubuk, Zoph, Gilmer and Lakshminarayanan, "AugMix: A Simple Data Processing Method to Improve
    Robustness and Uncertainty", ICLR 2020.

    Args:
        severity: Range of the largest strength of an operation, within [0, 10]; 0 changes nothing.
        width: How many chains, from 1 to 16.
        depth: The most operations of a chain, from 1 to 16.
        alpha: Of the Dirichlet distribution of the chains' weights, and of the Beta distribution of the mixture's
            share, from 0.01 to 100.

    Raises:
        ArgumentError: A value cannot be used.
    """

    severity: Range = (3.0, 3.0)
    width: int = 3
    depth: int = 3
    alpha: float = 1.0

    parameters: ClassVar = (Parameter("severity", low=0, high=10), Parameter("seed", free=True))

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("width", "depth"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 16:
                raise ArgumentError(f"AugMix({name}=...) must be a whole number from 1 to 16, got {value!r}")
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, (int, float)) or not 0.01 <= self.alpha <= 100:
            raise ArgumentError(f"AugMix(alpha=...) must be a number from 0.01 to 100, got {self.alpha!r}")
        object.__setattr__(self, "alpha", float(self.alpha))

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or self.severity[1] == 0

    def within(self, image: NDArray[Any], values: Mapping[str, float], limits: Range) -> NDArray[Any]:
        if values["severity"] == 0:
            return image.copy()
        low, high = limits
        rng = generator(values)
        weights, share = rng.dirichlet(np.full(self.width, self.alpha)), rng.beta(self.alpha, self.alpha)
        levels = ((image.astype(np.float32) - low) / (high - low)).clip(0, 1).astype(np.float32)
        mixed = (1 - share) * levels
        for weight in weights:
            mixed += share * weight * self._chain(levels, values["severity"], rng)
        new = mixed * (high - low) + low
        return np.asarray((np.rint(new) if image.dtype.kind == "u" else new).clip(low, high).astype(image.dtype))

    def _chain(self, levels: Levels, severity: float, rng: np.random.Generator) -> Levels:
        colour = levels.ndim == 3 and levels.shape[2] in (3, 4)
        known = [*_OPERATIONS, _saturation] if colour else list(_OPERATIONS)
        for _ in range(int(rng.integers(1, self.depth + 1))):
            operation = known[int(rng.integers(len(known)))]
            levels = operation(levels, float(rng.uniform(min(0.1, severity), severity))).clip(0, 1)
        return levels


def _autocontrast(levels: Levels, strength: float) -> Levels:
    return AutoContrast().within(levels, {}, _UNIT)


def _equalize(levels: Levels, strength: float) -> Levels:
    return Equalize().within(levels, {}, _UNIT)


def _posterize(levels: Levels, strength: float) -> Levels:
    steps = np.float32(2 ** max(1, 4 - int(0.4 * strength)))
    return np.asarray(np.minimum(np.floor(levels * steps), steps - 1) / (steps - 1), np.float32)


def _solarize(levels: Levels, strength: float) -> Levels:
    return np.where(levels >= 1 - strength / 10, 1 - levels, levels)


def _factor(strength: float) -> np.float32:
    """How much of an image is kept beside what it is drawn towards, as in the authors' code: 0.1 to 1.9."""
    return np.float32(0.18 * strength + 0.1)


def _brightness(levels: Levels, strength: float) -> Levels:
    return levels * _factor(strength)


def _contrast(levels: Levels, strength: float) -> Levels:
    mean = levels.mean(dtype=np.float64).astype(np.float32)
    return np.asarray(mean + _factor(strength) * (levels - mean), np.float32)


def _saturation(levels: Levels, strength: float) -> Levels:
    out = levels.copy()
    grey = (levels[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]  # ITU-R BT.601
    out[..., :3] = grey + _factor(strength) * (levels[..., :3] - grey)
    return out


def _sharpness(levels: Levels, strength: float) -> Levels:
    blurred = [cv2.filter2D(plane, -1, _SMOOTH, borderType=cv2.BORDER_REFLECT) for plane in planes(levels)]
    smooth = joined([np.asarray(plane) for plane in blurred], levels)
    return np.asarray(smooth + _factor(strength) * (levels - smooth), np.float32)


_OPERATIONS: tuple[Operation, ...] = (
    _autocontrast, _equalize, _posterize, _solarize, _brightness, _contrast, _sharpness,
)  # fmt: skip
