"""Reading some images of a source, with their labels and targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import AugsafeError, SourceError
from augsafe.images import ArraySource, Item, Source
from augsafe.pixels import Images, check_image, check_mask


@dataclass(eq=False)
class Read:
    """What was read, one entry for each image: `images` is a list, or one array of images that have no targets.

    `items` is empty where there are no targets.
    """

    rows: Sequence[int] = field(default_factory=list)
    images: Images = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """What all images take."""
        return self.images.nbytes if isinstance(self.images, np.ndarray) else sum(i.nbytes for i in self.images)

    def some(self, rows: NDArray[np.intp]) -> Images:
        """Some of the images, by rising rows; not copied where they lie one after another."""
        if not isinstance(self.images, np.ndarray):
            return [self.images[i] for i in rows]
        if rows[-1] - rows[0] + 1 == len(rows):
            return self.images[rows[0] : rows[-1] + 1]
        return np.asarray(self.images[rows])

    def shapes(self, rows: NDArray[np.intp]) -> Any:
        """Heights and widths of some of the images."""
        if isinstance(self.images, np.ndarray):
            return np.tile(np.array(self.images.shape[1:3]), (len(rows), 1))
        return [self.images[i].shape for i in rows]

    def targets(self, name: str) -> list[Any] | None:
        """The masks or boxes, one entry for each image, or None where there are none."""
        return [getattr(item, name) for item in self.items] if self.items else None


def read_images(
    source: Source, indices: NDArray[np.int64], value_range: tuple[float, float] | None, on_error: str
) -> Read:
    """Read images; broken ones are listed where on_error is "skip". Raises what the source raises, or SourceError."""
    together = _together(source, indices)
    if together is not None:
        return together
    rows, images, read = [], [], Read()
    for row, index in enumerate(indices.tolist()):
        try:
            item = source[index]
            image = check_image(item.image, value_range)
            if item.mask is not None:
                check_mask(item.mask, image)
        except Exception as error:
            if on_error == "skip":
                read.skipped.append((index, str(error)))
                continue
            kind = type(error) if isinstance(error, AugsafeError) else SourceError
            raise kind(f"image {index}: {error}") from error
        rows.append(row)
        images.append(image)
        read.labels.append(item.label)
        read.items.append(item)
    read.rows, read.images = rows, images
    return read


def _together(source: Source, indices: NDArray[np.int64]) -> Read | None:
    """Images that lie in one array, read at once: an object for each would cost more than to render it.

    Only where one check holds for all of them; floats are looked at one by one.
    """
    if not isinstance(source, ArraySource) or not len(indices):
        return None
    images = source.gather(indices)
    if images is None or images.dtype.kind != "u":
        return None
    try:
        check_image(images[0])
    except AugsafeError as error:
        raise type(error)(f"image {indices[0]}: {error}") from error
    labels = [None] * len(indices) if source.labels is None else source.labels[indices].tolist()
    return Read(range(len(indices)), images, labels)
