"""How much of a pretrained network to train, from the number of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.cnns.specs import Network
from augsafe.errors import ArgumentError

FEW, SOME = 20, 200  # images of the rarest class
HEAD_EPOCHS = 3
LOWER = 0.1  # the pretrained layers' rate beside the head's


@dataclass(frozen=True)
class Transfer:
    """How to train a pretrained network.

    blocks: how many blocks before the head learn after the head was trained alone: 0 none, None all. head_epochs:
    epochs of the head alone. lower: the rate of the pretrained layers beside the head's. why: the reason, in words.
    """

    blocks: int | None = None
    head_epochs: int = HEAD_EPOCHS
    lower: float = LOWER
    why: str = ""

    def __post_init__(self) -> None:
        if self.blocks is not None and (isinstance(self.blocks, bool) or self.blocks < 0):
            raise ArgumentError(f"Transfer(blocks=...) must be 0 or more, or None for all, got {self.blocks!r}")
        if isinstance(self.head_epochs, bool) or self.head_epochs < 0:
            raise ArgumentError(f"Transfer(head_epochs=...) must be 0 or more, got {self.head_epochs!r}")
        if not 0 < self.lower <= 1:
            raise ArgumentError(f"Transfer(lower=...) must be above 0 and at most 1, got {self.lower!r}")

    @property
    def words(self) -> str:
        """What is done, in words."""
        if self.blocks == 0:
            return "the head alone"
        what = "all layers" if self.blocks is None else f"the head and the last {self.blocks} blocks"
        what = what.replace("last 1 blocks", "last block")
        first = f"the head for {self.head_epochs} epochs, then " if self.head_epochs else ""
        return f"{first}{what}, the pretrained ones at {self.lower:g} of the rate"


def suggest(images_per_class: Sequence[int] | NDArray[np.int64], net: Network) -> Transfer:
    """How much to train, from the images of each class; the rarest class decides. A rule of thumb: try the next, too.

    Fewer than 20: the head. Fewer than 200: the last block too. More: all. Features become specific to their task from
    the input to the head, and fewer images pay for fewer of them: Yosinski et al., "How transferable are features in
    deep neural networks?", 2014. Raises ArgumentError.
    """
    counts = np.asarray(images_per_class, dtype=np.int64)
    if counts.ndim != 1 or not len(counts) or counts.min() < 1:
        raise ArgumentError(f"images_per_class must hold one count of at least 1 a class, got {images_per_class!r}")
    least = int(counts.min())
    has = f"the rarest class has {least:,} training images"
    if least < FEW:
        why = f"{has}, fewer than {FEW}: too few to move the network's features without learning these images by heart"
        return Transfer(0, why=why)
    if least < SOME:
        last = len(net.blocks[-1:]) or 1
        why = f"{has}, fewer than {SOME}: enough for the last features, which are the most specific to the old task"
        return Transfer(last, why=why)
    why = f"{has}, {SOME} or more: enough to adapt all layers, at a lower rate so that what they know is kept"
    return Transfer(None, why=why)
