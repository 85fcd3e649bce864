"""Brightness, contrast, gamma, inversion, fewer levels: one curve from level to level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsafe.randomness import FloatArray
from augsafe.transforms.base import Tone, Values
from augsafe.transforms.parameters import Parameter, Range


@dataclass(frozen=True)
class Brightness(Tone):
    """Multiply every level by `factor`.

    Args:
        factor: Range of the factor, within [0, 100]; 1 changes nothing.
    """

    factor: Range = (0.8, 1.2)

    parameters: ClassVar = (Parameter("factor", neutral=1.0, low=0, high=100),)

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return levels * values["factor"][:, None]

    def line(self, values: Values) -> tuple[FloatArray, FloatArray | float]:
        return values["factor"], 0.0


@dataclass(frozen=True)
class Contrast(Tone):
    """Spread the levels about the middle of the value range by `factor`.

    Args:
        factor: Range of the factor, within [0, 100]; 0 is flat grey, 1 changes nothing.
    """

    factor: Range = (0.8, 1.2)

    parameters: ClassVar = (Parameter("factor", neutral=1.0, low=0, high=100),)

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return 0.5 + (levels - 0.5) * values["factor"][:, None]

    def line(self, values: Values) -> tuple[FloatArray, FloatArray | float]:
        return values["factor"], 0.5 - 0.5 * values["factor"]


@dataclass(frozen=True)
class Gamma(Tone):
    """Raise every level to the power `gamma`; above 1 darkens.

    Args:
        gamma: Range of the power, within [0.01, 100]. It is drawn uniformly in its logarithm.
    """

    gamma: Range = (0.8, 1.25)

    parameters: ClassVar = (Parameter("gamma", neutral=1.0, low=0.01, high=100, log=True),)

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return levels ** values["gamma"][:, None]


@dataclass(frozen=True)
class Invert(Tone):
    """Invert the levels: black becomes white, and white black."""

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return 1.0 - levels

    def line(self, values: Values) -> tuple[float, float]:
        return -1.0, 1.0


@dataclass(frozen=True)
class Posterize(Tone):
    """Keep the highest `bits` of the eight that a level has; 8 changes nothing.

    As Pillow's `ImageOps.posterize` on 8-bit images. Finer levels fall to the step below them, and steps lie where
    they do in 8 bits.

    Args:
        bits: Range of the number of bits, whole numbers within [1, 8], both ends included.
    """

    bits: Range = (4.0, 8.0)

    parameters: ClassVar = (Parameter("bits", neutral=8.0, low=1, high=8, whole=True),)

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        steps = 2.0 ** values["bits"][:, None]
        kept = np.minimum(np.floor(levels * steps + 1e-9), steps - 1) / steps * (256 / 255)
        return np.where(steps == 256, levels, kept)


@dataclass(frozen=True)
class Solarize(Tone):
    """Invert the levels above `threshold`, a fraction of the value range; 1 changes nothing.

    Pillow's `ImageOps.solarize` inverts from its threshold t on; here that is (t - 0.5) / 255.

    Args:
        threshold: Range of the threshold, a fraction of the value range within [0, 1].
    """

    threshold: Range = (0.5, 1.0)

    parameters: ClassVar = (Parameter("threshold", neutral=1.0, low=0, high=1),)

    def curve(self, levels: FloatArray, values: Values) -> FloatArray:
        return np.where(levels > values["threshold"][:, None], 1.0 - levels, levels)
