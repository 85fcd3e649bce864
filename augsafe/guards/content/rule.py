"""What each content rule is: one class with its measure, its limit, its words and an example of each kind."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from augsafe.guards.base import Guard
from augsafe.guards.content.measures import ContentMeasures, Limits
from augsafe.policies import Compose
from augsafe.transforms import Distortion, Geometric, Opaque

BoolArray = NDArray[np.bool_]
VISIBLE, MIN_PIXELS, PADDING, DOUBLED = 0.7, 8.0, 0.5, 0.3
COVERED = 0.5
SLACK = 1e-6


class ContentRule(Guard):
    """A rule on the content of an image, judged on the plan.

    message: what is wrong; it may name a field of `Limits` and `covered`. help: what to do; it may name `steps`.
    about_object: whether it needs an object that is not diffuse.
    """

    message: ClassVar[str]
    help: ClassVar[str] = "Narrow the range of {steps}."
    about_object: ClassVar[bool] = True

    @staticmethod
    def broken(found: ContentMeasures, limits: Limits) -> BoolArray:
        """Which images (n,) break it."""
        raise NotImplementedError

    @staticmethod
    def mark(found: ContentMeasures, row: int) -> str:
        """What the preview says of one image, in a few words."""
        raise NotImplementedError

    @staticmethod
    def may_break(compose: Compose) -> bool:
        """Whether draws of a policy can break it at all. Default: if it moves or resizes images."""
        acting = [leaf for leaf in compose.leaves if not leaf.never_acts]
        sized = compose.output is not None and compose.output.size is not None
        return sized or any(isinstance(leaf, (Geometric, Distortion, Opaque)) for leaf in acting)


def floor_percent(share: float) -> int:
    """Percent, rounded down: 69.9% is not 70%."""
    return int(100 * max(share, 0.0) + 1e-9)


def ceil_percent(share: float) -> int:
    """Percent, rounded up: 50.1% is more than 50%."""
    return math.ceil(100 * share - 1e-9)
