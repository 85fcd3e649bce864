"""The command `augsafe train`."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from augsafe.errors import ArgumentError, PolicyError

Data = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="A folder with one folder a class, an .npz archive or a .csv manifest."),
]


def train(
    data: Data,
    model: Annotated[str, typer.Option("--model", "-m", help="The network, such as resnet18 or lenet5.")] = "resnet18",
    policy: Annotated[
        Path | None, typer.Option("--policy", "-p", help="The policy, YAML or JSON; without one nothing is augmented.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for results, model and checkpoints.")] = Path(
        "augsafe-run"
    ),
    framework: Annotated[str, typer.Option("--framework", metavar="torch|keras", help="What it is built in.")] = "torch",
    contract: Annotated[
        str | None, typer.Option("--contract", "-c", metavar="NAME|FILE", help="What the guards hold draws against.")
    ] = None,
    on_violation: Annotated[
        str,
        typer.Option("--on-violation", metavar="ACTION|off", help="What the guards do: redraw, clamp, relabel, ..."),
    ] = "redraw",
    validation: Annotated[Path | None, typer.Option("--validation", help="Validation data; else a share is held.")] = None,
    validation_share: Annotated[float, typer.Option("--validation-share", help="The share held for validation.")] = 0.2,
    test: Annotated[Path | None, typer.Option("--test", help="Test data, judged once, at the end.")] = None,
    weights: Annotated[
        str | None, typer.Option("--weights", metavar="hub|FILE", help="Start from these weights: transfer learning.")
    ] = None,
    blocks: Annotated[
        str,
        typer.Option("--blocks", metavar="auto|all|K", help="What is fine-tuned: the last K blocks; 0 the head alone."),
    ] = "auto",
    size: Annotated[int | None, typer.Option("--size", help="The side of the images, where not the network's.")] = None,
    convert: Annotated[
        bool, typer.Option("--convert-channels", help="Turn grey images to colour, or colour to grey, as it needs.")
    ] = False,
    epochs: Annotated[int, typer.Option("--epochs", help="At most so many.")] = 20,
    batch_size: Annotated[int, typer.Option("--batch-size", help="Over all processes.")] = 64,
    rate: Annotated[float | None, typer.Option("--rate", help="The learning rate; the table's unless given.")] = None,
    weight_decay: Annotated[float, typer.Option("--weight-decay", help="AdamW's.")] = 0.01,
    patience: Annotated[int, typer.Option("--patience", help="Epochs without getting better, then it ends.")] = 10,
    workers: Annotated[int, typer.Option("--workers", help="Threads of the loader.")] = 2,
    device: Annotated[str, typer.Option("--device", metavar="auto|cpu|gpu", help="Where it runs.")] = "auto",
    seed: Annotated[int, typer.Option("--seed", help="Of the draws, the weights and the split.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Train a CNN on augmented images with the guards on; `torchrun -m augsafe train` uses several processes."""
    from augsafe.cli import _contract
    from augsafe.cnns import train as run
    from augsafe.sources import open_source

    console = Console(stderr=json)
    source = open_source(data)
    result = run(
        source,
        model,
        None if policy is None else _policy(policy),
        out=out,
        framework=framework,  # type: ignore[arg-type]  # checked by the table
        validation=validation,
        validation_share=validation_share,
        test=test,
        convert_channels=convert,
        size=size,
        weights=weights,
        transfer=_transfer(blocks, weights),
        contract=_contract(contract, source.classes),
        on_violation=None if on_violation == "off" else on_violation,
        epochs=epochs,
        batch_size=batch_size,
        rate=rate,
        weight_decay=weight_decay,
        patience=patience,
        workers=workers,
        device=device,
        seed=seed,
        resume=resume,
        console=console,
    )
    if not result.leads:
        return
    if json:
        typer.echo(json_format.dumps(result.to_dict(), indent=2, ensure_ascii=False))
    else:
        result.show(console)
        console.print(f"Written to {out}: results.json, {result.model_file}, checkpoints", highlight=False)


def _transfer(blocks: str, weights: str | None) -> Any:
    from augsafe.cnns import Transfer

    if blocks == "auto":
        return "auto"
    if weights is None:
        raise ArgumentError(f"--blocks {blocks} is for transfer learning: give --weights, too")
    if blocks == "all":
        return Transfer(None)
    if not blocks.isdigit():
        raise ArgumentError(f"--blocks must be auto, all or a whole number, got {blocks!r}")
    return Transfer(int(blocks))


def _policy(path: Path) -> Any:
    """A policy, or a policy for each class."""
    from augsafe.compose import Compose
    from augsafe.perclass import PerClass
    from augsafe.policy import read_file, read_yaml

    try:
        body = read_yaml(read_file(path))
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error
    return PerClass.from_dict(body) if isinstance(body, dict) and "per_class" in body else Compose.load(path)
