"""Training in Keras, through `fit` and its callbacks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from augsafe.cnns.advice import Transfer
from augsafe.cnns.data import Part
from augsafe.cnns.keras_networks import build, train_part
from augsafe.cnns.records import log_from, plain_log, read_record, write_record
from augsafe.cnns.results import HEADING, Epoch, Result
from augsafe.cnns.task import Task, check_finite
from augsafe.guards import Log
from augsafe.loading import Loader

if TYPE_CHECKING:
    from rich.console import Console

BEST, LAST = "best.weights.h5", "last.weights.h5"
WARM_UP = 0.05
NO_DECAY = ["bias", "gamma", "beta", "coefficient"]


def run(task: Task, result: Result, resume: bool, console: Console | None) -> Result:
    """Train, keep the best weights, and judge them."""
    keras.utils.set_random_seed(task.options.seed)
    policy = task.evaluation.output
    assert policy is not None and isinstance(policy.size, tuple)
    model = build(task.net, len(task.classes), task.weights, task.options.keep_head, policy.size)
    task.begin(resume)
    folder = task.out / "checkpoints"
    folder.mkdir(exist_ok=True)
    loader = task.training_loader()
    recorder = Recorder(task, loader, result, console)
    if resume and (folder / LAST).exists():
        recorder.restore()
    stopped = recorder.stopped()
    for blocks, first, end in _phases(task.transfer, task.options.epochs):
        start = max(first, len(result.history))
        if start >= end or stopped:
            continue
        train_part(model, task.net, blocks)
        _compile(model, task, len(loader), first, end)
        if len(result.history) > first:
            model.optimizer.build(model.trainable_variables)
            model.load_weights(folder / LAST)
        stopping = Stopping(recorder)
        callbacks = [recorder, stopping]
        model.fit(
            _batches(loader, start, end, len(task.classes)),
            steps_per_epoch=len(loader),
            initial_epoch=start,
            epochs=end,
            verbose=0,
            shuffle=False,  # the loader orders them
            callbacks=callbacks,
        )
        stopped = stopping.stopped_epoch > 0
    model.load_weights(folder / BEST)
    if task.test is not None:
        result.test, _ = confusion_of(model, task, task.test)
    model.save(task.out / "model.keras")
    result.model, result.model_file, result.complete = model, "model.keras", True
    result.save(task.out)
    return result


def _phases(transfer: Transfer | None, epochs: int) -> list[tuple[int | None, int, int]]:
    """(blocks that learn, first epoch, end) of each phase."""
    if transfer is None:
        return [(None, 0, epochs)]
    if transfer.blocks == 0:
        return [(0, 0, epochs)]
    head = min(transfer.head_epochs, epochs)
    return [(0, 0, head), (transfer.blocks, head, epochs)]


def _compile(model: Any, task: Task, steps: int, first: int, end: int) -> None:
    """AdamW with a short rise and a cosine over the phase; the second phase of a transfer is at the lower rate."""
    rate = task.rate
    if task.transfer is not None and first > 0:
        rate *= task.transfer.lower
    total = steps * (end - first)
    rise = max(round(WARM_UP * total), 1)
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / (rise + 1), max(total - rise, 1), warmup_target=rate, warmup_steps=rise
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=task.options.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=NO_DECAY)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=task.options.label_smoothing)
    model.compile(optimizer, loss)


def _batches(loader: Loader, start: int, end: int, classes: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Images (n, h, w, channels) and one-hot labels (n, classes), epoch after epoch."""
    for epoch in range(start, end):
        loader.set_epoch(epoch)
        for batch in loader:
            yield _planes(batch.images), np.eye(classes, dtype=np.float32)[batch.labels]


def _planes(images: NDArray[Any]) -> NDArray[Any]:
    return images[..., None] if images.ndim == 3 else images


def confusion_of(model: Any, task: Task, part: Part) -> tuple[NDArray[np.int64], float]:
    """(classes, classes) counts, true by predicted, and the mean loss."""
    counts = np.zeros((len(task.classes), len(task.classes)), np.int64)
    total = 0.0
    for batch in task.judging_loader(part):
        assert batch.labels is not None
        logits = np.asarray(model.predict_on_batch(_planes(batch.images)), dtype=np.float64)
        np.add.at(counts, (batch.labels, logits.argmax(axis=1)), 1)
        logits -= logits.max(axis=1, keepdims=True)
        given = logits[np.arange(len(logits)), batch.labels]
        total += float((np.log(np.exp(logits).sum(axis=1)) - given).sum())
    return counts, total / counts.sum()


class Recorder(keras.callbacks.Callback):  # type: ignore[misc]
    """Judges, writes down, prints and saves each epoch."""

    def __init__(self, task: Task, loader: Loader, result: Result, console: Console | None) -> None:
        super().__init__()
        self.task, self.loader, self.result, self.console = task, loader, result, console
        self.folder = task.out / "checkpoints"
        self.earlier = Log()
        self._begun = self._ended = 0.0
        self._guarded = 0
        self._headed = False

    def guards(self) -> Log:
        """What the guards did, in this run and the one that it resumed."""
        whole = Log()
        for log in (self.earlier, self.loader.report.guards):
            whole.add(log)
        return whole

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._begun = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._ended = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        check_finite(logs["loss"], epoch, self.task.rate)
        confusion, loss = confusion_of(self.model, self.task, self.task.split.validation)
        guards = self.guards()
        acted = guards.changed + guards.relabelled + guards.dropped
        images = len(self.task.split.train)
        done = Epoch(
            epoch,
            float(logs["loss"]),
            loss,
            float(np.trace(confusion) / confusion.sum()),
            images,
            images / max(self._ended - self._begun, 1e-9),
            acted - self._guarded,
            tuple(tuple(int(v) for v in row) for row in confusion),
        )
        self._guarded = acted
        logs["val_loss"] = loss
        self.result.history.append(done)
        self.result.guards = guards.to_dict()
        if self.result.best is done:
            self.model.save_weights(self.folder / BEST)
        self.model.save_weights(self.folder / LAST)
        write_record(self.folder, [asdict(e) for e in self.result.history], plain_log(guards))
        self.result.save(self.task.out)
        if self.console is not None:
            if not self._headed:
                self.console.print(HEADING, style="bold", highlight=False)
            self._headed = True
            self.console.print(done.line(self.task.options.epochs), highlight=False)

    def restore(self) -> None:
        """Take up what an earlier run wrote down."""
        history, guards = read_record(self.folder)
        self.result.history[:] = history
        self.earlier = log_from(guards)
        self.result.guards = self.earlier.to_dict()
        self._guarded = self.earlier.changed + self.earlier.relabelled + self.earlier.dropped

    def stopped(self) -> bool:
        """Whether the earlier run had ended early."""
        history = self.result.history
        return bool(history) and history[-1].epoch - self.result.best.epoch >= self.task.options.patience


class Stopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """Keras's, which goes on counting where an earlier phase or run left off."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(monitor="val_loss", patience=recorder.task.options.patience, mode="min")
        self._recorder = recorder

    def on_train_begin(self, logs: Any = None) -> None:
        super().on_train_begin(logs)
        result = self._recorder.result
        if result.history:
            self.best = result.best.validation_loss
            self.wait = result.history[-1].epoch - result.best.epoch
