"""kornia: how its augmentations run on one image, and how a map of coordinates goes through them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.foreign.library import Image, Library, channels_last
from augsafe.foreign.seeding import EVERY
from augsafe.typing import PipelineLike

_SEQUENCES = ("AugmentationSequential", "ImageSequential", "Sequential")


class Kornia(Library):
    """Augmentations of kornia, alone or in AugmentationSequential, ImageSequential or Sequential."""

    name = "kornia"

    def owns(self, item: object) -> bool:
        if type(item).__name__ == "Sequential" and type(item).__module__.startswith("torch.nn"):
            parts = _parts(item)
            return bool(parts) and all(self.owns(part) for part in parts)
        return super().owns(item)

    def steps(self, pipeline: PipelineLike) -> list[PipelineLike]:
        if type(pipeline).__name__ not in _SEQUENCES or getattr(pipeline, "random_apply", False):
            return [pipeline]
        return [step for part in _parts(pipeline) for step in self.steps(part)]

    def still(self, step: PipelineLike) -> bool:
        import kornia.augmentation as K

        return isinstance(step, K.IntensityAugmentationBase2D)

    def generators(self, step: PipelineLike) -> tuple[str, ...]:
        theirs: Any = step
        own = all(type(part).__module__.startswith(("kornia.", "torch.nn.")) for part in theirs.modules())
        return ("torch",) if own else EVERY

    def prepare(self, step: PipelineLike) -> PipelineLike:
        return copy.deepcopy(step)

    def prepare_map(self, step: PipelineLike) -> PipelineLike | None:
        import kornia.augmentation as K
        from kornia.constants import Resample

        if not isinstance(step, K.GeometricAugmentationBase2D):
            return None
        made = copy.deepcopy(step)
        for name in ("padding_mode", "fill_value"):
            if name in made.flags and made.flags[name] is not None:
                made.flags[name] = type(made.flags[name])(0) if name == "padding_mode" else made.flags[name] * 0
        if "resample" in made.flags:
            made.flags["resample"] = Resample.BILINEAR
        return made

    def run(self, prepared: PipelineLike, image: Image, form: str) -> object:
        import torch

        top = float(np.iinfo(image.dtype).max) if image.dtype.kind == "u" else 1.0
        planes = image if image.ndim == 3 else image[..., None]
        tensor = torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1)))[None].float() / top
        result = np.asarray(channels_last(prepared(tensor)[0], image.ndim))
        if image.dtype.kind == "u":
            result = np.rint(np.clip(result, 0, 1) * top)
        return result.astype(image.dtype)

    def move(self, prepared: PipelineLike, planes: NDArray[np.float32]) -> Image:
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1)))[None]
        return np.asarray(channels_last(prepared(tensor)[0], 3))


def _parts(pipeline: Any) -> list[Any]:
    return list(pipeline.children())
