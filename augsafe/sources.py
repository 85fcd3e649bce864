"""Where images come from: arrays, npz, a folder per class, a manifest, or any sequence."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from augsafe.decode import SUFFIXES, Mode, decode
from augsafe.errors import MissingExtraError, SourceError

_IMAGE_KEYS = ("images", "x", "x_train")
_LABEL_KEYS = ("labels", "y", "y_train")
_BOX_COLUMNS = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True, eq=False)
class Item:
    """One image with what belongs to it; `boxes` (m, 4) xyxy in pixels."""

    image: NDArray[Any]
    label: Any = None
    mask: NDArray[Any] | None = None
    boxes: NDArray[np.float64] | None = None
    box_labels: list[Any] | None = None
    keypoints: NDArray[np.float64] | None = None
    path: str | None = None


@runtime_checkable
class Source(Protocol):
    """Images by number; `labels` are class indices, known without decoding any image."""

    classes: tuple[str, ...] | None
    labels: NDArray[np.int64] | None

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Item: ...


def _position(index: int, n: int) -> int:
    if not -n <= index < n:
        raise IndexError(f"index {index} is out of range for {n} images")
    return int(index) % n


def _indexed(labels: Any, n: int, classes: Sequence[str] | None) -> tuple[Any, tuple[str, ...] | None]:
    """Labels as indices, and the classes; names are sorted into classes."""
    if labels is None:
        return None, tuple(classes) if classes else None
    values = np.asarray(labels)
    if values.shape != (n,):
        raise SourceError(f"labels has shape {values.shape}, there are {n} images; give one label an image")
    if values.dtype.kind in "iu":
        return values.astype(np.int64), tuple(classes) if classes else None
    if values.dtype.kind not in "US":
        raise SourceError(f"labels must be whole numbers or names, got {values.dtype}")
    names = tuple(classes) if classes else tuple(sorted({str(v) for v in values}))
    missing = sorted({str(v) for v in values} - set(names))
    if missing:
        raise SourceError(f"labels holds {missing[0]!r}, which is not among the classes {', '.join(names)}")
    return np.array([names.index(str(v)) for v in values], dtype=np.int64), names


class ArraySource:
    """Images in memory: (n, H, W[, C]) or a list, with labels (n,) as indices or names, masks, boxes."""

    def __init__(
        self,
        images: Any,
        labels: Any = None,
        masks: Any = None,
        boxes: Any = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        self.images, self.masks, self.boxes = images, masks, boxes
        for name, given in (("masks", masks), ("boxes", boxes)):
            if given is not None and len(given) != len(images):
                raise SourceError(f"{name} has {len(given)} entries, there are {len(images)} images")
        self.labels, self.classes = _indexed(labels, len(images), classes)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Item:
        i = _position(index, len(self))
        return Item(
            self.images[i],
            None if self.labels is None else int(self.labels[i]),
            None if self.masks is None else self.masks[i],
            None if self.boxes is None else np.asarray(self.boxes[i], dtype=np.float64).reshape(-1, 4),
        )


class NpzSource(ArraySource):
    """An .npz archive with images (key images, x or x_train) and labels (labels, y or y_train); no pickles."""

    def __init__(self, path: str | Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as archive:
                found = list(archive.keys())
                image_key = next((k for k in _IMAGE_KEYS if k in found), None)
                label_key = next((k for k in _LABEL_KEYS if k in found), None)
                if image_key is None:
                    raise SourceError(f"{path} has no images: it holds {found}, one of {_IMAGE_KEYS} is needed")
                images = archive[image_key]
                labels = None if label_key is None else archive[label_key].reshape(-1)
                masks = archive["masks"] if "masks" in found else None
                classes = [str(c) for c in archive["classes"]] if "classes" in found else None
        except SourceError:
            raise
        except (OSError, ValueError, EOFError, AttributeError) as error:
            raise SourceError(f"{path} cannot be read as npz: {error}") from error
        super().__init__(images, labels, masks, None, classes)


class FolderSource:
    """A folder for each class, images inside (also in folders below); hidden files and other files are left alone."""

    def __init__(self, path: str | Path, mode: Mode = "rgb") -> None:
        root = Path(path)
        if not root.is_dir():
            raise SourceError(f"{str(path)!r} is not a folder")
        folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
        self.mode = mode
        self.paths: list[Path] = []
        numbers: list[int] = []
        for number, folder in enumerate(folders):
            inside = sorted(
                p
                for p in folder.rglob("*")
                if p.suffix.lower() in SUFFIXES
                and p.is_file()
                and not any(part.startswith(".") for part in p.relative_to(root).parts)
            )
            self.paths += inside
            numbers += [number] * len(inside)
        if not self.paths:
            raise SourceError(
                f"{str(path)!r} holds no images in folders; expected {root.name}/CLASS/IMAGE with images ending in "
                f"{', '.join(SUFFIXES)}"
            )
        self.classes: tuple[str, ...] | None = tuple(f.name for f in folders)
        self.labels: NDArray[np.int64] | None = np.array(numbers, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Item:
        i = _position(index, len(self))
        assert self.labels is not None
        return Item(decode(self.paths[i], mode=self.mode), int(self.labels[i]), path=str(self.paths[i]))


class ManifestSource:
    """A table with the columns path and label, and if wanted mask and x1, y1, x2, y2 (a row a box).

    A .csv, or .parquet with pyarrow. Relative paths start at the table's folder; several rows of one path are several
    boxes of one image.
    """

    def __init__(self, path: str | Path, mode: Mode = "rgb") -> None:
        rows = _rows(Path(path))
        columns = list(rows[0]) if rows else []
        for needed in ("path", "label"):
            if needed not in columns:
                raise SourceError(f"{path} has no column {needed!r}; it has {', '.join(columns) or 'no rows'}")
        self.root, self.mode = Path(path).parent, mode
        self.entries: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            self.entries.setdefault(str(row["path"]), []).append(row)
        self.paths = list(self.entries)
        labels = []
        for name, group in self.entries.items():
            names = {str(row["label"]) for row in group}
            if len(names) > 1:
                raise SourceError(f"{path}: {name!r} has several labels: {', '.join(sorted(names))}")
            labels.append(names.pop())
        self.labels, self.classes = _indexed(labels, len(labels), None)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Item:
        i = _position(index, len(self))
        group = self.entries[self.paths[i]]
        mask = group[0].get("mask") or None
        boxed = [row for row in group if all(row.get(c) not in (None, "") for c in _BOX_COLUMNS)]
        boxes = np.array([[float(row[c]) for c in _BOX_COLUMNS] for row in boxed]).reshape(-1, 4) if boxed else None
        assert self.labels is not None
        return Item(
            decode(self.root / self.paths[i], mode=self.mode),
            int(self.labels[i]),
            None if mask is None else decode(self.root / str(mask), mode="grey"),
            boxes,
            path=str(self.root / self.paths[i]),
        )


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        if path.suffix == ".parquet":
            try:
                import pyarrow.parquet as parquet
            except ImportError as error:
                raise MissingExtraError("reading .parquet needs pyarrow: pip install pyarrow") from error
            return list(parquet.read_table(path).to_pylist())
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error


class SequenceSource:
    """Any object with a length and items: an image, (image, label), a mapping with "image", or an Item."""

    def __init__(self, data: Any, labels: Any = None, classes: Sequence[str] | None = None) -> None:
        if not hasattr(data, "__len__") or not hasattr(data, "__getitem__"):
            raise SourceError(f"a source needs __len__ and __getitem__, {type(data).__name__} lacks one")
        self.data = data
        if labels is None and hasattr(data, "targets"):
            labels, classes = data.targets, classes or getattr(data, "classes", None)
        self.labels, self.classes = _indexed(labels, len(data), classes)

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Item:
        i = _position(index, len(self))
        entry = self.data[i]
        if isinstance(entry, Item):
            return entry
        if isinstance(entry, dict):
            known = {k: entry.get(k) for k in ("label", "mask", "boxes", "box_labels", "keypoints")}
            return Item(_array(entry.get("image"), i), **known)
        if isinstance(entry, (tuple, list)) and len(entry) == 2:
            return Item(_array(entry[0], i), entry[1])
        return Item(_array(entry, i), None if self.labels is None else int(self.labels[i]))


def _array(image: Any, index: int) -> NDArray[Any]:
    if isinstance(image, np.ndarray):
        return image
    if hasattr(image, "mode") and hasattr(image, "getexif"):  # Pillow
        return np.asarray(image if image.mode in ("L", "RGB") else image.convert("RGB"))
    raise SourceError(
        f"item {index} is {type(image).__name__}, not an image; give numpy arrays (H, W[, C]) or Pillow images"
    )


def open_source(data: Any, *, labels: Any = None, masks: Any = None, boxes: Any = None) -> Source:
    """The source for a path, arrays, (images, labels), a list or any sequence. Raises SourceError."""
    if isinstance(data, (str, Path)):
        return _open_path(Path(data))
    if isinstance(data, tuple) and len(data) == 2 and hasattr(data[0], "__len__"):
        return ArraySource(data[0], data[1], masks, boxes)
    if isinstance(data, np.ndarray) or (isinstance(data, list) and data and isinstance(data[0], np.ndarray)):
        return ArraySource(data, labels, masks, boxes)
    if hasattr(data, "classes") and hasattr(data, "labels") and isinstance(data, Source):
        return data
    return SequenceSource(data, labels)


def _open_path(path: Path) -> Source:
    if not path.exists():
        raise SourceError(f"{str(path)!r} does not exist")
    if path.is_dir():
        return FolderSource(path)
    if path.suffix == ".npz":
        return NpzSource(path)
    if path.suffix in (".csv", ".parquet"):
        return ManifestSource(path)
    raise SourceError(f"{str(path)!r} is no folder, .npz, .csv or .parquet")
