"""The chunks of an epoch in their order, made ahead: blocks are read, planned and guarded, then rendered in pieces.

To plan and to guard many images at once costs much less for each; to render a batch at a time keeps memory low and
all workers busy. So a block holds as many images as fit into BLOCK_BYTES as they are read, and a piece as many
batches as fit with what they are rendered to.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import SourceError
from augsafe.foreign import needs_processes, process_pool, run_in_process
from augsafe.loading.batches import Block, Chunk, Worker

BLOCK_BYTES = 1 << 25
BLOCK_IMAGES = 8192  # a block of more images gains nothing
MOST_ROUNDS = 8  # an epoch that needs more rounds through its images to fill dropped places is given up


@dataclass(frozen=True)
class Amounts:
    """Sizes of an epoch's work: images a batch, images still wanted, threads or processes, pieces ahead for each."""

    batch_size: int
    wanted: int
    workers: int
    prefetch: int

    @property
    def most(self) -> int:
        """The most batches in one block, so that all workers have a share."""
        return max(1, self.wanted // (4 * max(1, self.workers) * self.batch_size))

    def batches(self, bytes_each: int) -> int:
        """How many images, in whole batches, fit into a block."""
        return self.batch_size * max(1, min(BLOCK_BYTES // max(1, bytes_each * self.batch_size), self.most))


class Chunks:
    """Chunks in their order; as many candidates as places are still open.

    `counted`: the place up to which the guards' counts are known from an earlier run; one block ends there.
    """

    def __init__(
        self, worker: Worker, order: NDArray[np.int64], amounts: Amounts, epoch: int, cursor: int, counted: int = 0
    ) -> None:
        self._worker, self._order, self._amounts, self._counted = worker, order, amounts, counted
        self._epoch, self._cursor, self._open = epoch, cursor, amounts.wanted
        self._size = self._piece = amounts.batch_size
        self._pool = _pool(worker, amounts.workers)
        self._whole = self._pool is not None and not isinstance(self._pool, ThreadPoolExecutor)
        pieces = amounts.workers * amounts.prefetch if amounts.workers else 1
        self._ahead = (pieces if self._whole else max(1, amounts.workers), pieces)  # blocks, pieces
        self._planned: deque[tuple[int, Future[Any]]] = deque()
        self._running: deque[Future[Chunk]] = deque()
        self._block: Block | None = None
        self._at = 0

    def next(self) -> Chunk:
        """The next chunk. Raises what its worker raised."""
        self._submit()
        chunk = self._running.popleft().result()
        if chunk.bytes:
            self._piece = self._amounts.batches(chunk.bytes // len(chunk.positions))
        if self._pool is not None:
            self._submit()
        return chunk

    def _submit(self) -> None:
        self._plan_blocks()
        while len(self._running) < self._ahead[1]:
            if self._block is None:
                if not self._planned or (self._running and not _well(self._planned[0][1])):
                    return
                self._take_block()
                continue
            last = min(self._at + self._piece, len(self._block))
            self._running.append(self._run(self._worker.render, self._block, self._at, last))
            self._block, self._at = (None, 0) if last == len(self._block) else (self._block, last)

    def _take_block(self) -> None:
        size, future = self._planned.popleft()
        made = future.result()
        if isinstance(made, Chunk):
            self._open += size - len(made.positions)
            self._running.append(future)
            if made.bytes:
                self._size = self._amounts.batches(made.bytes // len(made.positions))
        else:
            self._open += size - len(made)
            self._block = made
            few = max(self._piece, BLOCK_IMAGES - BLOCK_IMAGES % self._amounts.batch_size)
            self._size = min(self._amounts.batches(made.bytes_read), few)
        self._plan_blocks()

    def _plan_blocks(self) -> None:
        n = len(self._order)
        while self._open > 0 and len(self._planned) < self._ahead[0]:
            if self._cursor >= MOST_ROUNDS * n:
                if self._planned or self._running or self._block is not None:
                    return
                raise SourceError(
                    f"{MOST_ROUNDS} rounds through the images did not fill the epoch: nearly all are skipped or "
                    "dropped; see loader.report"
                )
            size = min(self._size, self._open)
            if self._cursor < self._counted:
                size = min(size, self._counted - self._cursor)
            places = np.arange(self._cursor, self._cursor + size)
            arguments = (self._epoch, places // n, self._order[places % n], self._cursor)
            if self._whole and self._pool is not None:
                future = self._pool.submit(run_in_process, *arguments)
            else:
                future = self._run(self._worker.plan, *arguments)
            self._planned.append((size, future))
            self._cursor += size
            self._open -= size

    def _run(self, work: Any, *arguments: Any) -> Future[Any]:
        if self._pool is not None:
            return self._pool.submit(work, *arguments)
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Wait for the threads to end; work that has not begun is given up."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def _well(future: Future[Any]) -> bool:
    """Whether it has ended, and ended well; what went wrong is told after all that went before was given."""
    return future.done() and future.exception() is None


def _pool(worker: Worker, workers: int) -> Executor | None:
    """Threads; processes where a step draws from generators that all threads share; None without workers."""
    if not workers:
        return None
    if needs_processes(worker.policies.values()):
        return process_pool(workers, worker)
    return ThreadPoolExecutor(workers, "augsafe")
