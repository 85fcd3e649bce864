"""The transforms, sorted by what they act on."""

from augsafe.transforms.base import Geometric, Local, Move, Parameter, Tone, Transform
from augsafe.transforms.choice import Choice, OneOf, Repeat, SomeOf
from augsafe.transforms.distortion import Distortion, ElasticDistortion, GridDistortion
from augsafe.transforms.equals import Affine, Levels, MiddleCrop, Power, ResizedCrop, ShortSide
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
from augsafe.transforms.local import Cut, GaussianBlur
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
        ElasticDistortion,
        GridDistortion,
        Affine,
        ResizedCrop,
        ShortSide,
        MiddleCrop,
        Brightness,
        Contrast,
        Gamma,
        Invert,
        Levels,
        Power,
        GaussianBlur,
        Cut,
        OneOf,
        SomeOf,
        Repeat,
    )
}

__all__ = [
    "TRANSFORMS",
    "Affine",
    "Brightness",
    "CenterCrop",
    "Choice",
    "Contrast",
    "Cut",
    "Distortion",
    "ElasticDistortion",
    "Gamma",
    "GaussianBlur",
    "Geometric",
    "GridDistortion",
    "HorizontalFlip",
    "Invert",
    "Letterbox",
    "Levels",
    "Local",
    "MiddleCrop",
    "Move",
    "OneOf",
    "Pad",
    "Parameter",
    "Perspective",
    "Power",
    "RandomCrop",
    "RandomResizedCrop",
    "Repeat",
    "Resize",
    "ResizedCrop",
    "Rotate",
    "Rotate90",
    "Shear",
    "Shift",
    "ShortSide",
    "SomeOf",
    "Tone",
    "Transform",
    "VerticalFlip",
    "Zoom",
]
