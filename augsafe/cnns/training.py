"""Train a network on augmented images: one function for both frameworks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
from augsafe.typing import GroupsLike, SourceLike

if TYPE_CHECKING:
    from rich.console import Console


def train(
    data: SourceLike,
    model: str = "resnet18",
    policy: Policy | Transform | None = None,
    *,
    out: str | Path,
    options: Options | None = None,
    framework: str = "torch",
    contract: Contract | str | None = None,
    on_violation: OnViolation | None = "redraw",
    validation: SourceLike | None = None,
    validation_policy: Compose | None = None,
    groups: GroupsLike | None = None,
    test: SourceLike | None = None,
    weights: str | Path | None = None,
    transfer: Transfer | str | None = "auto",
    resume: bool = False,
    console: Console | None = None,
) -> Result:
    """Train a network of the table on augmented images, and keep the weights with the lowest validation loss.

    Under torchrun, the processes share the work. The result does not depend on their number, except for rounding and,
    in networks with dropout, its random values.

    Args:
        data: What `open_source` accepts, with labels.
        model: The network, such as "resnet18"; see `names()`.
        policy: The augmentation. It ends in `input_spec(model)`, or has no output and gets that one. Default: no
            augmentation.
        out: The folder for results.json, the model and checkpoints.
        options: Epochs, batch size and so on.
        framework: "torch" or "keras".
        contract: The contract of the guards: a Contract or the name of a built-in one.
        on_violation: The action of the guards, as in `Loader`; None turns them off.
        validation: Validation data, which is not augmented. Default: a share of each class.
        validation_policy: The policy for validation and test images. It must not be random. Default: `policy` without
            its random steps.
        groups: (n,) Images of one group, such as a patient, stay on one side of the split.
        test: Test data, used once at the end.
        weights: None for random weights, "hub" for pretrained ones, or a file.
        transfer: With weights, what to train: a `Transfer`, or "auto" to use `suggest`.
        resume: Continue the run in `out`.
        console: Where to print the progress. Default: nothing is printed.

    Returns:
        The trained network and its results.

    Raises:
        ArgumentError: An argument is not valid. All are checked before the first step.
        InputError: The data does not fit.
        MissingExtraError: The framework is not installed.
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
    """(rank, number of processes). Raises MissingExtraError if the framework is missing."""
    if net.framework == "keras":
        needed("keras", f"training {net.name} in Keras")
        return 0, 1
    for module in ("torch", "torchvision", "lightning"):
        needed(module, f"training {net.name}")
    from augsafe.cnns.torch_training import processes

    return processes()


def announce(task: Task, console: Console) -> None:
    """Print what will be trained, and the findings of the check."""
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
        console.print(f"The check finds no errors in the policy and {others} warnings.", highlight=False)
    elif action is None:
        console.print("The guards are off, so the network will see these images.", style="bold red", highlight=False)
    else:
        words = action if isinstance(action, str) else ", ".join(f"{k}: {v}" for k, v in action.items())
        console.print(f"The loader's guards handle these images ({words}).", highlight=False)
