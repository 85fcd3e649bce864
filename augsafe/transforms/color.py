"""Saturation, hue, temperature, grey and shuffled channels: one matrix from R, G, B to R, G, B.

A matrix acts on levels as they are stored (gamma encoded), as the colour steps of other libraries do.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from augsafe.randomness import FloatArray
from augsafe.transforms.base import Color, Values
from augsafe.transforms.parameters import Parameter, Range

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601-7, 2.5.1; what Pillow, OpenCV and torchvision take for grey
ORDERS = tuple(itertools.permutations(range(3)))
DAYLIGHT = 6500.0  # kelvin


def _affine(linear: FloatArray) -> FloatArray:
    """Linear maps (n, 3, 3) as (n, 3, 4) without an offset."""
    out = np.zeros((len(linear), 3, 4))
    out[:, :, :3] = linear
    return out


def _towards_grey(n: int) -> FloatArray:
    """The maps (n, 3, 3) that put the luma in every channel."""
    return np.broadcast_to(np.array([LUMA] * 3), (n, 3, 3))


@dataclass(frozen=True)
class Saturation(Color):
    """Move every colour away from its grey by `factor`: 0 is grey, 1 changes nothing, 2 doubles the distance.

    Grey is the luma of ITU-R BT.601, as in torchvision's `adjust_saturation` and Pillow's `ImageEnhance.Color`.

    Args:
        factor: Range of the factor, within [0, 100].
    """

    factor: Range = (0.7, 1.3)

    parameters: ClassVar = (Parameter("factor", neutral=1.0, low=0, high=100),)

    def mixes(self, values: Values, n: int) -> FloatArray:
        factor = values["factor"][:, None, None]
        return _affine(factor * np.eye(3) + (1 - factor) * _towards_grey(n))


@dataclass(frozen=True)
class Hue(Color):
    """Rotate every colour about the grey axis of the RGB cube by `angle` degrees; red goes to green to blue.

    A rotation by 120 degrees takes R to G to B exactly. The sum of R, G and B stays as it is, where a rotation in HSV
    keeps the largest of the three; both agree at 0 and +-120 degrees. See Haeberli, "Matrix Operations for Image
    Processing", 1993.

    Args:
        angle: Range of the angle in degrees, within [-180, 180].
    """

    angle: Range = (-15.0, 15.0)

    parameters: ClassVar = (Parameter("angle", low=-180, high=180),)

    def mixes(self, values: Values, n: int) -> FloatArray:
        radians = np.deg2rad(values["angle"])
        cos, sin = np.cos(radians), np.sin(radians) / np.sqrt(3)
        same = (1 + 2 * cos) / 3
        after, before = (1 - cos) / 3 + sin, (1 - cos) / 3 - sin
        rows = [[same, before, after], [after, same, before], [before, after, same]]
        return _affine(np.stack([np.stack(row, axis=1) for row in rows], axis=1))


@dataclass(frozen=True)
class ColorTemperature(Color):
    """Light the scene as a black body of `kelvin` does, against one of 6500: below is warmer, above is cooler.

    Red and blue are multiplied, green is kept. The factors are those of the Planckian locus (Kim et al., US patent
    7024034, 2006) in linear sRGB (IEC 61966-2-1), brought to stored levels by the power 1 / 2.2.

    Args:
        kelvin: Range of the temperature in kelvin, within [1700, 25000]. It is drawn uniformly in its logarithm.
    """

    kelvin: Range = (5000.0, 8500.0)

    parameters: ClassVar = (Parameter("kelvin", neutral=DAYLIGHT, low=1700, high=25000, log=True),)

    def mixes(self, values: Values, n: int) -> FloatArray:
        gain = (_black_body(values["kelvin"]) / _black_body(np.array([DAYLIGHT]))) ** (1 / 2.2)
        out = np.zeros((n, 3, 4))
        out[:, (0, 1, 2), (0, 1, 2)] = gain / gain[:, 1:2]
        return out


def _black_body(kelvin: FloatArray) -> FloatArray:
    """The colour (n, 3) of a black body in linear sRGB, from the cubic fit to the Planckian locus; at least 0.001."""
    t = 1000.0 / kelvin
    warm = ((-0.2661239 * t - 0.2343589) * t + 0.8776956) * t + 0.179910
    cool = ((-3.0258469 * t + 2.1070379) * t + 0.2226347) * t + 0.240390
    x = np.where(kelvin <= 4000, warm, cool)
    coldest = ((-1.1063814 * x - 1.34811020) * x + 2.18555832) * x - 0.20219683
    middle = ((-0.9549476 * x - 1.37418593) * x + 2.09137015) * x - 0.16748867
    hottest = ((3.0817580 * x - 5.87338670) * x + 3.75112997) * x - 0.37001483
    y = np.where(kelvin <= 2222, coldest, np.where(kelvin <= 4000, middle, hottest))
    xyz = np.stack([x / y, np.ones_like(x), (1 - x - y) / y], axis=1)
    to_rgb = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    return np.asarray(np.maximum(xyz @ to_rgb.T, 1e-3))


@dataclass(frozen=True)
class Grayscale(Color):
    """Put the luma (ITU-R BT.601) in all three channels; the image keeps its number of channels."""

    def mixes(self, values: Values, n: int) -> FloatArray:
        return _affine(_towards_grey(n))


@dataclass(frozen=True)
class ChannelShuffle(Color):
    """Put red, green and blue in one of their six orders, all equally likely (one of them changes nothing)."""

    parameters: ClassVar = (Parameter("order", free=True),)

    def draw(self, u: FloatArray) -> dict[str, FloatArray]:
        return {"order": np.minimum(np.floor(u[0] * len(ORDERS)), len(ORDERS) - 1)}

    def mixes(self, values: Values, n: int) -> FloatArray:
        orders = np.array(ORDERS)[np.rint(values["order"]).astype(int) % len(ORDERS)]
        return _affine(np.eye(3)[orders])
