"""Calls for mypy to judge: the first half it must accept, and the second half it must refuse.

mypy reads this file with the package. Where it finds nothing wrong in a line of the second half, it says that the
comment `type: ignore` is not used, which is an error too. Nothing here is run.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from augsafe.contracts import Contract
from augsafe.policies import Compose
from augsafe.transforms import HorizontalFlip, Rotate
from augsafe.typing import (
    BoxesLike,
    ContractLike,
    ImageLike,
    ImagesLike,
    LabelsLike,
    MasksLike,
    PointsLike,
    PolicyLike,
    SourceLike,
)


def image(given: ImageLike) -> None: ...
def images(given: ImagesLike) -> None: ...
def labels(given: LabelsLike) -> None: ...
def masks(given: MasksLike) -> None: ...
def boxes(given: BoxesLike) -> None: ...
def points(given: PointsLike) -> None: ...
def source(given: SourceLike) -> None: ...
def policy(given: PolicyLike) -> None: ...
def contract(given: ContractLike) -> None: ...


STACK = np.zeros((3, 4, 4), np.uint8)
PICTURE = Image.new("RGB", (4, 4))

image(STACK)
image(PICTURE)
image("1.png")
image(Path("1.png"))
images(STACK)
images([STACK[0], STACK[1]])
labels([0, 1])
labels(["cat", "dog"])
labels(np.array([0, 1]))
labels([np.int64(3), 4])
labels(range(3))
masks(STACK)
masks([STACK[0], None])
boxes(np.zeros((3, 1, 4)))
boxes([[[1, 2, 3, 4]], [(1, 2.5, 3, 4)], [], None, np.zeros((1, 4))])
points([[1, 2], [3, 4.5]])
points(np.zeros((2, 2)))
source("photographs")
source((STACK, [0, 1, 1]))
source([{"image": STACK[0], "label": 1}])
policy(Compose((Rotate(),)))
policy(Rotate())
policy([Rotate(), HorizontalFlip()])
policy(lambda array: array[::-1])
contract("mnist")
contract(Contract.builtin("mnist"))

image(3)  # type: ignore[arg-type]
images("photographs")  # type: ignore[arg-type]
images([PICTURE])  # type: ignore[list-item]
labels(3)  # type: ignore[arg-type]
labels([0.5])  # type: ignore[list-item]
masks("masks")  # type: ignore[arg-type]
boxes([[1, 2, 3, 4]])  # type: ignore[list-item]
points(3)  # type: ignore[arg-type]
source(3)  # type: ignore[arg-type]
policy("policy.yaml")  # type: ignore[arg-type]
policy(STACK)  # type: ignore[arg-type]
policy({"Rotate": 3})  # type: ignore[arg-type]
contract(3)  # type: ignore[arg-type]
contract(Rotate())  # type: ignore[arg-type]
