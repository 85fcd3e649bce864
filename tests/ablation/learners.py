"""Training functions whose truth is planted: they take no time, and other processes can import them."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.planted import Planted, labels_of, problem

__all__ = ["Broken", "Logged", "Planted", "problem"]


@dataclass(frozen=True)
class Logged:
    """Planted, slow, noted in a file as it begins; the run named by `kill` kills its own process, once."""

    folder: str
    pause: float = 0.0
    kill: tuple = ()

    def __call__(self, policy, seed, split):
        name = "+".join(s.label for s in policy.steps)
        with open(Path(self.folder) / "begun.txt", "a") as f:
            f.write(f"{name}/{seed}/{split.part}\n")
        time.sleep(self.pause)
        mark = Path(self.folder) / "killed"
        if self.kill == (name, seed) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Planted({"Rotate": 0.15})(policy, seed, split)


@dataclass(frozen=True)
class Broken:
    """Fails in each of the ways that a training can."""

    def __call__(self, policy, seed, split):
        right = labels_of(split.targets).astype(float)
        names = {s.label for s in policy.steps}
        if "Rotate" in names:
            raise RuntimeError("out of memory, said the card")
        if "Shift" in names and seed == 0:
            return right[:-1]
        if "Zoom" in names and seed == 1:
            return np.where(np.arange(len(right)) == 3, np.nan, right)
        return right
