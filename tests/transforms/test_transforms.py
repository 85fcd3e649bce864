"""What each transform does, in the words of its docstring; and the draws, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import ArgumentError
from augsafe.randomness import Key, mix, uniforms
from augsafe.transforms import Geometric

GOLDEN = Path(__file__).parent.parent / "golden" / "draws.json"
SIZE = (21, 31)  # the centre is at x = 15, y = 10


def moved(step: Geometric, x: float, y: float) -> list[float]:
    matrix = aug.Compose([step]).plan([SIZE], [0]).matrix[0]
    point = matrix @ [x, y, 1]
    return [round(float(v), 6) + 0.0 for v in point[:2] / point[2]]


@pytest.mark.parametrize(
    ("step", "point", "expected"),
    [
        (aug.Shift((0.1, 0.1), (-0.2, -0.2)), (0, 10), [3.1, 5.8]),
        (aug.Zoom((2, 2)), (16, 11), [17, 12]),
        (aug.Rotate((90, 90)), (18, 10), [15, 7]),  # right goes up: counter-clockwise as displayed
        (aug.Shear((45, 45)), (15, 12), [17, 12]),
        (aug.HorizontalFlip(p=1), (0, 3), [30, 3]),
        (aug.VerticalFlip(p=1), (0, 3), [0, 17]),
        (aug.Rotate90(turns=(1,)), (30, 0), [0, 0]),
        (aug.Perspective((0.2, 0.2), (0, 0)), (15, 10), [15, 10]),
        (aug.Resize((42, 62)), (-0.5, -0.5), [-0.5, -0.5]),
        (aug.Resize((42, 62)), (30.5, 20.5), [61.5, 41.5]),
        (aug.Pad(3, 4), (0, 0), [3, 4]),
        (aug.CenterCrop((11, 11)), (15, 10), [5, 5]),
        (aug.Letterbox((62, 62)), (-0.5, -0.5), [-0.5, 9.5]),
    ],
)
def test_where_a_point_goes(step: Geometric, point: tuple[float, float], expected: list[float]) -> None:
    assert moved(step, *point) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (aug.Brightness((2, 2)), [0.0, 0.4, 1.0, 1.0]),
        (aug.Contrast((2, 2)), [0.0, 0.0, 0.7, 1.0]),
        (aug.Gamma((2, 2)), [0.0, 0.04, 0.36, 1.0]),
        (aug.Invert(), [1.0, 0.8, 0.4, 0.0]),
    ],
)
def test_where_a_level_goes(step: Any, expected: list[float]) -> None:
    image = np.array([[0.0, 0.2, 0.6, 1.0]], np.float32)
    np.testing.assert_allclose(aug.Compose([step])(image, seed=0).image[0], expected, atol=1e-6)


def test_tone_steps_clip_one_after_the_other_and_round_once() -> None:
    image = np.array([[10, 200]], np.uint8)
    steps = [aug.Brightness((2, 2)), aug.Brightness((0.5, 0.5)), aug.Brightness((0.33, 0.33)), aug.Brightness((3, 3))]
    assert aug.Compose(steps)(image, seed=0).image.tolist() == [[10, 126]]


def test_one_of_chooses_by_weight() -> None:
    compose = aug.Compose([aug.OneOf((aug.HorizontalFlip(), aug.Invert()), weights=(3, 1))])
    active = compose.plan(np.full((4000, 2), 8), range(4000)).draws.active
    assert (active["HorizontalFlip"] ^ active["Invert"]).all()
    assert active["HorizontalFlip"].mean() == pytest.approx(0.75, abs=0.03)


def test_wrong_combinations_are_refused() -> None:
    for make in (
        lambda: aug.Resize(),
        lambda: aug.Resize(3, shortest=4),
        lambda: aug.OneOf(()),
        lambda: aug.OneOf((aug.Rotate(p=0.3),)),
        lambda: aug.Shear((70, 70), (70, 70)),
        lambda: aug.Perspective((0.8, 0.8), (0.8, 0.8)),
        lambda: aug.Rotate90(turns=(4,)),
        lambda: aug.Pad(left=-1),
        lambda: aug.Compose([aug.Rotate(name="a"), aug.Zoom(name="a")]),
    ):
        with pytest.raises(ArgumentError):
            make()


def golden() -> dict[str, Any]:
    """Words, numbers and matrices of fixed keys."""
    key = Key.of(7, 3, [0, 1, 2**40], view=2)
    compose = aug.Compose([aug.Shift(), aug.Zoom(), aug.Rotate(), aug.HorizontalFlip(), aug.Perspective()])
    return {
        "mix": [int(v) for v in mix(np.arange(4, dtype=np.uint64))],
        "columns": [int(v) for v in key.columns()],
        "uniforms": {
            k: [[x.hex() for x in row] for row in v.tolist()] for k, v in uniforms(key, [("a", 2), ("b", 1)]).items()
        },
        "matrices": compose.plan([(24, 32), (100, 80), (7, 7)], [0, 1, 5], seed=11, epoch=2).matrix.tolist(),
    }


def test_draws_are_those_of_the_golden_file() -> None:
    """A change here changes what every seed means: it needs a decision record, not a new file."""
    kept, now = json.loads(GOLDEN.read_text(encoding="utf-8")), golden()
    for exact in ("mix", "columns", "uniforms"):
        assert now[exact] == kept[exact]
    np.testing.assert_allclose(now["matrices"], kept["matrices"], atol=1e-9, rtol=1e-9)
