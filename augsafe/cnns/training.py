"""Train a network on augmented images: one function for both frameworks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from augsafe.cnns.advice import Transfer
from augsafe.cnns.data import Policy
from augsafe.cnns.results import Result
from augsafe.cnns.specs import Network, network
from augsafe.cnns.task import Options, Task, prepare, refuse_taken
from augsafe.contracts import Contract
from augsafe.frameworks import framework as needed
from augsafe.guards import OnViolation, actions_of
from augsafe.policies import Compose
from augsafe.transforms import Transform

if TYPE_CHECKING:
    from rich.console import Console


def train(
    data: Any,
    model: str = "resnet18",
    policy: Policy | Transform | None = None,
    *,
    out: str | Path,
    options: Options | None = None,
    framework: str = "torch",
    contract: Contract | str | None = None,
    on_violation: OnViolation | None = "redraw",
    validation: Any = None,
    validation_policy: Compose | None = None,
    groups: Any = None,
    test: Any = None,
    weights: str | Path | None = None,
    transfer: Transfer | str | None = "auto",
    resume: bool = False,
    console: Console | None = None,
) -> Result:
    """Train a network of the table on augmented images, and keep the weights that are best on validation images.

    data: what `open_source` reads, with labels. policy: what is drawn; it ends in `input_spec(model)`, or has no output
    and is given that one. contract, on_violation: see `Loader`. validation: data of its own, else a share of each class
    is held back; it is never augmented. groups: (n,) images of one group, such as a patient, stay on one side. test:
    images that are judged once, at the end. weights: None, "hub", or a file; then `transfer` says what learns, "auto"
    asks `suggest`. out: the folder for results.json, the model and checkpoints; resume: go on with the run in it.

    Under torchrun the processes share the work; the result does not depend on how many there are, up to rounding and,
    in networks with dropout, its draws. Raises ArgumentError, InputError and MissingExtraError before the first step.
    """
    net = network(model, framework)
    if on_violation is not None:
        actions_of(on_violation)
    rank, world = _processes(net)
    if rank == 0:
        refuse_taken(Path(out), resume)  # before the policy is checked, which takes its time
    task = prepare(
        net,
        Compose((policy,)) if isinstance(policy, Transform) else policy,
        Path(out),
        options or Options(),
        (data, validation, groups, test),
        validation_policy,
        contract,
        on_violation,
        weights,
        transfer,
        world,
    )
    result = Result(net.name, net.framework, task.classes, task.facts(), before=task.before, folder=task.out)
    if console is not None and rank == 0:
        announce(task, console)
    if net.framework == "torch":
        from augsafe.cnns.torch_training import run
    else:
        from augsafe.cnns.keras_training import run
    return run(task, result, resume, console)


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
    images = f"{len(split.train):,} training and {len(split.validation):,} validation images"
    console.print(f"{task.net.name} in {task.net.framework}, {len(task.classes)} classes: {images}", highlight=False)
    if task.transfer is not None:
        why = f": {task.transfer.why}" if task.transfer.why else ""
        console.print(f"Trains {task.transfer.words}{why}.", highlight=False)
    errors = [f for f in task.before if f["severity"] == "error"]
    for finding in errors:
        share = "" if finding["probability"] is None else f", in {finding['probability']:.0%} of augmented images"
        said = f"  {finding['code']} {' + '.join(finding['steps'])}: {finding['message']}"
        console.print(f"{said} ({', '.join(finding['classes'])}{share})", style="red", highlight=False)
    action = task.on_violation
    if not errors:
        others = sum(f["severity"] == "warning" for f in task.before)
        console.print(f"The check finds no errors in the policy, and {others} warnings.", highlight=False)
    elif action is None:
        console.print("The guards are off: the network will be shown these.", style="bold red", highlight=False)
    else:
        words = action if isinstance(action, str) else ", ".join(f"{k}: {v}" for k, v in action.items())
        console.print(f"The loader's guards see to these draws ({words}).", highlight=False)
