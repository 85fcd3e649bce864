"""A policy from a file, or a pipeline of another library named as module:attribute."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

from augsafe.errors import ArgumentError

_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def load_policy(given: str) -> Any:
    """A file is read, and never runs code; module:attribute is imported from the working folder, as asked for.

    An attribute that is a function without parameters is called. Raises ArgumentError and PolicyError.
    """
    from augsafe.policies import Compose

    if Path(given).exists() or not _REFERENCE.fullmatch(given):
        return Compose.load(given)
    return _imported(given)


def _imported(given: str) -> Any:
    import inspect

    module, _, path = given.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        value: Any = importlib.import_module(module)
        for name in path.split("."):
            value = getattr(value, name)
        if inspect.isfunction(value) and not inspect.signature(value).parameters:
            value = value()
    except Exception as error:
        raise ArgumentError(f"{given!r} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(Path.cwd()))
    return value
