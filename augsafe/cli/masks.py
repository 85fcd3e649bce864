"""The command `augsafe masks`."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import typer

from augsafe.cli.options import check_folder


def masks(
    data: Annotated[
        Path,
        typer.Argument(metavar="DATA", help="A folder with one subfolder per class, an .npz archive or a .csv table."),
    ],
    count: Annotated[int, typer.Option("--count", min=1, help="How many images to draw masks for.")] = 40,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="The folder for the list and the masks.")
    ] = Path("masks"),
    seed: Annotated[int, typer.Option("--seed", help="The seed of the choice.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List images to draw masks for: a random choice, evenly over the classes.

    The masks of these few images measure how often a policy loses the object in all images.
    """
    from augsafe.images import LIST, open_source, write_mask_list

    check_folder("--output", output)
    source = open_source(data)
    rows = write_mask_list(source, data, output, count, seed)
    if json:
        listed = [{"file": row.file, "class": row.cls, "mask": row.mask} for row in rows]
        typer.echo(json_format.dumps({"path": str(output / LIST), "masks": listed}, indent=2, ensure_ascii=False))
        return
    typer.echo(
        f"Wrote {output / LIST}: {len(rows)} of {len(source):,} images.\n"
        "For each, save a picture of the same size, white where the object is and black elsewhere, under the name in "
        "the column mask. Draw them in the order of the list; you may stop at any time.\n"
        f"Then: augsafe check POLICY {data} --masks {output}"
    )
