"""Published policies from native steps: AutoAugment, RandAugment and TrivialAugment.

They are made of `OneOf`, `AllOf` and `Repeat`, and are saved as those, so that a file holds their numbers. Operations
are as in torchvision, which follows the papers, with three differences: shear is about the centre of the image, which
moves it less; contrast spreads the levels about the middle of the range, not about the image's mean grey, which keeps
it a curve; and strengths that the papers take from a list of bins are drawn from the whole range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from augsafe.errors import ArgumentError
from augsafe.transforms.base import Transform
from augsafe.transforms.choice import AllOf, OneOf, Repeat
from augsafe.transforms.color import Saturation
from augsafe.transforms.filters import Sharpen
from augsafe.transforms.geometry import Rotate, Shear, Shift
from augsafe.transforms.histogram import AutoContrast, Equalize
from augsafe.transforms.parameters import Range, as_size
from augsafe.transforms.tone import Brightness, Contrast, Invert, Posterize, Solarize

# Cubuk et al., "AutoAugment: Learning Augmentation Policies from Data", CVPR 2019, tables of the appendix: each line is
# a sub-policy of two operations, each with its chance and its strength from 0 to 9.
TABLES = {
    "imagenet": """
    Posterize 0.4 8, Rotate 0.6 9
    Solarize 0.6 5, AutoContrast 0.6
    Equalize 0.8, Equalize 0.6
    Posterize 0.6 7, Posterize 0.6 6
    Equalize 0.4, Solarize 0.2 4
    Equalize 0.4, Rotate 0.8 8
    Solarize 0.6 3, Equalize 0.6
    Posterize 0.8 5, Equalize 1
    Rotate 0.2 3, Solarize 0.6 8
    Equalize 0.6, Posterize 0.4 6
    Rotate 0.8 8, Color 0.4 0
    Rotate 0.4 9, Equalize 0.6
    Equalize 0, Equalize 0.8
    Invert 0.6, Equalize 1
    Color 0.6 4, Contrast 1 8
    Rotate 0.8 8, Color 1 2
    Color 0.8 8, Solarize 0.8 7
    Sharpness 0.4 7, Invert 0.6
    ShearX 0.6 5, Equalize 1
    Color 0.4 0, Equalize 0.6
    Equalize 0.4, Solarize 0.2 4
    Solarize 0.6 5, AutoContrast 0.6
    Invert 0.6, Equalize 1
    Color 0.6 4, Contrast 1 8
    Equalize 0.8, Equalize 0.6
    """,
    "cifar10": """
    Invert 0.1, Contrast 0.2 6
    Rotate 0.7 2, TranslateX 0.3 9
    Sharpness 0.8 1, Sharpness 0.9 3
    ShearY 0.5 8, TranslateY 0.7 9
    AutoContrast 0.5, Equalize 0.9
    ShearY 0.2 7, Posterize 0.3 7
    Color 0.4 3, Brightness 0.6 7
    Sharpness 0.3 9, Brightness 0.7 9
    Equalize 0.6, Equalize 0.5
    Contrast 0.6 7, Sharpness 0.6 5
    Color 0.7 7, TranslateX 0.5 8
    Equalize 0.3, AutoContrast 0.4
    TranslateY 0.4 3, Sharpness 0.2 6
    Brightness 0.9 6, Color 0.2 8
    Solarize 0.5 2, Invert 0
    Equalize 0.2, AutoContrast 0.6
    Equalize 0.2, Equalize 0.6
    Color 0.9 9, Equalize 0.6
    AutoContrast 0.8, Solarize 0.2 8
    Brightness 0.1 3, Color 0.7 0
    Solarize 0.4 5, AutoContrast 0.9
    TranslateY 0.9 9, TranslateY 0.7 9
    AutoContrast 0.9, Solarize 0.8 3
    Equalize 0.8, Invert 0.1
    TranslateY 0.7 9, AutoContrast 0.9
    """,
    "svhn": """
    ShearX 0.9 4, Invert 0.2
    ShearY 0.9 8, Invert 0.7
    Equalize 0.6, Solarize 0.6 6
    Invert 0.9, Equalize 0.6
    Equalize 0.6, Rotate 0.9 3
    ShearX 0.9 4, AutoContrast 0.8
    ShearY 0.9 8, Invert 0.4
    ShearY 0.9 5, Solarize 0.2 6
    Invert 0.9, AutoContrast 0.8
    Equalize 0.6, Rotate 0.9 3
    ShearX 0.9 4, Solarize 0.3 3
    ShearY 0.8 8, Invert 0.7
    Equalize 0.9, TranslateY 0.6 6
    Invert 0.9, Equalize 0.6
    Contrast 0.3 3, Rotate 0.8 4
    Invert 0.8, TranslateY 0 2
    ShearY 0.7 6, Solarize 0.4 8
    Invert 0.6, Rotate 0.8 4
    ShearY 0.3 7, TranslateX 0.9 3
    ShearX 0.1 6, Invert 0.6
    Solarize 0.7 2, TranslateY 0.6 7
    ShearY 0.8 4, Invert 0.8
    ShearX 0.7 9, TranslateY 0.8 3
    ShearY 0.8 5, AutoContrast 0.7
    ShearX 0.7 2, Invert 0.1
    """,
}
_STEPS = 9  # the largest strength of AutoAugment
_FAR = 150 / 331  # the longest shift, a share of the side
_Op = Callable[[float, float], Transform]


def _factor(kind: Callable[..., Transform]) -> _Op:
    return lambda low, high: kind((1 + low, 1 + high))


def _slant(low: float, high: float) -> Range:
    return (math.degrees(math.atan(low)), math.degrees(math.atan(high)))


# operations with a strength on both sides of 0, between two strengths
_SIGNED: dict[str, _Op] = {
    "ShearX": lambda low, high: Shear(x=_slant(low, high), y=(0.0, 0.0)),
    "ShearY": lambda low, high: Shear(x=(0.0, 0.0), y=_slant(low, high)),
    "TranslateX": lambda low, high: Shift(x=(low, high), y=(0.0, 0.0)),
    "TranslateY": lambda low, high: Shift(x=(0.0, 0.0), y=(low, high)),
    "Rotate": lambda low, high: Rotate((low, high)),
    "Brightness": _factor(Brightness),
    "Color": _factor(Saturation),
    "Contrast": _factor(Contrast),
    "Sharpness": _factor(Sharpen),
}
_PLAIN: dict[str, Callable[[], Transform]] = {"AutoContrast": AutoContrast, "Equalize": Equalize, "Invert": Invert}
_NARROW = {"ShearX": 0.3, "ShearY": 0.3, "TranslateX": _FAR, "TranslateY": _FAR, "Rotate": 30.0}
_ENHANCE = ("Brightness", "Color", "Contrast", "Sharpness")


def AutoAugment(table: str = "imagenet") -> OneOf:
    """One of 25 pairs of operations, as learned on "imagenet", "cifar10" or "svhn".

    Cubuk et al., "AutoAugment: Learning Augmentation Policies from Data", CVPR 2019.

    Args:
        table: "imagenet", "cifar10" or "svhn".

    Returns:
        A choice among 25 groups of steps.

    Raises:
        ArgumentError: There is no such table.
    """
    if table not in TABLES:
        raise ArgumentError(f"AutoAugment(table=...) must be one of {', '.join(TABLES)}, got {table!r}")
    pairs = [[_written(op) for op in line.split(",")] for line in TABLES[table].strip().splitlines()]
    acting = [[op for op in pair if op.p > 0] for pair in pairs]
    return OneOf(tuple(AllOf(tuple(pair)) for pair in acting), name=f"AutoAugment-{table}")


def _written(op: str) -> Transform:
    """An operation as the tables write it: its name, its chance, and its strength where it has one."""
    name, chance, *rest = op.split()
    strength = int(rest[0]) / _STEPS if rest else 0.0
    signed = [replace(s, p=1.0) for s in _fixed(name, strength)]
    step = signed[0] if len(signed) == 1 else OneOf(tuple(signed))
    return replace(step, p=float(chance))


def _fixed(name: str, strength: float) -> list[Transform]:
    """An operation at a strength from 0 to 1, once for each sign that it may have."""
    if name in _PLAIN:
        return [_PLAIN[name]()]
    if name == "Posterize":
        bits = float(8 - round(4 * strength))
        return [Posterize((bits, bits))]
    if name == "Solarize":
        if strength == 1:  # black too
            return [Invert()]
        level = (math.ceil((1 - strength) * 255 - 1e-9) - 0.5) / 255  # from a level on, and not above it
        return [Solarize((level, level))]
    value = _NARROW.get(name, 0.9) * strength
    ends = (value, -value) if value else (0.0,)
    return [_SIGNED[name](end, end) for end in ends]


def RandAugment(n: int = 2, magnitude: float = 9) -> Repeat:
    """`n` times one of 14 operations, one of which does nothing, each at the strength `magnitude`.

    Operations with two directions take either. Cubuk et al., "RandAugment: Practical Automated Data Augmentation with
    a Reduced Search Space", NeurIPS 2020.

    Args:
        n: How many operations, from 1 to 16.
        magnitude: Their strength, from 0 to 30.

    Returns:
        A choice, repeated `n` times.

    Raises:
        ArgumentError: A value cannot be used.
    """
    if isinstance(magnitude, bool) or not isinstance(magnitude, (int, float)) or not 0 <= magnitude <= 30:
        raise ArgumentError(f"RandAugment(magnitude=...) must be a number from 0 to 30, got {magnitude!r}")
    children: list[Transform] = []
    weights: list[float] = []
    for name in (*_NARROW, *_ENHANCE, "Posterize", "Solarize", "AutoContrast", "Equalize"):
        signed = _fixed(name, magnitude / 30)
        children += signed
        weights += [1 / len(signed)] * len(signed)
    return Repeat(OneOf(tuple(children), tuple(weights), p=13 / 14), n, name="RandAugment")


def TrivialAugmentWide(size: int | tuple[int, int] = 224) -> OneOf:
    """One of 14 operations (one does nothing), at a strength drawn uniformly from a wide range; nothing to tune.

    Müller and Hutter, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation", ICCV 2021.

    Args:
        size: (height, width) or one side of the images, in pixels. The longest shift is 32 pixels at any size.

    Returns:
        A choice among the operations.

    Raises:
        ArgumentError: The size cannot be used.
    """
    height, width = as_size("TrivialAugmentWide", "size", size)
    wide = {
        "ShearX": 0.99,
        "ShearY": 0.99,
        "TranslateX": min(32 / width, 1.0),
        "TranslateY": min(32 / height, 1.0),
        "Rotate": 135.0,
        **dict.fromkeys(_ENHANCE, 0.99),
    }
    children = (*_between(wide), Posterize((2.0, 8.0)), Solarize((0.0, 1.0)), AutoContrast(), Equalize())
    return OneOf(children, p=13 / 14, name="TrivialAugmentWide")


def _between(most: dict[str, float]) -> Iterator[Transform]:
    """Operations at strengths up to these, in either direction."""
    return (_SIGNED[name](-value, value) for name, value in most.items())
