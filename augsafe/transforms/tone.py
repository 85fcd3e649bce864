"""Brightness, contrast, gamma and inversion: one curve from level to level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from augsafe.randomness import FloatArray
from augsafe.transforms.base import Parameter, Range, Tone, Values


@dataclass(frozen=True)
class Brightness(Tone):
    """Multiply every level by `factor`."""

    factor: Range = (0.8, 1.2)

    parameters: ClassVar = (Parameter("factor", neutral=1.0, low=0, high=100),)

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return levels * values["factor"][:, None]

    def line(self, values: Values) -> tuple[FloatArray, FloatArray | float]:
        return values["factor"], 0.0


@dataclass(frozen=True)
class Contrast(Tone):
    """Spread the levels about the middle of the value range by `factor`."""

    factor: Range = (0.8, 1.2)

    parameters: ClassVar = (Parameter("factor", neutral=1.0, low=0, high=100),)

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return 0.5 + (levels - 0.5) * values["factor"][:, None]

    def line(self, values: Values) -> tuple[FloatArray, FloatArray | float]:
        return values["factor"], 0.5 - 0.5 * values["factor"]


@dataclass(frozen=True)
class Gamma(Tone):
    """Raise every level to the power `gamma`, drawn uniformly in its logarithm; above 1 darkens."""

    gamma: Range = (0.8, 1.25)

    parameters: ClassVar = (Parameter("gamma", neutral=1.0, low=0.01, high=100, log=True),)

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return levels ** values["gamma"][:, None]


@dataclass(frozen=True)
class Invert(Tone):
    """Turn the levels round: black becomes white."""

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return 1.0 - levels

    def line(self, values: Values) -> tuple[float, float]:
        return -1.0, 1.0
