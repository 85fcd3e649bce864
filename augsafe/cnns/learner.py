"""Training in PyTorch: what a step does, in which phase which layers learn, and what is measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from augsafe.cnns.advice import Transfer
from augsafe.cnns.specs import Network
from augsafe.cnns.task import check_finite
from augsafe.cnns.torch_networks import freeze_norms, logits_of, part_of, train_part
from augsafe.loading import Loader

WARM_UP = 0.05  # of all steps, in which the rate rises


@dataclass
class Feed:
    """A loader's batches as tensors, as many for each process; memory is the loader's own, nothing is copied.

    Each is (images (n, C, H, W), labels (n,), weights (n,)). The weights sum up, over the processes, to the number of
    processes, so that the mean of their gradients is the gradient of the mean over the whole batch: the same as in
    one process. A process without an image in the last batch gives one of weight 0.
    """

    loader: Loader
    images: int
    weighted: bool = True

    def __len__(self) -> int:
        return -(-self.images // (self.loader.batch_size * self.loader.world_size))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration."""
        self.loader.set_epoch(epoch)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        world = self.loader.world_size
        whole = self.loader.batch_size * world
        count, last = 0, None
        for count, batch in enumerate(self.loader, 1):
            images, labels = torch.from_numpy(batch.images), torch.from_numpy(batch.labels)
            together = min(whole, self.images - (count - 1) * whole)
            last = images, labels
            yield images, labels, torch.full((len(labels),), world / together)
        if self.weighted and count < len(self) and last is not None:
            yield last[0][:1], last[1][:1], torch.zeros(1)


def over_processes(values: Tensor) -> Tensor:
    """The sum over all processes; the values themselves where there is one."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        values = values.clone()
        torch.distributed.all_reduce(values)
    return values


@dataclass(frozen=True)
class Rates:
    """How far each step goes: AdamW's rate and decay, over so many steps in all."""

    rate: float
    weight_decay: float
    steps: int
    label_smoothing: float = 0.0

    def at(self, step: int, start: int = 0) -> float:
        """The share of the rate at a step: a short rise, then half a cosine down to 0 (Loshchilov and Hutter, 2017)."""
        total = max(self.steps - start, 1)
        step = step - start
        if step < 0:
            return 0.0
        rise = max(round(WARM_UP * total), 1)
        if step < rise:
            return (step + 1) / (rise + 1)
        return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(total - rise, 1), 1.0)))


class Learner(lightning.LightningModule):
    """A network with its losses. `confusion` (classes, classes), true by predicted, is of the last validation."""

    def __init__(
        self, model: nn.Module, net: Network, classes: int, rates: Rates, transfer: Transfer | None, seed: int
    ) -> None:
        super().__init__()
        self.model, self.net, self.classes = model, net, classes
        self.rates, self.transfer, self.seed = rates, transfer, seed
        self.criterion = nn.CrossEntropyLoss(reduction="none", label_smoothing=rates.label_smoothing)
        self.confusion = torch.zeros(classes, classes)
        self._sums = torch.zeros(2)
        self.validation_loss = math.nan
        self.let_learn(0)

    # Phases

    def let_learn(self, epoch: int) -> None:
        """Freeze what does not learn in an epoch."""
        if self.transfer is not None:
            train_part(self.model, self.net, 0 if epoch < self.transfer.head_epochs else self.transfer.blocks)
            self.train(self.training)

    def train(self, mode: bool = True) -> Learner:
        """As in PyTorch; frozen batch norms stay in eval."""
        super().train(mode)
        if mode and self.transfer is not None:
            freeze_norms(self.model)
        return self

    def on_train_epoch_start(self) -> None:
        self.let_learn(self.current_epoch)
        # Dropout then draws the same in a run that was resumed.
        torch.manual_seed((self.seed * 1_000_003 + self.current_epoch) * 1_009 + self.global_rank)
        self._sums = torch.zeros(2, device=self.device)

    # Steps

    def forward(self, images: Tensor) -> Any:
        return self.model(images)

    def losses(self, given: Any, labels: Tensor) -> Tensor:
        """The loss of each image (n,), with the auxiliary classifiers' share."""
        logits, auxiliary = logits_of(given)
        loss = self.criterion(logits, labels)
        for (_, weight), out in zip(self.net.aux, auxiliary, strict=False):
            loss = loss + weight * self.criterion(out, labels)
        return torch.as_tensor(loss)

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> Tensor:
        images, labels, weights = batch
        losses = self.losses(self(images), labels)
        seen = weights > 0
        self._sums += torch.stack([losses.detach()[seen].sum(), seen.sum()])
        return (losses * weights).sum()

    def epoch_loss(self) -> tuple[float, int]:
        """Mean loss and number of images of the epoch so far, over all processes; all must call it.

        Raises ArgumentError where the loss is no number any more.
        """
        total, images = over_processes(self._sums).tolist()
        check_finite(total, self.current_epoch, self.rates.rate)
        return total / max(images, 1), int(images)

    def on_validation_epoch_start(self) -> None:
        self.confusion = torch.zeros(self.classes, self.classes, device=self.device)
        self._validation = torch.zeros(1, device=self.device)

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> None:
        images, labels, _weights = batch
        logits, _aux = logits_of(self(images))
        self._validation += nn.functional.cross_entropy(logits, labels, reduction="sum")
        self.confusion.index_put_((labels, logits.argmax(dim=1)), torch.ones(len(labels)).to(self.device), True)

    def on_validation_epoch_end(self) -> None:
        both = torch.cat([self._validation, self.confusion.flatten()])
        both = over_processes(both)
        self.confusion = both[1:].reshape(self.classes, self.classes)
        self.validation_loss = float(both[0] / self.confusion.sum())
        # The same number in every process, so that all stop and save together.
        self.log("validation_loss", self.validation_loss)

    # The optimizer

    def configure_optimizers(self) -> Any:
        """AdamW. Biases and norms do not decay; the pretrained layers start after the head, at a lower rate."""
        parts: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for name, parameter in self.model.named_parameters():
            head = part_of(self.net, name) == len(self.net.blocks)
            parts.setdefault((head or self.transfer is None, parameter.ndim > 1), []).append(parameter)
        lower = 1.0 if self.transfer is None else self.transfer.lower
        groups, curves = [], []
        start = self._steps_of_head()
        for (new, decays), parameters in parts.items():
            rate = self.rates.rate * (1.0 if new else lower)
            groups.append(
                {"params": parameters, "lr": rate, "weight_decay": self.rates.weight_decay if decays else 0.0}
            )
            curves.append(_curve(self.rates, 0 if new else start))
        optimizer = torch.optim.AdamW(groups)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, curves)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _steps_of_head(self) -> int:
        if self.transfer is None or not self.trainer.max_epochs:
            return 0
        return self.rates.steps * self.transfer.head_epochs // self.trainer.max_epochs


def _curve(rates: Rates, start: int) -> Callable[[int], float]:
    """The rate of one group. A plain function: LambdaLR would keep an object's state in the checkpoint."""

    def at(step: int) -> float:
        return rates.at(step, start)

    return at
