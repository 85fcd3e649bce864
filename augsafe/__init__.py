"""Image augmentation that says, before you train, where it breaks your labels."""

from importlib import import_module
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
    AugMix,
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
    from augsafe.ablation.ablate import ablate
    from augsafe.ablation.damage import damage
    from augsafe.calibration.calibrate import calibrate
    from augsafe.calibration.trivial import SafeTrivialAugment
    from augsafe.loader import Loader
    from augsafe.measured.leak import label_leak
    from augsafe.measured.realism import realism
    from augsafe.mixing import CutMix, MixUp
    from augsafe.repeats import check_loader

__version__ = "0.1.0"

__all__ = [
    "CLAHE",
    "Affine",
    "AllOf",
    "ArgumentError",
    "AugMix",
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
    "damage",
    "from_albumentations",
    "from_torchvision",
    "label_leak",
    "preview",
    "realism",
]


_SLOW = {  # imported at their first use, so that `import augsafe` takes no longer than it must
    "CutMix": "augsafe.mixing",
    "Loader": "augsafe.loader",
    "MixUp": "augsafe.mixing",
    "SafeTrivialAugment": "augsafe.calibration",
    "ablate": "augsafe.ablation",
    "calibrate": "augsafe.calibration",
    "check_loader": "augsafe.repeats",
    "damage": "augsafe.ablation",
    "label_leak": "augsafe.measured.leak",
    "realism": "augsafe.measured.realism",
}


def __getattr__(name: str) -> Any:
    if name not in _SLOW:
        raise AttributeError(f"module 'augsafe' has no attribute {name!r}")
    return getattr(import_module(_SLOW[name]), name)
