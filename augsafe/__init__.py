"""Image augmentation that says, before you train, where it breaks your labels."""

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
