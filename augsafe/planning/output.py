"""What leaves the policy: size, dtype, layout and normalisation, fused into the same pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augsafe.errors import ArgumentError
from augsafe.randomness import FloatArray
from augsafe.transforms import Range, as_range, as_size

DTYPES = ("uint8", "uint16", "float32")


@dataclass(frozen=True)
class Output:
    """The form of the images a policy gives: size, dtype, layout and normalisation, in the same pass as the policy.

    Args:
        size: (height, width) in pixels, or a side. The frame is stretched onto it. Default: the frame stays.
        dtype: "uint8", "uint16" or "float32". Default: the input's.
        layout: "HWC" or "CHW".
        mean: One number, or one for each channel, in units of `value_range`. The result is (x - mean) / std, and
            `dtype` must be "float32".
        std: As `mean`, above 0.
        value_range: What the levels of float32 output span before `mean` and `std`.

    Raises:
        ArgumentError: A value cannot be used, or two do not go together.
    """

    size: tuple[int, int] | int | None = None
    dtype: str | None = None
    layout: str = "HWC"
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    value_range: Range = (0.0, 1.0)

    def __post_init__(self) -> None:
        if self.size is not None:
            object.__setattr__(self, "size", as_size("Output", "size", self.size))
        if self.dtype is not None and self.dtype not in DTYPES:
            raise ArgumentError(f"Output(dtype=...) must be one of {', '.join(DTYPES)} or None, got {self.dtype!r}")
        if self.layout not in ("HWC", "CHW"):
            raise ArgumentError(f"Output(layout=...) must be 'HWC' or 'CHW', got {self.layout!r}")
        limits = as_range("Output", "value_range", self.value_range, -1e6, 1e6)
        if limits[0] == limits[1]:
            raise ArgumentError(f"Output(value_range=...) must not be empty, got {self.value_range!r}")
        object.__setattr__(self, "value_range", limits)
        for name in ("mean", "std"):
            object.__setattr__(self, name, self._channels(name))
        if self.mean and self.std and len({len(self.mean), len(self.std)} - {1}) > 1:
            raise ArgumentError(f"Output: mean has {len(self.mean)} channels and std {len(self.std)}")
        if (self.mean or self.std) and self.dtype != "float32":
            raise ArgumentError(f"Output with mean or std needs dtype='float32', got {self.dtype!r}")

    def _channels(self, name: str) -> tuple[float, ...] | None:
        value = getattr(self, name)
        if value is None:
            return None
        if not isinstance(value, (Sequence, np.ndarray)) or isinstance(value, str) or not len(value):
            raise ArgumentError(f"Output({name}=...) must hold one number a channel, got {value!r}")
        numbers = tuple(float(v) for v in value)
        if not all(np.isfinite(numbers)) or (name == "std" and min(numbers) <= 0):
            raise ArgumentError(f"Output({name}=...) must be finite{' and above 0' * (name == 'std')}, got {value!r}")
        return numbers

    def normalise(self, channels: int) -> tuple[FloatArray, FloatArray]:
        """Scale and offset of each channel (channels,), which take levels in [0, 1] to the float output."""
        for name in ("mean", "std"):
            given = getattr(self, name)
            if given is not None and len(given) not in (1, channels):
                raise ArgumentError(f"Output({name}=...) has {len(given)} channels, the image has {channels}")
        low, high = self.value_range
        mean = np.broadcast_to(np.asarray(self.mean or (0.0,)), (channels,))
        std = np.broadcast_to(np.asarray(self.std or (1.0,)), (channels,))
        return np.asarray((high - low) / std), np.asarray((low - mean) / std)
