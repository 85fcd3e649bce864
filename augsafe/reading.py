"""Reading some images of a source, with their labels and targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import AugsafeError, SourceError
from augsafe.sample import Image, check_image, check_mask
from augsafe.sources import Item, Source


@dataclass(eq=False)
class Read:
    """What was read: one entry an image."""

    rows: list[int] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    masks: list[Any] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)


def read_images(
    source: Source, indices: NDArray[np.int64], value_range: tuple[float, float] | None, on_error: str
) -> Read:
    """Read images; broken ones are listed where on_error is "skip". Raises what the source raises, or SourceError."""
    read = Read()
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
        read.rows.append(row)
        read.images.append(image)
        read.labels.append(item.label)
        read.masks.append(item.mask)
        read.items.append(item)
    return read
