"""The command `augsafe`. Exit codes: 0 nothing found, 1 findings, 2 wrong use."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from augsafe.cli.ablate import ablate
from augsafe.cli.calibrate import calibrate
from augsafe.cli.learn import learn
from augsafe.cli.masks import masks
from augsafe.cli.options import check_choice, check_file, check_picture, for_data, named_contract
from augsafe.cli.train import train
from augsafe.errors import ArgumentError, AugsafeError

if TYPE_CHECKING:
    from augsafe.report import Report

SAMPLE = 2000  # a check looks at no more images unless told to
IMAGES = {"classes": 400, "pairs": 60}  # that a preview reads where its rows are not images


class _Commands(TyperGroup):
    """Shows augsafe's own errors as one line, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except AugsafeError as error:
            from rich.text import Text

            Console(stderr=True).print(Text(f"error: {error}", style="bold red"), soft_wrap=True)
            raise typer.Exit(2) from error


app = typer.Typer(
    cls=_Commands,
    help="Say, before you train, where an augmentation policy breaks the labels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PolicyFile = Annotated[
    str,
    typer.Argument(
        metavar="POLICY", help="A policy file, YAML or JSON, or module:attribute, which is imported and run."
    ),
]
DataPath = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="A folder with one folder a class, an .npz archive or a .csv manifest."),
]
ContractOption = Annotated[
    str | None,
    typer.Option("--contract", "-c", metavar="NAME|FILE", help="A built-in contract, such as mnist, or a file."),
]
MasksOption = Annotated[
    Path | None,
    typer.Option(
        "--masks",
        metavar="DIR",
        help="A folder of masks: that of `augsafe masks`, or one with the names of the images.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write the report as one HTML file.")
]
ValidationOption = Annotated[
    bool, typer.Option("--validation", help="The policy is for images that judge: nothing may be drawn (AS501).")
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit with 1 on warnings too.")]
SeedOption = Annotated[int, typer.Option("--seed", help="The seed of the draws.")]


def _version(wanted: bool) -> None:
    if wanted:
        import augsafe

        typer.echo(f"augsafe {augsafe.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.")] = Path("augsafe-demo"),
) -> None:
    """Check a careless policy on handwritten digits, fix it, and load an epoch of the fixed one."""
    from augsafe.demo import run

    run(out, Console())


@app.command()
def check(
    policy: PolicyFile,
    data: DataPath,
    contract: ContractOption = None,
    masks: MasksOption = None,
    json: JsonOption = False,
    strict: StrictOption = False,
    draws: Annotated[int, typer.Option("--draws", min=100, help="How many plans give the probabilities.")] = 40_000,
    html: HtmlOption = None,
    every: Annotated[bool, typer.Option("--all", help=f"Look at every image, not at a sample of {SAMPLE:,}.")] = False,
    validation: ValidationOption = False,
    realism: Annotated[
        bool, typer.Option("--realism", help="Also say whether augmented images can be told from originals (AS401).")
    ] = False,
    seed: SeedOption = 0,
) -> None:
    """Say what a policy does to the classes and to the content of your images."""
    from augsafe.checking import check as run_check
    from augsafe.cli.data import check_masks, load, rows_to_check
    from augsafe.cli.pipeline import load_policy
    from augsafe.images import open_source

    check_file("--html", html)
    chosen = named_contract(contract)
    compose = load_policy(policy)
    source = open_source(data, masks=masks)
    chosen = for_data(chosen, source.classes)
    notices = Console(stderr=True)
    rows = rows_to_check(source, None if every else SAMPLE)
    check_masks(source, notices)
    if len(rows) < len(source):
        counts = f"{len(rows):,} of {len(source):,} images"
        notices.print(f"Looking at {counts}, spread evenly over the classes; --all looks at every one.")
    loaded = load(source, rows, notices)
    with notices.status(f"Checking {len(rows):,} images"):
        report = run_check(
            compose,
            loaded.images,
            loaded.labels,
            contract=chosen,
            masks=loaded.masks,
            boxes=loaded.boxes,
            classes=loaded.classes,
            seed=seed,
            draws=draws,
            role="validation" if validation else "training",
            realism=realism,
        )
    if html is not None:
        report.to_html(html, loaded.names)
        notices.print(f"The report is in {html}; it shows images of yours.", highlight=False)
    _finish([(Path(policy), report)], json, strict, one=True)


@app.command()
def lint(
    policies: Annotated[list[Path], typer.Argument(metavar="POLICY...", help="Policies, YAML or JSON.")],
    contract: ContractOption = None,
    json: JsonOption = False,
    strict: StrictOption = False,
    validation: ValidationOption = False,
    html: HtmlOption = None,
) -> None:
    """Check policy files alone, without images."""
    from augsafe.checking import check as run_check
    from augsafe.policies import Compose

    check_file("--html", html)
    if html is not None and len(policies) > 1:
        raise ArgumentError(f"--html writes one page, and there are {len(policies)} policies; run lint for each")
    chosen = named_contract(contract)
    loaded = [(path, Compose.load(path)) for path in policies]
    role = "validation" if validation else "training"
    reports = [(path, run_check(compose, contract=chosen, role=role)) for path, compose in loaded]
    if html is not None:
        reports[0][1].to_html(html)
    _finish(reports, json, strict, one=len(policies) == 1)


@app.command()
def preview(
    policy: PolicyFile,
    data: DataPath,
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture to write.")] = Path("preview.png"),
    mode: Annotated[
        str,
        typer.Option("--mode", metavar="draws|steps|strength|sweep|classes|pairs", help="What rows and columns show."),
    ] = "draws",
    step: Annotated[str | None, typer.Option("--step", help="The step that --mode strength varies.")] = None,
    columns: Annotated[int, typer.Option("--columns", help="How many columns beside the original.")] = 8,
    rows: Annotated[
        int | None, typer.Option("--rows", help="How many images, spread over the classes; or classes, or pairs.")
    ] = None,
    cell: Annotated[int, typer.Option("--cell", help="The side of a cell in pixels.")] = 112,
    contract: ContractOption = None,
    masks: MasksOption = None,
    json: JsonOption = False,
    seed: SeedOption = 0,
    epoch: Annotated[int, typer.Option("--epoch", help="The first epoch shown.")] = 0,
) -> None:
    """Draw what the network will see, with the cells that break the contract outlined."""
    from augsafe.cli.data import class_indices, load
    from augsafe.cli.pipeline import load_policy
    from augsafe.images import open_source
    from augsafe.previews import MODES, ROWS, check_arguments, spread
    from augsafe.previews import preview as draw

    check_choice("--mode", mode, MODES)
    check_picture("--output", output)
    bound = named_contract(contract)
    compose = load_policy(policy)
    check_arguments(compose, mode, columns, rows, cell, step)
    source = open_source(data, masks=masks)
    bound = for_data(bound, source.classes)
    chosen = spread(class_indices(source), IMAGES.get(mode, rows or ROWS))
    loaded = load(source, chosen, Console(stderr=True))
    grid = draw(
        compose,
        loaded.images,
        loaded.labels,
        classes=loaded.classes,
        contract=bound,
        masks=loaded.masks,
        boxes=loaded.boxes,
        mode=mode,
        step=step,
        columns=columns,
        rows=rows,
        cell=cell,
        seed=seed,
        epoch=epoch,
        indices=[int(i) for i in chosen],
    )
    grid.save(output)
    if json:
        flags = [{"row": r, "column": c, "reason": reason} for r, c, reason in grid.flags]
        typer.echo(json_format.dumps({"path": str(output), "flags": flags, "note": grid.note}, indent=2))
    else:
        typer.echo(f"{output}: {len(grid.rows)} rows, {len(grid.columns) - 1} columns. {grid.note}")


@app.command()
def explain(
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help="Such as AS102; all when left out.")] = None,
    json: JsonOption = False,
) -> None:
    """Say what a code means, what fires it and what to do."""
    from augsafe.guards import GUARDS
    from augsafe.report import guard, text_of

    rules = list(GUARDS.values()) if code is None else [guard(code)]
    if json:
        said = [{"code": r.code, "severity": r.severity, "title": r.title, "text": text_of(r)} for r in rules]
        typer.echo(json_format.dumps(said if code is None else said[0], indent=2))
    elif code is None:
        for rule in rules:
            typer.echo(f"{rule.code}  {rule.severity:<7}  {rule.title}")
    else:
        rule = rules[0]
        typer.echo(f"{rule.code}: {rule.title} ({rule.severity})\n\n{text_of(rule)}")
        for words, example in (("Reported", rule.fires), ("Not reported", rule.silent)):
            against = f" (contract {example.contract})" if example.contract else ""
            typer.echo(f"\n{words}{against}:\n{_indented(example.policy)}")


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())


def _finish(reports: list[tuple[Path, Report]], json: bool, strict: bool, one: bool) -> None:
    """Print the reports and leave with the exit code that they call for."""
    if json:
        bodies = [{"file": str(path), **report.to_dict()} for path, report in reports]
        typer.echo(json_format.dumps(bodies[0] if one else bodies, indent=2, ensure_ascii=False))
    else:
        from augsafe.report import render_text

        console = Console(highlight=False)
        for path, report in reports:
            console.print(f"[bold]{path}[/bold]" if not one else "", end="\n" if not one else "")
            console.print(render_text(report))
    failed = any(not r.ok or (strict and r.count("warning")) for _, r in reports)
    raise typer.Exit(int(failed))


for _command in (learn, masks, calibrate, train, ablate):  # each in a file of its own
    app.command()(_command)


def main() -> None:
    """The console script."""
    app()
