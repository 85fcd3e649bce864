"""Steps that need neighbouring pixels: they run after the warp and the table of their stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.transforms.base import Local, Parameter, Range


@dataclass(frozen=True)
class GaussianBlur(Local):
    """Blur with a Gaussian of standard deviation `sigma` pixels."""

    sigma: Range = (0.0, 1.5)

    parameters: ClassVar = (Parameter("sigma", low=0, high=100),)

    def apply(self, image: NDArray[Any], values: Mapping[str, float]) -> NDArray[Any]:
        if values["sigma"] < 1e-3:
            return image.copy()
        blurred = cv2.GaussianBlur(image, (0, 0), values["sigma"], borderType=cv2.BORDER_REFLECT_101)
        return np.asarray(blurred).reshape(image.shape)


@dataclass(frozen=True)
class Cut(Local):
    """End a stage: what the frame does not show here is lost, and the border rule continues what it does show.

    Policies need it only to repeat what other libraries do, which render each step on its own.
    """

    def apply(self, image: NDArray[Any], values: Mapping[str, float]) -> NDArray[Any]:
        return image.copy()
