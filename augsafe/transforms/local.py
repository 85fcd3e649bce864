"""Steps without a kind of their own that run after the warp and the table of their stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from augsafe.transforms.base import Local


@dataclass(frozen=True)
class Cut(Local):
    """End a stage: what the frame does not show here is lost, and the policy's border continues what it does show.

    Policies need it only to repeat what other libraries do, which render each step on its own.
    """

    def apply(self, image: NDArray[Any], values: Mapping[str, float]) -> NDArray[Any]:
        return image.copy()
