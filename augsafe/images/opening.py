"""Where images come from: arrays, npz, a folder per class, a manifest, or any sequence."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from augsafe.errors import ArgumentError, SourceError
from augsafe.images.arrays import ArraySource, NpzSource, SequenceSource
from augsafe.images.files import FolderSource, ManifestSource
from augsafe.images.item import Item, Source
from augsafe.images.masked import LIST, MaskedSource
from augsafe.typing import BoxesLike, LabelsLike, MasksLike, PathLike, SourceLike

__all__ = [
    "ArraySource",
    "FolderSource",
    "Item",
    "ManifestSource",
    "NpzSource",
    "SequenceSource",
    "Source",
    "open_source",
]


def open_source(
    data: SourceLike,
    *,
    labels: LabelsLike | None = None,
    masks: MasksLike | PathLike | None = None,
    boxes: BoxesLike | None = None,
) -> Source:
    """Open a data set.

    Args:
        data: A path, images in memory, or an object.

            - A folder with one subfolder for each class, an .npz archive, or a table (.csv or .parquet).
            - An array (n, H, W[, C]), a list of arrays or Pillow images, or a pair (images, labels).
            - Any object with `__len__` and `__getitem__`, such as a data set of PyTorch. Its items are images, pairs
              (image, label), or dicts with the keys image, label, mask, boxes, box_labels and keypoints.
        labels: The classes of images in memory (n,), as names or indices. Files and objects bring their own.
        masks: The masks of images in memory (n). For a path: the folder of `augsafe masks`, or, for a folder of
            images, a folder with the same names.
        boxes: The boxes of images in memory (n), each (m, 4): x1, y1, x2, y2 in pixels.

    Returns:
        The images by number, with their labels.

    Raises:
        SourceError: The data cannot be read.
        ArgumentError: An argument does not go with this kind of data.
    """
    if isinstance(data, (str, os.PathLike)):
        _refuse("a path", (("labels", labels), ("boxes", boxes)))
        if masks is not None and not isinstance(masks, (str, os.PathLike)):
            raise ArgumentError("open_source(masks=...) for a folder of images must be a folder too; give its path")
        return _open_path(Path(data), masks)
    if isinstance(data, (ArraySource, FolderSource, ManifestSource, MaskedSource, SequenceSource)):
        _refuse("a source", (("labels", labels), ("masks", masks), ("boxes", boxes)))
        return data
    if isinstance(data, tuple) and len(data) == 2 and _is_many(data[0]):
        _refuse("(images, labels)", (("labels", labels),))
        return open_source(data[0], labels=data[1], masks=masks, boxes=boxes)
    if isinstance(data, np.ndarray) or (
        isinstance(data, (list, tuple)) and len(data) and isinstance(data[0], (np.ndarray, Image.Image))
    ):
        if isinstance(masks, (str, os.PathLike)):
            raise ArgumentError("open_source(masks=...) for images in memory takes one mask for each image, not a path")
        return ArraySource(data, labels, masks, boxes)
    own = f"{type(data).__name__}, whose items bring their own: a dict with image, mask, boxes"
    _refuse(own, (("masks", masks), ("boxes", boxes)))
    return SequenceSource(data, labels)


def _is_many(images: object) -> bool:
    """Whether it holds images, and is not one: the first of (images, labels), not of a pair of paths or items."""
    return hasattr(images, "__len__") and hasattr(images, "__getitem__") and not isinstance(images, (str, dict))


def _refuse(what: str, arguments: Sequence[tuple[str, object]]) -> None:
    given = [name for name, value in arguments if value is not None]
    if given:
        raise ArgumentError(f"open_source({given[0]}=...) cannot go with {what}; leave it out")


def _open_path(path: Path, masks: PathLike | None) -> Source:
    """The source of a path; a folder of masks with a list goes with any, another one with a folder of images."""
    if masks is not None and (Path(masks) / LIST).is_file():
        return MaskedSource(_open_path(path, None), path, masks)
    if path.is_dir():
        return FolderSource(path, masks=masks)
    if masks is not None:
        raise ArgumentError(
            f"open_source(masks={os.fspath(masks)!r}) goes with a folder of images, or holds the list of `augsafe "
            f"masks {path}`; make that, or leave it out"
        )
    if not path.exists():
        raise SourceError(f"{str(path)!r} does not exist; give a folder, or a file .npz, .csv or .parquet")
    if path.suffix.lower() == ".npz":
        return NpzSource(path)
    if path.suffix.lower() in (".csv", ".parquet"):
        return ManifestSource(path)
    raise SourceError(f"{str(path)!r} is no folder and no .npz, .csv or .parquet")
