"""Worker processes for policies with steps of other libraries: their generators belong to a whole process."""

from __future__ import annotations

import multiprocessing
import pickle
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from typing import Any

from augsafe.errors import ArgumentError
from augsafe.foreign.step import Foreign
from augsafe.policies import Compose

_WORK: list[Callable[..., Any]] = []  # what this process does, given once by its parent


def needs_processes(policies: Iterable[Compose]) -> bool:
    """Whether some step must not run in a thread."""
    return any(isinstance(leaf, Foreign) for compose in policies for leaf in compose.leaves)


def process_pool(workers: int, work: Callable[..., Any]) -> Executor:
    """Start processes that each hold `work`. They start afresh, since a fork of a process with threads can hang.

    Args:
        workers: How many.
        work: What they do, by `run_in_process`.

    Returns:
        The processes.

    Raises:
        ArgumentError: The work cannot be sent to them.
    """
    try:
        body = pickle.dumps(work)
    except Exception as error:
        raise ArgumentError(
            "a step of another library runs in worker processes, and this policy or source cannot be sent there: "
            f"{error}; define callables at the top of a module, or use workers=0"
        ) from error
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(body,))


def _begin(body: bytes) -> None:
    _WORK[:] = [pickle.loads(body)]


def run_in_process(*arguments: Any) -> Any:
    """Do this process's work."""
    return _WORK[0](*arguments)
