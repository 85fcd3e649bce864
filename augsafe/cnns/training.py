"""Train a network on augmented images: one function for both frameworks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from augsafe.cnns.advice import Transfer
from augsafe.cnns.data import Policy
from augsafe.cnns.frameworks import framework as needed
from augsafe.cnns.results import Result
from augsafe.cnns.specs import Framework, Network, network
from augsafe.cnns.task import Options, Task, prepare
from augsafe.compose import Compose
from augsafe.contracts import Contract
from augsafe.guards.enforce import OnViolation
from augsafe.transforms import Transform

if TYPE_CHECKING:
    from rich.console import Console


def train(
    data: Any,
    model: str = "resnet18",
    policy: Policy | Transform | None = None,
    *,
    out: str | Path,
    framework: Framework = "torch",
    validation: Any = None,
    validation_share: float = 0.2,
    validation_policy: Compose | None = None,
    test: Any = None,
    groups: Any = None,
    convert_channels: bool = False,
    size: tuple[int, int] | int | None = None,
    weights: str | Path | None = None,
    keep_head: bool = False,
    transfer: Transfer | str | None = "auto",
    contract: Contract | str | None = None,
    on_violation: OnViolation | None = "redraw",
    epochs: int = 20,
    batch_size: int = 64,
    rate: float | None = None,
    weight_decay: float = 0.01,
    label_smoothing: float = 0.0,
    patience: int = 10,
    seed: int = 0,
    workers: int = 2,
    device: str = "auto",
    resume: bool = False,
    console: Console | None = None,
) -> Result:
    """Train a network of the table on augmented images, and keep the weights that are best on validation images.

    data: what `open_source` reads, with labels. policy: what is drawn; it ends in `input_spec(model)`, or has no output
    and is given that one. Validation images are a share of each class, or `validation`; they are never augmented.
    groups: (n,) images of one group, such as a patient, stay on one side. test: images that are judged once, at the end.
    weights: None, "hub", or a file; then `transfer` says what learns: "auto" asks `suggest`. keep_head: the file's head
    is for these classes. contract, on_violation: see `Loader`. batch_size: over all processes. rate: of AdamW; the
    table's unless given. patience: epochs without a better validation loss, after which it ends.
    out: the folder for results.json, model.pt and checkpoints. resume: go on with the run in it.

    Under torchrun the processes share the work; the result does not depend on how many there are, up to rounding and,
    in networks with dropout, its draws. Raises ArgumentError, InputError and MissingExtraError before the first step.
    """
    net = network(model, framework)
    options = Options(
        epochs, batch_size, rate, weight_decay, label_smoothing, patience, seed, workers, on_violation, device
    )
    rank, world = _processes(net)
    task = prepare(
        data,
        net,
        Compose((policy,)) if isinstance(policy, Transform) else policy,
        out=out,
        options=options,
        validation=validation,
        validation_share=validation_share,
        validation_policy=validation_policy,
        test=test,
        groups=groups,
        convert_channels=convert_channels,
        size=size,
        contract=contract,
        weights=weights,
        transfer=transfer,
        world_size=world,
    )
    result = Result(net.name, net.framework, task.classes, task.facts(), before=task.before, folder=task.out)
    if console is not None and rank == 0:
        announce(task, console)
    if net.framework == "torch":
        from augsafe.cnns.torch_training import run
    else:
        from augsafe.cnns.keras_training import run
    return run(task, result, resume, keep_head, console)


def _processes(net: Network) -> tuple[int, int]:
    """(rank, processes), with the framework there. Raises MissingExtraError."""
    if net.framework == "keras":
        needed("keras", f"training {net.name} in Keras")
        return 0, 1
    for module in ("torch", "torchvision", "lightning"):
        needed(module, f"training {net.name}")
    from augsafe.cnns.torch_training import processes

    return processes()


def announce(task: Task, console: Console) -> None:
    """Say what will be trained, and what the check says of the policy."""
    split = task.split
    console.print(f"[bold]{task.net.name}[/bold] ({task.net.framework}), {len(task.classes)} classes: "
                  f"{len(split.train):,} training and {len(split.validation):,} validation images", highlight=False)  # fmt: skip
    if task.transfer is not None:
        why = f": {task.transfer.why}" if task.transfer.why else ""
        console.print(f"Trains {task.transfer.words}{why}.", highlight=False)
    errors = [f for f in task.before if f["severity"] == "error"]
    others = sum(f["severity"] == "warning" for f in task.before)
    for finding in errors:
        share = "" if finding["probability"] is None else f", in {finding['probability']:.0%} of draws"
        console.print(f"  {finding['code']} {' + '.join(finding['steps'])}: {finding['message']} "
                      f"({', '.join(finding['classes'])}{share})", style="red", highlight=False)  # fmt: skip
    if not errors:
        console.print(f"The check finds no errors in the policy, {others} warnings.", highlight=False)
    elif task.options.on_violation is None:
        console.print("The guards are off: the network will be shown these.", style="bold red", highlight=False)
    else:
        said = task.options.on_violation
        said = said if isinstance(said, str) else ", ".join(f"{k}: {v}" for k, v in said.items())
        console.print(f"The loader's guards see to these draws ({said}).", highlight=False)
