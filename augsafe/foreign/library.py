"""What an adapter of another library can do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.foreign.seeding import EVERY
from augsafe.typing import PipelineLike

Image = NDArray[Any]


class Library:
    """One library's way to run a step. Its framework is imported where it is used, never before."""

    name = ""

    def owns(self, item: object) -> bool:
        """Whether a step or pipeline is this library's, told without importing it."""
        return self.name in {part.__module__.split(".")[0] for part in type(item).__mro__}

    def steps(self, pipeline: PipelineLike) -> list[PipelineLike]:
        """The steps of a sequence; a step alone is a sequence of one."""
        return [pipeline]

    def still(self, step: PipelineLike) -> bool:
        """Whether the library says that a step moves no pixels."""
        return False

    def prepare(self, step: PipelineLike) -> PipelineLike:
        """What is run for the pixels; the user's own object is left alone."""
        return step

    def prepare_map(self, step: PipelineLike) -> PipelineLike | None:
        """What is run for a map of coordinates, or None where the step has no such path and must be probed."""
        return None

    def generators(self, step: PipelineLike) -> tuple[str, ...]:
        """The global generators that the step may draw from: of `random`, `numpy` and `torch`."""
        return EVERY

    def borrows(self, form: str) -> bool:
        """Whether a step is given the memory of the image that `run` gets, so that it can write there."""
        return False

    def seed(self, prepared: PipelineLike, seed: int) -> None:
        """Seed the generators that a step holds itself; the caller seeds the global ones.

        Args:
            prepared: What `prepare` or `prepare_map` gave.
            seed: From 0 to 2 ** 32 - 1.
        """

    def run(self, prepared: PipelineLike, image: Image, form: str) -> object:
        """Run a step on one image.

        Args:
            prepared: What `prepare` gave.
            image: (H, W) or (H, W, C).
            form: What the step takes: "array", "pil" or "tensor".

        Returns:
            What the step gave, as an array where it is an image. The caller checks it.
        """
        raise NotImplementedError

    def move(self, prepared: PipelineLike, planes: NDArray[np.float32]) -> Image:
        """Run a step on a map of coordinates.

        Args:
            prepared: What `prepare_map` gave.
            planes: x, y and ones (H, W, 3).

        Returns:
            The map after the step (H, W, 3).
        """
        raise NotImplementedError


class Callables(Library):
    """Any callable from image to image."""

    def owns(self, item: object) -> bool:
        return callable(item)

    def borrows(self, form: str) -> bool:
        return form == "array"

    def run(self, prepared: PipelineLike, image: Image, form: str) -> object:
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


def channels_last(tensor: object, ndim: int) -> object:
    """A tensor with its channels last.

    Args:
        tensor: (C, H, W). What is no tensor is passed on for the caller to refuse.
        ndim: 2 for an image without an axis of channels, else 3.

    Returns:
        An array (H, W) or (H, W, C).
    """
    if not hasattr(tensor, "detach"):
        return tensor
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    if array.ndim != 3:
        return array
    array = array.transpose(1, 2, 0)
    return array[..., 0] if ndim == 2 and array.shape[2] == 1 else array
