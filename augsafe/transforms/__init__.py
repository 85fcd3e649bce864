"""The transforms, sorted by what they act on."""

from augsafe.transforms.base import Color, Geometric, Local, Move, Parameter, Tone, Transform
from augsafe.transforms.choice import OneOf
from augsafe.transforms.color import ChannelShuffle, ColorTemperature, Grayscale, Hue, Saturation
from augsafe.transforms.equals import Affine, Levels, MiddleCrop, Power, ResizedCrop, ShortSide
from augsafe.transforms.erase import Erase
from augsafe.transforms.filters import GaussianBlur, MotionBlur, Sharpen
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
from augsafe.transforms.histogram import CLAHE, AutoContrast, Equalize
from augsafe.transforms.local import Cut
from augsafe.transforms.noise import GaussianNoise, SaltAndPepper
from augsafe.transforms.quality import Downscale, JpegCompression
from augsafe.transforms.tone import Brightness, Contrast, Gamma, Invert, Posterize, Solarize

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
        Affine,
        ResizedCrop,
        ShortSide,
        MiddleCrop,
        Brightness,
        Contrast,
        Gamma,
        Invert,
        Posterize,
        Solarize,
        Saturation,
        Hue,
        ColorTemperature,
        Grayscale,
        ChannelShuffle,
        Levels,
        Power,
        GaussianBlur,
        MotionBlur,
        Sharpen,
        Equalize,
        AutoContrast,
        CLAHE,
        GaussianNoise,
        SaltAndPepper,
        JpegCompression,
        Downscale,
        Erase,
        Cut,
        OneOf,
    )
}

__all__ = [
    "CLAHE",
    "TRANSFORMS",
    "Affine",
    "AutoContrast",
    "Brightness",
    "CenterCrop",
    "ChannelShuffle",
    "Color",
    "ColorTemperature",
    "Contrast",
    "Cut",
    "Downscale",
    "Equalize",
    "Erase",
    "Gamma",
    "GaussianBlur",
    "GaussianNoise",
    "Geometric",
    "Grayscale",
    "HorizontalFlip",
    "Hue",
    "Invert",
    "JpegCompression",
    "Letterbox",
    "Levels",
    "Local",
    "MiddleCrop",
    "MotionBlur",
    "Move",
    "OneOf",
    "Pad",
    "Parameter",
    "Perspective",
    "Posterize",
    "Power",
    "RandomCrop",
    "RandomResizedCrop",
    "Resize",
    "ResizedCrop",
    "Rotate",
    "Rotate90",
    "SaltAndPepper",
    "Saturation",
    "Sharpen",
    "Shear",
    "Shift",
    "ShortSide",
    "Solarize",
    "Tone",
    "Transform",
    "VerticalFlip",
    "Zoom",
]
