"""The command `augsafe learn`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from augsafe.cli.options import check_file

PER_CLASS = 300  # images of a class that are read; fewer are used


def learn(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A folder with one folder a class, an .npz archive or a .csv manifest."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The contract to write.")] = Path("contract.yaml"),
    limits: Annotated[bool, typer.Option(help="Also propose limits on rotation and zoom.")] = True,
    seed: Annotated[int, typer.Option("--seed", help="The seed of the sample.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Threads; the result is the same for any number.")] = 1,
) -> None:
    """Propose a contract from labelled images, with the evidence beside each line, for you to confirm."""
    from augsafe.cli.data import class_indices, even_sample, load
    from augsafe.contracts import Contract
    from augsafe.images import open_source

    check_file("--output", output)
    notices = Console(stderr=True)
    source = open_source(data)
    numbers = class_indices(source)
    loaded = load(source, even_sample(numbers, PER_CLASS * max(int(numbers.max()) + 1, 1)), notices)
    with notices.status(f"Looking at {len(loaded.images):,} images under the eight symmetries"):
        contract = Contract.learn(
            loaded.images, loaded.labels, classes=loaded.classes, limits=limits, seed=seed, jobs=jobs
        )
    contract.save(output)
    changed = [f"{cls} reads as {r.to} under {s}" for (cls, s), r in contract.relations.items() if r.kind == "to"]
    typer.echo(f"Wrote {output}: {len(changed)} changes of class found. Confirm each line before you rely on it.")
    for line in changed:
        typer.echo(f"  {line}")
