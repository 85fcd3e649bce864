"""Where images come from: arrays, npz, a folder per class, a manifest, or any sequence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from augsafe.errors import ArgumentError, SourceError
from augsafe.images.arrays import ArraySource, NpzSource, SequenceSource
from augsafe.images.files import FolderSource, ManifestSource
from augsafe.images.item import Item, Source

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


def open_source(data: Any, *, labels: Any = None, masks: Any = None, boxes: Any = None) -> Source:
    """The source for a path (folder, .npz, .csv, .parquet), arrays, (images, labels), a list, or any sequence.

    `labels`, `masks` and `boxes` go with images in memory; files and objects bring their own. For a folder, `masks` is
    a folder with the same names. Raises SourceError.
    """
    if isinstance(data, (str, os.PathLike)):
        _refuse("a path", labels=labels, boxes=boxes)
        if masks is not None and not isinstance(masks, (str, os.PathLike)):
            raise ArgumentError("open_source(masks=...) for a folder of images must be a folder too; give its path")
        return _open_path(Path(data), masks)
    if isinstance(data, (ArraySource, FolderSource, ManifestSource, SequenceSource)):
        _refuse("a source", labels=labels, masks=masks, boxes=boxes)
        return data
    if isinstance(data, tuple) and len(data) == 2 and _is_many(data[0]):
        _refuse("(images, labels)", labels=labels)
        return open_source(data[0], labels=data[1], masks=masks, boxes=boxes)
    if isinstance(data, np.ndarray) or (
        isinstance(data, (list, tuple)) and len(data) and isinstance(data[0], (np.ndarray, Image.Image))
    ):
        return ArraySource(data, labels, masks, boxes)
    _refuse(
        f"{type(data).__name__}, whose items bring their own: a dict with image, mask, boxes", masks=masks, boxes=boxes
    )
    return SequenceSource(data, labels)


def _is_many(images: Any) -> bool:
    """Whether it holds images, and is not one: the first of (images, labels), not of a pair of paths or items."""
    return hasattr(images, "__len__") and hasattr(images, "__getitem__") and not isinstance(images, (str, dict))


def _refuse(what: str, *, labels: Any = None, masks: Any = None, boxes: Any = None) -> None:
    given = [n for n, v in (("labels", labels), ("masks", masks), ("boxes", boxes)) if v is not None]
    if given:
        raise ArgumentError(f"open_source({given[0]}=...) cannot go with {what}; leave it out")


def _open_path(path: Path, masks: str | os.PathLike[str] | None) -> Source:
    if path.is_dir():
        return FolderSource(path, masks=masks)
    if masks is not None:
        raise ArgumentError(f"open_source(masks=...) goes with a folder of images; {str(path)!r} names its own masks")
    if not path.exists():
        raise SourceError(f"{str(path)!r} does not exist; give a folder, or a file .npz, .csv or .parquet")
    if path.suffix.lower() == ".npz":
        return NpzSource(path)
    if path.suffix.lower() in (".csv", ".parquet"):
        return ManifestSource(path)
    raise SourceError(f"{str(path)!r} is no folder and no .npz, .csv or .parquet")
