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
    Affine,
    Brightness,
    CenterCrop,
    Contrast,
    Cut,
    ElasticDistortion,
    Gamma,
    GaussianBlur,
    GridDistortion,
    HorizontalFlip,
    Invert,
    Letterbox,
    Levels,
    MiddleCrop,
    OneOf,
    Pad,
    Perspective,
    Power,
    RandomCrop,
    RandomResizedCrop,
    Repeat,
    Resize,
    ResizedCrop,
    Rotate,
    Rotate90,
    Shear,
    Shift,
    ShortSide,
    SomeOf,
    VerticalFlip,
    Zoom,
)

if TYPE_CHECKING:
    from augsafe.ablation import ablate
    from augsafe.calibration import SafeTrivialAugment, calibrate

__version__ = "0.1.0"

__all__ = [
    "Affine",
    "ArgumentError",
    "AugsafeError",
    "Batch",
    "Brightness",
    "CenterCrop",
    "Compose",
    "Contract",
    "ContractError",
    "Contrast",
    "Cut",
    "CutMix",
    "DecodeError",
    "ElasticDistortion",
    "Finding",
    "Foreign",
    "ForeignStepError",
    "Gamma",
    "GaussianBlur",
    "GridDistortion",
    "HorizontalFlip",
    "InputError",
    "Invert",
    "Letterbox",
    "Levels",
    "Loader",
    "MiddleCrop",
    "MissingExtraError",
    "MixUp",
    "OneOf",
    "Output",
    "Pad",
    "PerClass",
    "Perspective",
    "Plan",
    "PolicyError",
    "Power",
    "RandomCrop",
    "RandomResizedCrop",
    "Repeat",
    "Report",
    "Resize",
    "ResizedCrop",
    "Rotate",
    "Rotate90",
    "SafeTrivialAugment",
    "Sample",
    "Shear",
    "Shift",
    "ShortSide",
    "SomeOf",
    "SourceError",
    "VerticalFlip",
    "ViolationError",
    "Zoom",
    "ablate",
    "calibrate",
    "check",
    "from_albumentations",
    "from_torchvision",
    "preview",
]


def __getattr__(name: str) -> Any:
    # what most programs never call, and is slow to import
    if name == "ablate":
        from augsafe.ablation import ablate

        return ablate
    if name in ("SafeTrivialAugment", "calibrate"):
        from augsafe import calibration

        return getattr(calibration, name)
    raise AttributeError(f"module 'augsafe' has no attribute {name!r}")
