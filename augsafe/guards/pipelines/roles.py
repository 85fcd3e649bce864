"""Guards on how a policy is used: on which images, in which order with normalisation (AS501 to AS503)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, ForeignStepError
from augsafe.foreign import IDENTITY, Foreign
from augsafe.guards.base import Finding
from augsafe.policies import Compose, random_steps
from augsafe.transforms import FULL_RANGE

ROLES = ("training", "validation")
LEAST_USED = 0.01  # of the value range, by all images together
SHIFTED = 0.02  # of the value range: an even image that changes by more has had its levels changed
LEVELS = (0.2, 0.5, 0.8)
DRAWS = (0.1, 0.3, 0.5, 0.7, 0.9)


def check_role(role: Any, where: str) -> str:
    """Whether a role is known. Raises ArgumentError."""
    if role not in ROLES:
        raise ArgumentError(f"{where}(role=...) must be one of {', '.join(ROLES)}, got {role!r}")
    return str(role)


def pipeline_findings(compose: Compose, images: Sequence[NDArray[Any]] | None, role: str) -> list[Finding]:
    """AS501, AS502 and AS503 for one policy, the images it is for, and what they are used for."""
    found = [*_normalised_first(compose)]
    if role == "validation":
        found += _drawn(compose)
    if images is not None:
        found += _unused_range(compose, images)
    return found


def _drawn(compose: Compose) -> list[Finding]:
    steps = random_steps(compose)
    if not steps:
        return []
    return [
        Finding(
            "AS501",
            "error",
            "proven",
            "stated",
            "safe",
            steps,
            (),
            "validation or test data must not be random; these steps would change it in every epoch",
            "Remove the random steps. Keep resizing, centre crops and normalisation.",
        )
    ]


def _unused_range(compose: Compose, images: Sequence[NDArray[Any]]) -> list[Finding]:
    low, high = compose.value_range or FULL_RANGE[images[0].dtype.name]
    ends = np.array([(image.min(), image.max()) for image in images], dtype=np.float64)
    least, most = ends[:, 0].min(), ends[:, 1].max()
    if not 0 < most - least < LEAST_USED * (high - low):
        return []
    return [
        Finding(
            "AS502",
            "error",
            "witnessed",
            "stated",
            "safe",
            (),
            (),
            f"the images have values from {least:g} to {most:g}, but the declared range is {low:g} to {high:g}",
            f"Scale the images, or set Compose(value_range=({least:g}, {most:g})).",
        )
    ]


def _normalised_first(compose: Compose) -> list[Finding]:
    steps = tuple(
        leaf.label
        for leaf in compose.leaves
        if isinstance(leaf, Foreign) and leaf.levels not in (None, IDENTITY) and _changes_levels(leaf)
    )
    if not steps:
        return []
    return [
        Finding(
            "AS503",
            "error",
            "witnessed",
            "stated",
            "safe",
            steps,
            (),
            "these steps change the levels of images that are already normalised",
            "Put normalisation last, after all steps on brightness, contrast and colour.",
        )
    ]


def _changes_levels(leaf: Foreign) -> bool:
    """Whether most of an even image gets another level: erasing and noise leave the median as it is."""
    shape = (48, 48, leaf.channels) if leaf.channels else (48, 48)
    for level in LEVELS:
        flat = np.full(shape, round(255 * level), np.uint8)
        for u in DRAWS:
            try:
                made = leaf.apply(flat, {"seed": u})
            except ForeignStepError:
                return False  # it does not take an image like this: nothing is known
            if abs(float(np.median(made)) - flat.flat[0]) > SHIFTED * 255:
                return True
    return False
