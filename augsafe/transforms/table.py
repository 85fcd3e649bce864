"""The transforms, sorted by what they act on."""

from augsafe.transforms.augmix import AugMix
from augsafe.transforms.base import Color, Geometric, Local, Move, Tone, Transform
from augsafe.transforms.choice import AllOf, Choice, OneOf, Repeat, SomeOf
from augsafe.transforms.color import ChannelShuffle, ColorTemperature, Grayscale, Hue, Saturation
from augsafe.transforms.distortion import Distortion, ElasticDistortion, GridDistortion
from augsafe.transforms.equals import Affine, Levels, MiddleCrop, Power, ResizedCrop, ShortSide
from augsafe.transforms.erase import Erase
from augsafe.transforms.filters import GaussianBlur, MotionBlur, Sharpen
from augsafe.transforms.frames import CenterCrop, Letterbox, Pad, RandomCrop, RandomResizedCrop, Resize
from augsafe.transforms.geometry import HorizontalFlip, Perspective, Rotate, Rotate90, Shear, Shift, VerticalFlip, Zoom
from augsafe.transforms.histogram import CLAHE, AutoContrast, Equalize
from augsafe.transforms.local import Cut
from augsafe.transforms.noise import GaussianNoise, SaltAndPepper
from augsafe.transforms.parameters import Parameter
from augsafe.transforms.published import AutoAugment, RandAugment, TrivialAugmentWide
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
        AugMix,
        GaussianNoise,
        SaltAndPepper,
        JpegCompression,
        Downscale,
        Erase,
        Cut,
        OneOf,
        AllOf,
        SomeOf,
        Repeat,
    )
}

__all__ = [
    "CLAHE",
    "TRANSFORMS",
    "Affine",
    "AllOf",
    "AugMix",
    "AutoAugment",
    "AutoContrast",
    "Brightness",
    "CenterCrop",
    "ChannelShuffle",
    "Choice",
    "Color",
    "ColorTemperature",
    "Contrast",
    "Cut",
    "Distortion",
    "Downscale",
    "ElasticDistortion",
    "Equalize",
    "Erase",
    "Gamma",
    "GaussianBlur",
    "GaussianNoise",
    "Geometric",
    "Grayscale",
    "GridDistortion",
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
    "RandAugment",
    "RandomCrop",
    "RandomResizedCrop",
    "Repeat",
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
    "SomeOf",
    "Tone",
    "Transform",
    "TrivialAugmentWide",
    "VerticalFlip",
    "Zoom",
]
