"""`augsafe ablate`: train with and without steps, and say what helps and what harms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from augsafe.cli.options import check_choice, check_file, check_folder, named_contract
from augsafe.errors import ArgumentError

if TYPE_CHECKING:
    from augsafe.ablation import Result, Train
    from augsafe.policies import Compose

DIGITS = 1000  # of the embedded ones, so that it takes about a minute


def ablate(
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="A folder, archive or manifest (default: built-in digits).")
    ] = None,
    policy: Annotated[Path | None, typer.Option("--policy", "-p", help="The policy file (YAML or JSON).")] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="light, lenet5, or one such as resnet18.")] = "light",
    design: Annotated[
        str, typer.Option("--design", help="one-at-a-time, leave-one-out, pairs, factorial, screen or strengths.")
    ] = "one-at-a-time",
    seeds: Annotated[
        int | None, typer.Option("--seeds", min=1, help="Runs of each policy (default: as many as the test needs).")
    ] = None,
    search: Annotated[str, typer.Option("--search", help="Search method for strengths: grid or optuna.")] = "grid",
    trials: Annotated[int, typer.Option("--trials", min=1, help="Number of Optuna trials.")] = 20,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Training epochs of a network.")] = 10,
    size: Annotated[
        int | None, typer.Option("--size", min=1, help="Side of the images in pixels (default: the network's own).")
    ] = None,
    contract: Annotated[
        str | None, typer.Option("--contract", "-c", help="A built-in contract, or a contract file.")
    ] = None,
    store: Annotated[
        Path | None, typer.Option("--store", help="A file that keeps all runs, so that you can stop and resume.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Number of processes (-1: all cores).")] = 1,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to save files in.")] = Path("augsafe-ablation"),
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Train with and without each step, and report which steps help and which harm."""
    from augsafe.ablation import DESIGNS, SEARCHES, render
    from augsafe.ablation import ablate as run
    from augsafe.policies import Compose

    check_choice("--design", design, DESIGNS)
    check_choice("--search", search, SEARCHES)
    check_folder("--out", out)
    check_file("--store", store)
    learner = _learner(model, epochs, size)
    chosen = named_contract("mnist" if contract is None and data is None else contract)
    given, classes = _data(data)
    result = run(
        _usual() if policy is None else Compose.load(policy),
        learner,
        given,
        design=design,
        seeds=seeds,
        classes=classes,
        contract=chosen,
        search=search,
        trials=trials,
        store=store,
        jobs=jobs,
    )
    _write(result, out)
    if json:
        typer.echo(result.to_json())
    else:
        console = Console(highlight=False)
        console.print(render(result))
        console.print(f"\nSaved to {out}: table.csv, result.json, ablation.html, best.yaml", markup=False)


def _write(result: Result, out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"--out={str(out)!r} cannot be created: {error}; give another folder") from error
    result.to_csv(out / "table.csv")
    result.to_json(out / "result.json")
    result.to_html(out / "ablation.html")
    result.save_best(out / "best.yaml")


def _data(data: str | None) -> tuple[Any, Any]:
    if data is not None:
        return data, None
    from augsafe.demo import digits

    images, labels = digits()
    return (images[:DIGITS], labels[:DIGITS]), [str(i) for i in range(10)]


def _usual() -> Compose:
    """Steps that people try first."""
    from augsafe import transforms as t
    from augsafe.policies import Compose

    steps = (t.Rotate((-12, 12)), t.Shift((-0.08, 0.08), (-0.08, 0.08)), t.Zoom((0.9, 1.1)), t.Brightness((0.8, 1.2)))
    return Compose((*steps, t.HorizontalFlip(), t.VerticalFlip()), border="constant")


def _learner(model: str, epochs: int, size: int | None) -> Train:
    if model == "light":
        from augsafe.ablation import Light

        return Light()
    from augsafe.ablation import torch_learner

    return torch_learner(model, epochs, size)
