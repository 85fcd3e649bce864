"""The careless policy of the demo, as people write it in other libraries."""

from __future__ import annotations

from typing import Any


def in_albumentations() -> Any:
    import albumentations as A

    return A.Compose(
        [
            A.Affine(translate_percent={"x": (-0.3, 0.3), "y": (-0.3, 0.3)}, p=1),
            A.Affine(scale=(0.5, 2.0), keep_ratio=True, p=1),
            A.Rotate(limit=40, p=1),
            A.HorizontalFlip(p=0.5),
            A.VerticalFlip(p=0.5),
            A.RandomBrightnessContrast(brightness_limit=0.3, contrast_limit=0, p=1),
        ]
    )


def in_torchvision() -> Any:
    import torchvision.transforms.v2 as T

    return T.Compose(
        [
            T.RandomAffine(0, translate=(0.3, 0.3)),
            T.RandomAffine(0, scale=(0.5, 2.0)),
            T.RandomRotation(40),
            T.RandomHorizontalFlip(),
            T.RandomVerticalFlip(),
            T.ColorJitter(brightness=0.5),
        ]
    )


def in_keras() -> Any:
    import keras

    return keras.Sequential(
        [
            keras.layers.RandomTranslation(0.3, 0.3, fill_mode="constant"),
            keras.layers.RandomZoom((-0.5, 1.0), fill_mode="constant"),
            keras.layers.RandomRotation(40 / 360, fill_mode="constant"),
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomFlip("vertical"),
            keras.layers.RandomBrightness(0.5),
        ]
    )
