"""The types of arguments, named once: what users may pass where a signature says `ImagesLike` or `LabelsLike`.

This module needs only numpy and the standard library, so every room can import it. A policy or a contract, which other
rooms define, is described by what it must have (`typing.Protocol`). Type checkers use these names. At run time the
functions check their arguments themselves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ArrayLike",
    "BoxesLike",
    "ContractLike",
    "FinderLike",
    "GroupsLike",
    "ImageLike",
    "ImagesLike",
    "IndicesLike",
    "Items",
    "KeypointsLike",
    "LabelLike",
    "LabelsLike",
    "MasksLike",
    "PathLike",
    "PipelineLike",
    "PointsLike",
    "PolicyLike",
    "ReferenceLike",
    "ShapesLike",
    "SourceLike",
]


class ArrayLike(Protocol):
    """An array, or what numpy can make one of: a tensor, a column of a table."""

    def __array__(self) -> NDArray[Any]: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __getitem__(self, index: Any, /) -> Any: ...


class Items(Protocol):
    """Anything with a length and items by number, such as a list or a data set of PyTorch."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class HasPixels(Protocol):
    """A picture that numpy can read, such as one of Pillow."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


class HasRanges(Protocol):
    """What each augsafe transform has: a chance to act, and a name in its policy."""

    @property
    def p(self) -> float: ...

    @property
    def label(self) -> str: ...


class HasRelations(Protocol):
    """What each contract has: its classes, and what a symmetry does to one of them."""

    @property
    def classes(self) -> tuple[str, ...]: ...

    def relation(self, cls: str | int, symmetry: str) -> object: ...


PathLike: TypeAlias = str | os.PathLike[str]
"""The path of a file or folder."""

ImageLike: TypeAlias = NDArray[Any] | HasPixels | ArrayLike | PathLike
"""What a data set may hold for one image: an array (H, W) or (H, W, C), a picture of Pillow, a tensor, a path."""

ImagesLike: TypeAlias = NDArray[Any] | Sequence[NDArray[Any]]
"""Images in memory: an array (n, H, W) or (n, H, W, C), or a list of arrays whose sizes may differ."""

LabelLike: TypeAlias = int | str | np.integer[Any]
"""The class of one image: its name, or its index from 0."""

LabelsLike: TypeAlias = ArrayLike | Sequence[LabelLike]
"""The classes of n images, as names or as indices from 0."""

GroupsLike: TypeAlias = ArrayLike | Sequence[LabelLike]
"""What n images belong to, such as a patient, a video or a font; images of one group are not independent."""

MasksLike: TypeAlias = NDArray[Any] | Sequence[NDArray[Any] | None]
"""The masks of n images, each (H, W) of whole numbers or bool, or None for an image without one."""

PointsLike: TypeAlias = ArrayLike | Sequence[Sequence[float] | ArrayLike]
"""Rows of numbers for one image, in pixels: boxes (m, 4) or keypoints (k, 2)."""

BoxesLike: TypeAlias = NDArray[Any] | Sequence[PointsLike | None]
"""The boxes of n images, each (m, 4), or None for an image without any."""

KeypointsLike: TypeAlias = NDArray[Any] | Sequence[PointsLike | None]
"""The keypoints of n images, each (k, 2) as x and y, or None for an image without any."""

ShapesLike: TypeAlias = NDArray[Any] | Sequence[tuple[int, ...]]
"""The shapes of n images: (n, 2) heights and widths, or n shapes (H, W) or (H, W, C)."""

IndicesLike: TypeAlias = NDArray[np.integer[Any]] | Sequence[int]
"""The numbers of n images in their data set, from 0; they key the random draws."""

SourceLike: TypeAlias = PathLike | Items
"""A data set: a path (a folder, .npz, .csv or .parquet), arrays, (images, labels), a list, or any object with items."""

PipelineLike: TypeAlias = Callable[..., Any]
"""A pipeline or transform of another library, or any function from image to image."""

PolicyLike: TypeAlias = HasRanges | PipelineLike | Sequence[HasRanges | PipelineLike]
"""A `Compose`, one transform, a list of transforms, or a pipeline of another library."""

ContractLike: TypeAlias = HasRelations | str
"""A `Contract`, or the name of a built-in one."""

ReferenceLike: TypeAlias = Callable[[Any], Any]
"""A function from images to class probabilities or embeddings, one row an image."""

FinderLike: TypeAlias = Callable[[NDArray[Any], Any], Any]
"""A function of an image and its label that returns a mask of the object, (H, W), or None where it finds none."""
