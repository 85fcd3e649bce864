"""The result of a training: each epoch, each class, the actions of the guards, and the speed."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rich.console import Console

RESULTS, MODEL = "results.json", "model.pt"
HEADING = f"{'epoch':>9}{'loss':>9}{'validation':>12}{'accuracy':>10}{'images/s':>11}{'guarded':>10}"


@dataclass(frozen=True)
class Epoch:
    """One epoch.

    Attributes:
        epoch: Its number, from 0.
        loss: Mean training loss.
        validation_loss: Mean validation loss.
        accuracy: Share of validation images classified correctly.
        images: Number of training images.
        images_per_second: Training images per second, from file to finished step.
        guarded: Number of images that the guards changed.
        confusion: Validation images (classes, classes), true by predicted class.
    """

    epoch: int
    loss: float
    validation_loss: float
    accuracy: float
    images: int
    images_per_second: float
    guarded: int
    confusion: tuple[tuple[int, ...], ...]

    def line(self, epochs: int) -> str:
        """The epoch in one line, under `HEADING`."""
        count = f"{self.epoch + 1}/{epochs}"
        return (
            f"{count:>9}{self.loss:>9.4f}{self.validation_loss:>12.4f}{self.accuracy:>10.1%}"
            f"{self.images_per_second:>11,.0f}{self.guarded:>10,}"
        )


@dataclass(frozen=True)
class ClassScore:
    """The results of one class. A share is None if it cannot be computed.

    Attributes:
        name: The class.
        images: Number of its images.
        recall: Share of its images that were classified correctly.
        precision: Share of the images classified as this class that belong to it.
        taken_for: The class it is most often confused with, "" for none.
        taken: Number of images confused with that class.
    """

    name: str
    images: int
    recall: float | None
    precision: float | None
    taken_for: str
    taken: int


@dataclass(eq=False)
class Result:
    """The result of a training.

    Attributes:
        network: The name of the network.
        framework: "torch" or "keras".
        classes: The names of the classes.
        settings: All settings, as plain values.
        history: The epochs, in order.
        before: The findings of the check before training, as plain values.
        guards: The counters of the guards.
        test: Test images (classes, classes), true by predicted class, if test data was given.
        complete: False while the training runs.
        folder: Where the files are.
        model: The trained network, in evaluation mode.
        model_file: The file in `folder` with its weights.
        leads: False in all processes but the first.
    """

    network: str
    framework: str
    classes: tuple[str, ...]
    settings: dict[str, Any]
    history: list[Epoch] = field(default_factory=list)
    before: list[dict[str, Any]] = field(default_factory=list)
    guards: dict[str, Any] = field(default_factory=dict)
    test: NDArray[np.int64] | None = None
    complete: bool = False
    folder: Path | None = None
    model: Any = None
    model_file: str = MODEL
    leads: bool = True

    @property
    def best(self) -> Epoch:
        """The epoch with the lowest validation loss, whose weights are kept."""
        return min(self.history, key=lambda e: e.validation_loss)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Validation images, true by predicted class, at the best epoch."""
        return np.asarray(self.best.confusion, dtype=np.int64)

    @property
    def accuracy(self) -> float:
        """The share classified correctly: of the test images if there are any, otherwise of the validation images."""
        counts = self.confusion if self.test is None else self.test
        return float(np.trace(counts) / counts.sum())

    @property
    def images_per_second(self) -> float:
        """Training images per second over all epochs, from the data set to the finished step."""
        seconds = sum(e.images / e.images_per_second for e in self.history)
        return sum(e.images for e in self.history) / seconds if seconds else 0.0

    def per_class(self) -> list[ClassScore]:
        """The results of each class, on the test images if there are any, otherwise on the validation images."""
        return scores(self.confusion if self.test is None else self.test, self.classes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in results.json."""
        body: dict[str, Any] = {
            "network": self.network,
            "framework": self.framework,
            "classes": list(self.classes),
            "complete": self.complete,
            "settings": self.settings,
            "check_before_training": self.before,
            "history": [asdict(e) for e in self.history],
            "guards": self.guards,
        }
        if self.history:
            body |= {
                "best_epoch": self.best.epoch,
                "validation_accuracy": self.best.accuracy,
                "per_class": [asdict(s) for s in scores(self.confusion, self.classes)],
                "images_per_second": self.images_per_second,
            }
        if self.test is not None:
            body["test"] = {
                "accuracy": self.accuracy,
                "confusion": self.test.tolist(),
                "per_class": [asdict(s) for s in self.per_class()],
            }
        return body

    def save(self, folder: Path) -> None:
        """Save results.json. A failure leaves an old file as it was."""
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / (RESULTS + ".part")
        part.write_text(json.dumps(self.to_dict(), indent=2, ensure_ascii=False), encoding="utf-8")
        os.replace(part, folder / RESULTS)

    def show(self, console: Console) -> None:
        """Print the best epoch, each class, the guards and the speed."""
        from rich.table import Table

        best, last = self.best, self.history[-1]
        right = best.accuracy
        console.print(
            f"\nBest of {last.epoch + 1} epochs: number {best.epoch + 1}, with {right:.1%} of "
            f"{int(self.confusion.sum()):,} validation images classified correctly.",
            highlight=False,
        )
        if self.test is not None:
            console.print(f"Accuracy on {int(self.test.sum()):,} test images: {self.accuracy:.1%}.", highlight=False)
        table = Table(box=None, pad_edge=False, padding=(0, 2))
        table.add_column("class")
        for name in ("images", "recall", "precision"):
            table.add_column(name, justify="right")
        table.add_column("most often confused with")
        for score in self.per_class():
            wrong = f"{score.taken_for} ({score.taken})" if score.taken else "-"
            table.add_row(score.name, f"{score.images:,}", _share(score.recall), _share(score.precision), wrong)
        console.print(table)
        counts = self.guards
        if counts:
            console.print(
                f"Guards checked {counts['images']:,} images: {counts['changed']:,} redrawn or fixed, "
                f"{counts['relabelled']:,} relabelled, {counts['dropped']:,} dropped.",
                highlight=False,
            )
        console.print(f"{self.images_per_second:,.0f} training images per second, with loading and guards.",
                      highlight=False)  # fmt: skip


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def scores(confusion: NDArray[np.int64], classes: Sequence[str]) -> list[ClassScore]:
    """Recall, precision and the most frequent mistake of each class."""
    out = []
    for i, name in enumerate(classes):
        row, called = confusion[i], int(confusion[:, i].sum())
        wrong = row.copy()
        wrong[i] = 0
        worst = int(wrong.argmax())
        images = int(row.sum())
        out.append(
            ClassScore(
                name,
                images,
                float(row[i] / images) if images else None,
                float(row[i] / called) if called else None,
                classes[worst] if wrong[worst] else "",
                int(wrong[worst]),
            )
        )
    return out
