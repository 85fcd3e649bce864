"""Training in PyTorch, through Lightning: callbacks, checkpoints, and one or many processes."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.strategies import DDPStrategy
from numpy.typing import NDArray
from torch import nn

from augsafe.cnns.learner import Feed, Learner, Rates, over_processes
from augsafe.cnns.records import epoch_from, log_from, plain_log
from augsafe.cnns.results import HEADING, MODEL, Epoch, Result
from augsafe.cnns.shared_norm import share_norms
from augsafe.cnns.task import Task
from augsafe.cnns.torch_networks import build, logits_of
from augsafe.guards import Log

if TYPE_CHECKING:
    from rich.console import Console

BEST, LAST = "best", "last"


def processes() -> tuple[int, int]:
    """(rank, number of processes) as torchrun says; (0, 1) without it."""
    if not torch.distributed.is_torchelastic_launched():
        return 0, 1
    return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])


class Recorder(lightning.Callback):
    """Writes each epoch down, prints it, and keeps what it knows in the checkpoint, for a run that is resumed."""

    def __init__(self, task: Task, feed: Feed, result: Result, console: Console | None) -> None:
        self.task, self.feed, self.result, self.console = task, feed, result, console
        self.earlier = Log()
        self._begun = self._ended = 0.0
        self._guarded = 0
        self._headed = False
        self._bar: Any = None

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self.feed.set_epoch(trainer.current_epoch)
        guards = self.feed.loader.report.guards
        self._guarded = guards.changed + guards.relabelled + guards.dropped
        self._begun = time.perf_counter()
        if self.console is not None and self.console.is_terminal:
            from rich.progress import Progress

            self._bar = Progress(console=self.console, transient=True)
            self._bar.start()
            self._bar.add_task(f"epoch {trainer.current_epoch + 1}", total=len(self.feed))

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        self._ended = time.perf_counter()
        if self._bar is not None:
            self._bar.advance(self._bar.task_ids[0])

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._close()
        learner: Learner = pl_module
        loss, images = learner.epoch_loss()
        guards = self.feed.loader.report.guards
        acted = guards.changed + guards.relabelled + guards.dropped - self._guarded
        guarded = int(over_processes(torch.tensor([float(acted)], device=learner.device)).item())
        confusion = learner.confusion.long().cpu().numpy()
        epoch = Epoch(
            trainer.current_epoch,
            loss,
            learner.validation_loss,
            float(np.trace(confusion) / confusion.sum()),
            images,
            images / max(self._ended - self._begun, 1e-9),
            guarded,
            tuple(tuple(int(v) for v in row) for row in confusion),
        )
        self.result.history.append(epoch)
        self.result.guards = self.all_guards().to_dict()
        if trainer.is_global_zero:
            self.result.save(self.task.out)
            if self.console is not None:
                if not self._headed:
                    self.console.print(HEADING, style="bold", highlight=False)
                self._headed = True
                self.console.print(epoch.line(self.task.options.epochs), highlight=False)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def all_guards(self) -> Log:
        """What the guards did in all processes, in this run and the one that it resumed."""
        logs = [self.feed.loader.report.guards]
        if torch.distributed.is_initialized():
            gathered: list[Any] = [None] * torch.distributed.get_world_size()
            torch.distributed.all_gather_object(gathered, logs[0])
            logs = gathered
        whole = Log()
        for log in (self.earlier, *logs):
            whole.add(log)
        return whole

    def state_dict(self) -> dict[str, Any]:
        return {"history": [asdict(e) for e in self.result.history], "guards": plain_log(self.all_guards())}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.result.history[:] = [epoch_from(e) for e in state_dict["history"]]
        self.earlier = log_from(state_dict["guards"])
        self.result.guards = self.earlier.to_dict()


def run(task: Task, result: Result, resume: bool, console: Console | None) -> Result:
    """Train, keep the best weights, and judge them."""
    rank, world = processes()
    torch.manual_seed(task.options.seed)
    model = build(task.net, len(task.classes), task.weights, task.options.keep_head)
    feed = Feed(task.training_loader(rank, world), len(task.split.train))
    judge = Feed(task.judging_loader(task.split.validation, rank, world), len(task.split.validation), False)
    rates = Rates(task.rate, task.options.weight_decay, len(feed) * task.options.epochs, task.options.label_smoothing)
    learner = Learner(model, task.net, len(task.classes), rates, task.transfer, task.options.seed)
    if world > 1:
        share_norms(model)  # frozen ones stay in eval, where nothing is shared
    recorder = Recorder(task, feed, result, console if rank == 0 else None)
    folder = task.out / "checkpoints"
    last = folder / f"{LAST}.ckpt"
    if rank == 0:
        task.begin(resume)
    with _quiet():
        trainer = _trainer(task, world, folder, recorder, find_unused=_grows(task))
        trainer.fit(learner, feed, judge, ckpt_path=last if resume and last.exists() else None, weights_only=True)
        if (folder / f"{BEST}.ckpt").exists():
            held = torch.load(folder / f"{BEST}.ckpt", map_location="cpu", weights_only=True)
            learner.load_state_dict(held["state_dict"])
    if task.test is not None:
        loader = task.judging_loader(task.test, rank, world)
        result.test = confusion_of(model, Feed(loader, len(task.test), False), len(task.classes), learner.device)
    result.model, result.leads = model.eval(), rank == 0
    result.complete = True
    if rank == 0:
        save_model(model, task, task.out / MODEL)
        result.save(task.out)
    return result


def _grows(task: Task) -> bool:
    """Whether layers join in during the run."""
    return task.transfer is not None and task.transfer.blocks != 0 and task.transfer.head_epochs > 0


def _trainer(task: Task, world: int, folder: Path, recorder: Recorder, find_unused: bool) -> lightning.Trainer:
    accelerator = task.options.device
    strategy: Any = "auto"
    if world > 1:
        on_cpu = accelerator == "cpu" or not torch.cuda.is_available()
        strategy = DDPStrategy(process_group_backend="gloo" if on_cpu else "nccl", find_unused_parameters=find_unused)
        accelerator = "cpu" if on_cpu else "gpu"
    here = int(os.environ.get("LOCAL_WORLD_SIZE", world)) if world > 1 else 1
    return lightning.Trainer(
        accelerator=accelerator,
        devices=here,
        num_nodes=max(world // here, 1),
        strategy=strategy,
        max_epochs=task.options.epochs,
        logger=False,
        callbacks=[
            recorder,
            EarlyStopping("validation_loss", patience=task.options.patience, check_on_train_epoch_end=False),
            _checkpoint(folder, BEST, "validation_loss"),
            _checkpoint(folder, LAST, None),
        ],
        use_distributed_sampler=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _checkpoint(folder: Path, name: str, monitor: str | None) -> ModelCheckpoint:
    return ModelCheckpoint(folder, name, monitor=monitor, save_on_train_epoch_end=True, enable_version_counter=False)


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's remarks on devices and data loaders, which are none of ours, are left out."""
    logs = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\..*")
            warnings.filterwarnings("ignore", message=r".*lr_scheduler\.step.*")
            yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def confusion_of(model: nn.Module, feed: Feed, classes: int, device: Any = "cpu") -> NDArray[np.int64]:
    """(classes, classes) counts, true by predicted, over all processes; the model is left in eval."""
    model.to(device).eval()
    counts = torch.zeros(classes, classes, device=device)
    with torch.inference_mode():
        for images, labels, _ in feed:
            logits, _aux = logits_of(model(images.to(device)))
            ones = torch.ones(len(labels), device=device)
            counts.index_put_((labels.to(device), logits.argmax(dim=1)), ones, True)
    return np.asarray(over_processes(counts).long().cpu().numpy())


def save_model(model: nn.Module, task: Task, path: Path) -> None:
    """Weights and what they are for; tensors and plain values, so that `weights_only=True` reads it."""
    state = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    torch.save(
        {
            "network": task.net.name,
            "classes": list(task.classes),
            "policy": task.evaluation.to_dict(),
            "state_dict": state,
        },
        path,
    )
