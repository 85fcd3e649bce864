"""The policy that is calibrated where none is given."""

from __future__ import annotations

from augsafe.policies import Compose
from augsafe.transforms import (
    Brightness,
    Contrast,
    GaussianBlur,
    HorizontalFlip,
    Rotate,
    Shear,
    Shift,
    VerticalFlip,
    Zoom,
)


def wide() -> Compose:
    """Steps that people try first, each far wider than most data allow."""
    return Compose(
        (
            Shift((-0.4, 0.4), (-0.4, 0.4)),
            Zoom((0.5, 2.0)),
            Rotate((-90, 90)),
            Shear((-40, 40)),
            HorizontalFlip(),
            VerticalFlip(),
            Brightness((0.4, 1.6)),
            Contrast((0.4, 1.6)),
            GaussianBlur((0.0, 3.0)),
        ),
        border="replicate",
    )
