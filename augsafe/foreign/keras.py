"""Keras preprocessing layers: how they run, and how a map of coordinates goes through them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.foreign.library import Image, Library
from augsafe.typing import PipelineLike

GEOMETRIC = frozenset(
    [
        "RandomFlip",
        "RandomRotation",
        "RandomTranslation",
        "RandomZoom",
        "RandomShear",
        "RandomPerspective",
        "RandomElasticTransform",
        "RandomCrop",
        "CenterCrop",
        "Resizing",
    ]
)
STILL = frozenset(
    [
        "RandomBrightness",
        "RandomContrast",
        "RandomColorDegeneration",
        "RandomColorJitter",
        "RandomGrayscale",
        "RandomHue",
        "RandomInvert",
        "RandomPosterization",
        "RandomSaturation",
        "RandomSharpness",
        "RandomGaussianBlur",
        "RandomErasing",
        "Rescaling",
        "Normalization",
        "AutoContrast",
        "Equalization",
        "Solarization",
    ]
)


class Keras(Library):
    """Layers of Keras 3, alone, in a list or in a Sequential."""

    name = "keras"

    def steps(self, pipeline: PipelineLike) -> list[PipelineLike]:
        layers = getattr(pipeline, "layers", None)
        if layers is None or type(pipeline).__name__ not in ("Sequential", "Pipeline"):
            return [pipeline]
        return [step for part in layers if type(part).__name__ != "InputLayer" for step in self.steps(part)]

    def still(self, step: PipelineLike) -> bool:
        return _known(step) and type(step).__name__ in STILL

    def prepare(self, step: PipelineLike) -> PipelineLike:
        return _copy(step, {}) if _known(step) else step

    def prepare_map(self, step: PipelineLike) -> PipelineLike | None:
        if not _known(step) or type(step).__name__ not in GEOMETRIC:
            return None
        return _copy(step, {"fill_mode": "constant", "fill_value": 0.0, "interpolation": "bilinear"})

    def seed(self, prepared: PipelineLike, seed: int) -> None:
        for place, layer in enumerate((prepared, *getattr(prepared, "layers", ()))):
            for name in ("seed_generator", "generator"):
                state = getattr(getattr(layer, name, None), "state", None)
                if state is not None:  # the second is a counter: far apart, so that layers draw independently
                    state.assign(np.array([seed % 2**31, place << 16], dtype=np.uint32))

    def run(self, prepared: PipelineLike, image: Image, form: str) -> object:
        planes = image if image.ndim == 3 else image[..., None]
        result = np.asarray(prepared(planes[None].astype(np.float32), training=True))[0]
        if image.dtype.kind == "u":
            result = np.rint(np.clip(result, 0, np.iinfo(image.dtype).max)).astype(image.dtype)
        return result[..., 0] if image.ndim == 2 and result.shape[2] == 1 else result.astype(image.dtype)

    def move(self, prepared: PipelineLike, planes: NDArray[np.float32]) -> Image:
        return np.asarray(np.asarray(prepared(planes[None], training=True))[0])


def _known(step: object) -> bool:
    return type(step).__module__.startswith("keras.")


def _copy(step: Any, changes: dict[str, Any]) -> PipelineLike:
    config = step.get_config()
    made: PipelineLike = type(step).from_config({**config, **{k: v for k, v in changes.items() if k in config}})
    return made
