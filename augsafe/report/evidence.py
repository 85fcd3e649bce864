"""The images that a check looked at, for reports that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.objects import Objects
from augsafe.planning import Output
from augsafe.policies import Compose
from augsafe.report.grid import to_rgb

THUMB = 24
POOL = 60  # images of a class that are looked at for an example


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a check was given: `images`, their `labels` (class indices, -1 for none) and their `objects`.

    `asked`: the user asked that guesses at the object decide.

    `contract` is the one checked against, completed by what was measured. The images are those of the caller, not
    copies.
    """

    images: Sequence[NDArray[Any]] = field(repr=False)
    labels: NDArray[np.int64] = field(repr=False)
    objects: Objects = field(repr=False)
    contract: Contract = field(repr=False)
    value_range: tuple[float, float] | None = None
    asked: bool = False

    def of_class(self, cls: int) -> NDArray[np.intp]:
        """Images of a class, at most 60, evenly chosen; of any class for -1 or where the class has none."""
        rows = np.flatnonzero(self.labels == cls)
        if not len(rows):
            if (self.labels >= 0).any():
                return np.zeros(0, np.intp)
            rows = np.arange(len(self.images))
        return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), POOL)).astype(np.intp))]

    def typical(self, cls: int) -> int | None:
        """The image nearest to the mean of its class; None where the class has no images."""
        rows = self.of_class(cls)
        if not len(rows):
            return None
        small = self._thumbs(rows)
        return int(rows[_distance(small, small.mean(axis=0)).argmin()])

    def nearest(self, cls: int, image: NDArray[Any]) -> int | None:
        """The image of a class that looks most like another image; None where the class has no images."""
        rows = self.of_class(cls)
        if not len(rows):
            return None
        return int(rows[_distance(self._thumbs(rows), thumb(image, self.value_range)).argmin()])

    def _thumbs(self, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        return np.stack([thumb(self.images[int(i)], self.value_range) for i in rows])


def _distance(thumbs: NDArray[np.float32], one: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(((thumbs - one) ** 2).sum(axis=(1, 2, 3)), dtype=np.float32)


def thumb(image: NDArray[Any], value_range: tuple[float, float] | None = None) -> NDArray[np.float32]:
    """A small copy (24, 24, 3), levels from 0 to 1."""
    small = cv2.resize(to_rgb(image, value_range), (THUMB, THUMB), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32) / np.float32(255)


def visible(compose: Compose) -> Compose:
    """The policy without normalisation and layout, which pictures cannot show; its size stays."""
    output = compose.output
    if output is None:
        return compose
    return replace(compose, output=None if output.size is None else Output(size=output.size))


def drawn(text: str, side: int = 96) -> NDArray[np.uint8]:
    """A letter in a frame (side, side), where there is no image to show: the class's own where its name is one letter.

    Others get an R, which no symmetry of the square leaves as it is.
    """
    from PIL import Image, ImageDraw, ImageFont

    letter = text if len(text) == 1 and text.isascii() and text.isalnum() else "R"
    sheet = Image.new("L", (side, side), 20)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(side * 0.62)
    pen.text((side / 2, side / 2), letter, 235, font, anchor="mm")
    return np.array(sheet)
