"""Which symmetries, rotations and zooms a policy can reach at all: bounds over every composition of its steps.

The absence of a violation is proven here, never by draws. The state after some steps is: mirrored or not, an interval
of angles, an interval of singular values, and the dilatation k = |b/a| of z -> a z + b conj(z). Composition is exact
for flips, turns, rotation and zoom: angles add (with the sign turned by a mirror), scales multiply. Where two steps
both have k > 0 (shear, crops that change the aspect), arg(a1 a2 + b1 conj(b2)) leaves the sum of angles by at most
asin(k1 k2), and the dilatations add as velocities do, (k1 + k2) / (1 + k1 k2): see Ahlfors, "Lectures on
Quasiconformal Mappings", 1966, chapter I.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from augsafe.contracts import SYMMETRIES
from augsafe.guards.judging import SYMMETRY_OF
from augsafe.policies import Compose
from augsafe.transforms import Choice, Distortion, Geometric, Move, Perspective, Transform, may_move

_EPS = 1e-7
_TOUCH = 1e-9  # degrees that rounding may add to a sum of angles
_MOST_STATES = 4096


@dataclass(frozen=True)
class State:
    """A set of linear maps, by bounds; `offset` bounds how far the image's centre has moved, in half sides."""

    mirror: bool = False
    low: float = 0.0
    high: float = 0.0
    zoom: tuple[float, float] = (1.0, 1.0)
    dilatation: float = 0.0
    offset: float = 0.0
    size: tuple[int, int] = (224, 224)
    loose: bool = False  # the ends of the angle need not be ends of what is reached


@dataclass(frozen=True)
class Arc:
    """An interval of the rotation left over, in degrees. `open`: its ends are reached with probability zero."""

    low: float
    high: float
    open: bool = False

    def within(self, limit: float) -> bool:
        """Whether draws with a rotation of at most `limit` either way are possible, those of probability zero aside."""
        return self._shared(limit) > _TOUCH if self.open else self._shared(limit) >= 0

    def touches(self, limit: float) -> bool:
        """Whether such draws are possible with probability zero alone: at one end of the interval."""
        return self.open and abs(self._shared(limit)) <= _TOUCH

    def _shared(self, limit: float) -> float:
        return min(self.high, limit) - max(self.low, -limit)


@dataclass(frozen=True)
class Reach:
    """Bounds on a policy: for each reachable symmetry the intervals of the rotation left over, and the zoom.

    `known` is False where some step has no bound; then nothing is proven.
    """

    known: bool
    arcs: dict[str, frozenset[Arc]]
    zoom: tuple[float, float]

    @property
    def rotation(self) -> dict[str, tuple[float, float]]:
        """From a symmetry's name to (low, high) degrees."""
        return {name: (min(a.low for a in arcs), max(a.high for a in arcs)) for name, arcs in self.arcs.items()}

    @property
    def symmetries(self) -> frozenset[str] | None:
        """The symmetries that draws may come nearest to; None where that is not known."""
        return frozenset(self.arcs) if self.known else None


def reach(compose: Compose, size: tuple[int, int] = (224, 224)) -> Reach:
    """Bound what a policy does to images of one size (height, width)."""
    states: set[State] = {State(size=size)}
    for step in compose.steps:
        moved = _through(step, states)
        if moved is None:
            return Reach(False, {name: frozenset({Arc(-45.0, 45.0)}) for name in SYMMETRIES}, (0.0, math.inf))
        states = moved
    arcs: dict[str, set[Arc]] = {}
    for state in states:
        for name, arc in _nearest(state):
            arcs.setdefault(name, set()).add(arc)
    zoom = (min(s.zoom[0] for s in states), max(s.zoom[1] for s in states))
    return Reach(True, {name: frozenset(found) for name, found in arcs.items()}, zoom)


def _through(step: Transform, states: set[State]) -> set[State] | None:
    """What a step makes of some states; of a choice, every number of parts that may act, in their order."""
    if step.p == 0 or not states:
        return states
    if isinstance(step, Choice):
        low, high = step.counts
        by_count: list[set[State]] = [states, *(set[State]() for _ in range(high))]
        for done, (part, chance) in enumerate(zip(step.parts, step.chances, strict=True)):
            if chance == 0:
                continue
            for count in range(min(done, high - 1), -1, -1):
                moved = _through(part, by_count[count])
                if moved is None:
                    return None
                by_count[count + 1] = _few(by_count[count + 1] | moved)
        acting = set().union(*by_count[low:])
    else:
        found = _apply(step, states)
        if found is None:
            return None
        acting = found
    return _few(acting | (states if step.p < 1 else set()))


def _few(states: set[State]) -> set[State]:
    return _merged(states) if len(states) > _MOST_STATES else states


def _apply(step: Transform, states: set[State]) -> set[State] | None:
    if may_move(step):
        return None  # only its draws are known
    if not isinstance(step, (Geometric, Distortion)):
        return states
    out = set()
    for state in states:
        moves = _tilt(step, state) if isinstance(step, Perspective) else step.moves(state.size)
        if moves is None:
            moves = _frame_move(step, state) if isinstance(step, Geometric) else None
            if moves is None:
                return None
        for number, move in enumerate(moves):
            new = _then(state, move)
            if isinstance(step, Distortion):
                out.add(new)
                continue
            out.add(replace(new, size=_size_after(step, number, len(moves), state.size)))
    return out


def _then(state: State, move: Move) -> State:
    sign = -1.0 if move.mirror else 1.0
    ends = sorted((sign * state.low, sign * state.high))
    bend = math.degrees(math.asin(min(1.0, state.dilatation * move.dilatation)))
    joint = (state.dilatation + move.dilatation) / (1 + state.dilatation * move.dilatation)
    shift = 2 * math.hypot(*(max(map(abs, side)) for side in move.shift))
    return replace(
        state,
        mirror=state.mirror != move.mirror,
        low=ends[0] + move.rotation[0] - bend,
        high=ends[1] + move.rotation[1] + bend,
        zoom=(state.zoom[0] * move.scale[0], state.zoom[1] * move.scale[1]),
        dilatation=joint,
        offset=state.offset * move.scale[1] + shift,
        loose=state.loose or bend > 0,
    )


def _tilt(step: Perspective, state: State) -> tuple[Move, ...] | None:
    """The Jacobian of a tilt at a point v from the centre: (w I - v p') / w^2 with w = 1 + p'v."""
    steep = math.hypot(max(map(abs, step.x)), max(map(abs, step.y)))
    reachable = steep * state.offset
    half, least, most = reachable / 2, 1 - reachable, 1 + reachable
    if least - 2 * half <= 0.05:
        return None
    angle = math.degrees(math.asin(min(1.0, half / (least - half))))
    scale = ((least - 2 * half) / most**2, (most + 2 * half) / least**2)
    return (Move(rotation=(-angle, angle), scale=scale, dilatation=half / (least - half)),)


def _frame_move(step: Geometric, state: State) -> tuple[Move, ...] | None:
    """A crop, pad or letterbox enlarges by what its frame says, whatever it draws."""
    if not step.frame:
        return None
    sizes = np.array([state.size], dtype=np.int64)
    values = {q.name: np.array([q.neutral]) for q in step.parameters}
    factor = step.shape_factor(sizes, step.sizes_after(values, sizes))[0]
    linear = step.matrices(values, sizes)[0, :2, :2] * factor[:, None]
    low, high = sorted(np.linalg.svd(linear, compute_uv=False))
    away = 0.0 if not step.parameters else 100.0
    return (
        Move(
            scale=(float(low), float(high)),
            dilatation=float((high - low) / (high + low)),
            shift=((-away, away), (-away, away)),
        ),
    )


def _size_after(step: Geometric, number: int, count: int, size: tuple[int, int]) -> tuple[int, int]:
    sizes = np.array([size], dtype=np.int64)
    values = {q.name: np.array([q.neutral]) for q in step.parameters}
    if count > 1 or type(step).__name__ == "Rotate90":
        values["turn"] = np.array([float(sorted(set(getattr(step, "turns", (0,))))[number])])
    after = step.sizes_after(values, sizes)[0]
    return int(after[0]), int(after[1])


def _nearest(state: State) -> Iterator[tuple[str, Arc]]:
    """The symmetries nearest to some map of the state, with the interval of the remaining rotation."""
    spread = state.high - state.low >= _EPS
    slack = -_EPS if spread else _EPS
    first = math.ceil((state.low - 45 - slack) / 90)
    last = max(math.floor((state.high + 45 + slack) / 90), first)
    for quarter in range(first, min(last, first + 9) + 1):
        low, high = max(state.low - 90 * quarter, -45.0), min(state.high - 90 * quarter, 45.0)
        # a sum of independent angles, of which one is continuous, takes no value with a chance above zero
        yield SYMMETRIES[int(SYMMETRY_OF[int(state.mirror), quarter % 4])], Arc(low, high, spread and not state.loose)


def _merged(states: set[State]) -> set[State]:
    """One state for each orientation and frame: looser, still a bound."""
    groups: dict[tuple[bool, tuple[int, int]], State] = {}
    for s in states:
        old = groups.get((s.mirror, s.size), s)
        groups[(s.mirror, s.size)] = State(
            s.mirror,
            min(old.low, s.low),
            max(old.high, s.high),
            (min(old.zoom[0], s.zoom[0]), max(old.zoom[1], s.zoom[1])),
            max(old.dilatation, s.dilatation),
            max(old.offset, s.offset),
            s.size,
            loose=True,
        )
    return set(groups.values())
