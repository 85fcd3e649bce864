"""Judging a map: the nearest symmetry, the rotation left over, the zoom; and the shares of frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augsafe import Compose, HorizontalFlip, Rotate, Rotate90, Shear, Shift, VerticalFlip, Zoom
from augsafe.contracts import SYMMETRIES
from augsafe.guards import judge
from augsafe.guards.judging import middle_visible, overlap, padding


def judged(*steps, size=(40, 60)):
    plan = Compose(steps).plan([size], [0])
    seen = judge(plan.jacobian)
    return SYMMETRIES[int(seen.symmetry[0])], float(seen.residual[0]), float(seen.zoom_min[0]), float(seen.zoom_max[0])


H, V = HorizontalFlip(p=1), VerticalFlip(p=1)


@pytest.mark.parametrize(
    ("steps", "name"),
    [
        ((), "identity"),
        ((H,), "hflip"),
        ((V,), "vflip"),
        ((H, V), "rot180"),
        ((V, H), "rot180"),
        ((Rotate90((1,)),), "rot90"),
        ((Rotate90((3,)),), "rot270"),
        ((H, Rotate90((1,))), "transpose"),
        ((H, Rotate90((3,))), "antitranspose"),
        ((H, V, Rotate((180, 180))), "identity"),
    ],
)
def test_symmetries(steps, name):
    found, residual, low, high = judged(*steps)
    assert found == name
    assert (residual, low, high) == pytest.approx((0, 1, 1), abs=1e-9)


@given(st.floats(-44, 44), st.floats(0.5, 2), st.booleans())
def test_rotation_and_zoom_are_taken_apart(angle, factor, mirror):
    steps = (Rotate((angle, angle)), Zoom((factor, factor)), *((H,) if mirror else ()))
    name, residual, low, high = judged(*steps)
    assert name == ("hflip" if mirror else "identity")
    # after the mirror the same turn goes the other way
    assert residual == pytest.approx(-angle if mirror else angle, abs=1e-6)
    assert (low, high) == pytest.approx((factor, factor))


def test_shear_is_what_the_singular_values_say():
    _, _, low, high = judged(Shear(x=(30, 30)))
    matrix = np.array([[1, np.tan(np.radians(30))], [0, 1]])
    assert [high, low] == pytest.approx(np.linalg.svd(matrix, compute_uv=False))


@given(st.integers(0, 10_000))
def test_overlap_agrees_with_counting(seed):
    rng = np.random.default_rng(seed)
    angle, size, place = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 2), rng.uniform(-0.3, 1.3, 2)
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    quad = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) @ turn.T + place
    grid = (np.stack(np.meshgrid(*[np.arange(200)] * 2), axis=-1) + 0.5) / 200
    inside = (np.abs((grid - place) @ np.linalg.inv(turn).T) <= 0.5).all(axis=-1).mean()
    assert overlap(quad[None])[0] == pytest.approx(inside, abs=0.01)


def test_shares_of_frames():
    plan = Compose([Shift(x=(0.25, 0.25), y=(0, 0))]).plan([(20, 40)], [0])
    assert padding(plan)[0] == pytest.approx(0.25)
    assert middle_visible(plan)[0] == pytest.approx(1.0)
    gone = Compose([Shift(x=(0.5, 0.5), y=(0, 0))]).plan([(20, 40)], [0])
    assert middle_visible(gone)[0] == pytest.approx(0.5)
