"""What goes in and comes out: images with their mask, boxes, keypoints and label; what input is accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.pixels.warping import LARGEST_SIDE
from augsafe.planning import Plan
from augsafe.transforms import FULL_RANGE

Image = NDArray[Any]
_DTYPES = frozenset(np.dtype(name) for name in FULL_RANGE)


@dataclass(frozen=True, eq=False)
class Sample:
    """One augmented image and what belongs to it.

    image (H, W[, C]) or (C, H, W); mask (H, W); boxes (m, 4) in the policy's `box_format`; `kept` (m,) the input row
    of each box; keypoints (k, 2) x, y; `inside` (k,) whether each lies within the frame; `plan` what was done.
    """

    image: Image
    label: Any = None
    mask: NDArray[Any] | None = None
    boxes: NDArray[np.float64] | None = None
    box_labels: list[Any] | None = None
    kept: NDArray[np.intp] | None = None
    keypoints: NDArray[np.float64] | None = None
    inside: NDArray[np.bool_] | None = None
    plan: Plan | None = None


@dataclass(frozen=True, eq=False)
class Mixed:
    """How the images of a batch were mixed.

    `partner` (n,) is the row that each was mixed with, `share` (n,) the part of its own label, `boxes` (n, 4) the
    pixels x0, y0, x1, y1 that come from the partner (CutMix).
    """

    partner: NDArray[np.intp]
    share: NDArray[np.float64]
    boxes: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Batch:
    """Augmented images (n, ...) with their labels and indices, and the targets given, one entry an image.

    Labels are class indices (n,), or (n, classes) float32 where the images are `mixed`.
    """

    images: NDArray[Any]
    labels: NDArray[Any] | None
    indices: NDArray[np.int64]
    masks: NDArray[Any] | None = None
    samples: tuple[Sample, ...] | None = None
    plan: Plan | None = None
    mixed: Mixed | None = None

    def __len__(self) -> int:
        return len(self.images)


def check_image(image: Any, value_range: tuple[float, float] | None = None, where: str = "image") -> Image:
    """Check one image: (H, W) or (H, W, C), of uint8, uint16 or float32, without NaN, within the value range.

    Raises InputError.
    """
    if not isinstance(image, np.ndarray):
        raise InputError(f"{where} must be a numpy array, got {type(image).__name__}; convert it with np.asarray()")
    if image.ndim not in (2, 3):
        raise InputError(f"{where} must be (H, W) or (H, W, C), got shape {image.shape}")
    if image.dtype not in _DTYPES and image.dtype.name not in FULL_RANGE:  # a dtype's name takes a microsecond
        raise InputError(f"{where} must be uint8, uint16 or float32, got {image.dtype}; convert it with .astype()")
    if 0 in image.shape:
        raise InputError(f"{where} is empty: shape {image.shape}")
    if max(image.shape[:2]) > LARGEST_SIDE:
        raise InputError(f"{where} is too large: shape {image.shape}, sides may be {LARGEST_SIDE} pixels at most")
    if image.dtype == np.float32:
        _check_floats(image, value_range or FULL_RANGE["float32"], where)
    return image


def _check_floats(image: Image, value_range: tuple[float, float], where: str) -> None:
    low, high = float(image.min()), float(image.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(f"{where} holds NaN or infinity; replace those pixels first")
    slack = 1e-4 * (value_range[1] - value_range[0])
    if low < value_range[0] - slack or high > value_range[1] + slack:
        raise InputError(
            f"AS502: {where} is float32 with values from {low:g} to {high:g}, outside the value range "
            f"{value_range[0]:g} to {value_range[1]:g}; scale it, or say Compose(value_range=({low:g}, {high:g}))"
        )


def check_mask(mask: Any, image: Image) -> NDArray[Any]:
    """Check a label mask (H, W) of whole numbers or bool against its image. Raises InputError."""
    if not isinstance(mask, np.ndarray) or mask.ndim != 2:
        raise InputError(f"mask must be a numpy array (H, W), got {getattr(mask, 'shape', type(mask).__name__)}")
    if mask.shape != image.shape[:2]:
        raise InputError(f"mask has shape {mask.shape}, its image {image.shape[:2]}; they must agree")
    if mask.dtype.kind not in "bui" or mask.dtype.itemsize > 4:
        raise InputError(f"mask must hold whole numbers of up to 32 bits or bool, got {mask.dtype}")
    return mask


def check_points(name: str, value: Any, columns: int) -> NDArray[np.float64]:
    """Check boxes (m, 4) or keypoints (k, 2). Raises InputError."""
    array = np.asarray(value, dtype=np.float64)
    if array.size == 0:
        return np.zeros((0, columns))
    if array.ndim != 2 or array.shape[1] != columns:
        raise InputError(f"{name} must have shape (n, {columns}), got {array.shape}")
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinity in row {int(np.argmin(np.isfinite(array).all(axis=1)))}")
    return array


def check_images(images: Any, value_range: tuple[float, float] | None) -> None:
    """Check a batch: an array (n, H, W[, C]) or a list of images. Raises InputError."""
    if isinstance(images, np.ndarray):
        if images.ndim not in (3, 4) or not len(images):
            raise InputError(f"images must be (n, H, W) or (n, H, W, C) with n at least 1, got shape {images.shape}")
        check_image(images[0], value_range, "images[0]")
        if images.dtype == np.float32:
            for i, image in enumerate(images):
                check_image(image, value_range, f"images[{i}]")
        return
    if not isinstance(images, Sequence) or not images:
        raise InputError(f"images must be an array (n, H, W[, C]) or a list of images, got {type(images).__name__}")
    for i, image in enumerate(images):
        check_image(image, value_range, f"images[{i}]")
