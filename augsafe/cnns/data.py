"""The data that a network is trained on: the split, the channels, and the policy for evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.images import Item, Source, open_source
from augsafe.policies import Compose, PerClass
from augsafe.typing import GroupsLike, SourceLike

Policy = Compose | PerClass
LOOKED_AT = 16  # images looked at before training, evenly spread


class Part:
    """Some images of a source, by row, with the channels that a network takes."""

    def __init__(
        self,
        source: Source,
        rows: NDArray[np.int64],
        labels: NDArray[np.int64],
        classes: tuple[str, ...],
        channels: int,
    ) -> None:
        self.source, self.rows, self.channels = source, rows, channels
        self.labels: NDArray[np.int64] | None = labels[rows]
        self.classes: tuple[str, ...] | None = classes

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Item:
        item = self.source[int(self.rows[index])]
        return replace(item, image=with_channels(item.image, self.channels))


@dataclass(frozen=True, eq=False)
class Split:
    """Training and validation images, the names of the classes, and how many training images each has."""

    train: Part
    validation: Part
    classes: tuple[str, ...]
    counts: NDArray[np.int64]


def with_channels(image: NDArray[Any], channels: int) -> NDArray[Any]:
    """Convert an image between grey and colour.

    Args:
        image: (H, W), or (H, W, C) with 1, 3 or 4 channels. An alpha channel is dropped.
        channels: 1 or 3.

    Returns:
        The image with this number of channels. Grey is repeated; RGB is weighted by ITU-R BT.601.
    """
    have = 1 if image.ndim == 2 else image.shape[2]
    if have == channels:
        return image
    if channels == 3:
        flat = image if image.ndim == 2 else image[..., 0]
        return image[..., :3].copy() if have == 4 else np.repeat(flat[..., None], 3, axis=2)
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_RGB2GRAY))


def labels_of(source: Source, classes: Sequence[str] | None = None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The label of each image and the names of the classes.

    Args:
        source: The data set.
        classes: The names, in the order of the labels. Default: those of the source, or the numbers.

    Returns:
        Class indices (n,) and the names.

    Raises:
        InputError: There are no labels, or they do not fit the names.
    """
    if source.labels is None:
        raise InputError("the data has no labels that are known without reading the images; give labels")
    labels = np.asarray(source.labels, dtype=np.int64)
    names = tuple(classes or source.classes or map(str, range(int(labels.max()) + 1 if len(labels) else 0)))
    outside = np.flatnonzero((labels < 0) | (labels >= len(names)))
    if len(outside):
        raise InputError(
            f"image {outside[0]} has label {labels[outside[0]]}, out of range for {len(names)} classes: "
            f"labels go from 0 to {len(names) - 1}"
        )
    if len(names) < 2:
        raise InputError(f"the data has {len(names)} class; a network needs at least 2")
    return labels, names


def divide(
    data: SourceLike,
    channels: int,
    validation: SourceLike | None,
    share: float,
    seed: int,
    groups: GroupsLike | None,
    convert: bool,
) -> Split:
    """Training and validation images.

    Args:
        data: What `open_source` accepts, with labels.
        channels: The channels of the network, 1 or 3.
        validation: Validation data. Default: a share of each class.
        share: This share, between 0 and 1.
        seed: The seed of the split.
        groups: (n,) Images of one group, such as a patient, stay on one side.
        convert: Convert the channels of images in memory. Files are always read as the network needs them.

    Returns:
        The split.

    Raises:
        InputError: The data cannot be divided, or the images do not fit the network.
        ArgumentError: The arguments contradict each other.
        SourceError: The data cannot be read.
    """
    source = open_source(data)
    labels, names = labels_of(source)
    counts = np.bincount(labels, minlength=len(names))
    if (counts == 0).any():
        raise InputError(f"class {names[int(counts.argmin())]!r} has no images; remove it from the classes")
    if validation is None:
        rows, held = _split(labels, names, share, seed, groups)
        other, other_labels = source, labels
    else:
        if groups is not None:
            raise ArgumentError("groups= is for splitting the data, but validation= is given; remove one of them")
        other = open_source(validation)
        other_labels, _ = labels_of(other, names)
        if other.classes is not None and tuple(other.classes) != names:
            raise InputError(f"the validation data has the classes {other.classes}, the training data {names}")
        rows, held = np.arange(len(source)), np.arange(len(other))
    for what, checked in (("training", source), ("validation", other)):
        check_channels(checked, channels, convert, what)
    train = Part(source, rows, labels, names, channels)
    return Split(train, Part(other, held, other_labels, names, channels), names, np.bincount(labels[rows]))


def _split(
    labels: NDArray[np.int64], names: Sequence[str], share: float, seed: int, groups: Any
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit

    counts = np.bincount(labels)
    if counts.min() < 2:
        raise InputError(
            f"class {names[int(counts.argmin())]!r} has {counts.min()} image, which cannot be divided into training "
            "and validation; give 2 or more, or validation= data"
        )
    if groups is None:
        held = min(max(round(share * len(labels)), len(names)), len(labels) - len(names))
        splitter = StratifiedShuffleSplit(1, test_size=held, random_state=seed)
        first, second = next(splitter.split(labels, labels))
    else:
        if len(groups) != len(labels):
            raise ArgumentError(
                f"groups has {len(groups)} entries, there are {len(labels)} images: give one for each image"
            )
        folds = max(round(1 / share), 2)
        if len(set(np.asarray(groups).tolist())) < folds:
            raise InputError(f"groups has fewer groups than the {folds} parts needed for validation_share={share}")
        first, second = next(StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(labels, labels, groups))
    for what, rows in (("training", first), ("validation", second)):
        missing = sorted(set(range(len(names))) - set(labels[rows].tolist()))
        if missing and what == "training":
            raise InputError(f"no image of class {names[missing[0]]!r} is left for {what}; lower validation_share")
    return np.sort(first).astype(np.int64), np.sort(second).astype(np.int64)


def check_channels(source: Source, channels: int, convert: bool, what: str) -> None:
    """Look at some images: they must have the network's channels, or be convertible. Raises InputError."""
    for i in np.unique(np.linspace(0, len(source) - 1, LOOKED_AT).astype(int)).tolist():
        item = source[i]
        shape = item.image.shape
        have = 1 if len(shape) == 2 else shape[2]
        if have not in (1, 3, 4):
            raise InputError(f"{what} image {i} has {have} channels (shape {shape}); the network takes {channels}")
        if have == channels or convert or item.path is not None:
            continue
        how = "np.repeat(images[..., None], 3, axis=-1)" if have == 1 else "cv2.cvtColor or images.mean(axis=-1)"
        raise InputError(
            f"{what} image {i} has {have} channels (shape {shape}); the network takes {channels}: convert it with "
            f"{how}, or set convert_channels=True"
        )
