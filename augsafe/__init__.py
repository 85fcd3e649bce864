"""Image augmentation that says, before you train, where it breaks your labels."""

from typing import TYPE_CHECKING, Any

from augsafe.check import check
from augsafe.compose import Compose
from augsafe.contracts import Contract
from augsafe.errors import (
    ArgumentError,
    AugsafeError,
    ContractError,
    DecodeError,
    ForeignStepError,
    InputError,
    MissingExtraError,
    PolicyError,
    SourceError,
    ViolationError,
)
from augsafe.foreign import Foreign, from_albumentations, from_torchvision
from augsafe.guards.base import Finding
from augsafe.loader import Loader
from augsafe.mixing import CutMix, MixUp
from augsafe.output import Output
from augsafe.perclass import PerClass
from augsafe.plan import Plan
from augsafe.preview import preview
from augsafe.report import Report
from augsafe.sample import Batch, Sample
from augsafe.transforms import (
    CLAHE,
    Affine,
    AllOf,
    AutoAugment,
    AutoContrast,
    Brightness,
    CenterCrop,
    ChannelShuffle,
    ColorTemperature,
    Contrast,
    Cut,
    Downscale,
    ElasticDistortion,
    Equalize,
    Erase,
    Gamma,
    GaussianBlur,
    GaussianNoise,
    Grayscale,
    GridDistortion,
    HorizontalFlip,
    Hue,
    Invert,
    JpegCompression,
    Letterbox,
    Levels,
    MiddleCrop,
    MotionBlur,
    OneOf,
    Pad,
    Perspective,
    Posterize,
    Power,
    RandAugment,
    RandomCrop,
    RandomResizedCrop,
    Repeat,
    Resize,
    ResizedCrop,
    Rotate,
    Rotate90,
    SaltAndPepper,
    Saturation,
    Sharpen,
    Shear,
    Shift,
    ShortSide,
    Solarize,
    SomeOf,
    TrivialAugmentWide,
    VerticalFlip,
    Zoom,
)

if TYPE_CHECKING:
    from augsafe.ablation import ablate
    from augsafe.calibration import SafeTrivialAugment, calibrate
    from augsafe.measured.leak import label_leak
    from augsafe.measured.realism import realism
    from augsafe.repeats import check_loader

__version__ = "0.1.0"

__all__ = [
    "CLAHE",
    "Affine",
    "AllOf",
    "ArgumentError",
    "AugsafeError",
    "AutoAugment",
    "AutoContrast",
    "Batch",
    "Brightness",
    "CenterCrop",
    "ChannelShuffle",
    "ColorTemperature",
    "Compose",
    "Contract",
    "ContractError",
    "Contrast",
    "Cut",
    "CutMix",
    "DecodeError",
    "Downscale",
    "ElasticDistortion",
    "Equalize",
    "Erase",
    "Finding",
    "Foreign",
    "ForeignStepError",
    "Gamma",
    "GaussianBlur",
    "GaussianNoise",
    "Grayscale",
    "GridDistortion",
    "HorizontalFlip",
    "Hue",
    "InputError",
    "Invert",
    "JpegCompression",
    "Letterbox",
    "Levels",
    "Loader",
    "MiddleCrop",
    "MissingExtraError",
    "MixUp",
    "MotionBlur",
    "OneOf",
    "Output",
    "Pad",
    "PerClass",
    "Perspective",
    "Plan",
    "PolicyError",
    "Posterize",
    "Power",
    "RandAugment",
    "RandomCrop",
    "RandomResizedCrop",
    "Repeat",
    "Report",
    "Resize",
    "ResizedCrop",
    "Rotate",
    "Rotate90",
    "SafeTrivialAugment",
    "SaltAndPepper",
    "Sample",
    "Saturation",
    "Sharpen",
    "Shear",
    "Shift",
    "ShortSide",
    "Solarize",
    "SomeOf",
    "SourceError",
    "TrivialAugmentWide",
    "VerticalFlip",
    "ViolationError",
    "Zoom",
    "ablate",
    "calibrate",
    "check",
    "check_loader",
    "from_albumentations",
    "from_torchvision",
    "label_leak",
    "preview",
    "realism",
]


def __getattr__(name: str) -> Any:
    # what most programs never call, and is slow to import
    if name == "ablate":
        from augsafe.ablation import ablate

        return ablate
    if name == "label_leak":
        from augsafe.measured.leak import label_leak

        return label_leak
    if name == "realism":
        from augsafe.measured.realism import realism

        return realism
    if name == "check_loader":
        from augsafe.repeats import check_loader

        return check_loader
    if name in ("SafeTrivialAugment", "calibrate"):
        from augsafe import calibration

        return getattr(calibration, name)
    raise AttributeError(f"module 'augsafe' has no attribute {name!r}")
