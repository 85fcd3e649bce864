"""A Lightning data module over augsafe's loaders: training data augmented, validation and test data never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from augsafe.adapters.torch import TensorLoader, ranks
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError
from augsafe.frameworks import framework
from augsafe.guards import OnViolation
from augsafe.loading import Loader, Mix
from augsafe.policies import Compose, evaluation_policy

if TYPE_CHECKING:
    import lightning
else:
    lightning = framework("lightning", "augsafe.adapters.lightning")


class DataModule(lightning.LightningDataModule):
    """Loaders for `Trainer.fit` and `Trainer.test`.

    train, validation, test: sources as `augsafe.Loader` reads them. transform: the policy of the training data; the
    others get what of it never varies, and the middle where it crops at random. Each process of a distributed run
    takes its own share. mix: of the training batches, as in `augsafe.Loader`. Raises ArgumentError.
    """

    def __init__(
        self,
        train: Any,
        transform: Compose,
        validation: Any = None,
        test: Any = None,
        *,
        batch_size: int = 32,
        seed: int = 0,
        workers: int = 2,
        contract: Contract | str | None = None,
        on_violation: OnViolation | None = "redraw",
        mix: Mix | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(transform, Compose):
            raise ArgumentError(f"DataModule(transform=...) must be a Compose, got {type(transform).__name__}")
        self.sources = {"train": train, "validation": validation, "test": test}
        self.policy, self.batch_size, self.seed, self.workers = transform, batch_size, seed, workers
        self.contract, self.on_violation, self.mix = contract, on_violation, mix
        self.plain = evaluation_policy(transform)

    def _loader(self, name: str, training: bool) -> TensorLoader:
        rank, world_size = ranks()
        loader = Loader(
            self.sources[name],
            self.policy if training else self.plain,
            batch_size=self.batch_size,
            shuffle=training,
            seed=self.seed,
            workers=self.workers,
            rank=rank,
            world_size=world_size,
            contract=self.contract if training else None,
            on_violation=self.on_violation if training else None,
            mix=self.mix if training else None,
        )
        if training and self.trainer is not None:
            loader.set_epoch(self.trainer.current_epoch)
        return TensorLoader(loader)

    def train_dataloader(self) -> TensorLoader:
        """Augmented batches; each iteration is the next epoch."""
        return self._loader("train", True)

    def val_dataloader(self) -> TensorLoader | list[Any]:
        """Batches in their order, not augmented; none where no source was given."""
        return [] if self.sources["validation"] is None else self._loader("validation", False)

    def test_dataloader(self) -> TensorLoader | list[Any]:
        """Batches in their order, not augmented; none where no source was given."""
        return [] if self.sources["test"] is None else self._loader("test", False)
