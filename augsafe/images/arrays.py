"""Images that are in memory, in an archive, or behind any object with a length and items."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import SourceError
from augsafe.images.item import Item, indexed, position, to_image, to_mask, to_points
from augsafe.typing import BoxesLike, ImageLike, Items, LabelsLike, MasksLike, PathLike

IMAGE_KEYS = ("images", "x", "x_train")
LABEL_KEYS = ("labels", "y", "y_train")


class ArraySource:
    """Images in memory.

    Args:
        images: An array (n, H, W) or (n, H, W, C), or a list of arrays or Pillow images.
        labels: Their classes (n,), as indices or names.
        masks: Their masks (n), each (H, W).
        boxes: Their boxes (n), each (m, 4): x1, y1, x2, y2 in pixels.
        classes: The names of the classes; default: the sorted names in `labels`.

    Raises:
        SourceError: The counts differ, or a label is not among the classes.
    """

    def __init__(
        self,
        images: NDArray[Any] | Sequence[ImageLike],
        labels: LabelsLike | None = None,
        masks: MasksLike | None = None,
        boxes: BoxesLike | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        if isinstance(images, np.ndarray) and images.ndim not in (3, 4) and images.dtype != object:
            raise SourceError(f"images has shape {images.shape}; give (n, H, W), (n, H, W, C) or a list of images")
        for name, given in (("masks", masks), ("boxes", boxes)):
            if given is not None and len(given) != len(images):
                raise SourceError(
                    f"{name} has {len(given)} entries, there are {len(images)} images: give one for each image"
                )
        self.images, self.masks, self.boxes = images, masks, boxes
        self.labels, self.classes = indexed(labels, len(images), classes)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Item:
        i = position(index, len(self))
        return Item(
            to_image(self.images[i], i),
            None if self.labels is None else int(self.labels[i]),
            None if self.masks is None else to_mask(self.masks[i], i),
            None if self.boxes is None else to_points("boxes", self.boxes[i], 4, i),
        )

    def gather(self, indices: NDArray[np.int64]) -> NDArray[Any] | None:
        """Copy some images at once.

        Args:
            indices: Their numbers (m,).

        Returns:
            One array (m, H, W[, C]); None where the images are no array, or have masks or boxes.

        Raises:
            IndexError: There is no such image.
        """
        images = self.images
        if not isinstance(images, np.ndarray) or images.dtype == object or self.masks is not None:
            return None
        return None if self.boxes is not None else np.asarray(images[indices])


class NpzSource(ArraySource):
    """An .npz archive, read once into memory; nothing pickled is loaded.

    Args:
        path: The file. It holds images under `images`, `x` or `x_train`, and may hold labels under `labels`, `y` or
            `y_train`, and `masks` and `classes`.

    Raises:
        SourceError: The archive cannot be read, or holds no images.
    """

    def __init__(self, path: PathLike) -> None:
        name = repr(os.fspath(path))
        held = _load(path, name)
        images = next((held[key] for key in IMAGE_KEYS if key in held), None)
        if images is None:
            raise SourceError(
                f"{name} has no images: it holds {', '.join(held) or 'nothing'}; "
                f"name the images {' or '.join(IMAGE_KEYS)}"
            )
        labels = next((held[key] for key in LABEL_KEYS if key in held), None)
        classes = [str(c) for c in held["classes"]] if "classes" in held else None
        try:
            super().__init__(images, labels, held.get("masks"), None, classes)
        except SourceError as error:
            raise SourceError(f"{name}: {error}") from error


def _load(path: PathLike, name: str) -> dict[str, NDArray[Any]]:
    """The arrays that are wanted; others keep their name and are not read."""
    wanted = {*IMAGE_KEYS, *LABEL_KEYS, "masks", "classes"}
    try:
        with zipfile.ZipFile(path):
            pass
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] if key in wanted else np.zeros(0) for key in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        hint = "; save the images as one array of numbers, not of objects" if "allow_pickle" in str(error) else ""
        raise SourceError(f"{name} cannot be read as .npz: {error}{hint}") from error


class SequenceSource:
    """Any object with a length and items, such as a data set of PyTorch.

    Labels are known without decoding where they are given, where a list holds them, or where the object has whole
    numbers in `.labels` or `.targets`.

    Args:
        data: Each item is an image, (image, label), a dict with the key image, or an `Item`. An image may be an array,
            a Pillow image, a tensor, or a path.
        labels: The classes (n,), as indices or names; default: those of the items.
        classes: The names of the classes; default: those in `data.classes`.

    Raises:
        SourceError: It has no length or no items, or its labels do not fit.
    """

    def __init__(
        self, data: Items | Sequence[Any], labels: LabelsLike | None = None, classes: Sequence[str] | None = None
    ) -> None:
        if isinstance(data, Mapping):
            keys = ", ".join(repr(key) for key in list(data)[:9])
            raise SourceError(f"a dict is no sequence of images; give the entries that are, of the keys {keys}")
        if not hasattr(data, "__len__") or not hasattr(data, "__getitem__"):
            raise SourceError(
                f"a source needs __len__ and __getitem__, {type(data).__name__} lacks one; make a list of it"
            )
        self.data: Any = data
        if labels is None:
            labels = _labels_in_list(data) if isinstance(data, (list, tuple)) else _labels_of(data)
            classes = classes or _classes_of(data, labels)
        self.labels, self.classes = indexed(labels, len(data), classes)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Item:
        i = position(index, len(self))
        item = _item(self.data[i], i)
        return item if self.labels is None else replace(item, label=int(self.labels[i]))


def _item(entry: Any, index: int) -> Item:
    if isinstance(entry, Item):
        return replace(entry, image=to_image(entry.image, index))
    if isinstance(entry, Mapping):
        if "image" not in entry:
            raise SourceError(f"item {index} is a dict without the key image; it has {', '.join(map(str, entry))}")
        labels = entry.get("box_labels")
        return Item(
            to_image(entry["image"], index),
            _scalar(entry.get("label")),
            to_mask(entry.get("mask"), index),
            to_points("boxes", entry.get("boxes"), 4, index),
            None if labels is None else [_scalar(label) for label in labels],
            to_points("keypoints", entry.get("keypoints"), 2, index),
        )
    if isinstance(entry, (tuple, list)) and len(entry) == 2:
        return Item(to_image(entry[0], index), _scalar(entry[1]))
    return Item(to_image(entry, index))


def _scalar(label: Any) -> Any:
    """A number where the label is one in an array or tensor."""
    return label.item() if getattr(label, "shape", None) == () and hasattr(label, "item") else label


def _labels_in_list(data: Sequence[Any]) -> list[Any] | None:
    """The labels that the entries of a list carry, where each has one and they are of one kind."""
    labels = []
    for entry in data:
        if isinstance(entry, Item):
            labels.append(_scalar(entry.label))
        elif isinstance(entry, Mapping):
            labels.append(_scalar(entry.get("label")))
        else:
            labels.append(_scalar(entry[1]) if isinstance(entry, (tuple, list)) and len(entry) == 2 else None)
    alike = all(isinstance(v, int) for v in labels) or all(isinstance(v, str) for v in labels)
    return labels if labels and alike else None


def _labels_of(data: Any) -> NDArray[Any] | None:
    """Whole numbers in `.labels` or `.targets`, unless the object changes them when an item is read."""
    if getattr(data, "target_transform", None) is not None:
        return None
    for name in ("labels", "targets"):
        try:
            values = np.asarray(getattr(data, name))
        except Exception:  # missing, ragged, or a property that fails: the items have their own labels
            continue
        if values.dtype.kind in "iu" and values.shape == (len(data),):
            return values
    return None


def _classes_of(data: Any, labels: Any) -> Sequence[str] | None:
    classes = getattr(data, "classes", None)
    if not isinstance(classes, (list, tuple)) or not all(isinstance(c, str) for c in classes):
        return None
    return classes if labels is None or max(labels, default=0) < len(classes) else None
