"""Into PyTorch: a map-style data set, the loader's batches as tensors, and the shares of a distributed run."""

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

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    Example = tuple[Tensor, Any]
else:
    torch = framework("torch", "augsafe.adapters.torch")


class Dataset(torch.utils.data.Dataset[Any]):
    """Augmented images by index, as (tensor, label), for a `torch.utils.data.DataLoader`.

    source: what `augsafe.Loader` reads, or a data set of (image, label) such as `torchvision.datasets.ImageFolder`
    without a transform. transform, contract, on_violation: as in `augsafe.Loader`, but a map-style data set cannot drop
    an image. The draw of an image depends on (seed, epoch, index) alone: the bytes are the same for any number of
    workers, start method, sampler and batch size. A DataLoader asks for a whole batch at once, which is planned,
    guarded and rendered together.

    mix: a `MixUp` or `CutMix` of that batch, as in `augsafe.Loader`; labels are then rows of (n, classes) float32. One
    image alone cannot be mixed, so indexing raises ArgumentError then.

    Call `set_epoch` before each epoch: it reaches persistent workers too. Raises ArgumentError.
    """

    def __init__(
        self,
        source: Any,
        transform: Any = None,
        *,
        seed: int = 0,
        contract: Contract | str | None = None,
        on_violation: OnViolation | None = "redraw",
        mix: Mix | None = None,
    ) -> None:
        if on_violation is not None and "drop" in actions_of(on_violation).values():
            raise ArgumentError(
                "on_violation='drop' needs augsafe.Loader, which fills the place of a dropped image; a map-style data "
                "set gives one image for each index: use 'redraw', 'clamp' or 'identity'"
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
        """The epoch of the draws."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the draws, in all worker processes. Raises ArgumentError."""
        if isinstance(epoch, bool) or not isinstance(epoch, (int, np.integer)) or epoch < 0:
            raise ArgumentError(f"set_epoch(epoch) must be a whole number of at least 0, got {epoch!r}")
        self._epoch.fill_(int(epoch))

    def __getitem__(self, index: int) -> Example:
        if self._mixer is not None:
            raise ArgumentError(
                "mix= blends the images of a batch, and one image was asked for: give this data set to a DataLoader "
                "with a batch_size, wrapped in nothing that asks for single images, or use augsafe.Loader(mix=...)"
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

    Labels are int64, or (n, classes) float32 where the loader mixes, as `torch.nn.CrossEntropyLoss` takes both.

    In a run of several processes give the loader its share: `rank, world_size = ranks()`.
    pin: copy each batch to page-locked memory, for faster transfer to a GPU. Length, `set_epoch`, `state_dict` and
    `load_state_dict` are the loader's, as torchdata's StatefulDataLoader has them. Raises InputError where labels lack.
    """

    def __init__(self, loader: Loader, *, pin: bool = False) -> None:
        if not isinstance(loader, Loader):
            raise ArgumentError(f"TensorLoader(loader) must be an augsafe.Loader, got {type(loader).__name__}")
        if pin and not torch.cuda.is_available():
            raise ArgumentError("TensorLoader(pin=True) needs a GPU, and PyTorch sees none; leave pin out")
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
        """Where the loader stands."""
        return self.loader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where the state was taken. Raises ArgumentError."""
        self.loader.load_state_dict(state)


def ranks() -> tuple[int, int]:
    """(rank, world_size) of this process, for `augsafe.Loader`; (0, 1) where nothing is distributed."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1
