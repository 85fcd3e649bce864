"""Runs a list of trainings, in parallel through joblib, each stored as it ends."""

from __future__ import annotations

import hashlib
import json
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.ablation.split import Data, Split, Train
from augsafe.ablation.store import Outcome, Store
from augsafe.errors import ArgumentError, InputError
from augsafe.policies import Compose

WAIT = 0.2  # seconds between looks at the runs of another process


@dataclass(frozen=True)
class Run:
    """One training: of a policy, with a seed, judged on a part."""

    name: str
    policy: Compose
    seed: int
    part: str


def key_of(run: Run, data_hash: str, train_key: str) -> str:
    """The hash of all that determines a run."""
    parts = [run.policy.to_dict(), run.seed, run.part, data_hash, train_key]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def train_once(train: Train, policy: Compose, seed: int, split: Split) -> Outcome:
    """Train and predict; what is raised, and predictions that cannot be used, become a failed outcome."""
    start = time.perf_counter()
    try:
        predictions = check_predictions(train(policy, seed, split), len(split.targets), len(split.classes))
    except Exception:  # one run that fails must not end the others; its traceback is kept
        return Outcome(None, time.perf_counter() - start, traceback.format_exc())
    return Outcome(predictions, time.perf_counter() - start)


def check_predictions(given: Any, n: int, classes: int) -> NDArray[np.int64]:
    """Class indices (n,) from indices (n,) or from scores (n, classes). Raises InputError."""
    values = np.asarray(given)
    if values.shape not in ((n,), (n, classes)):
        raise InputError(
            f"train(policy, seed, split) must return class indices ({n},) or scores ({n}, {classes}) for "
            f"split.targets, got shape {values.shape}"
        )
    if values.dtype.kind not in "iufb" or not np.isfinite(values).all():
        raise InputError(f"train(policy, seed, split) returned NaN, infinity or no numbers ({values.dtype})")
    if values.ndim == 2:
        return np.asarray(values.argmax(axis=1), dtype=np.int64)
    whole = values.astype(np.int64)
    if (whole != values).any() or whole.min() < 0 or whole.max() >= classes:
        raise InputError(f"predictions must be class indices from 0 to {classes - 1}, got {values[:5]!r}")
    return whole


def run_all(
    runs: Sequence[Run], train: Train, train_key: str, data: Data, store: Store, jobs: int, words: str, progress: bool
) -> dict[tuple[str, int], Outcome]:
    """Every run's outcome by (policy name, seed): read from the store where it is there, else trained.

    Parallel through joblib: `jobs` processes, or the backend of an enclosing `joblib.parallel_config`.
    """
    from joblib import Parallel, delayed

    keys = {key_of(r, data.hash, train_key): r for r in runs}
    every = {(r.name, r.seed): key_of(r, data.hash, train_key) for r in runs}
    splits = {part: data.part(part) for part in {r.part for r in runs}}
    done = store.read(list(keys))

    def one(key: str) -> tuple[str, Outcome]:
        r = keys[key]
        return key, train_once(train, r.policy, r.seed, splits[r.part])

    def claimed() -> Iterator[Any]:
        for key, r in keys.items():
            if key not in done and store.claim(key, r.name, r.seed, r.part):
                yield delayed(_job)(key, train, r.policy, r.seed, splits[r.part])

    with _bar(words, len(keys), progress) as tell, store.alive():
        tell(len(done))
        while len(done) < len(keys):
            before = len(done)
            if jobs == 1 and not _other_backend():
                pairs: Any = (
                    one(k) for k, r in keys.items() if k not in done and store.claim(k, r.name, r.seed, r.part)
                )
            else:
                pairs = Parallel(n_jobs=jobs, return_as="generator_unordered", pre_dispatch="2*n_jobs")(claimed())
            for key, outcome in pairs:
                done |= {key: outcome} if store.write(key, outcome) else store.read([key])
                tell(len(done))
            done |= store.read([k for k in keys if k not in done])
            tell(len(done))
            if len(done) == before:  # what is left is at work in another process
                time.sleep(WAIT)
    return {place: done[key] for place, key in every.items()}


def _job(key: str, train: Train, policy: Compose, seed: int, split: Split) -> tuple[str, Outcome]:
    return key, train_once(train, policy, seed, split)


def _other_backend() -> bool:
    """Whether an enclosing joblib.parallel_config asks for a backend."""
    from joblib.parallel import get_active_backend

    return type(get_active_backend()[0]).__name__ != "LokyBackend"


class _bar:
    """Progress with the time left, on stderr, where that is a terminal."""

    def __init__(self, words: str, total: int, wanted: bool) -> None:
        self.words, self.total, self.wanted = words, total, wanted

    def __enter__(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        off = not (self.wanted and console.is_terminal)
        self.bar = Progress(*columns, console=console, transient=True, disable=off)
        self.bar.start()
        task = self.bar.add_task(self.words, total=self.total)
        return lambda n: self.bar.update(task, completed=n)

    def __exit__(self, *_: object) -> None:
        self.bar.stop()


def jobs_of(jobs: int) -> int:
    """Check the number of processes. Raises ArgumentError."""
    if isinstance(jobs, bool) or not isinstance(jobs, int) or jobs == 0:
        raise ArgumentError(f"ablate(jobs=...) must be a number of processes, or -1 for all cores, got {jobs!r}")
    return jobs
