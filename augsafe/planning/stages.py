"""The stages of a plan: one warp, tone and colour, then local steps; or a distortion alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from augsafe.randomness import FloatArray
from augsafe.transforms import Color, Distortion, Sizes, Tone, Transform, Values

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """One step of a stage.

    Attributes:
        step: The transform.
        active: On which images it acts (n,).
        values: The value of each of its parameters (n,).
    """

    step: Transform
    active: BoolArray
    values: Values

    def rows(self, rows: NDArray[np.intp]) -> Part:
        """The part of some of the images."""
        return Part(self.step, self.active[rows], {k: v[rows] for k, v in self.values.items()})


@dataclass(frozen=True)
class GeometricPart:
    """One step of the plan that moves pixels.

    Attributes:
        step: The transform.
        matrix: Its forward maps (n, 3, 3). A distortion has none, and stands with the identity.
        before: The frames that it gets (n, 2): height and width in pixels.
        after: The frames that it leaves (n, 2).
        factor: What takes the change of frame out of its linear part (n, 2), for x and y.
        active: On which images it acts (n,).
    """

    step: Transform
    matrix: FloatArray
    before: Sizes
    after: Sizes
    factor: FloatArray
    active: BoolArray


@dataclass(frozen=True)
class StagePlan:
    """One warp, tone and colour in order, then local steps; or a distortion alone.

    Attributes:
        matrix: The forward map of the warp (n, 3, 3).
        size_in: The frames that the stage gets (n, 2): height and width in pixels.
        size_out: The frames that the warp leaves (n, 2).
        tone: The tone and colour steps.
        local: The local steps.
        moved: What opaque steps among the local ones do to places (n, 3, 3).
        size_end: The frames that opaque steps leave (n, 2); None where they change none.
        distortion: The distortion, where the stage is one.
    """

    matrix: FloatArray
    size_in: Sizes
    size_out: Sizes
    tone: tuple[Part, ...]
    local: tuple[Part, ...]
    moved: FloatArray | None = None
    size_end: Sizes | None = None
    distortion: Part | None = None

    @property
    def whole(self) -> FloatArray:
        """The map of the stage, opaque steps included."""
        return self.matrix if self.moved is None else self.moved @ self.matrix

    @property
    def size_after(self) -> Sizes:
        """The frame that leaves the stage."""
        return self.size_out if self.size_end is None else self.size_end

    @cached_property
    def toned(self) -> BoolArray:
        """Which images have their levels changed (n,)."""
        return np.any([part.active for part in self.tone], axis=0) if self.tone else np.zeros(len(self.matrix), bool)

    @cached_property
    def colors(self) -> tuple[Part, ...]:
        """The colour steps among `tone` that may act at all."""
        return tuple(part for part in self.tone if isinstance(part.step, Color) and part.step.p > 0)

    def rows(self, rows: NDArray[np.intp]) -> StagePlan:
        """The stage of some of the images."""
        tone, local = (tuple(part.rows(rows) for part in group) for group in (self.tone, self.local))
        moved = None if self.moved is None else self.moved[rows]
        end = None if self.size_end is None else self.size_end[rows]
        bent = None if self.distortion is None else self.distortion.rows(rows)
        return StagePlan(self.matrix[rows], self.size_in[rows], self.size_out[rows], tone, local, moved, end, bent)

    def field(self, row: int) -> NDArray[np.float32] | None:
        """How far away the source of each pixel lies (H, W, 2), in x and y; None where nothing is distorted."""
        part = self.distortion
        if part is None or not part.active[row]:
            return None
        assert isinstance(part.step, Distortion)
        size = (int(self.size_out[row, 0]), int(self.size_out[row, 1]))
        return part.step.field({k: float(v[row]) for k, v in part.values.items()}, size)

    def curve(self, levels: FloatArray, rows: slice | NDArray[np.intp] = slice(None)) -> FloatArray:
        """Levels after all tone steps, clipped after each; colour steps are left out.

        Args:
            levels: (k,) or (n, k), in [0, 1].
            rows: Of which images; default: of all.

        Returns:
            New levels (n, k), in [0, 1].
        """
        n = len(self.matrix[rows])
        out = np.broadcast_to(levels, (n, levels.shape[-1]))
        for part in self.tone:
            active = part.active[rows]
            step = part.step
            if isinstance(step, Tone) and active.any():
                new = step.curve(out, {k: v[rows] for k, v in part.values.items()})
                out = np.where(active[:, None], np.clip(new, 0.0, 1.0), out)
        return out


@dataclass(frozen=True)
class Made:
    """The stages of a plan, and its steps that move pixels.

    Attributes:
        stages: What is rendered, in order.
        geometry: The steps that move pixels, in order.
    """

    stages: tuple[StagePlan, ...]
    geometry: tuple[GeometricPart, ...]

    def rows(self, rows: NDArray[np.intp]) -> Made:
        """Those of some of the images."""
        geometry = tuple(
            GeometricPart(g.step, g.matrix[rows], g.before[rows], g.after[rows], g.factor[rows], g.active[rows])
            for g in self.geometry
        )
        return Made(tuple(stage.rows(rows) for stage in self.stages), geometry)
