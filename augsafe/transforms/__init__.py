"""The transforms, sorted by what they act on."""

from augsafe.transforms.base import Geometric, Local, Move, Parameter, Tone, Transform
from augsafe.transforms.choice import OneOf
from augsafe.transforms.frames import CenterCrop, Letterbox, Pad, RandomCrop, RandomResizedCrop, Resize
from augsafe.transforms.geometry import (
    HorizontalFlip,
    Perspective,
    Rotate,
    Rotate90,
    Shear,
    Shift,
    VerticalFlip,
    Zoom,
)
from augsafe.transforms.local import GaussianBlur
from augsafe.transforms.tone import Brightness, Contrast, Gamma, Invert

TRANSFORMS: dict[str, type[Transform]] = {
    t.__name__: t
    for t in (
        Shift,
        Zoom,
        Rotate,
        Shear,
        HorizontalFlip,
        VerticalFlip,
        Rotate90,
        Perspective,
        Resize,
        Letterbox,
        Pad,
        CenterCrop,
        RandomCrop,
        RandomResizedCrop,
        Brightness,
        Contrast,
        Gamma,
        Invert,
        GaussianBlur,
        OneOf,
    )
}

__all__ = [
    "TRANSFORMS",
    "Brightness",
    "CenterCrop",
    "Contrast",
    "Gamma",
    "GaussianBlur",
    "Geometric",
    "HorizontalFlip",
    "Invert",
    "Letterbox",
    "Local",
    "Move",
    "OneOf",
    "Pad",
    "Parameter",
    "Perspective",
    "RandomCrop",
    "RandomResizedCrop",
    "Resize",
    "Rotate",
    "Rotate90",
    "Shear",
    "Shift",
    "Tone",
    "Transform",
    "VerticalFlip",
    "Zoom",
]
