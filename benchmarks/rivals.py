"""The same chain written as well as each library allows: shift, zoom, rotate, flip, brightness, normalise."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import augsafe as aug

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SHIFT, ZOOM, ANGLE, BRIGHTNESS = 0.1, (0.8, 1.25), 15.0, (0.8, 1.2)
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it asks a server for news otherwise
Run = Callable[[NDArray[np.uint8]], Any]


@dataclass(frozen=True)
class Rival:
    """One library's chain: it takes the batch (n, side, side, 3) and makes float32 CHW of each image."""

    name: str
    version: str
    run: Run | None
    missing: str = ""
    batches: bool = False  # whether `run` takes all images and makes the batches itself

    def epoch(self, images: NDArray[np.uint8], batch: int) -> None:
        """All images, in batches."""
        assert self.run is not None
        if self.batches:
            self.run(images)
            return
        for start in range(0, len(images), batch):
            self.run(images[start : start + batch])


def policy() -> aug.Compose:
    """The chain in augsafe."""
    return aug.Compose(
        [
            aug.Shift(x=(-SHIFT, SHIFT), y=(-SHIFT, SHIFT)),
            aug.Zoom(ZOOM),
            aug.Rotate((-ANGLE, ANGLE)),
            aug.HorizontalFlip(),
            aug.Brightness(BRIGHTNESS),
        ],
        output=aug.Output(dtype="float32", layout="CHW", mean=MEAN, std=STD),
    )


def augsafe(side: int) -> Rival:
    """One call a batch, draws included, into a buffer that is reused, as the loader does."""
    compose = policy()
    buffers: dict[int, NDArray[np.float32]] = {}

    def run(images: NDArray[np.uint8]) -> Any:
        out = buffers.setdefault(len(images), np.empty((len(images), 3, side, side), np.float32))
        return compose.batch(images, indices=np.arange(len(images)), out=out)

    return Rival("augsafe", aug.__version__, run)


def augsafe_loader(batch: int) -> Rival:
    """The loader without threads and guards; reading the images, and fresh memory for batches, are in its time."""
    loaders: dict[int, aug.Loader] = {}

    def run(images: NDArray[np.uint8]) -> None:
        loader = loaders.get(id(images))
        if loader is None:
            loader = aug.Loader(images, policy(), batch_size=batch, workers=0, shuffle=False, on_violation=None)
            loaders[id(images)] = loader
        for _ in loader:
            pass

    return Rival("augsafe, loader", aug.__version__, run, batches=True)


def albumentations(side: int) -> Rival:
    """One Affine for the geometry, then one look-up for the brightness, which is its fastest form."""
    try:
        import albumentations as A
    except ImportError as error:
        return Rival("albumentations", "", None, str(error))
    chain = A.Compose(
        [
            A.Affine(
                translate_percent=(-SHIFT, SHIFT),
                scale=ZOOM,
                rotate=(-ANGLE, ANGLE),
                border_mode=4,  # reflect, as augsafe
                p=1,
            ),
            A.HorizontalFlip(p=0.5),
            A.RandomBrightnessContrast(
                brightness_limit=0,
                contrast_limit=(BRIGHTNESS[0] - 1, BRIGHTNESS[1] - 1),  # alpha * x, without offset
                p=1,
            ),
            A.Normalize(mean=MEAN, std=STD),
        ]
    )

    def run(images: NDArray[np.uint8]) -> Any:
        out = np.empty((len(images), 3, side, side), np.float32)
        for i, image in enumerate(images):
            out[i] = chain(image=image)["image"].transpose(2, 0, 1)
        return out

    return Rival("albumentations", A.__version__, run)


def torchvision(side: int) -> Rival:
    """On uint8 tensors CHW, which is faster there than float; one image at a time, as a data set calls it."""
    try:
        import torch
        import torchvision as tv
        from torchvision.transforms import v2
    except ImportError as error:
        return Rival("torchvision v2", "", None, str(error))
    chain = v2.Compose(
        [
            v2.RandomAffine(
                degrees=ANGLE,
                translate=(SHIFT, SHIFT),
                scale=ZOOM,
                interpolation=v2.InterpolationMode.BILINEAR,
            ),
            v2.RandomHorizontalFlip(0.5),
            v2.ColorJitter(brightness=BRIGHTNESS),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )

    def run(images: NDArray[np.uint8]) -> Any:
        out = torch.empty((len(images), 3, side, side))
        for i, image in enumerate(images):
            out[i] = chain(torch.from_numpy(image).permute(2, 0, 1).contiguous())
        return out

    return Rival("torchvision v2", tv.__version__, run)


def kornia(side: int) -> Rival:
    """The whole batch as one tensor, its conversion from uint8 included."""
    try:
        import kornia as K
        import torch
    except ImportError as error:
        return Rival("kornia", "", None, str(error))
    chain = K.augmentation.AugmentationSequential(
        K.augmentation.RandomAffine(
            degrees=ANGLE, translate=(SHIFT, SHIFT), scale=ZOOM, padding_mode="reflection", p=1.0
        ),
        K.augmentation.RandomHorizontalFlip(p=0.5),
        K.augmentation.RandomBrightness(brightness=BRIGHTNESS, p=1.0),
        K.augmentation.Normalize(mean=torch.tensor(MEAN), std=torch.tensor(STD)),
        data_keys=["input"],
    )

    def run(images: NDArray[np.uint8]) -> Any:
        with torch.no_grad():
            batch = torch.from_numpy(images).permute(0, 3, 1, 2).to(torch.float32).div_(255)
            return chain(batch)

    return Rival("kornia", K.__version__, run)


def rivals(side: int, batch: int) -> list[Rival]:
    """All chains for images of that side, augsafe first."""
    return [augsafe(side), augsafe_loader(batch), albumentations(side), torchvision(side), kornia(side)]
