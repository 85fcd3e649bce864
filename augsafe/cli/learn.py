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
        typer.Argument(
            metavar="DATA", help="A folder with one subfolder per class, an .npz archive or a .csv manifest."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The contract file to save.")] = Path("contract.yaml"),
    limits: Annotated[bool, typer.Option(help="Also propose limits on rotation and zoom.")] = True,
    seed: Annotated[int, typer.Option("--seed", help="The random seed.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Number of threads. It does not change the result.")] = 1,
) -> None:
    """Propose a contract from labelled images, with evidence for each line, for you to confirm."""
    from augsafe.cli.data import class_indices, even_sample, load
    from augsafe.contracts import Contract
    from augsafe.images import open_source

    check_file("--output", output)
    notices = Console(stderr=True)
    source = open_source(data)
    numbers = class_indices(source)
    loaded = load(source, even_sample(numbers, PER_CLASS * max(int(numbers.max()) + 1, 1)), notices)
    with notices.status(f"Checking {len(loaded.images):,} images under the eight symmetries"):
        contract = Contract.learn(
            loaded.images, loaded.labels, classes=loaded.classes, limits=limits, seed=seed, jobs=jobs
        )
    contract.save(output)
    changed = [f"{cls} reads as {r.to} under {s}" for (cls, s), r in contract.relations.items() if r.kind == "to"]
    typer.echo(f"Saved {output}. Changes of class found: {len(changed)}. Confirm each line before you rely on it.")
    for line in changed:
        typer.echo(f"  {line}")
