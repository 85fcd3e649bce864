"""Draw every transform on a photograph, from one end of its ranges to the other; the documentation's gallery."""

import sys
from dataclasses import replace
from pathlib import Path

from sklearn.datasets import load_sample_images

import augsafe as aug
from augsafe.report.grid import Grid
from augsafe.transforms import TRANSFORMS, Choice, Transform

MADE = {"Resize": aug.Resize(size=(64, 96)), "RandomCrop": aug.RandomCrop(120), "CenterCrop": aug.CenterCrop(120)}


def photograph():
    """The temple of scikit-learn's sample images, (200, 200, 3)."""
    return load_sample_images().images[0][60:260, 200:400]


def picture(step: Transform) -> Grid:
    """The photograph under one step: its strength where it has one, else some draws, else what it does."""
    strong = any(not q.free for q in step.parameters)
    mode = "strength" if strong or not step.parameters else "draws"
    columns = 6 if step.parameters else 1
    grid = aug.preview(replace(step, p=1.0), [photograph()], mode=mode, columns=columns, rows=1)
    cells = tuple(tuple(replace(cell, reasons=(), severity="") for cell in row) for row in grid.cells)
    return replace(grid, cells=cells, note="")


def pictures() -> dict[str, Grid]:
    """A picture of each transform that is no choice among others, by name."""
    single = {name: kind for name, kind in TRANSFORMS.items() if not issubclass(kind, Choice)}
    return {name: picture(MADE.get(name) or kind()) for name, kind in single.items()}


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "gallery")
    folder.mkdir(parents=True, exist_ok=True)
    made = pictures()
    for name, grid in made.items():
        grid.save(folder / f"{name}.png")
    print(f"{folder}: {len(made)} transforms")
    assert len(made) >= 25
