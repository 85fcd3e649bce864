"""The frameworks are optional: an error names the extra to install."""

from __future__ import annotations

import importlib
import sys
from contextlib import suppress
from types import ModuleType

from augsafe.errors import MissingExtraError

EXTRAS = {
    "torch": "torch",
    "torchvision": "torch",
    "lightning": "torch",
    "tensorflow": "tensorflow",
    "keras": "tensorflow",
    "optuna": "ablate",
}


def framework(module: str, what: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: Its name, such as "torch" or "keras.layers"; the package must be one of `EXTRAS`.
        what: What needs it, for the message.

    Returns:
        The module.

    Raises:
        MissingExtraError: It cannot be imported. The message names the extra to install.
    """
    extra = EXTRAS[module.partition(".")[0]]
    if extra == "tensorflow" and "tensorflow" not in sys.modules:
        # Triton, which PyTorch for GPUs brings, crashes the process where TensorFlow was loaded before it.
        with suppress(ImportError):
            importlib.import_module("triton")
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{what} needs {module}, which cannot be imported ({error}): pip install 'augsafe[{extra}]'"
        ) from error
