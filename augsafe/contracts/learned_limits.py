"""Limits on rotation and zoom, proposed from how images fare as the strength grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augsafe.contracts.limits import Limits
from augsafe.typicality import Reference

CHANGED = 0.1  # most images, beyond those of the identity, that may read as another class: the upper bound
UNFAMILIAR = 0.3  # most that may be unlike every class
ANGLES = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0)
ENLARGED = (1.1, 1.2, 1.3, 1.5, 1.8)

Notes = dict[tuple[str, ...], str]


def propose(fitted: Reference, images: Sequence[Any]) -> tuple[dict[str, Limits], Notes]:
    """The limits of each class with enough images, and why."""
    from augsafe.typicality import rotated, zoomed

    curves = {
        "rotation": rotated(fitted, images, ANGLES),
        "larger": zoomed(fitted, images, ENLARGED),
        "smaller": zoomed(fitted, images, [1 / factor for factor in ENLARGED]),
    }
    found = {name: curve.largest(CHANGED, UNFAMILIAR) for name, curve in curves.items()}
    limits: dict[str, Limits] = {}
    notes: Notes = {
        ("limits",): (
            f"The largest strength tried up to which at most {CHANGED:.0%} more images than without it read as\n"
            f"another class and at most {UNFAMILIAR:.0%} more are unlike every class (upper bounds at 95 %)."
        )
    }
    for c, name in enumerate(fitted.classes):
        if name in fitted.undecided:
            continue
        least, most = found["smaller"][c] or 1.0, found["larger"][c] or 1.0
        limits[name] = Limits(rotation=found["rotation"][c] or 0.0, zoom=(round(least, 3), most))
        place = ANGLES.index(found["rotation"][c] or ANGLES[0])
        curve = curves["rotation"]
        notes["limits", name] = (
            f"at {ANGLES[place]:g} degrees {_part(curve.changed.rate[place, c])} changed, "
            f"{_part(curve.unfamiliar.rate[place, c])} unfamiliar"
        )
    return limits, notes


def _part(share: float) -> str:
    return f"{max(float(share), 0.0):.0%}"
