"""One number for the strength of a policy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import augsafe as aug
from augsafe.calibration.scaling import directions, held_to
from augsafe.guards import discrete, leave_out, scaled
from augsafe.transforms import Transform
from tests.laws.cases import NAMES, noise, transforms

SCALES = st.floats(0.01, 1)
each = pytest.mark.parametrize("name", NAMES)


def inside(small: Transform, large: Transform) -> bool:
    """Every range lies between the neutral value and the larger step's range."""
    for q in large.parameters:
        (a, b), (low, high) = small.bounds(q), large.bounds(q)
        if not (min(low, q.neutral) - 1e-9 <= a <= b <= max(high, q.neutral) + 1e-9):
            return False
    return small.p <= large.p + 1e-9


@each
@given(data=st.data(), one=SCALES, two=SCALES)
def test_a_smaller_scale_lies_inside_a_larger_one(name: str, data: st.DataObject, one: float, two: float) -> None:
    compose = aug.Compose([data.draw(transforms(name))])
    small, large = (scaled(compose, s) for s in sorted((one, two)))
    known = {leaf.label: leaf for leaf in large.leaves}
    assert all(inside(leaf, known[leaf.label]) for leaf in small.leaves)
    assert all(inside(leaf, {x.label: x for x in compose.leaves}[leaf.label]) for leaf in large.leaves)
    assert aug.Compose.from_yaml(small.to_yaml()) == small


@each
@given(data=st.data())
def test_scale_nought_is_the_identity_but_for_the_frame(name: str, data: st.DataObject) -> None:
    step = data.draw(transforms(name))
    compose = scaled(aug.Compose([step]), 0.0)
    image = noise((13, 9))
    if any(leaf.frame for leaf in compose.leaves):
        return
    np.testing.assert_array_equal(compose(image, seed=3).image, image)


def test_scale_one_is_the_policy() -> None:
    policy = aug.Compose([aug.Rotate((-33.3333333, 20)), aug.HorizontalFlip(p=1 / 3)])
    assert scaled(policy, 1.0) == policy


def test_a_flip_acts_less_often_and_a_range_shrinks() -> None:
    policy = aug.Compose(
        [aug.Rotate((-30, 10)), aug.Zoom((0.5, 2)), aug.HorizontalFlip(), aug.Brightness((0.5, 2), p=0.7)]
    )
    rotate, zoom, flip, bright = scaled(policy, 0.4).steps
    assert (rotate.angle, flip.p, bright.p) == ((-12.0, 4.0), 0.2, 0.7)
    assert zoom.factor == pytest.approx((0.5**0.4, 2**0.4), abs=1e-3)
    assert bright.factor == pytest.approx((0.8, 1.4))


def test_a_child_without_a_strength_is_chosen_less_often_and_others_as_often() -> None:
    choice = aug.OneOf((aug.Rotate((-30, 30)), aug.HorizontalFlip(), aug.Shift()))
    (half,) = scaled(aug.Compose([choice]), 0.5).steps
    chances = [half.p * share for share in half.shares]
    assert chances == pytest.approx([1 / 3, 1 / 6, 1 / 3], abs=1e-5)
    (kept,) = leave_out(aug.Compose([choice]), {"HorizontalFlip"}).steps
    assert [c.label for c in kept.children] == ["Rotate", "Shift"] and kept.p == 1


def test_a_range_beside_the_identity_shrinks_towards_it() -> None:
    policy = aug.Compose([aug.Rotate((10, 20))])
    assert scaled(policy, 0.5).steps[0].angle == (5.0, 10.0)
    assert held_to(policy, {("Rotate", "angle", "above"): 14.0}).steps[0].angle == (10.0, 14.0)
    assert held_to(policy, {("Rotate", "angle", "above"): 4.0}).steps[0].angle == (4.0, 4.0)
    below = aug.Compose([aug.Rotate((-20, -10))])
    assert held_to(below, {("Rotate", "angle", "below"): -4.0}).steps[0].angle == (-4.0, -4.0)


def test_directions_are_those_that_a_range_has() -> None:
    policy = aug.Compose([aug.Rotate((0, 20)), aug.Zoom((0.8, 1.25)), aug.VerticalFlip(), aug.Shift((0, 0), (0, 0))])
    found = {(d.step, d.parameter, d.side): d.values for d in directions(policy, 4)}
    assert found["Rotate", "angle", "above"] == (5, 10, 15, 20)
    assert {k[2] for k in found if k[0] == "Zoom"} == {"below", "above"}
    assert found["VerticalFlip", "", "acts"] == (1.0,)
    assert not [k for k in found if k[0] in ("Shift",) or k == ("Rotate", "angle", "below")]
    alone = next(d for d in directions(policy, 4) if d.step == "Zoom" and d.side == "above").at(policy, 3)
    assert [s.label for s in alone.steps] == ["Zoom"] and alone.steps[0].factor == (1.25, 1.25)


def test_what_has_no_strength() -> None:
    assert discrete(aug.HorizontalFlip()) and discrete(aug.Rotate90()) and discrete(aug.Invert())
    assert not discrete(aug.Rotate()) and not discrete(aug.RandomCrop(8))
