"""Pictures for pages: embedded in the text, within a budget; and the pictures that show a finding."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import AugsafeError
from augsafe.foreign import Foreign
from augsafe.guards import Finding, Witness
from augsafe.pixels import render
from augsafe.policies import Compose
from augsafe.report.evidence import Evidence, drawn, visible
from augsafe.report.grid import Cell, Grid, to_rgb

SIDE = 224  # pictures are embedded with at most this many pixels a side
TINY = 96  # and smaller ones with every pixel as it is
SHOWN = 3  # classes of a finding that are shown


@dataclass(frozen=True)
class Picture:
    """An embedded picture: its data URI, its size, and whether its pixels should be seen when it is enlarged."""

    uri: str
    width: int
    height: int
    tiny: bool


class Album:
    """Embeds pictures until `budget` bytes are used; `left_out` counts those that did not fit."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.left_out = 0

    def add(self, image: NDArray[Any], value_range: tuple[float, float] | None = None) -> Picture | None:
        """Embed an image (H, W[, C]); None where the budget is used up."""
        from PIL import Image

        picture = Image.fromarray(to_rgb(image, value_range))
        tiny = max(picture.size) <= TINY
        buffer = io.BytesIO()
        if tiny:
            picture.save(buffer, "PNG", optimize=True)
        else:
            picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            picture.save(buffer, "JPEG", quality=85)
        uri = f"data:image/{'png' if tiny else 'jpeg'};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
        if len(uri) > self.budget:
            self.left_out += 1
            return None
        self.budget -= len(uri)
        return Picture(uri, *picture.size, tiny)


@dataclass(frozen=True)
class Shown:
    """A finding shown on one class: before, after, and an example of the class that it then reads as."""

    cls: str
    original: Picture
    augmented: Picture
    becomes: str | None = None
    example: Picture | None = None
    index: int | None = None


@dataclass(frozen=True, eq=False)
class Trio:
    """The images of a finding on one class; `index` is the original's number where it is one of those checked."""

    cls: str
    original: NDArray[Any]
    augmented: NDArray[Any]
    becomes: str | None = None
    example: NDArray[Any] | None = None
    index: int | None = None


def show(finding: Finding, compose: Compose, evidence: Evidence | None, album: Album) -> list[Shown]:
    """The pictures of a finding, embedded."""
    value_range = evidence.value_range if evidence is not None else None
    out = []
    for trio in trios(finding, compose, evidence):
        before, after = album.add(trio.original, value_range), album.add(trio.augmented, value_range)
        if before is None or after is None:
            continue
        example = None if trio.example is None else album.add(trio.example, value_range)
        out.append(Shown(trio.cls, before, after, trio.becomes, example, trio.index))
    return out


def grid_of(finding: Finding, compose: Compose, evidence: Evidence | None) -> Grid:
    """The pictures of a finding as a grid: the original, what its steps alone make of it, and a real example."""
    value_range = evidence.value_range if evidence is not None else None
    shown = trios(finding, compose, evidence)
    severity = finding.severity if finding.severity in ("error", "warning") else ""
    real = any(trio.example is not None for trio in shown)
    cells = []
    for trio in shown:
        said = "" if trio.becomes is None else f"reads as {trio.becomes}"
        row = [Cell(trio.original), Cell(trio.augmented, (said,) if said else (), severity)]
        row += [] if trio.example is None else [Cell(trio.example, caption=f"a real {trio.becomes}")]
        cells.append(tuple(row))
    columns = ("original", "augmented", *(("looks like",) if real else ()))
    return Grid(tuple(cells), tuple(trio.cls for trio in shown), columns, value_range=value_range)


def trios(finding: Finding, compose: Compose, evidence: Evidence | None) -> list[Trio]:
    """The images of a finding, for its worst classes first; none where its draw cannot be made again."""
    finding = finding.lead
    witness = finding.witness
    if witness is None:
        return []
    own = evidence is not None and witness.index is not None and witness.original is not None
    first = [_class_of(finding, evidence, witness)] if own else []
    rates = finding.per_class
    others = sorted(finding.classes, key=lambda c: -rates.get(c, 0.0))
    chosen = list(dict.fromkeys([*first, *others]))[:SHOWN]
    indices = [witness.index if own and cls in first else None for cls in chosen]
    found = [_one(finding, cls, i, witness, compose, evidence) for cls, i in zip(chosen, indices, strict=True)]
    return [trio for trio in found if trio is not None]


def _class_of(finding: Finding, evidence: Evidence | None, witness: Witness) -> str:
    """The class of the image that the witness shows."""
    assert evidence is not None and witness.index is not None
    number = int(evidence.labels[witness.index]) if witness.index < len(evidence.labels) else -1
    return evidence.contract.classes[number] if number >= 0 else finding.classes[0]


def _one(
    finding: Finding, cls: str, index: int | None, witness: Witness, compose: Compose, evidence: Evidence | None
) -> Trio | None:
    original: Any = None
    if evidence is None:
        original = drawn(cls)
    else:
        index = evidence.typical(evidence.contract.classes.index(cls)) if index is None else index
        original = None if index is None else evidence.images[index]
    augmented = None if original is None else replayed(compose, witness.record, original, finding.steps)
    if augmented is None:
        return None
    becomes, example = finding.becomes.get(cls), None
    if becomes is not None and evidence is None:
        example = drawn(becomes)
    elif becomes is not None and evidence is not None:
        row = evidence.nearest(evidence.contract.classes.index(becomes), augmented)
        example = None if row is None else evidence.images[row]
    return Trio(cls, original, augmented, becomes, example, index)


def replayed(
    compose: Compose, record: Mapping[str, Any], image: NDArray[Any], steps: tuple[str, ...]
) -> NDArray[Any] | None:
    """What some steps of a recorded draw make of an image; None where it cannot be made again."""
    try:
        policy = compose if record.get("policy") == compose.to_dict() else Compose.from_dict(record["policy"])
        if any(isinstance(leaf, Foreign) and not leaf.seedable for leaf in policy.leaves):
            return None
        plan = policy.replay({**record, "shapes": [list(image.shape[:2])]})
    except AugsafeError:  # a step of another library in a record of its own
        return None
    draws = plan.draws
    for leaf in policy.leaves if steps else ():
        if leaf.label not in steps:  # the others hide what these do
            draws = draws.without(leaf)
    shown = replace(visible(policy), value_range=None if image.dtype == np.uint8 else policy.value_range)
    return np.asarray(render([image], shown.assemble(plan.shapes, draws))[0])
