"""The cheap bounds against the grid: never below it, and rarely above a limit that it keeps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import augsafe as aug
from augsafe.guards.content import bounds, measures
from augsafe.guards.content.bounds import Extents, half_frames
from augsafe.objects import Objects
from augsafe.planning import Plan

N = 1500
POLICIES = {
    "wide": [
        aug.Shift((-0.4, 0.4), (-0.4, 0.4)),
        aug.Zoom((0.4, 2)),
        aug.Rotate((-90, 90)),
        aug.Shear((-20, 20), (-20, 20)),
        aug.HorizontalFlip(),
    ],
    "upright": [aug.Shift((-0.4, 0.4), (-0.4, 0.4)), aug.Zoom((0.4, 2)), aug.VerticalFlip()],  # slopes of nought
    "quarters": [aug.Rotate90(), aug.Shift((-0.4, 0.4), (-0.4, 0.4)), aug.Zoom((0.4, 2))],
}


def boxes_of_noise() -> Objects:
    rng = np.random.default_rng(0)
    weights = np.zeros((N, 16, 16), np.float32)
    extents = np.zeros((N, 4), np.float32)
    for grid, extent in zip(weights, extents, strict=True):
        (x, y), (wide, high) = rng.integers(0, 12, 2), rng.integers(1, 5, 2)
        grid[y : y + high, x : x + wide] = rng.random((high, wide)) + 0.01
        extent[:] = np.array([x, y, x + wide, y + high]) / 16
    return Objects.of(weights, extents, ["mask"] * N, np.zeros(N, bool))


def planned(policy: str) -> Plan:
    return aug.Compose(POLICIES[policy]).plan(np.full((N, 2), (48, 64)), range(N), 0, 0)


Both = tuple[NDArray[np.float64], NDArray[np.float64]]


def lost(plan: Plan, objects: Objects, limit: float) -> Both:
    exact = 1 - measures._push(plan, objects, np.arange(N))
    return bounds.lost_bound(half_frames(plan), objects, Extents.of(objects), limit), exact


def doubled(plan: Plan, objects: Objects, limit: float) -> Both:
    exact = measures._copies(plan, objects, np.arange(N), half_frames(plan))
    return bounds.doubled_bound(half_frames(plan), objects, Extents.of(objects), limit), exact


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("what", [lost, doubled])
def test_a_bound_is_never_below_what_it_bounds(what: Callable[..., Both], policy: str) -> None:
    for limit in (0.0, 0.3, 9.0):  # with and without the second look
        bound, exact = what(planned(policy), boxes_of_noise(), limit)
        assert (bound >= exact - 1e-5).all()
        assert (exact > 0.3).any()


@pytest.mark.parametrize("what", [lost, doubled])
def test_the_second_look_spares_exact_ones(what: Callable[..., Both]) -> None:
    first, exact = what(planned("wide"), boxes_of_noise(), 9.0)
    second, _ = what(planned("wide"), boxes_of_noise(), 0.3)
    needless = ((first > 0.3) & (exact <= 0.3)).sum(), ((second > 0.3) & (exact <= 0.3)).sum()
    assert needless[1] < 0.75 * needless[0]


def test_a_bound_that_forgets_a_corner_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "TILES", bounds.TILES[1:])
    bound, exact = doubled(planned("wide"), boxes_of_noise(), 0.0)
    assert (bound < exact - 1e-5).any()
