"""Every error augsafe raises, as one tree.

    AugsafeError
    ├── ArgumentError      a transform, policy or call was given a value it cannot use (also a ValueError)
    ├── InputError         an image, mask, box, keypoint or label is not what was declared (also a ValueError)
    ├── PolicyError        a policy file or record cannot be read (also a ValueError)
    ├── ContractError      a contract contradicts itself or does not fit the labels (also a ValueError)
    ├── SourceError        a data set cannot be read: a folder, manifest or archive (also an OSError)
    │   └── DecodeError    one image file is broken, too large or of a kind that is refused
    ├── ViolationError     a guard was told to raise, and a draw broke the contract
    ├── ForeignStepError   another library's step raised, or gave what it must not (also a RuntimeError)
    └── MissingExtraError  an optional framework is not installed (also an ImportError)

Messages name the argument, show the value, and say what to do.
"""

from __future__ import annotations


class AugsafeError(Exception):
    """Base of all errors raised by augsafe."""


class ArgumentError(AugsafeError, ValueError):
    """A transform, policy or call was given a value it cannot use."""


class InputError(AugsafeError, ValueError):
    """An image, mask, box, keypoint or label is not what was declared."""


class PolicyError(AugsafeError, ValueError):
    """A policy file or a record of draws cannot be read."""


class ContractError(AugsafeError, ValueError):
    """A contract contradicts itself, or does not fit the labels."""


class SourceError(AugsafeError, OSError):
    """A data set cannot be read."""


class DecodeError(SourceError):
    """One image file is broken, too large, or of a kind that is refused."""


class ViolationError(AugsafeError):
    """A draw broke the contract, and the guard was told to raise."""


class ForeignStepError(AugsafeError, RuntimeError):
    """A step of another library raised, or gave something that is not an image like the one it got."""


class MissingExtraError(AugsafeError, ImportError):
    """An optional framework is not installed."""
