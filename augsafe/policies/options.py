"""The options of a policy, checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from augsafe.errors import ArgumentError
from augsafe.pixels import BORDERS, INTERPOLATIONS
from augsafe.planning import Output
from augsafe.transforms import Transform, as_range

BOX_FORMATS = ("xyxy", "coco", "yolo")
Pairs = Sequence[tuple[int, int]]


def check_steps(steps: object) -> tuple[object, ...]:
    """A list of steps, or one step, as a tuple. Raises ArgumentError."""
    given = [steps] if isinstance(steps, Transform) else steps
    if not isinstance(given, Iterable) or isinstance(given, (str, Mapping)):
        raise ArgumentError(f"Compose(steps=...) must be a list of transforms, got {given!r}")
    return tuple(given)


def check_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Check the options of `Compose`.

    Args:
        options: The value of each option, by its name.

    Returns:
        Those that are to be stored in another form.

    Raises:
        ArgumentError: A value cannot be used.
    """
    for name, known in (("border", BORDERS), ("interpolation", INTERPOLATIONS), ("box_format", BOX_FORMATS)):
        if options[name] not in known:
            raise ArgumentError(f"Compose({name}=...) must be one of {', '.join(known)}, got {options[name]!r}")
    fill, visible = options["fill"], options["min_visible"]
    if isinstance(fill, bool) or not isinstance(fill, (int, float)) or not np.isfinite(fill):
        raise ArgumentError(f"Compose(fill=...) must be one number, got {fill!r}")
    if not isinstance(visible, (int, float)) or not 0 <= visible <= 1:
        raise ArgumentError(f"Compose(min_visible=...) must be from 0 to 1, got {visible!r}")
    if options["output"] is not None and not isinstance(options["output"], Output):
        raise ArgumentError(f"Compose(output=...) must be an Output, got {options['output']!r}")
    new: dict[str, Any] = {name: _pairs(name, options[name]) for name in ("keypoint_swaps", "mask_swaps")}
    if (value_range := options["value_range"]) is not None:
        new["value_range"] = as_range("Compose", "value_range", value_range, -1e6, 1e6)
        if new["value_range"][0] == new["value_range"][1]:
            raise ArgumentError(f"Compose(value_range=...) must not be empty, got {value_range!r}")
    return new


def _pairs(name: str, value: Any) -> tuple[tuple[int, int], ...]:
    try:
        return tuple((int(a), int(b)) for a, b in value)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"Compose({name}=...) must be pairs of whole numbers, got {value!r}") from error
