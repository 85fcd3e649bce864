"""What a step does to places and levels, from what it does to images that are made for the question.

Where a library moves masks, a map of coordinates goes through that path: two planes hold x and y, a third holds ones
and tells what is beyond the image. A plain callable gets images of one level, which give its tone and its padding, and
a ramp in x and one in y, whose levels are taken back through that tone. The places are then fitted: an affine map,
else a homography; the residual is the error of the fit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.randomness import FloatArray

Image = NDArray[Any]
SURE = 0.25  # pixels: a larger rest means that the map is of another kind
SURE_PROBED = 1.0  # of levels in 8 bits, and of steps that take the nearest pixel
MOST_POINTS = 1024
LEAST_POINTS = 12
LEVELS = 17
BETWEEN = (64, 191)  # of those LEVELS, two that show a change of contrast, as 128 need not
STRAIGHT = 1.0  # of 255 levels: ramps that lie so near a plane were not bent; rounding takes 0.8


@dataclass(frozen=True, eq=False)
class Recovered:
    """A forward map (3, 3), the frame (height, width) after it, and how sure it is.

    Attributes:
        matrix: The forward map (3, 3).
        size: (height, width) of the frame after it.
        residual: What the fit leaves, in source pixels (95th percentile).
        kind: "affine", "perspective", "other" (elastic, grid; `matrix` is then the nearest affine map) or "lost"
            (nothing of the image is left in the frame).
        seen: The share of the frame that shows the image.
        tone: Levels in [0, 1] after the step for evenly spaced ones before it, where it was asked for and is one curve.
    """

    matrix: FloatArray
    size: tuple[int, int]
    residual: float
    kind: str
    seen: float
    tone: FloatArray | None = None


def coordinates(height: int, width: int) -> NDArray[np.float32]:
    """The map of coordinates (H, W, 3): x, y and ones."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x, y, np.ones_like(x)], axis=2)


def fit(planes: Image, frame: tuple[int, int], sure: float = SURE) -> Recovered:
    """Fit the map that took a map of coordinates to what it is after a step.

    Args:
        planes: x, y and ones after the step (H, W, 3).
        frame: (height, width) before the step, pixels.
        sure: The largest residual of a map of its kind, in source pixels.

    Returns:
        The map.
    """
    planes = np.asarray(planes, dtype=np.float64)
    size = (int(planes.shape[0]), int(planes.shape[1]))
    inside = planes[..., 2] > 0.999
    v, u = np.nonzero(inside)
    seen = float(inside.mean())
    if len(u) < LEAST_POINTS:
        away = np.array([[1, 0, 10.0 * max(*frame, *size)], [0, 1, 0], [0, 0, 1.0]])
        return Recovered(away, size, float("inf"), "lost", seen)
    if len(u) > MOST_POINTS:
        some = np.linspace(0, len(u) - 1, MOST_POINTS).astype(np.intp)
        u, v = u[some], v[some]
    source = planes[v, u, :2]
    places = np.stack([u, v], axis=1).astype(np.float64)
    back, rest = _robust(places, source, _affine)
    kind = "affine"
    if rest > sure:
        tilted, tilted_rest = _robust(places, source, _homography)
        if tilted_rest < max(0.25 * rest, 1e-9) and tilted_rest <= sure:
            back, rest, kind = tilted, tilted_rest, "perspective"
        else:
            kind = "other"
    if abs(np.linalg.det(back)) < 1e-9:
        away = np.array([[1, 0, 10.0 * max(*frame, *size)], [0, 1, 0], [0, 0, 1.0]])
        return Recovered(away, size, float("inf"), "lost", seen)
    whole = np.rint(back)
    if abs(np.linalg.det(whole)) == 1 and _rest(whole, places, source) <= 1.02 * rest + 1e-4:
        back = whole  # a permutation of pixels stays one to the bit
    matrix = np.linalg.inv(back)
    return Recovered(np.asarray(matrix / matrix[2, 2]), size, rest, kind, seen)


def _robust(
    places: FloatArray, source: FloatArray, solve: Callable[[FloatArray, FloatArray], FloatArray]
) -> tuple[FloatArray, float]:
    """A least-squares fit that leaves out what does not follow the others: interpolation at edges."""
    keep = np.ones(len(places), bool)
    back = solve(places, source)
    for _ in range(4):
        rest = np.linalg.norm(_moved(back, places) - source, axis=1)
        limit = max(3 * float(np.median(rest)), 1e-3)
        new = rest <= limit
        if new.sum() < LEAST_POINTS or (new == keep).all():
            break
        keep = new
        back = solve(places[keep], source[keep])
    return back, _rest(back, places, source)


def _rest(back: FloatArray, places: FloatArray, source: FloatArray) -> float:
    rest = np.linalg.norm(_moved(back, places) - source, axis=1)
    return float(np.quantile(rest, 0.95)) if len(rest) > 40 else float(np.median(rest))


def _moved(matrix: FloatArray, places: FloatArray) -> FloatArray:
    out = places @ matrix[:2, :2].T + matrix[:2, 2]
    weight = places @ matrix[2, :2] + matrix[2, 2]
    return np.asarray(out / np.where(np.abs(weight) < 1e-9, 1e-9, weight)[:, None])


def _affine(places: FloatArray, source: FloatArray) -> FloatArray:
    middle = places.mean(axis=0)
    design = np.concatenate([places - middle, np.ones((len(places), 1))], axis=1)
    try:
        found = np.linalg.solve(design.T @ design, design.T @ source).T
    except np.linalg.LinAlgError:  # all places on one line
        found = np.linalg.lstsq(design, source, rcond=None)[0].T
    out = np.eye(3)
    out[:2, :2] = found[:, :2]
    out[:2, 2] = found[:, 2] - found[:, :2] @ middle
    return out


def _homography(places: FloatArray, source: FloatArray) -> FloatArray:
    import cv2

    found, _ = cv2.findHomography(places, source, 0)
    return np.eye(3) if found is None else np.asarray(found, dtype=np.float64)


def probe(run: Callable[[Image], Image], frame: tuple[int, int], channels: int) -> Recovered:
    """Recover the map of a step that takes images alone.

    Most steps that move pixels leave levels alone; then four levels and straight ramps are enough. Otherwise 17 levels
    are asked for.

    Args:
        run: Runs the step on an image of uint8; it must give the same draw at each call.
        frame: (height, width) of the images, pixels.
        channels: How many channels they have; 0 for images without an axis of channels.

    Returns:
        The map.
    """
    height, width = frame

    def flat(level: int) -> FloatArray:
        shape = (height, width, channels) if channels else (height, width)
        return _grey(run(np.full(shape, level, np.uint8)))

    def ramp(plane: FloatArray) -> FloatArray:
        grey = np.rint(plane).astype(np.uint8)
        return _grey(run(np.repeat(grey[..., None], channels, axis=2) if channels else grey))

    dark, bright = flat(0), flat(255)
    inside = np.abs(bright - dark) > 0.25 * max(float(np.abs(bright - dark).max()), 1e-9)
    if not inside.any() or np.abs(bright - dark).max() < 1e-6:
        away = np.array([[1, 0, 10.0 * max(frame)], [0, 1, 0], [0, 0, 1.0]])
        return Recovered(away, dark.shape, float("inf"), "lost", 0.0)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    scales = [255.0 / max(side - 1, 1) for side in (width, height)]
    ramps = [ramp(plane * scale) for plane, scale in zip((x, y), scales, strict=True)]
    found_levels = {level: _level(flat(level), inside) for level in BETWEEN}
    found_levels |= {0: _level(dark, inside), 255: _level(bright, inside)}
    curve = np.array([found_levels[level][0] for level in sorted(found_levels)])
    found = _placed(ramps, scales, curve[[0, -1]], inside, frame) if _unchanged(curve) else None
    if found is not None and found.kind == "affine" and found.residual * min(scales) <= STRAIGHT:
        curve = _levels(LEVELS) * (curve[-1] / 255)
    else:
        wanted = [round(v) for v in _levels(LEVELS)]
        found_levels |= {v: _level(flat(v), inside) for v in wanted if v not in found_levels}
        curve = np.array([found_levels[v][0] for v in wanted])
        found = _placed(ramps, scales, curve, inside, frame)
    spread = max(away for _, away in found_levels.values())
    top = 255.0 if float(np.abs(curve).max()) > 2 else 1.0
    tone = curve / top if spread < 0.02 * float(np.ptp(curve)) else None
    return Recovered(found.matrix, found.size, found.residual, found.kind, float(inside.mean()), tone)


def _levels(count: int) -> FloatArray:
    return np.rint(np.linspace(0, 255, count))


def _unchanged(curve: FloatArray) -> bool:
    """Whether levels, of 0, those of BETWEEN and 255, are what they were, or that over 255."""
    wanted = np.array([0, *BETWEEN, 255])
    return any(bool(np.abs(curve * scale - wanted).max() < 1e-3) for scale in (1, 255))


def _placed(
    ramps: list[FloatArray],
    scales: list[float],
    curve: FloatArray,
    inside: NDArray[np.bool_],
    frame: tuple[int, int],
) -> Recovered:
    """The map, from ramps in x and y whose levels are taken back through a tone."""
    levels = _levels(len(curve))
    if curve[-1] <= curve[0]:
        curve, levels = curve[::-1], levels[::-1]
    steady, first = np.unique(np.maximum.accumulate(curve), return_index=True)
    planes = [np.interp(answer, steady, levels[first]) / scale for answer, scale in zip(ramps, scales, strict=True)]
    clear = inside & _away_from_ends(planes, frame)
    return fit(np.stack([*planes, clear.astype(np.float64)], axis=2), frame, SURE_PROBED)


def _level(answer: FloatArray, inside: NDArray[np.bool_]) -> tuple[float, float]:
    """The median of the levels inside, and how far the farthest is from it."""
    answer = answer if inside.all() else answer[inside]
    low, high = float(answer.min()), float(answer.max())
    middle = low if low == high else float(np.median(answer))
    return middle, max(high - middle, middle - low)


def _grey(image: Any) -> FloatArray:
    array = np.asarray(image)
    if array.ndim == 2:
        return array.astype(np.float64)
    total = array[..., 0].astype(np.float64)
    for c in range(1, array.shape[2]):  # a mean over an axis of three takes ten times as long
        total += array[..., c]
    return np.asarray(total / array.shape[2])


def _away_from_ends(planes: list[FloatArray], frame: tuple[int, int]) -> NDArray[np.bool_]:
    """Leave out places at the ends of the ramps, where a clipped tone cannot be taken back."""
    clear = np.ones(planes[0].shape, bool)
    for plane, side in zip(planes, (frame[1], frame[0]), strict=True):
        clear &= (plane > 0.02 * side) & (plane < 0.98 * (side - 1))
    return clear
