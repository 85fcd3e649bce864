"""What an adapter of another library can do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.foreign.seeding import EVERY

Image = NDArray[Any]


class Library:
    """One library's way to run a step. Its framework is imported where it is used, never before."""

    name = ""

    def owns(self, item: Any) -> bool:
        """Whether a step or pipeline is this library's, told without importing it."""
        return self.name in {part.__module__.split(".")[0] for part in type(item).__mro__}

    def steps(self, pipeline: Any) -> list[Any]:
        """The steps of a sequence; a step alone is a sequence of one."""
        return [pipeline]

    def still(self, step: Any) -> bool:
        """Whether the library says that a step moves no pixels."""
        return False

    def prepare(self, step: Any) -> Any:
        """What is run for the pixels; the user's own object is left alone."""
        return step

    def prepare_map(self, step: Any) -> Any:
        """What is run for a map of coordinates, or None where the step has no such path and must be probed."""
        return None

    def generators(self, step: Any) -> tuple[str, ...]:
        """The global generators that the step may draw from: of `random`, `numpy` and `torch`."""
        return EVERY

    def borrows(self, form: str) -> bool:
        """Whether a step is given the memory of the image that `run` gets, so that it can write there."""
        return False

    def seed(self, prepared: Any, seed: int) -> None:
        """Seed generators that the step holds itself; the global ones are seeded by the caller."""

    def run(self, prepared: Any, image: Image, form: str) -> Image:
        """One image (H, W[, C]) through the step. `form` is what the step takes: "array", "pil" or "tensor"."""
        raise NotImplementedError

    def move(self, prepared: Any, planes: NDArray[np.float32]) -> Image:
        """A map of coordinates (H, W, 3) through what `prepare_map` gave."""
        raise NotImplementedError


class Callables(Library):
    """Any callable from image to image."""

    def owns(self, item: Any) -> bool:
        return callable(item)

    def borrows(self, form: str) -> bool:
        return form == "array"

    def run(self, prepared: Any, image: Image, form: str) -> Any:
        if form == "pil":
            from PIL import Image as Pil

            shaped = image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
            result = np.asarray(prepared(Pil.fromarray(shaped)))
            return result[..., None] if image.ndim == 3 and result.ndim == 2 else result
        if form == "tensor":
            import torch

            planes = image if image.ndim == 3 else image[..., None]
            result = prepared(torch.from_numpy(planes.transpose(2, 0, 1).copy()))
            return channels_last(result, image.ndim)
        return prepared(image)


def channels_last(tensor: Any, ndim: int) -> Any:
    """A tensor (C, H, W) as an array (H, W[, C]); what is no tensor is passed on for the caller to refuse."""
    if not hasattr(tensor, "detach"):
        return tensor
    array = tensor.detach().cpu().numpy()
    if array.ndim != 3:
        return array
    array = array.transpose(1, 2, 0)
    return array[..., 0] if ndim == 2 and array.shape[2] == 1 else array
