"""What a preview is drawn from: the images, their classes, the policy, and what the draws are keyed by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.objects import SALIENCY, Cache, Guess, Objects
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.randomness import Key
from augsafe.report import Marks
from augsafe.transforms import Sizes

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Scene:
    """All images with their class indices (-1: unknown) and their numbers in the data set, which key the draws.

    `compose` is the policy without normalisation; `judged` is whether a contract was given to judge by.
    """

    compose: Compose
    images: Any
    labels: NDArray[np.int64]
    numbers: NDArray[np.int64]
    contract: Contract
    judged: bool
    masks: Any
    boxes: Any
    guess: Guess | None  # whose guesses at the object count
    told: Any  # the labels as they were given, for a finder
    seed: int
    epoch: int

    def shown(self, rows: Rows) -> list[NDArray[Any]]:
        """Some of the images."""
        return [np.asarray(self.images[i]) for i in rows]

    def shapes(self, rows: Rows) -> Sizes:
        """Their heights and widths (n, 2)."""
        return np.array([self.images[i].shape[:2] for i in rows], dtype=np.int64).reshape(len(rows), 2)

    def key(self, rows: Rows, epoch: int = 0) -> Key:
        """What their draws are keyed by, `epoch` epochs after the first that is shown."""
        return Key.of(self.seed, self.epoch + epoch, self.numbers[rows])

    def marks(self, rows: Rows) -> Marks:
        """What they are judged by."""
        return Marks(
            self.contract if self.judged else None, self.labels[rows], self.objects(rows), self.guess is not None
        )

    def objects(self, rows: Rows) -> Objects:
        """Where their objects are, looked for once in each image, however many columns show it."""
        some, place = np.unique(rows, return_inverse=True)
        masks, boxes = (None if given is None else [given[i] for i in some] for given in (self.masks, self.boxes))
        told = None if self.told is None else [self.told[i] for i in some]
        return self._found.find(some, self.shown(some), masks, boxes, told).rows(place)

    @cached_property
    def _found(self) -> Cache:
        return Cache(len(self.images), self.guess or SALIENCY)

    def plan(self, compose: Compose, rows: Rows, epoch: int = 0) -> Plan:
        """What a policy draws for them."""
        objects = self.objects(rows).acting(self.guess is not None) if compose.minds_objects else None
        return compose.planned(self.key(rows, epoch), self.shapes(rows), objects)

    def name(self, row: int) -> str:
        """The class of an image, "" where it is not known."""
        number = int(self.labels[row])
        return "" if number < 0 else self.contract.classes[number]


def spread(labels: NDArray[np.int64], n: int) -> Rows:
    """Choose n images, taken from each class in turn.

    Args:
        labels: (n,) Class indices.
        n: How many to choose.

    Returns:
        Their indices, in the order of the classes.
    """
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    turn = np.arange(len(labels)) - starts
    picked = order[np.lexsort((ordered, turn))][:n]
    return np.asarray(picked[np.lexsort((picked, labels[picked]))], dtype=np.int64)
