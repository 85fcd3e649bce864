"""How far a draw may go for a class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from augsafe.errors import ContractError


@dataclass(frozen=True)
class Limits:
    """How far a draw may go: None where there is no limit.

    rotation: degrees left over after the nearest symmetry. zoom: least and largest, in fractions of the frame.
    visible: share of the object inside the frame. min_pixels: the object's longer side at the smallest scale of the
    draw, in output pixels. clipped: most of the pixels that may become plain black or white. contrast: least of the
    contrast that must be left, as a share of what it was. hue: degrees by which colours may turn, for classes that
    colour defines. displacement: how far a distortion moves a pixel, a fraction of the shorter side.
    """

    rotation: float | None = None
    zoom: tuple[float, float] | None = None
    visible: float | None = None
    min_pixels: float | None = None
    clipped: float | None = None
    contrast: float | None = None
    hue: float | None = None
    displacement: float | None = None

    def __post_init__(self) -> None:
        for name in ("rotation", "visible", "min_pixels", "clipped", "contrast", "hue", "displacement"):
            value = getattr(self, name)
            if value is not None and not (_number(value) and 0 <= value < math.inf):
                raise ContractError(f"{name} must be a number of at least 0, got {value!r}")
        for name in ("visible", "clipped", "contrast"):
            if (getattr(self, name) or 0) > 1:
                raise ContractError(f"{name} is a share from 0 to 1, got {getattr(self, name)!r}")
        if self.zoom is not None:
            object.__setattr__(self, "zoom", _zoom(self.zoom))

    def over(self, base: Limits) -> Limits:
        """These limits, with those of `base` where there is none."""
        return Limits(**{**base.to_dict(), **self.to_dict()})

    def to_dict(self) -> dict[str, Any]:
        """The limits there are, as plain values."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items() if v is not None}

    @staticmethod
    def from_dict(given: Mapping[str, Any]) -> Limits:
        """Limits from plain values. Raises ContractError."""
        known = [field.name for field in fields(Limits)]
        for key in given:
            if key not in known:
                raise ContractError(f"there is no limit {key!r}; known are {', '.join(known)}")
        return Limits(**given)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _zoom(value: Any) -> tuple[float, float]:
    pair = isinstance(value, (list, tuple)) and len(value) == 2 and all(_number(v) for v in value)
    if not pair or not 0 <= value[0] <= value[1]:
        raise ContractError(f"zoom must be two numbers (least, largest) with 0 <= least <= largest, got {value!r}")
    return float(value[0]), float(value[1])
