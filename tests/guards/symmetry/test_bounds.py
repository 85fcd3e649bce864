"""The bounds hold: whatever is drawn lies within them, and what they allow is there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from augsafe import (
    CenterCrop,
    Compose,
    HorizontalFlip,
    OneOf,
    Perspective,
    RandomResizedCrop,
    Repeat,
    Resize,
    Rotate,
    Rotate90,
    Shear,
    Shift,
    SomeOf,
    VerticalFlip,
    Zoom,
)
from augsafe.contracts import SYMMETRIES
from augsafe.guards import judge
from augsafe.guards.symmetry.bounds import Arc, reach

angles = st.tuples(st.floats(-200, 200), st.floats(0, 60)).map(lambda t: (t[0], t[0] + t[1]))
small = st.tuples(st.floats(-20, 0), st.floats(0, 20))
chance = st.sampled_from([0.3, 1.0])
steps = st.one_of(
    st.builds(Rotate, angle=angles, p=chance),
    st.builds(HorizontalFlip, p=chance),
    st.builds(VerticalFlip, p=chance),
    st.builds(Zoom, factor=st.just((0.8, 1.3)), p=chance),
    st.builds(Shift, p=chance),
    st.builds(Shear, x=small, y=small, p=chance),
    st.builds(Rotate90, turns=st.sampled_from([(0, 1), (2,), (0, 1, 2, 3)]), p=chance),
    st.builds(RandomResizedCrop, size=st.just((32, 32)), scale=st.just((0.3, 1.0))),
    st.builds(Resize, size=st.just((48, 48))),
    st.builds(CenterCrop, size=st.just((24, 24))),
    st.just(Perspective(x=(-0.1, 0.1), y=(-0.1, 0.1))),
    st.just(OneOf((HorizontalFlip(), Rotate((90, 90))), p=0.5)),
    st.builds(
        SomeOf,
        st.just((Rotate((20, 40)), HorizontalFlip(), Shear((0, 15)), Rotate90((1,)))),
        n=st.sampled_from([(0, 1), (2, 3), (4, 4)]),
        p=chance,
    ),
    st.builds(Repeat, st.sampled_from([Rotate((10, 40), p=0.5), HorizontalFlip(), Zoom((1.0, 1.2))]), p=chance),
    st.builds(Repeat, st.just(OneOf((HorizontalFlip(), Rotate((80, 100))))), times=st.just(3)),
)


def violations(compose, size, slack=0.0):
    bounds = reach(compose, size)
    plan = compose.plan([size] * 400, range(400), seed=1)
    seen = judge(plan.jacobian)
    if not bounds.known:
        return 0
    bad = 0
    for row in range(400):
        low, high = bounds.rotation.get(SYMMETRIES[int(seen.symmetry[row])], (1, -1))
        inside = low - 1e-6 <= seen.residual[row] + slack <= high + 1e-6
        inside &= bounds.zoom[0] - 1e-6 <= seen.zoom_min[row] and seen.zoom_max[row] <= bounds.zoom[1] + 1e-6
        bad += not inside
    return bad


@settings(max_examples=150)
@given(st.lists(steps, min_size=1, max_size=5), st.sampled_from([(40, 40), (30, 60)]))
def test_no_draw_leaves_the_bounds(chosen, size):
    assert violations(Compose(chosen), size) == 0


def test_the_harness_catches_a_bound_that_is_too_tight():
    assert violations(Compose([Rotate((-10, 10))]), (40, 40), slack=5.0) > 0


def test_flips_and_turns_are_exact():
    assert set(reach(Compose([HorizontalFlip(), VerticalFlip()])).rotation) == {"identity", "hflip", "vflip", "rot180"}
    cancelled = Compose([HorizontalFlip(p=1), VerticalFlip(p=1), Rotate((180, 180))])
    assert set(reach(cancelled).rotation) == {"identity"}


def test_two_rotations_add_up():
    bounds = reach(Compose([Rotate((-20, 20)), Rotate((-15, 15))]))
    assert bounds.rotation == {"identity": (-35.0, 35.0)}


def test_strong_tilt_after_a_shift_is_not_known():
    assert not reach(Compose([Shift(x=(-0.9, 0.9)), Perspective(x=(-0.5, 0.5))])).known
    assert reach(Compose([Perspective(x=(-0.5, 0.5)), Shift(x=(-0.9, 0.9))])).known


@pytest.mark.parametrize("size", [(50, 50), (40, 80)])
def test_resizing_is_no_zoom_and_cropping_is(size):
    assert reach(Compose([Resize((64, 64))]), size).zoom == pytest.approx((1, 1))
    crop = reach(Compose([CenterCrop((size[0] // 2, size[1] // 2))]), size)
    assert crop.zoom == pytest.approx((2, 2))
    assert np.isfinite(crop.zoom).all()


def test_an_arc_that_only_touches_a_limit():
    """Of a continuous angle, the end of its range has no probability; of a fixed one, it is all there is."""
    sampled, fixed = Arc(-45, -30, open=True), Arc(-30, -30)
    assert fixed.within(30) and not fixed.touches(30)
    assert sampled.touches(30) and not sampled.within(30)
    assert sampled.within(30.001) and not sampled.touches(30.001)
    assert not sampled.within(29.999) and not sampled.touches(29.999)
    assert Arc(-45, -30).within(30)  # where the bound may be loose, nothing is left out


def test_loose_bounds_are_closed():
    (arc,) = reach(Compose([Rotate((-20, 20))])).arcs["identity"]
    assert arc.open
    arcs = reach(Compose([Shear((10, 10)), Rotate((-20, 20)), Shear((10, 10))])).arcs["identity"]
    assert not any(arc.open for arc in arcs)
    assert {arc.open for arc in reach(Compose([Rotate((-20, 20), p=0.5)])).arcs["identity"]} == {False, True}
