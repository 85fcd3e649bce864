"""From a data set on disk to the images that a command looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import SourceError

if TYPE_CHECKING:
    from rich.console import Console

    from augsafe.images import Source


@dataclass(frozen=True, eq=False)
class Loaded:
    """Some images of a source with what belongs to them, as `check` and `preview` take it."""

    images: list[NDArray[Any]]
    labels: list[int] | None
    classes: Sequence[str] | None
    masks: list[Any] | None
    boxes: list[Any] | None
    names: list[str]  # the files, or the numbers in the data set


def class_indices(source: Source) -> NDArray[np.int64]:
    """The class of each image, -1 where there are no labels. Raises SourceError when the source is empty."""
    if len(source) == 0:
        raise SourceError("the data set holds no images")
    if source.labels is None:
        return np.full(len(source), -1, np.int64)
    return np.asarray(source.labels, dtype=np.int64)


def even_sample(labels: NDArray[np.int64], most: int | None) -> NDArray[np.int64]:
    """At most so many images, as many of each class as there are, chosen at random but always the same."""
    from augsafe.previews import spread

    if most is None or len(labels) <= most:
        return np.arange(len(labels))
    order = np.random.default_rng(0).permutation(len(labels))
    return np.sort(order[spread(labels[order], most)])


def rows_to_check(source: Source, most: int | None) -> NDArray[np.int64]:
    """An even sample, and every image with a mask where few have one: they are what the others are judged by."""
    labels = class_indices(source)
    rows = even_sample(labels, most)
    given = getattr(source, "masks", None)
    if most is None or given is None or isinstance(given, np.ndarray):
        return rows
    masked = np.array([i for i, mask in enumerate(given) if mask is not None], dtype=np.int64)
    return np.union1d(rows, masked[even_sample(labels[masked], most)]) if len(masked) < len(given) else rows


def check_masks(source: Source, console: Console) -> None:
    """Say where the masks that were drawn may be no random sample of those to be drawn."""
    missing: list[str] = getattr(source, "missing", [])
    if missing:
        console.print(
            f"{len(missing)} masks are missing before the last one that was drawn, such as {missing[0]}. "
            "Draw them too: if they were left out for what the images show, the rates do not hold for all images."
        )


def load(source: Source, rows: NDArray[np.int64], console: Console) -> Loaded:
    """Read some images; a progress bar shows where it takes long."""
    from rich.progress import track

    numbers = class_indices(source)
    words = f"Reading {len(rows):,} images"
    # where nobody looks, a bar would leave an empty line
    bar = track(rows, words, console=console, transient=True, disable=not console.is_terminal)
    items = [source[int(i)] for i in bar]
    return Loaded(
        [item.image for item in items],
        [int(numbers[i]) for i in rows] if numbers[0] >= 0 else None,
        source.classes or None,
        _some([item.mask for item in items]),
        _some([item.boxes for item in items]),
        [
            f"#{i}" if item.path is None else "/".join(Path(item.path).parts[-2:])
            for i, item in zip(rows, items, strict=True)
        ],
    )


def _some(values: list[Any]) -> list[Any] | None:
    return values if any(value is not None for value in values) else None
