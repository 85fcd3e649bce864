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
from augsafe.typing import PointsLike

Image = NDArray[Any]
_DTYPES = frozenset(np.dtype(name) for name in FULL_RANGE)


@dataclass(frozen=True, eq=False)
class Sample:
    """One augmented image and what belongs to it. What was not given is None.

    Attributes:
        image: (H, W) or (H, W, C); (C, H, W) where the policy's output says so.
        label: As it was given.
        mask: (H, W), moved by nearest neighbour.
        boxes: (m, 4) in the policy's `box_format`, clipped to the frame.
        box_labels: The label of each box (m).
        kept: The row of each box in the input (m); boxes that left the frame are dropped.
        keypoints: (k, 2): x and y in pixels; pixel centres are at whole numbers.
        inside: Whether each keypoint lies within the frame (k).
        plan: What was done.
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
class Targets:
    """What belongs to one image before it is augmented; None for what it has not.

    Args:
        mask: (H, W) of whole numbers or bool.
        boxes: (m, 4), in the policy's `box_format` or another that the caller names.
        box_labels: The label of each box (m).
        keypoints: (k, 2): x and y in pixels; pixel centres are at whole numbers.
    """

    mask: NDArray[Any] | None = None
    boxes: PointsLike | None = None
    box_labels: Sequence[Any] | None = None
    keypoints: PointsLike | None = None

    @property
    def given(self) -> bool:
        """Whether there are any."""
        return any(part is not None for part in (self.mask, self.boxes, self.box_labels, self.keypoints))


@dataclass(frozen=True, eq=False)
class Mixed:
    """How the images of a batch were mixed.

    Attributes:
        partner: The row that each was mixed with (n,).
        share: The part of its own label (n,), from 0 to 1.
        boxes: The pixels that come from the partner (n, 4), x0, y0, x1, y1; None unless by CutMix.
    """

    partner: NDArray[np.intp]
    share: NDArray[np.float64]
    boxes: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Batch:
    """Augmented images with their labels, their indices and the targets given, one entry for each image.

    Attributes:
        images: (n, ...). `Compose.batch` gives a list where the outputs have several shapes.
        labels: Class indices (n,), or (n, classes) float32 where the images are mixed.
        indices: The number of each image in its data set (n,).
        masks: (n, H, W); None where not all images have one, or their shapes differ.
        samples: Each image with its boxes and keypoints (n).
        plan: What was done, where one policy did it all.
        mixed: How the images were mixed.
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


def check_image(image: object, value_range: tuple[float, float] | None = None, where: str = "image") -> Image:
    """Check one image.

    Args:
        image: (H, W) or (H, W, C), of uint8, uint16 or float32.
        value_range: What the levels of float32 may span; default: 0 to 1.
        where: What to call it in the message.

    Returns:
        The same image.

    Raises:
        InputError: It is no such array, is empty or too large, holds NaN, or leaves the value range (AS502).
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


def check_mask(mask: object, image: Image) -> NDArray[Any]:
    """Check a mask against its image.

    Args:
        mask: (H, W) of whole numbers of up to 32 bits, or bool.
        image: (H, W) or (H, W, C).

    Returns:
        The same mask.

    Raises:
        InputError: It is no such array, or has another size than its image.
    """
    if not isinstance(mask, np.ndarray) or mask.ndim != 2:
        raise InputError(f"mask must be a numpy array (H, W), got {getattr(mask, 'shape', type(mask).__name__)}")
    if mask.shape != image.shape[:2]:
        raise InputError(f"mask has shape {mask.shape}, its image {image.shape[:2]}; they must agree")
    if mask.dtype.kind not in "bui" or mask.dtype.itemsize > 4:
        raise InputError(f"mask must hold whole numbers of up to 32 bits or bool, got {mask.dtype}")
    return mask


def check_points(name: str, value: PointsLike, columns: int) -> NDArray[np.float64]:
    """Check boxes or keypoints of one image.

    Args:
        name: "boxes" or "keypoints", for the message.
        value: Rows of numbers; there may be none.
        columns: 4 for boxes, 2 for keypoints.

    Returns:
        Rows (m, columns).

    Raises:
        InputError: The shape is another, or it holds NaN.
    """
    array: NDArray[np.float64] = np.asarray(value, dtype=np.float64)
    if array.size == 0:
        return np.zeros((0, columns))
    if array.ndim != 2 or array.shape[1] != columns:
        raise InputError(f"{name} must have shape (n, {columns}), got {array.shape}")
    if not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinity in row {int(np.argmin(np.isfinite(array).all(axis=1)))}")
    return array


def check_images(images: object, value_range: tuple[float, float] | None) -> None:
    """Check a batch.

    Args:
        images: (n, H, W[, C]) or a list of images, at least one.
        value_range: What the levels of float32 may span; default: 0 to 1.

    Raises:
        InputError: An image cannot be used; the message says which.
    """
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
