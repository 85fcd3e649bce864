"""Keras 3, on any backend: batches by number, as `keras.utils.PyDataset`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from augsafe.contracts import Contract
from augsafe.errors import ArgumentError, InputError
from augsafe.foreign import as_policy, needs_processes
from augsafe.frameworks import framework
from augsafe.guards import OnViolation, actions_of
from augsafe.images import open_source
from augsafe.loading import Mix, Mixer, Worker, joined
from augsafe.pixels import Batch
from augsafe.policies import Compose, PerClass
from augsafe.randomness import permutation
from augsafe.typing import PolicyLike, SourceLike

if TYPE_CHECKING:
    import keras
else:
    keras = framework("keras", "augsafe.adapters.keras")


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Augmented batches (images, labels) for `model.fit`. Each epoch has its own order and its own random values.

    Keras expects the channels last, unless its backend is set otherwise, so keep `Output(layout="HWC")`. The workers of
    Keras are not used, because its queue gives batches that it read ahead to the next epoch.

    Args:
        source: What `augsafe.Loader` accepts. The images must have labels.
        transform: The policy, as in `augsafe.Loader`. Default: no augmentation.
        batch_size: Images per batch.
        shuffle: Use a new order in each epoch.
        seed: The random seed.
        contract: The contract of the guards: a Contract or the name of a built-in one.
        on_violation: The action of the guards, as in `augsafe.Loader`. "drop" is refused.
        workers: Number of threads that share the work of a batch. It does not change the images.
        mix: A `MixUp` or `CutMix`. Labels are then (n, classes) float32, for a categorical loss.

    Raises:
        ArgumentError: An argument is not valid.
    """

    def __init__(
        self,
        source: SourceLike,
        transform: PolicyLike | PerClass | None = None,
        *,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int = 0,
        contract: Contract | str | None = None,
        on_violation: OnViolation | None = "redraw",
        workers: int = 1,
        mix: Mix | None = None,
    ) -> None:
        super().__init__()
        if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
            raise ArgumentError(f"Batches(workers=...) must be a whole number of at least 1, got {workers!r}")
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ArgumentError(f"Batches(batch_size=...) must be a whole number of at least 1, got {batch_size!r}")
        if on_violation is not None and "drop" in actions_of(on_violation).values():
            raise ArgumentError("on_violation='drop' needs augsafe.Loader; use 'redraw', 'clamp' or 'identity'")
        policy = transform if isinstance(transform, PerClass) else as_policy(transform or Compose(()))[0]
        made = Contract.builtin(contract) if isinstance(contract, str) else contract
        self._worker = Worker(open_source(source), policy, made, on_violation, "raise", seed)
        worker = self._worker
        policies = list(worker.policies.values())
        self.mixer = None if mix is None else Mixer(mix, worker.names, worker.source, policies, int(seed))
        self.batch_size, self.shuffle, self.seed, self.epoch = batch_size, bool(shuffle), int(seed), 0
        # steps of other libraries draw from generators that all threads of a process share
        self.threads = 1 if needs_processes(self._worker.policies.values()) else workers

    def __len__(self) -> int:
        return -(-len(self._worker.source) // self.batch_size)

    def __getitem__(self, number: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        if not 0 <= number < len(self):
            raise IndexError(f"there are {len(self)} batches, got number {number}")
        epoch = self.epoch
        indices = self.order(epoch)[number * self.batch_size : (number + 1) * self.batch_size]
        batch = joined(self._made(indices, epoch))
        if batch.labels is None:
            raise InputError("the images have no labels; give (images, labels)")
        if self.mixer is not None:
            batch = self.mixer(batch, epoch)
        return batch.images, np.asarray(batch.labels, np.int64 if self.mixer is None else np.float32)

    def order(self, epoch: int | None = None) -> np.ndarray[Any, Any]:
        """The order of the images in an epoch.

        Args:
            epoch: The epoch. Default: the current one.

        Returns:
            Indices (n,).
        """
        n = len(self._worker.source)
        chosen = self.epoch if epoch is None else epoch
        return permutation(n, self.seed, chosen) if self.shuffle else np.arange(n, dtype=np.int64)

    def _made(self, indices: np.ndarray[Any, Any], epoch: int) -> list[Batch]:
        """A batch in parts, one for each thread."""

        def part(some: np.ndarray[Any, Any]) -> Batch:
            made = self._worker(epoch, np.zeros(len(some), np.int64), some, 0).batch
            assert made is not None  # nothing is dropped and nothing skipped
            return made

        parts = np.array_split(indices, min(self.threads, len(indices)))
        if len(parts) == 1:
            return [part(parts[0])]
        with ThreadPoolExecutor(len(parts), "augsafe") as pool:
            return list(pool.map(part, parts))

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the order and the random values.

        Args:
            epoch: A whole number of at least 0.

        Raises:
            ArgumentError: It is not such a number.
        """
        if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 0:
            raise ArgumentError(f"set_epoch(epoch) must be a whole number of at least 0, got {epoch!r}")
        self.epoch = epoch

    def on_epoch_end(self) -> None:
        """Go to the next epoch, with another order and other random values.

        Keras also calls this once before training, when it builds the network from a batch. So the epochs of a `fit`
        are 1, 2 and so on.
        """
        self.epoch += 1
