"""torchvision, v1 and v2: how its steps run, and how a map of coordinates goes through them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.foreign.library import Callables, Image, Library, channels_last
from augsafe.foreign.seeding import EVERY
from augsafe.typing import PipelineLike

# Classes that move pixels and do nothing else, by name: v1 and v2 share names, and v2 has more.
GEOMETRIC = frozenset(
    [
        "RandomHorizontalFlip",
        "RandomVerticalFlip",
        "Resize",
        "CenterCrop",
        "RandomResizedCrop",
        "RandomCrop",
        "Pad",
        "RandomRotation",
        "RandomAffine",
        "RandomPerspective",
        "ElasticTransform",
        "RandomZoomOut",
        "RandomShortestSize",
        "RandomResize",
        "ScaleJitter",
    ]
)
STILL = frozenset(
    [
        "ColorJitter",
        "Grayscale",
        "RandomGrayscale",
        "GaussianBlur",
        "GaussianNoise",
        "RandomInvert",
        "RandomPosterize",
        "RandomSolarize",
        "RandomAdjustSharpness",
        "RandomAutocontrast",
        "RandomEqualize",
        "RandomPhotometricDistort",
        "RandomChannelPermutation",
        "RGB",
        "JPEG",
        "RandomErasing",
        "Normalize",
        "ToDtype",
        "ConvertImageDtype",
        "ToImage",
        "ToTensor",
        "PILToTensor",
        "ToPILImage",
        "ToPureTensor",
        "Identity",
    ]
)
WRAPPERS = ("Compose", "RandomApply", "RandomChoice", "RandomOrder", "Sequential")


class Torchvision(Library):
    """Transforms of torchvision, alone or in Compose or Sequential."""

    name = "torchvision"

    def owns(self, item: object) -> bool:
        if type(item).__name__ == "Sequential" and type(item).__module__.startswith("torch.nn"):
            parts = _parts(item)
            return bool(parts) and all(self.owns(part) for part in parts)
        return super().owns(item)

    def steps(self, pipeline: PipelineLike) -> list[PipelineLike]:
        if type(pipeline).__name__ not in ("Compose", "Sequential"):
            return [pipeline]
        return [step for part in _parts(pipeline) for step in self.steps(part)]

    def still(self, step: PipelineLike) -> bool:
        if type(step).__name__ in WRAPPERS:
            return all(self.still(part) for part in _parts(step))
        return _known(step) and type(step).__name__ in STILL

    def prepare_map(self, step: PipelineLike) -> PipelineLike | None:
        if not _moves_only(step):
            return None
        return _plain_borders(step)

    def generators(self, step: PipelineLike) -> tuple[str, ...]:
        if type(step).__name__ in WRAPPERS:
            drawn = {name for part in _parts(step) for name in self.generators(part)} | {"torch"}
            if type(step).__name__ in ("RandomChoice", "RandomOrder"):  # those of the first version
                drawn.add("random")
            return tuple(name for name in EVERY if name in drawn)
        return ("torch",) if _known(step) and type(step).__name__ != "Lambda" else EVERY

    def run(self, prepared: PipelineLike, image: Image, form: str) -> object:
        fits = image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2] in (1, 3, 4))
        picture = form == "pil" and (fits or not _known(prepared))
        return Callables().run(prepared, image, "pil" if picture else "tensor")

    def move(self, prepared: PipelineLike, planes: NDArray[np.float32]) -> Image:
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(planes.transpose(2, 0, 1)))
        return np.asarray(channels_last(prepared(tensor), 3))


def _known(step: Any) -> bool:
    return type(step).__module__.startswith("torchvision.")


def _parts(step: Any) -> list[Any]:
    return list(step) if type(step).__name__ == "Sequential" else list(step.transforms)


def _moves_only(step: Any) -> bool:
    """Whether levels stay as they are, so that coordinates may travel as an image."""
    if type(step).__name__ in WRAPPERS:
        return all(_moves_only(part) for part in _parts(step))
    return _known(step) and type(step).__name__ in GEOMETRIC


def _plain_borders(step: PipelineLike) -> PipelineLike:
    """A copy with zeros beyond the image and linear interpolation: the draws do not depend on either."""
    from torchvision.transforms import InterpolationMode

    made = copy.deepcopy(step)
    if type(step).__name__ in WRAPPERS:
        for part in _parts(made):
            _set_plain(part, InterpolationMode.BILINEAR)
    else:
        _set_plain(made, InterpolationMode.BILINEAR)
    return made


def _set_plain(step: Any, bilinear: Any) -> None:
    if type(step).__name__ in WRAPPERS:
        for part in _parts(step):
            _set_plain(part, bilinear)
        return
    if hasattr(step, "interpolation"):
        step.interpolation = bilinear
    if hasattr(step, "fill"):
        step.fill = 0
    if hasattr(step, "_fill"):
        from torchvision.transforms.v2._utils import _setup_fill_arg

        step._fill = _setup_fill_arg(0)
    if hasattr(step, "padding_mode"):
        step.padding_mode = "constant"
