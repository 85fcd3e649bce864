"""The command `augsafe calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from augsafe.cli.options import ObjectsOption, check_file, for_data, named_contract

if TYPE_CHECKING:
    from augsafe.calibration import Calibration

PER_CLASS = 400  # images of a class that are read
STOPPED = 130  # the exit code of a command that was stopped, as shells have it


def calibrate(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A folder with one subfolder per class, an .npz archive or a .csv manifest."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The policy file to save (.yaml).")] = Path(
        "policy.yaml"
    ),
    policy: Annotated[
        str | None, typer.Option("--policy", "-p", help="The policy to start from (default: a wide one).")
    ] = None,
    contract: Annotated[
        str | None,
        typer.Option("--contract", "-c", metavar="NAME|FILE", help="A built-in contract, or a contract file."),
    ] = None,
    objects: ObjectsOption = None,
    epsilon: Annotated[
        float, typer.Option("--epsilon", help="Largest share of lost images allowed in any class.")
    ] = 0.05,
    delta: Annotated[float, typer.Option("--delta", help="Probability that a certificate may be wrong.")] = 0.05,
    unfamiliar: Annotated[
        float, typer.Option("--unfamiliar", help="Largest share of unfamiliar images allowed in any class.")
    ] = 0.1,
    per_class: Annotated[bool, typer.Option("--per-class", help="Save a policy for each class.")] = False,
    figure: Annotated[
        Path | None, typer.Option("--figure", help="Also save a chart of rate against strength (.png).")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Also save all results to this file (.json).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    most: Annotated[int, typer.Option("--most", min=4, help="Number of images to read per class.")] = PER_CLASS,
    seed: Annotated[int, typer.Option("--seed", help="The random seed.")] = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Number of threads. It does not change the result.")] = 1,
) -> None:
    """Find the largest safe strength of each step, and save a certified policy.

    Exit codes: 0 a strength is certified, 1 no strength is certified, 2 wrong use.
    """
    from augsafe.calibration import render

    for option, path, ending in (
        ("--output", output, ".yaml"),
        ("--figure", figure, ".png"),
        ("--report", report, ".json"),
    ):
        check_file(option, path, [ending])
    chosen = {"epsilon": epsilon, "delta": delta, "unfamiliar": unfamiliar}
    found = _calibrated(data, policy, contract, objects, chosen, most, seed, jobs)
    found.save(output, per_class=per_class)
    if figure is not None:
        found.save(figure)
    if report is not None:
        found.to_json(report)
    if json:
        typer.echo(found.to_json())
    else:
        console = Console(highlight=False)
        console.print(render(found))
        console.print(f"\nSaved {output}.", markup=False)
    good = any(c.scale > 0 for c in found.by_class.values()) if per_class else found.certified
    raise typer.Exit(int(not good))


def _calibrated(
    data: Path,
    policy: str | None,
    contract: str | None,
    objects: str | None,
    limits: dict[str, float],
    most: int,
    seed: int,
    jobs: int,
) -> Calibration:
    from augsafe.calibration import calibrate as run
    from augsafe.calibration import check_limits
    from augsafe.cli.data import class_indices, even_sample, load
    from augsafe.cli.pipeline import load_policy
    from augsafe.images import open_source

    check_limits(**limits)
    bound = named_contract(contract)
    start = None if policy is None else load_policy(policy)
    notices = Console(stderr=True)
    source = open_source(data)
    numbers = class_indices(source)
    try:
        loaded = load(source, even_sample(numbers, most * max(int(numbers.max()) + 1, 1)), notices)
        return run(
            start,
            loaded.images,
            loaded.labels,
            epsilon=limits["epsilon"],
            delta=limits["delta"],
            unfamiliar=limits["unfamiliar"],
            contract=for_data(bound, source.classes),
            masks=loaded.masks,
            boxes=loaded.boxes,
            objects=objects,
            classes=loaded.classes,
            most=most,
            seed=seed,
            jobs=jobs,
        )
    except KeyboardInterrupt:
        notices.print("Stopped. Nothing was saved.")
        raise typer.Exit(STOPPED) from None
