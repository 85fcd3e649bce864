"""The command `augsafe train`."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from augsafe.cli.options import check_choice, check_folder, for_data, named_contract
from augsafe.errors import ArgumentError, PolicyError

Option = typer.Option
Data = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="A folder with one subfolder per class, an .npz archive or a .csv manifest."),
]
Model = Annotated[str, Option("--model", "-m", help="The network, such as resnet18 or lenet5.")]
PolicyFile = Annotated[Path | None, Option("--policy", "-p", help="The policy file (default: no augmentation).")]
Out = Annotated[Path, Option("--out", "-o", help="The folder for results, model and checkpoints.")]
Frame = Annotated[str, Option("--framework", metavar="torch|keras", help="The framework of the network.")]
ContractOption = Annotated[
    str | None, Option("--contract", "-c", metavar="NAME|FILE", help="The contract for the guards: built-in or a file.")
]
Action = Annotated[
    str,
    Option(
        "--on-violation",
        metavar="ACTION|off",
        help="What the guards do: raise, drop, relabel, identity, clamp, redraw or warn.",
    ),
]
Validation = Annotated[Path | None, Option("--validation", help="Validation data (default: a share of DATA).")]
Share = Annotated[float, Option("--validation-share", help="Share of DATA for validation, if none is given.")]
Test = Annotated[Path | None, Option("--test", help="Test data, used once at the end.")]
Weights = Annotated[
    str | None, Option("--weights", metavar="hub|FILE", help="Start from pretrained weights (transfer learning).")
]
Blocks = Annotated[
    str,
    Option("--blocks", metavar="auto|all|K", help="With --weights: fine-tune the last K blocks (0: only the head)."),
]
Side = Annotated[int | None, Option("--size", help="Side of the images in pixels (default: the network's own).")]
Convert = Annotated[bool, Option("--convert-channels", help="Convert grey to colour, or colour to grey, as needed.")]
Epochs = Annotated[int, Option("--epochs", help="Largest number of epochs.")]
BatchSize = Annotated[int, Option("--batch-size", help="Images per batch, over all processes.")]
Rate = Annotated[float | None, Option("--rate", help="Learning rate (default: the network's own).")]
Decay = Annotated[float, Option("--weight-decay", help="Weight decay of AdamW.")]
Patience = Annotated[int, Option("--patience", help="Stop after this many epochs without improvement.")]
Workers = Annotated[int, Option("--workers", help="Number of loader threads.")]
Device = Annotated[str, Option("--device", metavar="auto|cpu|gpu", help="Where to train.")]
Seed = Annotated[int, Option("--seed", help="The random seed.")]
Resume = Annotated[bool, Option("--resume", help="Resume the run in --out.")]
Json = Annotated[bool, Option("--json", help="Print the results as JSON.")]


def train(
    data: Data,
    model: Model = "resnet18",
    policy: PolicyFile = None,
    out: Out = Path("augsafe-run"),
    framework: Frame = "torch",
    contract: ContractOption = None,
    on_violation: Action = "redraw",
    validation: Validation = None,
    validation_share: Share = 0.2,
    test: Test = None,
    weights: Weights = None,
    blocks: Blocks = "auto",
    size: Side = None,
    convert_channels: Convert = False,
    epochs: Epochs = 20,
    batch_size: BatchSize = 64,
    rate: Rate = None,
    weight_decay: Decay = 0.01,
    patience: Patience = 10,
    workers: Workers = 2,
    device: Device = "auto",
    seed: Seed = 0,
    resume: Resume = False,
    json: Json = False,
) -> None:
    """Train a CNN on augmented images with the guards on. For several processes: `torchrun -m augsafe train`."""
    from augsafe.cnns import Options
    from augsafe.cnns import train as run
    from augsafe.images import open_source

    options = Options(
        epochs, batch_size, rate, weight_decay, 0.0, patience, seed, workers, device, size, validation_share,
        convert_channels,
    )  # fmt: skip
    _check(model, framework, on_violation, out, weights)
    transfer, bound = _transfer(blocks, weights), named_contract(contract)
    augments = None if policy is None else _policy(policy)
    console, source = Console(stderr=json), open_source(data)
    result = run(
        source,
        model,
        augments,
        out=out,
        options=options,
        framework=framework,
        contract=for_data(bound, source.classes),
        on_violation=None if on_violation == "off" else on_violation,
        validation=validation,
        test=test,
        weights=weights,
        transfer=transfer,
        resume=resume,
        console=console,
    )
    if json and result.leads:
        typer.echo(json_format.dumps(result.to_dict(), indent=2, ensure_ascii=False))
    elif result.leads:
        result.show(console)
        console.print(f"Saved to {out}: results.json, {result.model_file}, checkpoints", highlight=False)


def _check(model: str, framework: str, on_violation: str, out: Path, weights: str | None) -> None:
    """Refuse what cannot be, before any image is read. Raises ArgumentError."""
    from augsafe.cnns import FRAMEWORKS, network
    from augsafe.guards import ACTIONS

    check_choice("--framework", framework, FRAMEWORKS)
    network(model, framework)
    check_choice("--on-violation", on_violation, (*ACTIONS, "off"))
    check_folder("--out", out)
    if weights is not None and weights != "hub" and not Path(weights).is_file():
        raise ArgumentError(f"--weights={weights!r} must be hub or an existing file")


def _transfer(blocks: str, weights: str | None) -> Any:
    from augsafe.cnns import Transfer

    if blocks == "auto":
        return "auto"
    if weights is None:
        raise ArgumentError(f"--blocks {blocks} needs --weights (transfer learning)")
    if blocks == "all":
        return Transfer(None)
    if not blocks.isdigit():
        raise ArgumentError(f"--blocks must be auto, all or a whole number, got {blocks!r}")
    return Transfer(int(blocks))


def _policy(path: Path) -> Any:
    """A policy, or a policy for each class."""
    from augsafe.policies import Compose, PerClass, read_file, read_yaml

    try:
        body = read_yaml(read_file(path))
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error
    return PerClass.from_dict(body) if isinstance(body, dict) and "per_class" in body else Compose.load(path)
