"""Images in files: a folder for each class, or a table of paths and labels."""

from __future__ import annotations

import csv
import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import MissingExtraError, SourceError
from augsafe.images.decoding import SUFFIXES, Mode, decode, decode_mask
from augsafe.images.item import Item, indexed, position
from augsafe.typing import PathLike

BOX_COLUMNS = ("x1", "y1", "x2", "y2")
SPLITS = {"train", "training", "val", "valid", "validation", "test", "testing"}


class FolderSource:
    """A folder with one subfolder for each class. Images may lie in further folders below; hidden files are ignored.

    Args:
        path: The folder.
        mode: "rgb", "grey", or "unchanged"; see `decode`.
        masks: A folder with the same subfolders and file names; file endings may differ. An image without a mask in
            it has none.

    Raises:
        SourceError: There are no images, or `masks` holds the mask of no image.
    """

    def __init__(self, path: PathLike, mode: Mode = "rgb", masks: PathLike | None = None) -> None:
        root = Path(path)
        if not root.is_dir():
            raise SourceError(f"{str(root)!r} is not a folder")
        names = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
        if names and set(map(str.lower, names)) <= SPLITS and not any(_images_right_in(root / n) for n in names):
            raise SourceError(
                f"{str(root)!r} holds {', '.join(names)}, which are parts of a data set, not classes; open one of "
                f"them: {str(root / names[-1])!r}"
            )
        self.mode: Mode = mode
        self.paths: list[str] = []
        numbers: list[int] = []
        for number, name in enumerate(names):
            inside = _images_below(root / name)
            self.paths += inside
            numbers += [number] * len(inside)
        if not self.paths:
            raise SourceError(_no_images(root))
        self.classes: tuple[str, ...] | None = tuple(names)
        self.labels: NDArray[np.int64] | None = np.array(numbers, dtype=np.int64)
        self._numbers = numbers
        self.masks = None if masks is None else _masks_of(self.paths, root, Path(masks))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Item:
        i = position(index, len(self))
        mask = None if self.masks is None else self.masks[i]
        found = None if mask is None else decode_mask(mask)
        return Item(decode(self.paths[i], mode=self.mode), self._numbers[i], found, path=self.paths[i])


def _masks_of(paths: Sequence[str], root: Path, folder: Path) -> list[str | None]:
    """The mask of each image: the file in `folder` that lies and is called as the image does, but for its ending."""
    if not folder.is_dir():
        raise SourceError(f"masks={str(folder)!r} is not a folder")
    held = {os.path.splitext(os.path.relpath(path, folder))[0]: path for path in _images_below(folder)}
    found = [held.get(os.path.splitext(os.path.relpath(path, root))[0]) for path in paths]
    if not any(found):
        example = os.path.splitext(os.path.relpath(paths[0], root))[0]
        raise SourceError(
            f"masks={str(folder)!r} holds the mask of no image; that of {paths[0]!r} would be {example}.png in it"
        )
    return found


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _images_right_in(folder: Path) -> int:
    return sum(_is_image(entry.name) for entry in folder.iterdir() if entry.is_file())


def _images_below(folder: Path) -> list[str]:
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        found += [os.path.join(place, f) for f in files if _is_image(f)]
    return sorted(found)


def _no_images(root: Path) -> str:
    loose = _images_right_in(root)
    seen = f"{loose} images lie right in it, none in a folder" if loose else "it has no images in folders"
    return (
        f"{str(root)!r} is no data set of a folder for each class: {seen}. Expected:\n"
        f"    {root.name}/\n        cat/\n            1.jpg\n        dog/\n            2.png\n"
        f"with images ending in {', '.join(SUFFIXES)}; for images in one folder, list them in a .csv with path,label"
    )


@dataclass
class _Entry:
    """What the rows of one path say."""

    label: str
    mask: str | None
    boxes: list[list[float]] = field(default_factory=list)
    box_labels: list[str] = field(default_factory=list)


class ManifestSource:
    """A table of images.

    It has the columns path and label. It may have mask, and x1, y1, x2, y2 with or without box_label. Relative paths
    start at the table's folder. Several rows with one path are several boxes of one image. Labels that are all whole
    numbers are class indices; others are names.

    Args:
        path: A .csv file, or .parquet, which needs pyarrow.
        mode: "rgb", "grey", or "unchanged"; see `decode`.

    Raises:
        SourceError: The table cannot be read, lacks a column, or contradicts itself.
    """

    def __init__(self, path: PathLike, mode: Mode = "rgb") -> None:
        table = Path(path)
        columns, rows = _read_table(table)
        _check_columns(table, columns, rows)
        entries: dict[str, _Entry] = {}
        for number, row in enumerate(rows, 1):
            _add(entries, row, f"{str(table)!r}, row {number}")
        root = table.parent
        self.mode: Mode = mode
        self.paths = [str(root / name) for name in entries]
        self.masks = [None if e.mask is None else str(root / e.mask) for e in entries.values()]
        self.boxes = [e.boxes for e in entries.values()]
        self.box_labels = [e.box_labels for e in entries.values()]
        self.labels, self.classes = indexed(_numbers_or_names([e.label for e in entries.values()]), len(entries))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Item:
        i = position(index, len(self))
        mask, boxes = self.masks[i], self.boxes[i]
        return Item(
            decode(self.paths[i], mode=self.mode),
            None if self.labels is None else int(self.labels[i]),
            None if mask is None else decode_mask(mask),
            np.array(boxes, dtype=np.float64) if boxes else None,
            list(self.box_labels[i]) or None,
            path=self.paths[i],
        )


def _numbers_or_names(labels: list[str]) -> list[int] | list[str]:
    """Whole numbers where all are written as such: 10 must not sort before 2, nor class 3 become class 0."""
    if all(label.isascii() and label.isdigit() and str(int(label)) == label for label in labels):
        return [int(label) for label in labels]
    return labels


def _read_table(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    try:
        if path.suffix.lower() == ".parquet":
            try:
                parquet = importlib.import_module("pyarrow.parquet")
            except ImportError as error:
                raise MissingExtraError(f"reading {str(path)!r} needs pyarrow: pip install pyarrow") from error
            table = parquet.read_table(path)
            return list(table.column_names), list(table.to_pylist())
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            return list(reader.fieldnames or ()), list(reader)
    except MissingExtraError:
        raise
    except (OSError, ValueError, csv.Error) as error:
        raise SourceError(f"{str(path)!r} cannot be read as a table: {error}") from error


def _check_columns(path: Path, columns: Sequence[str], rows: Sequence[Any]) -> None:
    some_box = any(name in columns for name in BOX_COLUMNS)
    for name in ("path", "label", *(BOX_COLUMNS if some_box else ())):
        if name not in columns:
            raise SourceError(f"{str(path)!r} has no column {name!r}; its columns are: {', '.join(columns) or 'none'}")
    if not rows:
        raise SourceError(f"{str(path)!r} has no rows below its columns {', '.join(columns)}")


def _cell(row: dict[str, Any], name: str) -> str | None:
    """The text of a cell, None where it is empty."""
    value = row.get(name)
    if value is None or value == "" or value != value:  # not equal to itself: NaN
        return None
    return str(value)


def _add(entries: dict[str, _Entry], row: dict[str, Any], where: str) -> None:
    if None in row:  # what csv does with cells to the right of the last column
        raise SourceError(f"{where}: it has more cells than there are columns; quote values that hold a comma")
    name, label, mask = _cell(row, "path"), _cell(row, "label"), _cell(row, "mask")
    if name is None or label is None:
        raise SourceError(f"{where}: {'path' if name is None else 'label'} is empty")
    entry = entries.setdefault(name, _Entry(label, mask))
    for what, old, new in (("label", entry.label, label), ("mask", entry.mask, mask)):
        if old != new:
            raise SourceError(
                f"{where}: {name!r} has the {what} {new!r}, and {old!r} in a row above; an image has one"
                + (", and classes of boxes go into a column box_label" if what == "label" else "")
            )
    corners = [_cell(row, column) for column in BOX_COLUMNS]
    if all(corner is None for corner in corners):
        return
    try:
        entry.boxes.append([float(corner or "") for corner in corners])
    except ValueError:
        got = ", ".join(f"{column}={row.get(column)!r}" for column in BOX_COLUMNS)
        raise SourceError(f"{where}: a box needs four numbers or four empty cells, got {got}") from None
    if "box_label" in row:
        entry.box_labels.append(_cell(row, "box_label") or label)
