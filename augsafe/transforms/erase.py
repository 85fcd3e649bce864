"""Erasing parts of an image: patches that the plan holds, so that guards judge them without pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.randomness import FloatArray, fractions
from augsafe.transforms.base import Local, Sizes, Values
from augsafe.transforms.noise import generator
from augsafe.transforms.parameters import Parameter, Range

MODES = ("random", "cutout", "grid")
FILLS = ("value", "mean", "noise")
MOST = 64


@dataclass(frozen=True)
class Erase(Local):
    """Cover parts of the image with rectangles.

    The patches of one image all have the same size. Masks, boxes and keypoints stay as they are.

    Args:
        area: Range of the share of the frame that each patch covers.
        ratio: Range of a patch's width over its height, drawn uniformly in its logarithm.
        count: How many patches, from 1 to 64; in mode "grid" the number of cells along each side.
        mode: Where patches lie.

            - "random": anywhere inside the frame (Zhong et al., "Random Erasing Data Augmentation", AAAI 2020).
            - "cutout": their centres lie anywhere, and what lies beyond the frame is lost (DeVries and Taylor,
              "Improved Regularization of Convolutional Neural Networks with Cutout", 2017).
            - "grid": they cover a share `area` of each cell of a grid, shifted at random (Chen et al., "GridMask Data
              Augmentation", 2020).
        fill: "value", the "mean" of each channel, or "noise".
        value: The level for fill "value", a fraction of the value range.
        max_object_share: Patches shrink about their centres until they hide at most this share of what the frame shows
            of the object; 1 leaves them as they are. The object is what the loader, `check` and `Compose` find in
            mask, boxes or saliency, on a grid of 16 x 16.

    Raises:
        ArgumentError: A value cannot be used.
    """

    area: Range = (0.02, 0.2)
    ratio: Range = (0.3, 3.3)
    count: int = 1
    mode: str = "random"
    fill: str = "value"
    value: float = 0.0
    max_object_share: float = 1.0

    parameters: ClassVar = (
        Parameter("area", low=0, high=1),
        Parameter("ratio", neutral=1.0, low=0.01, high=100, log=True),
        Parameter("seed", free=True),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.count, bool) or not isinstance(self.count, (int, np.integer)) or not 1 <= self.count <= MOST:
            raise ArgumentError(f"Erase(count=...) must be a whole number from 1 to {MOST}, got {self.count!r}")
        for name, known in (("mode", MODES), ("fill", FILLS)):
            if getattr(self, name) not in known:
                raise ArgumentError(f"Erase({name}=...) must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        for name in ("value", "max_object_share"):
            number = getattr(self, name)
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 <= number <= 1:
                raise ArgumentError(f"Erase({name}=...) must be a number from 0 to 1, got {number!r}")
            object.__setattr__(self, name, float(number))

    @property
    def never_acts(self) -> bool:
        return self.p == 0 or self.area[1] == 0

    def draw(self, u: FloatArray) -> dict[str, FloatArray]:
        """Also `keep`, the share of their sides that the patches keep: 1 until something is to be spared."""
        return {**super().draw(u), "keep": np.ones(u.shape[1])}

    def patches(self, values: Values, sizes: Sizes) -> FloatArray:
        """The rectangles that values stand for.

        Args:
            values: Values of the parameters (n,).
            sizes: Height and width of each frame (n, 2), pixels.

        Returns:
            x0, y0, x1, y1 of k patches each (n, k, 4), in whole pixels; some may be empty.
        """
        frame = sizes[:, None, ::-1].astype(np.float64)
        return self._grid(values, frame) if self.mode == "grid" else self._scattered(values, frame)

    def _scattered(self, values: Values, frame: FloatArray) -> FloatArray:
        ratio = values["ratio"][:, None]
        side = np.sqrt(values["area"][:, None] * frame.prod(axis=2))
        full = np.minimum(np.stack([side * np.sqrt(ratio), side / np.sqrt(ratio)], axis=2), frame)
        place = fractions(values["seed"], 2 * int(self.count)).reshape(len(frame), -1, 2)
        middle = place * frame if self.mode == "cutout" else full / 2 + place * (frame - full)
        return _whole(middle, full * values["keep"][:, None, None], frame)

    def _grid(self, values: Values, frame: FloatArray) -> FloatArray:
        cells = np.stack(np.meshgrid(*[np.arange(-1, int(self.count))] * 2), axis=2).reshape(1, -1, 2)
        unit = frame / int(self.count)
        middle = (cells + 0.5 + fractions(values["seed"], 2)[:, None, :]) * unit
        ratio = np.sqrt(values["ratio"])[:, None]
        share = np.sqrt(values["area"])[:, None]
        part = np.minimum(np.stack([share * ratio, share / ratio], axis=2), 1.0)
        return _whole(middle, part * unit * values["keep"][:, None, None], frame)

    def within(self, image: NDArray[Any], values: Mapping[str, float], limits: Range) -> NDArray[Any]:
        out = image.copy()
        columns = {k: np.array([v]) for k, v in values.items()}
        (patches,) = self.patches(columns, np.array([image.shape[:2]])).astype(int)
        noise = generator(values)
        level: Any = limits[0] + self.value * (limits[1] - limits[0])
        if self.fill == "mean":
            level = image.mean(axis=(0, 1))
        for x0, y0, x1, y1 in patches:
            if x1 <= x0 or y1 <= y0:
                continue
            part = out[y0:y1, x0:x1]
            new = limits[0] + noise.random(part.shape) * (limits[1] - limits[0]) if self.fill == "noise" else level
            part[...] = np.rint(new) if image.dtype.kind == "u" else new
        return out


def _whole(middle: FloatArray, side: FloatArray, frame: FloatArray) -> FloatArray:
    """Rectangles (n, k, 4) in whole pixels, cut to the frame; those of no area stay empty."""
    low, high = (np.clip(np.rint(middle + sign * side / 2), 0, frame) for sign in (-1, 1))
    return np.concatenate([low, np.where(side > 0, high, low)], axis=2)
