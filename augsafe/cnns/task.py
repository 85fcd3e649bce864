"""A training as requested, fully checked before the first step, the same for every framework."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from augsafe.checking import check
from augsafe.cnns.advice import Transfer, suggest
from augsafe.cnns.data import Part, Policy, Split, check_channels, divide, labels_of
from augsafe.cnns.fitting import check_batches, fitted
from augsafe.cnns.results import RESULTS
from augsafe.cnns.specs import Network
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError
from augsafe.guards import OnViolation
from augsafe.images import open_source
from augsafe.loading import Loader
from augsafe.policies import Compose, check_evaluation_policy, evaluation_policy

CHECKED, CHECK_DRAWS = 400, 4000  # images and plans of the check before training
RUN = "run.json"


@dataclass(frozen=True)
class Options:
    """How a network is trained.

    Attributes:
        epochs: Largest number of epochs.
        batch_size: Images per batch, over all processes.
        rate: Learning rate of AdamW. Default: the rate of the network in the table.
        weight_decay: Weight decay of AdamW.
        label_smoothing: Label smoothing of the loss, from 0 to 0.99.
        patience: Stop after this many epochs without a better validation loss.
        seed: The seed of the weights, the random values and the split.
        workers: Number of loader threads.
        device: "auto", "cpu" or "gpu".
        size: Another size of the images in pixels. Default: the network's own.
        validation_share: Share of each class for validation, if no validation data is given.
        convert_channels: Convert images in memory between grey and colour. By default they are refused.
        keep_head: Keep the head of the weights, which must know these classes.

    Raises:
        ArgumentError: A value is out of range.
    """

    epochs: int = 20
    batch_size: int = 64
    rate: float | None = None
    weight_decay: float = 0.01
    label_smoothing: float = 0.0
    patience: int = 10
    seed: int = 0
    workers: int = 2
    device: str = "auto"
    size: tuple[int, int] | int | None = None
    validation_share: float = 0.2
    convert_channels: bool = False
    keep_head: bool = False

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("patience", 1), ("workers", 0), ("seed", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
                raise ArgumentError(f"{name} must be a whole number of at least {least}, got {value!r}")
        share = self.validation_share
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
            raise ArgumentError(f"validation_share must be above 0 and below 1, got {share!r}")
        for name, low, high in (("rate", 0.0, 10.0), ("weight_decay", 0.0, 1.0), ("label_smoothing", 0.0, 0.99)):
            value = getattr(self, name)
            if value is None and name == "rate":
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise ArgumentError(f"{name} must be from {low:g} to {high:g}, got {value!r}")
        if self.device not in ("auto", "cpu", "gpu"):
            raise ArgumentError(f"device must be auto, cpu or gpu, got {self.device!r}")


@dataclass(frozen=True, eq=False)
class Task:
    """A training that has passed all checks.

    Attributes:
        net: The network.
        split: Training and validation images.
        test: Test images, or None.
        policy: The policy for training.
        evaluation: The policy for validation and test images, without random steps.
        contract: The contract of the guards, or None.
        options: The options.
        on_violation: The action of the guards, or None if they are off.
        transfer: What to train of a pretrained network, or None.
        weights: "hub", a file, or None.
        before: The findings of the check, as plain values.
        out: The folder for all files.
    """

    net: Network
    split: Split
    test: Part | None
    policy: Policy
    evaluation: Compose
    contract: Contract | None
    options: Options
    on_violation: OnViolation | None
    transfer: Transfer | None
    weights: str | Path | None
    before: list[dict[str, Any]]
    out: Path

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.split.classes

    @property
    def rate(self) -> float:
        """The learning rate: the one given, otherwise the rate of the network in the table."""
        return self.net.rate if self.options.rate is None else self.options.rate

    def training_loader(self, rank: int = 0, world_size: int = 1) -> Loader:
        """Augmented, with guards. Each image comes once per epoch, over all processes."""
        return Loader(
            self.split.train,
            self.policy,
            batch_size=self.options.batch_size // world_size,
            seed=self.options.seed,
            workers=self.options.workers,
            rank=rank,
            world_size=world_size,
            contract=self.contract,
            on_violation=self.on_violation,
            even="none",
        )

    def judging_loader(self, part: Part, rank: int = 0, world_size: int = 1) -> Loader:
        """Not augmented, in order."""
        return Loader(
            part,
            self.evaluation,
            batch_size=max(self.options.batch_size // world_size, 1),
            shuffle=False,
            workers=self.options.workers,
            rank=rank,
            world_size=world_size,
            on_violation=None,
            even="none",
        )

    def facts(self) -> dict[str, Any]:
        """What a resumed run must have in common with the original one, as plain values."""
        options = asdict(self.options)
        options["rate"] = self.rate
        for free in ("workers", "device"):
            del options[free]
        rows = hashlib.blake2b(self.split.train.rows.tobytes() + self.split.validation.rows.tobytes(), digest_size=8)
        return {
            "network": self.net.name,
            "framework": self.net.framework,
            "classes": list(self.classes),
            "training_images": len(self.split.train),
            "validation_images": len(self.split.validation),
            "split": rows.hexdigest(),
            "policy": self.policy.to_dict(),
            "validation_policy": self.evaluation.to_dict(),
            "contract": None if self.contract is None else self.contract.to_dict(),
            "on_violation": self.on_violation,
            "weights": None if self.weights is None else str(self.weights),
            "transfer": None if self.transfer is None else asdict(self.transfer),
            "options": options,
        }

    def begin(self, resume: bool) -> None:
        """Write the facts of this run to the folder, or compare them with those there. Raises ArgumentError."""
        refuse_taken(self.out, resume)
        path = self.out / RUN
        if not path.exists():
            self.out.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.facts(), indent=2, ensure_ascii=False), encoding="utf-8")
            return
        held = json.loads(path.read_text(encoding="utf-8"))
        mine = json.loads(json.dumps(self.facts()))
        for name, value in mine.items():
            if held.get(name) != value:
                raise ArgumentError(
                    f"the run in {str(self.out)!r} had {name}={_short(held.get(name))}, not {_short(value)}; resume "
                    "with the same settings"
                )


def refuse_taken(out: Path, resume: bool) -> None:
    """Raise ArgumentError if the folder contains a run and `resume` is False."""
    if (out / RUN).exists():
        if not resume:
            raise ArgumentError(
                f"out={str(out)!r} contains a run; continue it with resume=True or --resume, or give another folder"
            )
    elif (out / RESULTS).exists():
        raise ArgumentError(f"out={str(out)!r} contains results of another run; give another folder")


def _short(value: Any) -> str:
    words = json.dumps(value)
    return words if len(words) < 120 else words[:117] + "..."


def prepare(
    net: Network,
    policy: Policy | None,
    out: Path,
    options: Options,
    data: tuple[Any, Any, Any, Any],
    validation_policy: Compose | None,
    contract: Contract | str | None,
    on_violation: OnViolation | None,
    weights: str | Path | None,
    transfer: Transfer | str | None,
    world_size: int,
) -> Task:
    """Check everything that can be checked without the framework. Raises ArgumentError and InputError.

    data: the training data, validation data or None, groups or None, and test data or None.
    """
    given, validation, groups, test = data
    convert = options.convert_channels
    split = divide(given, net.channels, validation, options.validation_share, options.seed, groups, convert)
    judged = None
    if test is not None:
        source = open_source(test)
        labels, _ = labels_of(source, split.classes)
        check_channels(source, net.channels, convert, "test")
        judged = Part(source, np.arange(len(source)), labels, split.classes, net.channels)
    pretrained = weights is not None
    fit = fitted(Compose(()) if policy is None else policy, net, pretrained, options.size)
    chosen = evaluation_policy(fit)
    if validation_policy is not None:
        ours = fitted(check_evaluation_policy(validation_policy), net, pretrained, options.size)
        assert isinstance(ours, Compose)
        chosen = ours
    moves = _transfer(transfer, net, split, weights)
    if moves is not None and moves.blocks is not None and moves.blocks > len(net.blocks):
        raise ArgumentError(f"Transfer(blocks={moves.blocks}): {net.name} has {len(net.blocks)} blocks")
    learns = net.batch_norm and (moves is None or moves.blocks != 0)
    check_batches(len(split.train), options.batch_size, world_size, learns)
    made = Contract.builtin(contract) if isinstance(contract, str) else contract
    bound = made if made is None else made.with_classes(split.classes)
    before = _checked(fit, split, bound)
    return Task(net, split, judged, fit, chosen, bound, options, on_violation, moves, weights, before, out)


def check_finite(loss: float, epoch: int, rate: float) -> None:
    """Raise ArgumentError if the loss is infinite or not a number."""
    if not np.isfinite(loss):
        raise ArgumentError(f"the loss became {loss} in epoch {epoch + 1}: lower rate={rate:g}, or check the weights")


def _transfer(transfer: Transfer | str | None, net: Network, split: Split, weights: Any) -> Transfer | None:
    if weights is None:
        if isinstance(transfer, Transfer):
            raise ArgumentError("transfer= needs a pretrained network: give weights='hub' or a file")
        return None
    if isinstance(transfer, Transfer):
        return transfer
    if transfer not in (None, "auto"):
        raise ArgumentError(f"transfer must be 'auto' or a Transfer, got {transfer!r}")
    return suggest(split.counts, net)


def _checked(policy: Policy, split: Split, contract: Contract | None) -> list[dict[str, Any]]:
    """The findings of a check of the policy on some training images; none for a PerClass."""
    if not isinstance(policy, Compose) or not policy.steps:
        return []
    assert split.train.labels is not None
    rows = np.unique(np.linspace(0, len(split.train) - 1, CHECKED).astype(int))
    images = [split.train[int(i)].image for i in rows]
    report = check(
        policy,
        images,
        split.train.labels[rows],
        contract=contract,
        classes=split.classes,
        draws=CHECK_DRAWS,
        suggest=False,
    )
    return [
        {
            "code": f.code,
            "severity": f.severity,
            "steps": list(f.steps),
            "classes": list(f.classes),
            "becomes": dict(f.becomes),
            "probability": f.probability,
            "message": f.message,
        }
        for f in report.findings
        if f.accepted is None
    ]
