"""PyTorch: a map-style data set, the batches of the loader as tensors, and the rank of a process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from augsafe.contracts import Contract
from augsafe.errors import ArgumentError, InputError
from augsafe.foreign import as_policy
from augsafe.frameworks import framework
from augsafe.guards import OnViolation, actions_of
from augsafe.images import open_source
from augsafe.loading import Loader, Mix, Mixer, Worker
from augsafe.policies import Compose, PerClass
from augsafe.typing import PolicyLike, SourceLike

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Example = tuple[Tensor, Any]
else:
    torch = framework("torch", "augsafe.adapters.torch")


class Dataset(torch.utils.data.Dataset[Any]):
    """Augmented images by index, as (tensor, label), for a `torch.utils.data.DataLoader`.

    The random values of an image depend only on (seed, epoch, index). So the bytes are the same for any number of
    workers, start method, sampler and batch size. A DataLoader requests a whole batch at once, which is planned,
    checked by the guards and rendered together. Call `set_epoch` before each epoch; it also reaches persistent workers.

    Args:
        source: What `augsafe.Loader` accepts, or a data set of (image, label) without a transform, such as
            `torchvision.datasets.ImageFolder`.
        transform: The policy, as in `augsafe.Loader`. Default: no augmentation.
        seed: The random seed.
        contract: The contract of the guards: a Contract or the name of a built-in one.
        on_violation: The action of the guards, as in `augsafe.Loader`. "drop" is refused.
        mix: A `MixUp` or `CutMix` of the batch. Labels are then (n, classes) float32, and single images cannot be
            indexed.

    Raises:
        ArgumentError: An argument is not valid.
    """

    def __init__(
        self,
        source: SourceLike,
        transform: PolicyLike | PerClass | None = None,
        *,
        seed: int = 0,
        contract: Contract | str | None = None,
        on_violation: OnViolation | None = "redraw",
        mix: Mix | None = None,
    ) -> None:
        if on_violation is not None and "drop" in actions_of(on_violation).values():
            raise ArgumentError(
                "on_violation='drop' needs augsafe.Loader, which replaces dropped images; a map-style data set gives "
                "one image for each index: use 'redraw', 'clamp' or 'identity'"
            )
        policy = transform if isinstance(transform, PerClass) else as_policy(transform or Compose(()))[0]
        made = Contract.builtin(contract) if isinstance(contract, str) else contract
        self._worker = Worker(open_source(source), policy, made, on_violation, "raise", seed)
        worker = self._worker
        policies = list(worker.policies.values())
        self._mixer = None if mix is None else Mixer(mix, worker.names, worker.source, policies, int(seed))
        self._epoch = torch.zeros((), dtype=torch.int64)  # one memory for all worker processes
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]

    def __len__(self) -> int:
        return len(self._worker.source)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by label."""
        return self._worker.names

    @property
    def epoch(self) -> int:
        """The epoch of the random values."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the random values, in all worker processes.

        Args:
            epoch: A whole number of at least 0.

        Raises:
            ArgumentError: It is not such a number.
        """
        if isinstance(epoch, bool) or not isinstance(epoch, (int, np.integer)) or epoch < 0:
            raise ArgumentError(f"set_epoch(epoch) must be a whole number of at least 0, got {epoch!r}")
        self._epoch.fill_(int(epoch))

    def __getitem__(self, index: int) -> Example:
        if self._mixer is not None:
            raise ArgumentError(
                "mix= blends the images of a batch, but a single image was requested: pass this data set directly to a "
                "DataLoader with a batch_size, or use augsafe.Loader(mix=...)"
            )
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Example]:
        """The examples of a whole batch, rendered into one buffer of which the tensors are views."""
        rows = np.asarray(indices, dtype=np.int64)
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise IndexError(f"indices must be from 0 to {len(self) - 1}, got {rows.min()} to {rows.max()}")
        batch = self._worker(self.epoch, np.zeros(len(rows), np.int64), rows, 0).batch
        assert batch is not None  # nothing is dropped and nothing skipped
        if self._mixer is not None:
            batch = self._mixer(batch, self.epoch)
            return list(zip(torch.from_numpy(batch.images), torch.from_numpy(batch.labels), strict=True))
        images = torch.from_numpy(batch.images)
        labels = [None] * len(rows) if batch.labels is None else batch.labels.tolist()
        return list(zip(images, labels, strict=True))


class TensorLoader:
    """The batches of a loader as (images, labels) tensors that share its memory.

    Labels are int64, or (n, classes) float32 if the loader mixes. `torch.nn.CrossEntropyLoss` accepts both. In a run of
    several processes, give the loader its share: `rank, world_size = ranks()`. The length, `set_epoch`, `state_dict`
    and `load_state_dict` are those of the loader, in the form that torchdata's StatefulDataLoader has.

    Args:
        loader: The loader. Its images must have labels.
        pin: Copy each batch to page-locked memory, for faster transfer to a GPU.

    Raises:
        ArgumentError: The loader is not an `augsafe.Loader`, or there is no GPU for `pin`.
    """

    def __init__(self, loader: Loader, *, pin: bool = False) -> None:
        if not isinstance(loader, Loader):
            raise ArgumentError(f"TensorLoader(loader) must be an augsafe.Loader, got {type(loader).__name__}")
        if pin and not torch.cuda.is_available():
            raise ArgumentError("TensorLoader(pin=True) needs a GPU, and PyTorch finds none; remove pin")
        self.loader, self.pin = loader, pin

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for batch in self.loader:
            if batch.labels is None:
                raise InputError("the images have no labels; give the loader (images, labels)")
            kind = np.int64 if self.loader.mixer is None else np.float32
            images, labels = torch.from_numpy(batch.images), torch.from_numpy(np.asarray(batch.labels, kind))
            yield (images.pin_memory(), labels.pin_memory()) if self.pin else (images, labels)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration."""
        self.loader.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """The position of the loader, as plain values."""
        return self.loader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state. Raises ArgumentError."""
        self.loader.load_state_dict(state)


def ranks() -> tuple[int, int]:
    """The rank of this process and the number of processes, for `augsafe.Loader`.

    Returns:
        (rank, world_size); (0, 1) if nothing is distributed.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
