"""Twenty pipelines as people write them: shapes taken from public training recipes, translated, timed, compared.

Sources of the shapes: torchvision's references/classification presets; timm's transforms_factory (its torchvision
parts); the ImageNet example of PyTorch; ResNet-on-CIFAR recipes; albumentations' own documentation and the usual
segmentation, medical and competition recipes built on it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from augsafe.foreign import translate
from augsafe.foreign.speed import Speed, speed

BATCHES = (8, 64)  # images planned at once: a trainer's batch is rather the latter
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def in_albumentations() -> dict[str, Callable[[], Any]]:
    """Ten pipelines of albumentations."""
    import albumentations as A
    import cv2
    from albumentations.pytorch import ToTensorV2

    end = [A.Normalize(MEAN, STD), ToTensorV2()]
    return {
        "imagenet": lambda: A.Compose([A.RandomResizedCrop((224, 224)), A.HorizontalFlip(), *end]),
        "shift-scale-rotate": lambda: A.Compose(
            [A.Resize(256, 256), A.ShiftScaleRotate(p=0.5), A.RandomCrop(224, 224), A.HorizontalFlip(), *end]
        ),
        "kaggle": lambda: A.Compose(
            [
                A.Resize(224, 224),
                A.HorizontalFlip(),
                A.VerticalFlip(),
                A.RandomRotate90(),
                A.RandomBrightnessContrast(p=0.3),
                A.OneOf([A.GaussianBlur(), A.MotionBlur()], p=0.2),
                A.CoarseDropout(p=0.3),
                *end,
            ]
        ),
        "affine": lambda: A.Compose(
            [
                A.Affine(scale=(0.8, 1.2), rotate=(-20, 20), shear=(-8, 8), border_mode=cv2.BORDER_REFLECT_101, p=0.8),
                *end,
            ]
        ),
        "medical": lambda: A.Compose(
            [A.Rotate(limit=15, p=0.7), A.ElasticTransform(p=0.2), A.RandomGamma(p=0.5), A.GaussNoise(p=0.2)]
        ),
        "aerial": lambda: A.Compose([A.RandomCrop(128, 128), A.D4(), A.HueSaturationValue(), A.Normalize()]),
        "colour": lambda: A.Compose(
            [A.ColorJitter(p=0.8), A.ToGray(p=0.1), A.HorizontalFlip(), A.ToFloat(max_value=255)]
        ),
        "choice": lambda: A.Compose(
            [
                A.OneOf([A.HorizontalFlip(), A.VerticalFlip(), A.RandomRotate90()], p=0.8),
                A.CLAHE(p=0.3),
                A.InvertImg(p=0.1),
            ]
        ),
        "detection": lambda: A.Compose(
            [A.SmallestMaxSize(160), A.PadIfNeeded(200, 200), A.CenterCrop(150, 150), A.Perspective(p=0.3), *end]
        ),
        "validation": lambda: A.Compose([A.Resize(256, 256), A.CenterCrop(224, 224), *end]),
    }


def in_torchvision() -> dict[str, Callable[[], Any]]:
    """Ten pipelines of torchvision, v1 and v2."""
    import torch
    import torchvision.transforms as v1
    import torchvision.transforms.v2 as v2

    old = [v1.ToTensor(), v1.Normalize(MEAN, STD)]
    new = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
    return {
        "imagenet": lambda: v1.Compose([v1.RandomResizedCrop(224), v1.RandomHorizontalFlip(), *old]),
        "cifar": lambda: v1.Compose([v1.RandomCrop(200, padding=4), v1.RandomHorizontalFlip(), *old]),
        "reference": lambda: v2.Compose(
            [v2.RandomResizedCrop(224), v2.RandomHorizontalFlip(), v2.TrivialAugmentWide(), *new, v2.RandomErasing(0.1)]
        ),
        "randaugment": lambda: v1.Compose([v1.RandomResizedCrop(224), v1.RandAugment(2, 9), *old]),
        "jitter": lambda: v1.Compose(
            [v1.Resize(256), v1.RandomCrop(224), v1.ColorJitter(0.4, 0.4, 0.4, 0.1), v1.RandomHorizontalFlip(), *old]
        ),
        "simclr": lambda: v1.Compose(
            [
                v1.RandomResizedCrop(96),
                v1.RandomHorizontalFlip(),
                v1.RandomApply([v1.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8),
                v1.RandomGrayscale(0.2),
                v1.GaussianBlur(9),
                v1.ToTensor(),
            ]
        ),
        "rotation": lambda: v2.Compose(
            [v2.RandomRotation(15), v2.RandomAffine(0, translate=(0.1, 0.1)), v2.ColorJitter(brightness=0.2), *new]
        ),
        "affine": lambda: v2.Compose(
            [v2.RandomAffine(20, (0.1, 0.1), (0.8, 1.2), 10, interpolation=v2.InterpolationMode.BILINEAR), *new]
        ),
        "lambda": lambda: v1.Compose([v1.Lambda(_rgb), v1.RandomVerticalFlip(), v1.Pad(4), v1.CenterCrop(224), *old]),
        "validation": lambda: v1.Compose([v1.Resize(256), v1.CenterCrop(224), *old]),
    }


def _rgb(image: Any) -> Any:
    return image.convert("RGB")


def photos(n: int = 64, height: int = 256, width: int = 256) -> list[np.ndarray]:
    """Parts of scikit-image's photograph of a cat."""
    from skimage.data import chelsea

    picture = chelsea()[:, :, :3]
    return [np.ascontiguousarray(np.roll(picture, 13 * k, axis=1)[:height, :width]) for k in range(n)]


def table(images: Any, batches: Sequence[int] = BATCHES) -> list[tuple[str, str, int, int, int, list[Speed]]]:
    """Library, pipeline, steps, steps kept as they are, stages, and the speed in batches of some sizes, of each."""
    rows = []
    for library, pipelines in (("albumentations", in_albumentations()), ("torchvision", in_torchvision())):
        for name, make in pipelines.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = translate(make())
                found = [speed(made, images, batch, time.process_time) for batch in batches]
            kept = sum(row.became == "kept" for row in made.rows)
            rows.append((library, name, len(made.rows), kept, len(made.policy.stages), found))
    return rows


def main() -> None:
    """Print the table: processor time, in one thread, as a worker of a loader has."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    columns = " | ".join(f"times as fast, batches of {batch}" for batch in BATCHES)
    print(f"| library | pipeline | steps | kept as they are | stages | us an image, theirs | {columns} |")
    print("|---" * (6 + len(BATCHES)) + "|")
    for library, name, steps, kept, stages, found in table(photos()):
        ratios = " | ".join(f"{one.ratio:.2f}" for one in found)
        print(f"| {library} | {name} | {steps} | {kept} | {stages} | {found[-1].theirs * 1e6:,.0f} | {ratios} |")


if __name__ == "__main__":
    main()
