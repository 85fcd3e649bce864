"""Masks of a few images: which images to draw them for, and the source that carries those that were drawn."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, SourceError
from augsafe.images.decoding import decode_mask
from augsafe.images.item import Item, Source, position
from augsafe.typing import LabelsLike, PathLike

LIST = "masks.csv"
_STREAM = 0x6D61736B  # so that other samples with the same seed are independent of it
_COLUMNS = ("file", "class", "mask")


def images_to_mask(labels: LabelsLike, count: int = 40, seed: int = 0) -> NDArray[np.int64]:
    """Choose images to draw masks for: at random, evenly over the classes.

    The masks of a random sample measure the rate of all images. Masks of hand-picked images say nothing about the
    others. Draw them in the order given: wherever you stop, what you have drawn is a random sample.

    Args:
        labels: The class of each image (n,), names or indices; all alike where there are no classes.
        count: How many images. All of them are chosen where there are fewer.
        seed: The same seed gives the same choice.

    Returns:
        Indices of the images (count,). Each round takes one image of each class.

    Raises:
        ArgumentError: count is less than 1, or there are no images.
    """
    classes = np.unique(np.asarray(labels), return_inverse=True)[1]
    if count < 1 or not len(classes):
        raise ArgumentError(f"count={count!r} must be at least 1, and there must be images; got {len(classes)} images")
    rng = np.random.default_rng([_STREAM, seed])
    shuffled = rng.permutation(len(classes))
    turn = np.empty(len(classes), np.int64)  # how many of its class come before it
    for cls in np.unique(classes):
        own = shuffled[classes[shuffled] == cls]
        turn[own] = np.arange(len(own))
    # a stable sort keeps the images of a round in random order
    return np.asarray(shuffled[np.argsort(turn[shuffled], kind="stable")][:count], dtype=np.int64)


@dataclass(frozen=True)
class Wanted:
    """A row of the list.

    Attributes:
        file: The image, as it is named in the data.
        cls: Its class, "" where there are none.
        mask: Where its mask belongs, in the folder of the list.
    """

    file: str
    cls: str
    mask: str


def write_mask_list(source: Source, data: PathLike, folder: PathLike, count: int = 40, seed: int = 0) -> list[Wanted]:
    """Choose images to draw masks for, and write them to masks.csv in a folder.

    Args:
        source: The images, as `open_source(data)` gives them.
        data: Their path.
        folder: Where the masks will be saved. It is made where it is missing.
        count: How many images.
        seed: The same seed gives the same list.

    Returns:
        The rows, in the order in which to draw the masks.

    Raises:
        ArgumentError: count is less than 1, or the folder holds a list already, which this would mix with another.
    """
    place = Path(folder) / LIST
    if place.exists():
        raise ArgumentError(f"{str(place)!r} is there already; draw the masks that it names, or name another folder")
    labels = np.zeros(len(source), np.int64) if source.labels is None else source.labels
    files, names = _files(source, Path(data)), source.classes or ()
    rows: dict[str, Wanted] = {}
    for i in images_to_mask(labels, count, seed).tolist():
        cls = "" if source.labels is None else names[labels[i]] if names else str(labels[i])
        mask = _place_of(files[i], i)
        # two images may differ in their endings alone
        mask = f"{files[i]}.png" if mask in rows else mask
        rows[mask] = Wanted(files[i], cls, mask)
    for mask in rows:
        (place.parent / mask).parent.mkdir(parents=True, exist_ok=True)
    with place.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        writer.writerows((row.file, row.cls, row.mask) for row in rows.values())
    return list(rows.values())


def _files(source: Source, data: Path) -> list[str]:
    """What each image is called in the data: its path there, or #12."""
    paths = getattr(source, "paths", None)
    if paths is None:
        return [f"#{i}" for i in range(len(source))]
    root = data if data.is_dir() else data.parent
    return [Path(os.path.relpath(path, root)).as_posix() for path in paths]


def _place_of(file: str, index: int) -> str:
    """Where a mask is saved: as the image, with the ending of a kind of file that keeps levels as they are."""
    if file.startswith("#"):
        return f"{index:06d}.png"
    inside = [part for part in Path(file).with_suffix(".png").parts if part not in ("..", "/")]
    return "/".join(inside)


class MaskedSource:
    """A source whose images have the masks that a list names, as far as they are drawn.

    `masks` holds their paths, None for images without one. `missing` names masks that are not drawn although a later
    one of the list is: what is drawn may then be no random sample.

    Args:
        source: The images, as `open_source(data)` gives them.
        data: Their path.
        folder: The folder of the list and the masks, from `augsafe masks`.

    Raises:
        SourceError: The list cannot be read or is one of other data, or no mask is drawn yet.
    """

    def __init__(self, source: Source, data: PathLike, folder: PathLike) -> None:
        self.source = source
        self.classes, self.labels = source.classes, source.labels
        root = Path(folder)
        rows = _read(root / LIST)
        number = {name: i for i, name in enumerate(_files(source, Path(data)))}
        unknown = next((row.file for row in rows if row.file not in number), None)
        if unknown is not None:
            raise SourceError(
                f"{str(root / LIST)!r} names the image {unknown!r}, which is not in {os.fspath(data)!r}; give the data "
                "that the list was made for, or make a new list"
            )
        drawn = [(root / row.mask).is_file() for row in rows]
        if not any(drawn):
            raise SourceError(f"{str(root)!r} holds none of the masks of its list yet; draw {rows[0].mask!r} first")
        self.masks: list[str | None] = [None] * len(source)
        for row, there in zip(rows, drawn, strict=True):
            self.masks[number[row.file]] = str(root / row.mask) if there else None
        last = max(i for i, there in enumerate(drawn) if there)
        self.missing = [row.mask for row, there in zip(rows[:last], drawn[:last], strict=True) if not there]
        if hasattr(source, "paths"):
            self.paths: list[str] = source.paths

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Item:
        i = position(index, len(self))
        item, mask = self.source[i], self.masks[i]
        if mask is None:
            return item
        found = decode_mask(mask)
        if found.shape[:2] != item.image.shape[:2]:
            raise SourceError(
                f"the mask {mask!r} has {found.shape[0]} x {found.shape[1]} pixels, its image "
                f"{item.image.shape[0]} x {item.image.shape[1]}; draw it at the size of the image"
            )
        return replace(item, mask=found)


def _read(path: Path) -> list[Wanted]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) != _COLUMNS:
                raise SourceError(f"{str(path)!r} must have the columns {', '.join(_COLUMNS)}")
            rows = [Wanted(row["file"], row["class"], row["mask"]) for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        raise (
            error
            if isinstance(error, SourceError)
            else SourceError(f"{str(path)!r} cannot be read as a list of masks: {error}")
        ) from error
    if not rows:
        raise SourceError(f"{str(path)!r} names no image")
    return rows
