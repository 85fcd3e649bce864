"""Image augmentation that says, before you train, where it breaks your labels."""

from augsafe.ablation import ablate
from augsafe.check import check
from augsafe.compose import Compose
from augsafe.contracts import Contract
from augsafe.errors import (
    ArgumentError,
    AugsafeError,
    ContractError,
    DecodeError,
    InputError,
    MissingExtraError,
    PolicyError,
    SourceError,
    ViolationError,
)
from augsafe.guards.base import Finding
from augsafe.loader import Loader
from augsafe.output import Output
from augsafe.perclass import PerClass
from augsafe.plan import Plan
from augsafe.preview import preview
from augsafe.report import Report
from augsafe.sample import Batch, Sample
from augsafe.transforms import (
    Brightness,
    CenterCrop,
    Contrast,
    Gamma,
    GaussianBlur,
    HorizontalFlip,
    Invert,
    Letterbox,
    OneOf,
    Pad,
    Perspective,
    RandomCrop,
    RandomResizedCrop,
    Resize,
    Rotate,
    Rotate90,
    Shear,
    Shift,
    VerticalFlip,
    Zoom,
)

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "AugsafeError",
    "Batch",
    "Brightness",
    "CenterCrop",
    "Compose",
    "Contract",
    "ContractError",
    "Contrast",
    "DecodeError",
    "Finding",
    "Gamma",
    "GaussianBlur",
    "HorizontalFlip",
    "InputError",
    "Invert",
    "Letterbox",
    "Loader",
    "MissingExtraError",
    "OneOf",
    "Output",
    "Pad",
    "PerClass",
    "Perspective",
    "Plan",
    "PolicyError",
    "RandomCrop",
    "RandomResizedCrop",
    "Report",
    "Resize",
    "Rotate",
    "Rotate90",
    "Sample",
    "Shear",
    "Shift",
    "SourceError",
    "VerticalFlip",
    "ViolationError",
    "Zoom",
    "ablate",
    "check",
    "preview",
]
