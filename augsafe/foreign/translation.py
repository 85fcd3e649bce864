"""From another library's pipeline to a policy: exact equals become native steps, the rest stays as Foreign, in place.

A piece says what native steps a foreign one equals and under which rules. The builder puts pieces into stages so that
nothing changes: a frame that has lost something, followed by a step that would show it again, ends the stage (Cut).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.foreign.step import Foreign
from augsafe.planning import Output
from augsafe.policies import Compose
from augsafe.transforms import Color, Cut, Local, Tone, Transform
from augsafe.typing import PipelineLike

FUSE = ("exact", "approximate")
Numbers = tuple[float, ...]
IDENTITY = ((0.0,), (1.0,))
_LEVELS = (Tone, Color, Local)  # what looks at levels, and so needs them as they are in the image


@dataclass(frozen=True)
class Piece:
    """Native steps that equal one foreign step.

    Args:
        steps: The steps.
        border: The rule beyond the image, where the steps can show it.
        fill: The value beyond a "constant" border.
        interpolation: None where pixels are only permuted.
        loses: Whether content can leave the frame.
        words: What a reader should know.
    """

    steps: tuple[Transform, ...] = ()
    border: str | None = None
    fill: float = 0.0
    interpolation: str | None = None
    loses: bool = False
    words: str = ""

    @property
    def reveals(self) -> bool:
        """Whether the steps show what lies beyond the frame."""
        return self.border is not None


@dataclass(frozen=True)
class Form:
    """What a foreign step does to the form of the output: its layout, and x -> (x / 255 - mean) / std.

    Args:
        layout: "HWC" or "CHW"; None where it stays.
        mean: Of each channel.
        std: Of each channel.
        floats: Whether levels become floats.
    """

    layout: str | None = None
    mean: Numbers = (0.0,)
    std: Numbers = (1.0,)
    floats: bool = False


@dataclass(frozen=True, eq=False)
class Row:
    """What became of one step.

    Attributes:
        step: Its name in its library.
        became: "fused" (native steps), "output" (part of the policy's output) or "kept" (as it is).
        names: The steps of the policy that stand for it.
        why: Why it was kept, or what a reader should know.
    """

    step: str
    became: str
    names: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, eq=False)
class Translation:
    """A pipeline of another library as a policy.

    Attributes:
        policy: The policy.
        rows: What became of each step.
        pipeline: The pipeline itself.
    """

    policy: Compose
    rows: tuple[Row, ...]
    pipeline: Any = field(repr=False, default=None)

    @property
    def kept(self) -> tuple[Foreign, ...]:
        """The steps that stay the other library's."""
        return tuple(step for step in self.policy.leaves if isinstance(step, Foreign))

    def __str__(self) -> str:
        width = max((len(row.step) for row in self.rows), default=0)
        lines = []
        for row in self.rows:
            said = {"fused": "-> " + " + ".join(row.names), "output": "-> output"}.get(row.became, "kept as it is")
            lines.append(f"{row.step:<{width}}  {said}{': ' + row.why if row.why else ''}")
        stages = len(self.policy.stages)
        return "\n".join([*lines, f"{len(self.rows)} steps, {stages} stage{'s' * (stages != 1)}"])


class Builder:
    """Collects steps in their order; `done` makes the policy.

    Args:
        fuse: "exact" or "approximate"; see `augsafe.foreign.translate`.
        form: What steps take that are kept: "array", "pil" or "tensor".
    """

    def __init__(self, fuse: str = "exact", form: str = "array") -> None:
        if fuse not in FUSE:
            raise ArgumentError(f"fuse must be one of {', '.join(FUSE)}, got {fuse!r}")
        self.exact = fuse == "exact"
        self.form = form
        self.steps: list[Transform] = []
        self.rows: list[Row] = []
        self.border: tuple[str, float] | None = None
        self.interpolation: str | None = None
        self.layout = "HWC"
        self.levels: tuple[Numbers, Numbers] | None = None
        self._lost = self._revealed = False  # since the stage began
        self._taken: list[str] = []

    def add(self, step: PipelineLike, found: Piece | Form | str, form: str | None = None) -> None:
        """Add one step.

        Args:
            step: The step of another library.
            found: What it equals, what it does to the form of the output, or why it must be kept.
            form: What the step takes where it is kept; default: that of the pipeline.
        """
        name = getattr(step, "__name__", None) or type(step).__name__
        if isinstance(found, Form):
            self._formed(found)
            self.rows.append(Row(name, "output"))
            return
        why = self._refused(found) if isinstance(found, Piece) else found
        if isinstance(found, Piece) and why is None:
            self._fused(found)
            self.rows.append(Row(name, "fused", tuple(s.label for s in found.steps), found.words))
            return
        kept = Foreign(step, form=form or self.form, levels=self.levels, name=self._free(step))
        self.steps.append(kept)
        self._lost = self._revealed = False
        self.rows.append(Row(name, "kept", (kept.label,), str(why)))

    def _free(self, step: PipelineLike) -> str:
        """A name that no step has: the class's, numbered from the second on."""
        base = Foreign(step).label
        self._taken.append(base)
        used = {s.label for s in self.steps}
        number, name = 1, base
        while name in used:
            number += 1
            name = f"{base}-{number}"
        return name

    def _refused(self, piece: Piece) -> str | None:
        """Why a piece cannot be used here, or None."""
        if piece.border is not None:
            if self.border is not None and self.border != (piece.border, piece.fill):
                return f"its border is {piece.border} {piece.fill:g}, the policy's {self.border[0]} {self.border[1]:g}"
            if piece.border == "constant" and self.levels is not None and (piece.fill or any(self.levels[0])):
                return "it fills with a level after normalisation"
        if piece.interpolation is not None and self.interpolation not in (None, piece.interpolation):
            return f"it interpolates by {piece.interpolation}, the policy by {self.interpolation}"
        if self.levels is not None and self.levels != IDENTITY and any(isinstance(s, _LEVELS) for s in piece.steps):
            return "it changes levels after normalisation"
        return None

    def _fused(self, piece: Piece) -> None:
        again = piece.reveals and (self._lost or (self._revealed and piece.border != "constant"))
        if self.exact and (again or self._fill_is_toned(piece)):
            self.steps.append(Cut())
            self._lost = self._revealed = False
        if piece.border is not None:
            self.border = (piece.border, piece.fill)
        self.interpolation = piece.interpolation or self.interpolation
        self._lost |= piece.loses
        self._revealed |= piece.reveals
        self.steps += piece.steps
        if any(isinstance(s, Local) for s in piece.steps):  # what follows opens a stage
            self._lost = self._revealed = False

    def _fill_is_toned(self, piece: Piece) -> bool:
        """A tone after a constant border changes the fill too; within a stage the fill stays."""
        tones = [s for s in piece.steps if isinstance(s, Tone)]
        if not tones or not self._revealed or self.border is None or self.border[0] != "constant":
            return False
        level = np.array([[self.border[1] / 255.0]])
        for step in tones:
            for end in (0.0, 0.5, 1 - 1e-9):
                values = step.draw(np.full((len(step.parameters), 1), end))
                if abs(np.clip(step.curve(level, values), 0, 1) - level).max() > 1e-9:
                    return True
        return False

    def _formed(self, form: Form) -> None:
        self.layout = form.layout or self.layout
        if form.layout == "CHW":
            self.form = "tensor"
        if form.floats:
            mean, std = (np.asarray(v, dtype=float) for v in (self.levels or IDENTITY))
            new_mean, new_std = np.asarray(form.mean, dtype=float), np.asarray(form.std, dtype=float)
            self.levels = tuple((mean + std * new_mean).tolist()), tuple((std * new_std).tolist())

    def done(self, pipeline: PipelineLike | Sequence[PipelineLike]) -> Translation:
        """The policy of all steps added."""
        output = None
        if self.levels is not None:
            mean, std = self.levels
            plain = self.levels == IDENTITY
            output = Output(
                dtype="float32", layout=self.layout, mean=None if plain else mean, std=None if plain else std
            )
        elif self.layout != "HWC":
            output = Output(layout=self.layout)
        border, fill = self.border or (_border_of(self.steps), 0.0)
        policy = Compose(
            tuple(self.steps), border=border, fill=fill, interpolation=self.interpolation or "linear", output=output
        )
        return Translation(policy, tuple(self.rows), pipeline)


def _border_of(steps: Sequence[Transform]) -> str:
    """What foreign steps do beyond the image, for the guard on doubled objects: what the first of them says."""
    moving = [s.step for s in steps if isinstance(s, Foreign) and s.moves_pixels]
    known = {
        4: "reflect",
        2: "reflect",
        1: "replicate",
        "reflect": "reflect",
        "nearest": "replicate",
        "edge": "replicate",
    }
    for step in moving:
        for name in ("border_mode", "fill_mode", "padding_mode"):
            said = getattr(step, name, None)
            if isinstance(said, (int, str)):
                return known.get(said, "constant")
    return "constant" if moving else "reflect"


def as_child(piece: Piece | Form | str) -> Transform | None:
    """The single step of a piece, with p=1, for use in OneOf."""
    if not isinstance(piece, Piece) or len(piece.steps) != 1:
        return None
    return replace(piece.steps[0], p=1.0)


def one_of(pieces: Sequence[Piece | Form | str], weights: Sequence[float], p: float) -> Piece | str:
    """A choice among pieces that follow the same rules.

    Args:
        pieces: What each choice equals, or why it has no equal.
        weights: How likely each is, in proportion.
        p: The probability that one of them acts.

    Returns:
        One step, or why there is none.
    """
    from augsafe.transforms import OneOf

    children = [as_child(piece) for piece in pieces]
    if any(child is None for child in children):
        return "one of its choices has no exact equal"
    real = [piece for piece in pieces if isinstance(piece, Piece)]
    borders = {(piece.border, piece.fill) for piece in real if piece.border is not None}
    kinds = {piece.interpolation for piece in real if piece.interpolation is not None}
    if len(borders) > 1 or len(kinds) > 1:
        return "its choices differ in border or interpolation"
    border, fill = next(iter(borders), (None, 0.0))
    step = OneOf(tuple(c for c in children if c is not None), weights=tuple(float(w) for w in weights), p=p)
    return Piece((step,), border, fill, next(iter(kinds), None), any(piece.loses for piece in real))


def number(value: object) -> float | None:
    """One fill level from a number or one level a channel; None where channels differ."""
    given: NDArray[np.float64] = np.asarray(0.0 if value is None else value, dtype=float)
    values = {float(v) for v in np.atleast_1d(given).ravel()}
    return values.pop() if len(values) == 1 else None
