"""The generators that other libraries draw from: saved, seeded and restored."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np

from augsafe.errors import ArgumentError

EVERY = ("random", "numpy", "torch")


class Generators:
    """The global generators of some libraries, which stand within the context where `seed` puts them.

    Afterwards they are where they were. They belong to the whole process, so this is refused in a thread other than
    the first. What costs is to save and to restore, so one context should serve many draws. Raises ArgumentError.
    """

    def __init__(self, names: tuple[str, ...], step: str) -> None:
        self.names, self.step = names, step
        self._restore: dict[str, Callable[[], None]] = {}

    def __enter__(self) -> Generators:
        if threading.current_thread() is not threading.main_thread():
            raise ArgumentError(
                f"step {self.step!r} is another library's and draws from generators that all threads share; it runs in "
                "the main thread or in worker processes (the Loader makes them with workers=)"
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for restore in self._restore.values():
            restore()

    def seed(self, seed: int) -> None:
        """Seed each generator; torch's where torch has been imported."""
        for name in self.names:
            if name == "torch" and "torch" not in sys.modules:
                continue
            save, begin = _OF[name]
            if name not in self._restore:
                self._restore[name] = save()
            begin(seed)

    def missed(self) -> bool:
        """Whether torch has been imported since `seed`, which could not seed it then."""
        return "torch" in self.names and "torch" in sys.modules and "torch" not in self._restore


def _save_random() -> Callable[[], None]:
    state = random.getstate()
    return lambda: random.setstate(state)


def _save_numpy() -> Callable[[], None]:
    state = np.random.get_state()  # noqa: NPY002
    return lambda: np.random.set_state(state)  # noqa: NPY002


def _save_torch() -> Callable[[], None]:
    torch: Any = sys.modules["torch"]
    state = torch.get_rng_state()
    return lambda: torch.set_rng_state(state)


def _seed_numpy(seed: int) -> None:
    np.random.seed(seed % 2**32)  # noqa: NPY002


def _seed_torch(seed: int) -> None:
    sys.modules["torch"].default_generator.manual_seed(seed)


_OF: dict[str, tuple[Callable[[], Callable[[], None]], Callable[[int], None]]] = {
    "random": (_save_random, random.seed),
    "numpy": (_save_numpy, _seed_numpy),
    "torch": (_save_torch, _seed_torch),
}
