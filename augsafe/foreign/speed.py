"""How fast a pipeline and its translation are, on the same images."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from augsafe.foreign.step import library_of
from augsafe.foreign.translation import Translation
from augsafe.typing import ImagesLike

ROUNDS, BATCH = 3, 64


@dataclass(frozen=True)
class Speed:
    """Seconds for one image, the best of some rounds.

    Attributes:
        theirs: Of the pipeline.
        ours: Of the policy.
    """

    theirs: float
    ours: float

    @property
    def ratio(self) -> float:
        """How many times faster the policy is; below 1 it is slower."""
        return self.theirs / self.ours

    def __str__(self) -> str:
        was, now = self.theirs * 1e6, self.ours * 1e6
        return f"{was:,.0f} us an image as it was, {now:,.0f} us now: {self.ratio:.2f} times as fast"


def speed(
    made: Translation, images: ImagesLike, batch: int = BATCH, clock: Callable[[], float] = time.perf_counter
) -> Speed:
    """Time a pipeline and its translation.

    Args:
        made: The translation, with its pipeline.
        images: Of uint8, (n, H, W[, C]) or a list. Each library gets them as it takes them (torchvision as pictures of
            Pillow).
        batch: How many the policy takes at once, as a loader does.
        clock: Gives seconds. On a busy machine `time.process_time` is the better one, in one thread.

    Returns:
        Seconds for one image of both.
    """
    library = library_of(made.pipeline)
    shown = [np.asarray(image) for image in images]
    indices = np.arange(len(shown))
    if library.name == "albumentations":

        def theirs() -> None:
            for image in shown:
                made.pipeline(image=image)
    elif library.name == "torchvision":
        from PIL import Image

        pictures = [Image.fromarray(image) for image in shown]

        def theirs() -> None:
            for picture in pictures:
                made.pipeline(picture)
    else:

        def theirs() -> None:
            for image in shown:
                library.run(made.pipeline, image, "array")

    def ours(epoch: int) -> None:
        for first in range(0, len(shown), batch):
            part = slice(first, first + batch)
            made.policy.batch(shown[part], indices[part], seed=0, epoch=epoch)

    times: list[tuple[float, float]] = []
    for number in range(ROUNDS + 1):
        start = clock()
        theirs()
        middle = clock()
        ours(number)
        times.append((middle - start, clock() - middle))
    best = [min(column) / len(shown) for column in zip(*times[1:], strict=True)]
    return Speed(best[0], best[1])
