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
from augsafe.cli.options import ObjectsOption, check_choice, check_file, check_picture, for_data, named_contract
from augsafe.cli.train import train
from augsafe.errors import ArgumentError, AugsafeError

if TYPE_CHECKING:
    from augsafe.cli.fixing import WrittenFix
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
    help="Find out, before you train, where an augmentation policy breaks the labels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

PolicyFile = Annotated[
    str,
    typer.Argument(
        metavar="POLICY", help="A policy file (YAML or JSON), or module:attribute, which is imported and run."
    ),
]
DataPath = Annotated[
    Path,
    typer.Argument(metavar="DATA", help="A folder with one subfolder per class, an .npz archive or a .csv manifest."),
]
ContractOption = Annotated[
    str | None,
    typer.Option("--contract", "-c", metavar="NAME|FILE", help="A built-in contract, such as mnist, or a file."),
]
MasksOption = Annotated[
    Path | None,
    typer.Option("--masks", metavar="DIR", help="A folder of masks, named as the images or made by `augsafe masks`."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]
HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also save the report as one HTML file.")
]
ValidationOption = Annotated[
    bool, typer.Option("--validation", help="The policy is for validation or test data and must not be random (AS501).")
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Exit with code 1 on warnings too.")]
RealismOption = Annotated[
    bool,
    typer.Option("--realism", help="Also test whether a classifier can tell augmented images from originals (AS401)."),
]
FixOption = Annotated[
    bool, typer.Option("--fix", help="Write the fixed policy to the policy file, and show what changes as a diff.")
]
FixedOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="With --fix: write to this file instead.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="The random seed.")]


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
    out: Annotated[Path, typer.Option("--out", help="The folder to save files in.")] = Path("augsafe-demo"),
) -> None:
    """Check a careless policy on handwritten digits, fix it, and load one epoch."""
    from augsafe.demo import run

    run(out, Console())


@app.command()
def check(
    policy: PolicyFile,
    data: DataPath,
    contract: ContractOption = None,
    masks: MasksOption = None,
    objects: ObjectsOption = None,
    json: JsonOption = False,
    strict: StrictOption = False,
    draws: Annotated[
        int, typer.Option("--draws", min=100, help="Number of random draws used to estimate rates.")
    ] = 40_000,
    html: HtmlOption = None,
    every: Annotated[bool, typer.Option("--all", help=f"Check every image, not a sample of {SAMPLE:,}.")] = False,
    validation: ValidationOption = False,
    realism: RealismOption = False,
    fix: FixOption = False,
    output: FixedOption = None,
    seed: SeedOption = 0,
) -> None:
    """Check a policy against your images and contract."""
    from augsafe.checking import check as run_check
    from augsafe.cli.data import check_masks, load, rows_to_check
    from augsafe.cli.fixing import check_target, write_fix
    from augsafe.cli.pipeline import load_policy
    from augsafe.images import open_source

    check_file("--html", html)
    target = check_target(policy, fix, output)
    chosen = named_contract(contract)
    compose = load_policy(policy)
    source = open_source(data, masks=masks)
    chosen = for_data(chosen, source.classes)
    notices = Console(stderr=True)
    rows = rows_to_check(source, None if every else SAMPLE)
    check_masks(source, notices)
    if len(rows) < len(source):
        counts = f"{len(rows):,} of {len(source):,} images"
        notices.print(f"Checking {counts}, spread evenly over the classes. Use --all to check every image.")
    loaded = load(source, rows, notices)
    with notices.status(f"Checking {len(rows):,} images"):
        report = run_check(
            compose,
            loaded.images,
            loaded.labels,
            contract=chosen,
            masks=loaded.masks,
            boxes=loaded.boxes,
            objects=objects,
            classes=loaded.classes,
            seed=seed,
            draws=draws,
            role="validation" if validation else "training",
            realism=realism,
        )
    if html is not None:
        report.to_html(html, loaded.names)
        notices.print(f"Report saved to {html}. It contains your images; share it accordingly.", highlight=False)
    done = None if target is None else write_fix(report, Path(policy), target)
    _finish([(Path(policy), report)], json, strict, one=True, fix=done)


@app.command()
def lint(
    policies: Annotated[list[Path], typer.Argument(metavar="POLICY...", help="Policy files (YAML or JSON).")],
    contract: ContractOption = None,
    json: JsonOption = False,
    strict: StrictOption = False,
    validation: ValidationOption = False,
    html: HtmlOption = None,
) -> None:
    """Check policy files without images."""
    from augsafe.checking import check as run_check
    from augsafe.policies import Compose

    check_file("--html", html)
    if html is not None and len(policies) > 1:
        raise ArgumentError(f"--html saves one page, but you gave {len(policies)} policies; run lint once for each")
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
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture to save.")] = Path("preview.png"),
    mode: Annotated[
        str,
        typer.Option(
            "--mode", metavar="draws|steps|strength|sweep|classes|pairs", help="What the rows and columns show."
        ),
    ] = "draws",
    step: Annotated[str | None, typer.Option("--step", help="The step to vary with --mode strength.")] = None,
    columns: Annotated[int, typer.Option("--columns", help="Number of columns beside the original.")] = 8,
    rows: Annotated[
        int | None, typer.Option("--rows", help="Number of images (or classes, or pairs), spread over the classes.")
    ] = None,
    cell: Annotated[int, typer.Option("--cell", help="Side of a cell in pixels.")] = 112,
    contract: ContractOption = None,
    masks: MasksOption = None,
    objects: ObjectsOption = None,
    json: JsonOption = False,
    seed: SeedOption = 0,
    epoch: Annotated[int, typer.Option("--epoch", help="The first epoch shown.")] = 0,
) -> None:
    """Save a picture of what the network will see, with problems outlined."""
    from augsafe.cli.data import class_indices, load
    from augsafe.cli.pipeline import load_policy
    from augsafe.images import open_source
    from augsafe.previews import MODES, ROWS, check_arguments, preview, spread

    check_choice("--mode", mode, MODES)
    check_picture("--output", output)
    named, compose = named_contract(contract), load_policy(policy)
    check_arguments(compose, mode, columns, rows, cell, step)
    source = open_source(data, masks=masks)
    bound = for_data(named, source.classes)
    chosen = spread(class_indices(source), IMAGES.get(mode, rows or ROWS))
    loaded = load(source, chosen, Console(stderr=True))
    grid = preview(
        compose,
        loaded.images,
        loaded.labels,
        classes=loaded.classes,
        contract=bound,
        masks=loaded.masks,
        boxes=loaded.boxes,
        objects=objects,
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
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="A code such as AS102 (default: list all codes).")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Explain a code: what it means, an example, and what to do."""
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


def _finish(
    reports: list[tuple[Path, Report]], json: bool, strict: bool, one: bool, fix: WrittenFix | None = None
) -> None:
    """Print the reports, and a fix where one was asked for, and exit with the matching code."""
    if json:
        bodies = [{"file": str(path), **report.to_dict()} for path, report in reports]
        bodies[0] |= {} if fix is None else {"fix": fix.to_dict()}
        typer.echo(json_format.dumps(bodies[0] if one else bodies, indent=2, ensure_ascii=False))
    else:
        from augsafe.report import render_text

        console = Console(highlight=False)
        for path, report in reports:
            console.print(f"[bold]{path}[/bold]" if not one else "", end="\n" if not one else "")
            console.print(render_text(report))
        if fix is not None:
            console.print(fix.text())
    failed = any(not r.ok or (strict and r.count("warning")) for _, r in reports)
    raise typer.Exit(int(failed))


for _command in (learn, masks, calibrate, train, ablate):  # each in a file of its own
    app.command()(_command)


def main() -> None:
    """The console script."""
    app()
