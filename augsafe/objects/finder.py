"""Who guesses where the object is: saliency, or a function of the user's, such as a model."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.typing import FinderLike, LabelLike

_HALF = 0.5  # where a soft mask is at least this, the object is
_IDS = 32  # a mask with no more different levels, none of them high, is one of ids


@dataclass(frozen=True, eq=False)
class Guess:
    """Who guesses where no mask and no boxes say it.

    Attributes:
        finder: A function of the user's. None for saliency.
    """

    finder: FinderLike | None = None
    _one: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def name(self) -> str:
        """What messages call it."""
        return "saliency" if self.finder is None else f"finder {finder_name(self.finder)}"

    def inside(self, image: NDArray[Any], label: LabelLike | None) -> NDArray[np.bool_]:
        """What the finder sees of one image; one call at a time, for the threads of a loader share it.

        Args:
            image: (H, W[, C]).
            label: As the user gave it.

        Returns:
            Where the object is (H, W).
        """
        assert self.finder is not None
        with self._one:
            return found_by(self.finder, image, label)

    def __reduce__(self) -> tuple[type[Guess], tuple[FinderLike | None]]:
        return Guess, (self.finder,)


SALIENCY = Guess()


def asked_for(objects: FinderLike | str | None, owner: str) -> Guess | None:
    """Whose guess the user lets decide, by `objects=`.

    Args:
        objects: What the user gave.
        owner: The function that messages name.

    Returns:
        None where masks and boxes alone say where the object is.

    Raises:
        ArgumentError: It is none of these.
    """
    if objects is None:
        return None
    if objects == "saliency":
        return SALIENCY
    if callable(objects) and not isinstance(objects, type):
        return Guess(objects)
    raise ArgumentError(
        f"{owner}(objects=...) must be None (masks and boxes alone say where the object is), 'saliency' (a guess may "
        f"decide), or a function of an image and its label that returns a mask; got {objects!r}"
    )


def finder_name(finder: FinderLike) -> str:
    """What messages call it: its own name, or that of its class."""
    return str(getattr(finder, "__name__", None) or type(finder).__name__)


def found_by(finder: FinderLike, image: NDArray[Any], label: LabelLike | None = None) -> NDArray[np.bool_]:
    """Where a finder sees the object.

    Args:
        finder: Called with a copy of the image and with its label. It returns a mask (H, W) or (H, W, 1): bool; uint8,
            with 0 for the background and 1 or 255 for the object; or floats from 0 to 1. Soft masks are cut at one
            half. None, or a mask without an object in it, means that it found none.
        image: (H, W[, C]).
        label: As the user gave it, None where there is none.

    Returns:
        (H, W), all False where it found none.

    Raises:
        InputError: What it returned is not such a mask.
    """
    given = finder(image.copy(), label)
    if given is None:
        return np.zeros(image.shape[:2], bool)
    said = f"the finder objects={finder_name(finder)} returned"
    try:
        mask = np.asarray(given)
    except Exception as error:  # each framework has its own reasons: on a device, with gradients
        raise InputError(
            f"{said} {type(given).__name__}, which is no array ({error}); return mask.detach().cpu().numpy()"
        ) from error
    if mask.ndim == 3 and mask.shape[2] == 1:
        mask = mask[..., 0]
    if mask.shape != image.shape[:2]:
        raise InputError(
            f"{said} a mask of shape {mask.shape} for an image of {image.shape[:2]}; resize it to the image, "
            "cv2.resize(mask, (width, height))"
        )
    return _inside(mask, said)


def _inside(mask: NDArray[Any], said: str) -> NDArray[np.bool_]:
    if mask.dtype == bool:
        return mask
    if mask.dtype == np.uint8:
        most = int(mask.max(initial=0))
        if 1 < most <= 127 and len(np.unique(mask)) <= _IDS:
            raise InputError(
                f"{said} uint8 with {most} as its highest value, which looks like ids of classes; return mask > 0"
            )
        return np.asarray(mask >= (1 if most <= 1 else 128))
    if mask.dtype.kind != "f":
        raise InputError(f"{said} {mask.dtype}; return bool, uint8 (0 or 255) or floats from 0 to 1, such as mask > 0")
    if not np.isfinite(mask).all() or mask.min(initial=0) < 0 or mask.max(initial=0) > 1:
        raise InputError(
            f"{said} floats from {mask.min():.4g} to {mask.max():.4g}; return probabilities from 0 to 1, such as "
            "heat / heat.max(), or 1 / (1 + exp(-logits))"
        )
    return np.asarray(mask >= _HALF)
