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

    Attributes:
        blocks: Number of blocks before the head to train, after the head was trained alone; 0 for none, None for all.
        head_epochs: Epochs in which only the head is trained.
        lower: Learning rate of the pretrained layers, as a share of the head's rate, above 0 and at most 1.
        why: The reason, in words.
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
        """A description of what is trained."""
        if self.blocks == 0:
            return "only the head"
        what = "all layers" if self.blocks is None else f"the head and the last {self.blocks} blocks"
        what = what.replace("last 1 blocks", "last block")
        first = f"the head for {self.head_epochs} epochs, then " if self.head_epochs else ""
        return f"{first}{what}, with {self.lower:g} times the rate for pretrained layers"


def suggest(images_per_class: Sequence[int] | NDArray[np.int64], net: Network) -> Transfer:
    """Suggest how much of a pretrained network to train. The rarest class decides.

    With fewer than 20 images, train only the head. With fewer than 200, train the last block too. With more, train all
    layers. This is a rule of thumb, so also try the next choice. Layers near the head are more specific to their task,
    and more images are needed to train more layers (Yosinski et al., "How transferable are features in deep neural
    networks?", 2014).

    Args:
        images_per_class: Number of training images of each class.
        net: The network, from `network(name)`.

    Returns:
        What to train, with the reason.

    Raises:
        ArgumentError: A count is below 1, or there is none.
    """
    counts = np.asarray(images_per_class, dtype=np.int64)
    if counts.ndim != 1 or not len(counts) or counts.min() < 1:
        raise ArgumentError(
            f"images_per_class must have one count of at least 1 for each class, got {images_per_class!r}"
        )
    least = int(counts.min())
    has = f"the rarest class has {least:,} training images"
    if least < FEW:
        why = f"{has}, fewer than {FEW}: too few to train the features of the network without overfitting"
        return Transfer(0, why=why)
    if least < SOME:
        last = len(net.blocks[-1:]) or 1
        why = f"{has}, fewer than {SOME}: enough for the last features, which are the most specific to the old task"
        return Transfer(last, why=why)
    why = f"{has}, {SOME} or more: enough to train all layers, at a lower rate to keep what they have learned"
    return Transfer(None, why=why)
