"""What a source gives, and how what users hold becomes that."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from augsafe.errors import SourceError
from augsafe.images.decoding import decode, from_pillow
from augsafe.typing import LabelsLike

_CHANNELS = (1, 3, 4)


@dataclass(frozen=True, eq=False)
class Item:
    """One image of a data set, with what belongs to it.

    Attributes:
        image: (H, W) or (H, W, C).
        label: Its class index, None where there is none.
        mask: (H, W), the number of a class or object for each pixel.
        boxes: (m, 4): x1, y1, x2, y2 in pixels, edges from 0 to W and H.
        box_labels: The class of each box (m).
        keypoints: (k, 2): x and y in pixels; pixel centres are at whole numbers.
        path: The file it was read from.
    """

    image: NDArray[Any]
    label: Any = None
    mask: NDArray[Any] | None = None
    boxes: NDArray[np.float64] | None = None
    box_labels: list[Any] | None = None
    keypoints: NDArray[np.float64] | None = None
    path: str | None = None


@runtime_checkable
class Source(Protocol):
    """What a data set must have to be read: a length, items by number, and its labels.

    Attributes:
        classes: The names of the classes, None where there are none.
        labels: Class indices (n,), known without decoding any image; None where they are not known.
    """

    classes: tuple[str, ...] | None
    labels: NDArray[np.int64] | None

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Item: ...


def position(index: int, n: int) -> int:
    """The place that an index means.

    Args:
        index: A whole number; negative ones count from the end.
        n: How many images there are.

    Returns:
        A number from 0 to n - 1.

    Raises:
        IndexError: There is no such image.
    """
    i = operator.index(index)
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of range for {n} images")
    return i % n


def indexed(
    labels: LabelsLike | None, n: int, classes: Sequence[str] | None = None
) -> tuple[NDArray[np.int64] | None, tuple[str, ...] | None]:
    """Labels as class indices, with the names of the classes.

    Args:
        labels: Names or indices (n,), or (n, 1).
        n: How many images there are.
        classes: The names of the classes; default: the names found in `labels`, sorted.

    Returns:
        Class indices (n,) and the names; None for what is not known.

    Raises:
        SourceError: The labels are not one for each image, or are not among the classes.
    """
    names = None if classes is None or len(classes) == 0 else tuple(str(c) for c in classes)
    if labels is None:
        return None, names
    try:
        values = np.asarray(labels)
    except (TypeError, ValueError) as error:
        raise SourceError(f"labels is no list of whole numbers or names: {error}") from error
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (n,):
        hint = "; turn one-hot rows into indices with .argmax(axis=1)" if values.ndim == 2 else ""
        raise SourceError(f"labels has shape {values.shape}, there are {n} images: give one label an image{hint}")
    if values.dtype.kind in "iub":
        return _within(values.astype(np.int64), names), names
    if n == 0:
        return np.zeros(0, np.int64), names
    if values.dtype.kind == "O" and not all(isinstance(v, str) for v in values):
        odd = next(v for v in values if not isinstance(v, str))
        raise SourceError(f"labels must be all whole numbers or all names, got {odd!r} of type {type(odd).__name__}")
    if values.dtype.kind not in "USOT":
        raise SourceError(f"labels must be whole numbers or names, got {values.dtype}; use .astype(int)")
    found = [str(v) for v in values.astype(str)]
    names = names or tuple(sorted(set(found)))
    number = {name: i for i, name in enumerate(names)}
    if missing := sorted(set(found) - set(names)):
        raise SourceError(f"labels holds {missing[0]!r}, which is not among the classes {', '.join(names)}")
    return np.array([number[name] for name in found], dtype=np.int64), names


def _within(values: NDArray[np.int64], names: tuple[str, ...] | None) -> NDArray[np.int64]:
    if names and len(values) and int(values.max()) >= len(names):
        raise SourceError(
            f"labels holds {int(values.max())}, there are {len(names)} classes, numbered from 0: {', '.join(names)}"
        )
    return values


def to_image(image: object, index: int) -> NDArray[Any]:
    """The pixels of what a data set holds for an image.

    Args:
        image: An array, a Pillow image (its EXIF orientation is ignored), a path, or a tensor with `.numpy()`.
        index: Its number, for the message.

    Returns:
        (H, W) or (H, W, C).

    Raises:
        SourceError: It is none of these, or a tensor with channels first.
    """
    if isinstance(image, np.ndarray):
        return image
    if isinstance(image, Image.Image):
        return from_pillow(image)
    if isinstance(image, (str, os.PathLike)):
        return decode(image)
    if callable(getattr(image, "numpy", None)):
        return _from_tensor(image, index)
    raise SourceError(
        f"item {index} is {type(image).__name__}, not an image: give numpy arrays (H, W[, C]), Pillow images, paths, "
        "(image, label), or a dict with the key image"
    )


def _from_tensor(tensor: Any, index: int) -> NDArray[Any]:
    try:
        array = np.asarray(tensor.numpy())
    except Exception as error:  # each framework has its own reasons: on a device, with gradients, without values
        raise SourceError(
            f"item {index} is {type(tensor).__module__}.{type(tensor).__name__} that .numpy() cannot convert "
            f"({error}); give tensor.detach().cpu().numpy()"
        ) from error
    # Channels first is not guessed right but refused: read as (H, W, C) it would be an image 3 pixels high.
    if array.ndim == 3 and array.shape[0] in _CHANNELS and array.shape[2] not in _CHANNELS:
        raise SourceError(
            f"item {index} is a tensor of shape {array.shape}, channels first: give tensor.permute(1, 2, 0), or take "
            "ToTensor out of the data set's transform"
        )
    return array


def to_mask(mask: object, index: int) -> NDArray[Any] | None:
    """The mask of an image as an array of numbers.

    Args:
        mask: An array, a Pillow image (of a palette its indices), a tensor, or None.
        index: The image's number, for the message.

    Returns:
        (H, W), or None where there is no mask.

    Raises:
        SourceError: It cannot be made an array.
    """
    if mask is None or isinstance(mask, np.ndarray):
        return mask
    if isinstance(mask, Image.Image):
        return np.array(mask)
    try:
        numpy = getattr(mask, "numpy", None)
        return np.asarray(numpy() if callable(numpy) else mask)
    except Exception as error:
        raise SourceError(f"the mask of item {index} is {type(mask).__name__}, not an array: {error}") from error


def to_points(name: str, points: object, columns: int, index: int) -> NDArray[np.float64] | None:
    """Boxes or keypoints of an image as an array of numbers.

    Args:
        name: "boxes" or "keypoints", for the message.
        points: Rows of numbers; an empty list has no rows.
        columns: 4 for boxes, 2 for keypoints.
        index: The image's number, for the message.

    Returns:
        Rows (m, columns), or None where `points` is None.

    Raises:
        SourceError: The rows are not numbers.
    """
    if points is None:
        return None
    try:
        array: NDArray[np.float64] = np.asarray(points, dtype=np.float64)
        return array.reshape(-1, columns) if array.size == 0 or array.ndim == 1 else array
    except (TypeError, ValueError) as error:
        raise SourceError(f"{name} of item {index} must be rows of {columns} numbers: {error}") from error
