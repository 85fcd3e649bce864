"""A Lightning data module: training data is augmented, validation and test data are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from augsafe.adapters.torch import TensorLoader, ranks
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError
from augsafe.frameworks import framework
from augsafe.guards import OnViolation
from augsafe.loading import Loader, Mix
from augsafe.policies import Compose, evaluation_policy
from augsafe.typing import SourceLike

if TYPE_CHECKING:
    import lightning
else:
    lightning = framework("lightning", "augsafe.adapters.lightning")


class DataModule(lightning.LightningDataModule):
    """Loaders for `Trainer.fit` and `Trainer.test`. Each process of a distributed run takes its own share.

    Args:
        train: Training data, as in `augsafe.Loader`.
        transform: The policy of the training data. Validation and test data get only its steps that are not random; a
            random crop becomes a centre crop.
        validation: Validation data, or None.
        test: Test data, or None.
        batch_size: Images per batch, for each process.
        seed: The random seed.
        workers: Number of loader threads.
        contract: The contract of the guards: a Contract or the name of a built-in one.
        on_violation: The action of the guards, as in `augsafe.Loader`.
        mix: A `MixUp` or `CutMix` of the training batches.

    Raises:
        ArgumentError: The transform is not a Compose.
    """

    def __init__(
        self,
        train: SourceLike,
        transform: Compose,
        validation: SourceLike | None = None,
        test: SourceLike | None = None,
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
        self.sources: dict[str, SourceLike | None] = {"train": train, "validation": validation, "test": test}
        self.policy, self.batch_size, self.seed, self.workers = transform, batch_size, seed, workers
        self.contract, self.on_violation, self.mix = contract, on_violation, mix
        self.plain = evaluation_policy(transform)

    def _loader(self, name: str, training: bool) -> TensorLoader:
        rank, world_size = ranks()
        source = self.sources[name]
        assert source is not None
        loader = Loader(
            source,
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
        """Augmented batches. Each iteration is the next epoch."""
        return self._loader("train", True)

    def val_dataloader(self) -> TensorLoader | list[Any]:
        """Batches in order, not augmented. Empty if no data was given."""
        return [] if self.sources["validation"] is None else self._loader("validation", False)

    def test_dataloader(self) -> TensorLoader | list[Any]:
        """Batches in order, not augmented. Empty if no data was given."""
        return [] if self.sources["test"] is None else self._loader("test", False)
