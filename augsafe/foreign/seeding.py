"""The generators that other libraries draw from: saved, seeded and restored."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from augsafe.errors import ArgumentError


@contextmanager
def seeded(seed: int, step: str) -> Iterator[None]:
    """Run with the global generators of random, numpy and torch seeded; afterwards they stand where they stood.

    They belong to the whole process, so this is refused in a thread other than the first. Raises ArgumentError.
    """
    if threading.current_thread() is not threading.main_thread():
        raise ArgumentError(
            f"step {step!r} is another library's and draws from generators that all threads share; it runs in the main "
            "thread or in worker processes (the Loader makes them with workers=)"
        )
    torch = sys.modules.get("torch")
    python, numeric = random.getstate(), np.random.get_state()  # noqa: NPY002
    state = torch.get_rng_state() if torch is not None else None
    try:
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        if torch is not None:
            torch.default_generator.manual_seed(seed)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numeric)  # noqa: NPY002
        if torch is not None:
            torch.set_rng_state(state)
