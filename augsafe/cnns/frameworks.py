"""The frameworks are optional: an error names the extra to install."""

from __future__ import annotations

import importlib
from types import ModuleType

from augsafe.errors import MissingExtraError

EXTRAS = {
    "torch": "torch",
    "torchvision": "torch",
    "lightning": "torch",
    "tensorflow": "tensorflow",
    "keras": "tensorflow",
}


def framework(module: str, what: str) -> ModuleType:
    """The module, imported. Raises MissingExtraError, which names the extra that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        extra = EXTRAS[module.partition(".")[0]]
        raise MissingExtraError(
            f"{what} needs {module}, which cannot be imported ({error}): pip install 'augsafe[{extra}]'"
        ) from error
