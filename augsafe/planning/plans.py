"""The plan: everything that will be done to n images, before any pixel changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.planning.output import Output
from augsafe.planning.stages import BoolArray, GeometricPart, Made, StagePlan
from augsafe.randomness import FloatArray, Key
from augsafe.transforms import Distortion, Sizes, Transform, Values
from augsafe.typing import ShapesLike


@dataclass(frozen=True)
class Draws:
    """The random numbers of n images.

    Attributes:
        key: What identifies them.
        active: For each step, whether it acts on each image (n,).
        values: For each step, the value of each of its parameters (n,).
    """

    key: Key
    active: Mapping[str, BoolArray]
    values: Mapping[str, Values]

    def __len__(self) -> int:
        return len(self.key.indices)

    def replaced(self, rows: NDArray[np.intp], other: Draws) -> Draws:
        """These draws with some rows exchanged.

        Args:
            rows: Which rows (m,).
            other: The draws of those m rows alone.

        Returns:
            Draws of as many images as before.
        """
        attempts = self.key.attempts.copy()
        attempts[rows] = other.key.attempts
        active = {name: _put(column, rows, other.active[name]) for name, column in self.active.items()}
        values = {
            name: {key: _put(column, rows, other.values[name][key]) for key, column in columns.items()}
            for name, columns in self.values.items()
        }
        return Draws(replace(self.key, attempts=attempts), active, values)

    def rows(self, rows: NDArray[np.intp]) -> Draws:
        """The draws of some of the images."""
        return Draws(
            self.key.rows(rows),
            {name: column[rows] for name, column in self.active.items()},
            {name: {k: v[rows] for k, v in columns.items()} for name, columns in self.values.items()},
        )

    def without(self, step: Transform, where: BoolArray | None = None) -> Draws:
        """The draws with one step switched off. A step that sets the frame is set to its neutral values instead.

        Args:
            step: A step of the policy.
            where: For which images (n,); default: for all.

        Returns:
            Draws of as many images as before.
        """
        everywhere = np.ones(len(self), bool) if where is None else where
        name = step.label
        if not step.frame:
            return replace(self, active={**self.active, name: self.active[name] & ~everywhere})
        neutral = {q.name: np.where(everywhere, q.neutral, self.values[name][q.name]) for q in step.parameters}
        return replace(self, values={**self.values, name: neutral})

    def neutral(self, steps: Iterable[Transform]) -> Draws:
        """The draws with all of these steps switched off."""
        return reduce(Draws.without, steps, self)


def _put(column: NDArray[Any], rows: NDArray[np.intp], new: NDArray[Any]) -> NDArray[Any]:
    out = column.copy()
    out[rows] = new
    return out


@dataclass(frozen=True)
class Settings:
    """How a policy renders. The attributes are those of `Compose`.

    Attributes:
        border: "reflect", "constant" or "replicate".
        fill: The value beyond the border where that is "constant", in units of the output image.
        interpolation: "linear", "nearest" or "cubic".
        value_range: What the levels span; None for the dtype's own range.
        output: The form in which images leave; None for that in which they came.
    """

    border: str = "reflect"
    fill: float = 0
    interpolation: str = "linear"
    value_range: tuple[float, float] | None = None
    output: Output | None = None


class Maker(Protocol):
    """How the stages of a plan follow from draws and sizes."""

    @property
    def leaves(self) -> tuple[Transform, ...]:
        """The steps."""

    @property
    def count(self) -> int:
        """How many stages there are."""

    def stage(self, number: int, draws: Draws, sizes: Sizes) -> StagePlan:
        """Make one stage, without what opaque steps do to places.

        Args:
            number: Which stage, from 0.
            draws: The numbers drawn for n images.
            sizes: Height and width of each image as it enters the stage (n, 2), pixels.

        Returns:
            The stage.
        """

    def whole(self, draws: Draws, sizes: Sizes) -> Made:
        """Make all stages; opaque steps are asked what they do to places.

        Args:
            draws: The numbers drawn for n images.
            sizes: Height and width of each image (n, 2), pixels.

        Returns:
            The stages, and the steps that move pixels.
        """


@dataclass(frozen=True)
class Plan:
    """Everything that will be done to n images, before any pixel changes. It is immutable.

    To ask an opaque step (one of another library) what it does to places can take longer than to run it. A plan with
    such a step asks when it is first asked for `stages`, `geometry` or what follows from them. Until then it is not
    `resolved`, and can be rendered stage by stage.

    Attributes:
        settings: How images are rendered.
        draws: The random numbers.
        shapes: Height and width of each image (n, 2), pixels.
        maker: How the stages follow from the draws.
        policy: The policy as plain values.
        made: The stages, where they are known from the start.
    """

    settings: Settings
    draws: Draws = field(repr=False)
    shapes: Sizes
    maker: Maker = field(repr=False)
    policy: Mapping[str, Any] = field(repr=False)
    made: Made | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def resolved(self) -> bool:
        """Whether the stages are known."""
        return self.made is not None or "_made" in vars(self)

    @cached_property
    def _made(self) -> Made:
        return self.maker.whole(self.draws, self.shapes) if self.made is None else self.made

    @property
    def stages(self) -> tuple[StagePlan, ...]:
        """What is rendered, in order."""
        return self._made.stages

    @property
    def geometry(self) -> tuple[GeometricPart, ...]:
        """The steps that move pixels, in order."""
        return self._made.geometry

    def resolve(self) -> None:
        """Make the stages now."""
        _ = self._made

    def with_stages(self, stages: tuple[StagePlan, ...]) -> Plan:
        """The plan with other stages."""
        return replace(self, made=Made(stages, self.geometry))

    def rows(self, rows: NDArray[np.intp]) -> Plan:
        """The plan of some of the images."""
        made = self._made.rows(rows) if self.resolved else None
        return Plan(self.settings, self.draws.rows(rows), self.shapes[rows], self.maker, self.policy, made)

    def plain(self, rows: NDArray[np.intp]) -> Plan:
        """What some of the images would be without a draw: each step off, or neutral where it sets the frame."""
        draws, shapes = self.draws.rows(rows).neutral(self.maker.leaves), self.shapes[rows]
        return Plan(self.settings, draws, shapes, self.maker, self.policy, self.maker.whole(draws, shapes))

    @cached_property
    def prefixes(self) -> tuple[Plan, ...]:
        """The plan up to the end of each stage that cuts the image to a frame: what one does not show is lost."""
        count = len(self.stages)
        return tuple(self.with_stages(self.stages[: k + 1]) for k in range(count))

    @cached_property
    def matrix(self) -> FloatArray:
        """The whole map of each image (n, 3, 3), from source to output pixel centres, x right and y down."""
        total = self.stages[0].whole
        for stage in self.stages[1:]:
            total = stage.whole @ total
        return total

    @property
    def sizes(self) -> Sizes:
        """Height and width of each output (n, 2), pixels."""
        return self.stages[-1].size_after

    @property
    def distorts(self) -> bool:
        """Whether some stage is a distortion, of which `matrix` says nothing."""
        return any(stage.distortion is not None for stage in self.stages)

    @cached_property
    def displaced(self) -> FloatArray:
        """How far distortions move a pixel at most (n,), in fractions of the shorter side: of all that act."""
        total = np.zeros(len(self))
        for stage in self.stages:
            part = stage.distortion
            if part is not None:
                assert isinstance(part.step, Distortion)
                total += np.where(part.active, part.step.strengths(part.values, stage.size_out), 0.0)
        return total

    @cached_property
    def jacobian(self) -> FloatArray:
        """The linear part (n, 2, 2) at the image's centre, with changes of frame taken out step by step.

        A distortion counts with the affine map that is nearest to it.
        """
        if any(part.matrix[:, 2, :2].any() for part in self.geometry):
            return self._jacobian_of_tilted
        output = self.settings.output
        framed = output is not None and output.size is not None
        if not framed and not self.distorts and all(part.after is part.before for part in self.geometry):
            return self.matrix[:, :2, :2]
        # by columns: numpy multiplies small matrices at many times the cost
        ones, zeros = np.ones(len(self)), np.zeros(len(self))
        a, b, c, d = ones, zeros, zeros, ones
        for part in self.geometry:
            linear = self._bent(part)
            (p, q), (r, s) = (linear[:, row].T for row in (0, 1))
            if part.after is not part.before:
                wide, high = part.factor.T
                p, q, r, s = p * wide, q * wide, r * high, s * high
            a, b, c, d = p * a + q * c, p * b + q * d, r * a + s * c, r * b + s * d
        return np.stack([a, b, c, d], axis=1).reshape(-1, 2, 2)

    @property
    def _jacobian_of_tilted(self) -> FloatArray:
        total = np.broadcast_to(np.eye(2), (len(self), 2, 2))
        point = (self.shapes[:, ::-1] - 1) / 2.0
        for part in self.geometry:
            m = part.matrix
            image = np.einsum("nij,nj->ni", m[:, :, :2], point) + m[:, :, 2]
            weight = np.where(np.abs(image[:, 2:]) < 1e-12, 1e-12, image[:, 2:])
            point = image[:, :2] / weight
            linear = (self._bent(part) - point[:, :, None] * m[:, None, 2, :2]) / weight[:, :, None]
            total = (linear * part.factor[:, :, None]) @ total
        return total

    def _bent(self, part: GeometricPart) -> FloatArray:
        """The linear part (n, 2, 2) of a step's matrices; of a distortion, that of the nearest affine map."""
        if not isinstance(part.step, Distortion):
            return part.matrix[:, :2, :2]
        linear, rows = np.tile(np.eye(2), (len(self), 1, 1)), np.flatnonzero(part.active)
        values = self.draws.values[part.step.label]
        for start in range(0, len(rows), 512):
            some = rows[start : start + 512]
            linear[some] = part.step.linear({k: v[some] for k, v in values.items()}, part.before[some])
        return linear

    def record(self) -> dict[str, Any]:
        """Everything needed to repeat this plan, as plain values (JSON); see `Compose.replay`."""
        key = self.draws.key
        return {
            "policy": dict(self.policy),
            "seed": key.seed,
            "epoch": key.epoch,
            "view": key.view,
            "indices": key.indices.tolist(),
            "attempts": key.attempts.tolist(),
            "shapes": self.shapes.tolist(),
            "active": {name: column.tolist() for name, column in self.draws.active.items()},
            "values": {
                name: {k: v.tolist() for k, v in columns.items()} for name, columns in self.draws.values.items()
            },
        }

    def describe(self, row: int = 0) -> str:
        """The sampled values of one image in words, such as "Rotate angle=12.3, HorizontalFlip"."""
        words = []
        for name, column in self.draws.active.items():
            if column[row]:
                drawn = self.draws.values[name].items()
                numbers = [f"{k}={float(v[row]):.3g}" for k, v in drawn if k != "seed"]
                words.append(" ".join([name, *numbers]))
        return ", ".join(words) or "nothing acts"


def check_shapes(shapes: ShapesLike) -> Sizes:
    """Heights and widths of images.

    Args:
        shapes: (n, 2), or n shapes (H, W) or (H, W, C), in pixels.

    Returns:
        (n, 2), pixels.

    Raises:
        ArgumentError: It holds no shapes, or a side is below 1.
    """
    try:
        if isinstance(shapes, np.ndarray) and shapes.dtype.kind in "iu" and shapes.ndim == 2:
            sizes = shapes[:, :2].astype(np.int64).reshape(-1, 2)
        else:
            sizes = np.array([tuple(shape)[:2] for shape in shapes], dtype=np.int64).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"shapes must be n shapes (H, W[, C]), got {shapes!r}") from error
    if (sizes < 1).any():
        raise ArgumentError(f"shapes must be at least 1 x 1, got {sizes.min(axis=0).tolist()}")
    return sizes
