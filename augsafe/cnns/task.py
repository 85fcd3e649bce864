"""A training as it was asked for, checked whole before the first step, and the same for every framework."""

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

    epochs: at most so many; `patience` without a better validation loss end it. batch_size: over all processes. rate
    and weight_decay: AdamW's; the rate is the table's unless given. seed: of the weights, the draws and the split.
    workers: threads of the loader. device: "auto", "cpu" or "gpu". size: of the images, where it is not the network's.
    validation_share: what is held back. convert_channels: also of images in memory, which are refused otherwise.
    keep_head: the file of weights already knows these classes. Raises ArgumentError.
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
    """A training that may begin: everything was checked."""

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
        """The learning rate: the one given, else the table's, lower where only the new head starts at random."""
        return self.net.rate if self.options.rate is None else self.options.rate

    def training_loader(self, rank: int = 0, world_size: int = 1) -> Loader:
        """Augmented and guarded; each image once an epoch over all processes."""
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
        """What a run must have in common with the one that it resumes; plain values."""
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
        """Take the folder: write down what this run is, or compare with what is there. Raises ArgumentError."""
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
                    "with what it was begun with"
                )


def refuse_taken(out: Path, resume: bool) -> None:
    """Raise ArgumentError where the folder holds a run that is not to go on."""
    if (out / RUN).exists():
        if not resume:
            raise ArgumentError(
                f"out={str(out)!r} holds a run; go on with it by resume=True or --resume, or give another folder"
            )
    elif (out / RESULTS).exists():
        raise ArgumentError(f"out={str(out)!r} holds results of another run; give another folder")


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
    """A loss that is infinite or no number ends the training. Raises ArgumentError."""
    if not np.isfinite(loss):
        raise ArgumentError(f"the loss became {loss} in epoch {epoch + 1}: lower rate={rate:g}, or look at the weights")


def _transfer(transfer: Transfer | str | None, net: Network, split: Split, weights: Any) -> Transfer | None:
    if weights is None:
        if isinstance(transfer, Transfer):
            raise ArgumentError("transfer= is for a network that has learned something: give weights='hub' or a file")
        return None
    if isinstance(transfer, Transfer):
        return transfer
    if transfer not in (None, "auto"):
        raise ArgumentError(f"transfer must be 'auto' or a Transfer, got {transfer!r}")
    return suggest(split.counts, net)


def _checked(policy: Policy, split: Split, contract: Contract | None) -> list[dict[str, Any]]:
    """What the check says of the policy on some training images; of a PerClass, nothing."""
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
