"""The demonstration: a careless policy on handwritten digits, what it breaks, and a fixed policy."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.policies import Compose
from augsafe.transforms import Brightness, HorizontalFlip, Rotate, Shift, VerticalFlip, Zoom

if TYPE_CHECKING:
    from rich.console import Console

    from augsafe.report import Report

SIDE, GLYPH = 32, 24
BATCH = 256


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration found: the report of the careless policy, that of the fixed one, and the speed."""

    report: Report
    fixed: Report | None
    images_per_second: float
    folder: Path


def digits() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """scikit-learn's 1,797 handwritten digits, enlarged smoothly and set in a margin as in MNIST: (n, 32, 32)."""
    import cv2
    from sklearn.datasets import load_digits

    data = load_digits()
    small = np.rint(data.images * (255 / 16)).astype(np.uint8)
    large = [cv2.resize(image, (GLYPH, GLYPH), interpolation=cv2.INTER_CUBIC) for image in small]
    margin = (SIDE - GLYPH) // 2
    framed = np.pad(np.stack(large), ((0, 0), (margin, margin), (margin, margin)))
    return framed.astype(np.uint8), np.asarray(data.target, dtype=np.int64)


def careless() -> Compose:
    """A typical policy, written without thinking of what a 6 is."""
    return Compose(
        (
            Shift(x=(-0.3, 0.3), y=(-0.3, 0.3)),
            Zoom(factor=(0.5, 2.0)),
            Rotate(angle=(-40, 40)),
            HorizontalFlip(),
            VerticalFlip(),
            Brightness(factor=(0.5, 1.5)),
        ),
        border="constant",
    )


def run(folder: Path, console: Console) -> DemoResult:
    """Run it, print it, and write policy.yaml, fixed.yaml, preview.png and the report to `folder`."""
    from augsafe.checking import check
    from augsafe.previews import preview
    from augsafe.report import render_text

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(f"--out={str(folder)!r} cannot be created: {error}; give another folder") from error
    images, labels = digits()
    policy = careless()
    policy.save(folder / "policy.yaml")
    _heading(console, "A careless policy")
    console.print(_steps(policy), highlight=False)

    _heading(console, f"The check on {len(images):,} handwritten digits, against the contract 'mnist'")
    with console.status("Checking 40,000 random draws"):
        report = check(policy, images, labels, contract="mnist")
    console.print(render_text(report))
    (folder / "report.json").write_text(report.to_json(), encoding="utf-8")
    report.to_html(folder / "report.html")
    with console.status("Drawing the preview"):
        preview(policy, images, labels, contract="mnist", rows=10).save(folder / "preview.png")

    fixed, chosen = None, policy
    if report.fixed is not None:
        chosen = report.fixed
        chosen.save(folder / "fixed.yaml")
        _heading(console, "The fixed policy, checked again")
        console.print(_steps(chosen), highlight=False)
        with console.status("Checking the fixed policy"):
            fixed = check(chosen, images, labels, contract="mnist", suggest=False)
        style = "green" if fixed.ok else "red"
        words = f"{fixed.count('error')} errors, {fixed.count('warning')} warnings (before: "
        words += f"{report.count('error')} errors, {report.count('warning')} warnings)"
        console.print(words, style=style, highlight=False)
        if fixed.ok and fixed.findings:
            codes = ", ".join(sorted({f.code for f in fixed.findings}))
            console.print(f"What is left is rare ({codes}). The loader's guards redraw those images.", highlight=False)
    _heading(console, "One epoch with the guards on")
    speed = _epoch(chosen, images, labels, console)
    _written(folder, console)
    return DemoResult(report, fixed, speed, folder)


def _heading(console: Console, words: str) -> None:
    console.print()
    console.print(words, style="bold", highlight=False)


def _steps(policy: Compose) -> str:
    lines = []
    for step in policy.steps:
        ranges = [f"{q.name} {step.bounds(q)[0]:g} to {step.bounds(q)[1]:g}" for q in step.parameters if not q.free]
        if step.p < 1:
            ranges.append(f"in {step.p:.0%} of images")
        lines.append(f"  {step.label:<15} {', '.join(ranges)}")
    return "\n".join(lines)


def _epoch(policy: Compose, images: Any, labels: Any, console: Console) -> float:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from augsafe.loading import Loader
    from augsafe.planning import Output

    output = Output(dtype="float32", layout="CHW", mean=(0.5,), std=(0.5,))
    loader = Loader((images, labels), policy, batch_size=BATCH, contract="mnist", output=output)
    for _ in loader:  # the first pass pays for starting threads and for finding the digits in the images
        pass
    loader.set_epoch(1)
    before = loader.report.guards.changed
    columns = (TextColumn("Loading"), BarColumn(), MofNCompleteColumn(), TextColumn("images"))
    start, seen = time.perf_counter(), 0
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(images))
        for batch in loader:
            seen += len(batch.images)
            progress.update(task, completed=seen)
        took = time.perf_counter() - start
    speed = seen / took
    console.print(
        f"{seen:,} images of {SIDE} x {SIDE} to float32, normalised, in {took:.2f} s: {speed:,.0f} images/s",
        highlight=False,
    )
    console.print(f"The guards redrew {loader.report.guards.changed - before:,} of them.", highlight=False)
    return speed


def _written(folder: Path, console: Console) -> None:
    _heading(console, f"Saved to {folder}")
    for name, words in (
        ("policy.yaml", "the careless policy"),
        ("fixed.yaml", "the fixed policy"),
        ("preview.png", "digits under the careless policy, with problems outlined"),
        ("report.html", "all findings with pictures; open it in a browser"),
        ("report.json", "the same findings for programs"),
    ):
        if (folder / name).exists():
            console.print(f"  {name:<12} {words}", highlight=False)
    console.print(
        f"Next, try: augsafe explain AS102, or augsafe lint {folder / 'policy.yaml'} --contract mnist",
        highlight=False,
    )
