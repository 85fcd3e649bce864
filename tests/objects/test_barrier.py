"""Minimum barrier distance against an exact search, and distance to the colours of the border."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import label

from augsafe.objects.barrier import barrier_distance, border_distance


def by_search(levels):
    """Exact distances of one plane, by which parts a window of levels joins to the border."""
    best = np.full(levels.shape, np.inf)
    values = np.unique(levels)
    for low in values:
        for high in values[values >= low]:
            parts, _ = label((levels >= low) & (levels <= high))
            rim = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
            reached = (parts > 0) & np.isin(parts, rim[rim > 0])
            best[reached] = np.minimum(best[reached], high - low)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_sweeps_are_never_below_an_exact_search_and_come_close_to_it(seed):
    levels = np.random.default_rng(seed).integers(0, 6, (12, 15)).astype(np.float32)
    exact = by_search(levels)
    for cycles, share in ((1, 0.65), (3, 0.85)):
        swept = barrier_distance(levels[..., None], cycles)[..., 0]
        assert (swept >= exact).all()
        assert (swept == exact).mean() > share


def test_a_wall_costs_its_height_and_a_ramp_costs_nothing_to_come_in_by():
    ring = np.zeros((15, 15, 1), np.float32)
    ring[4:11, 4:11] = 5
    ring[6:9, 6:9] = 0
    distance = barrier_distance(ring)
    assert (distance[6:9, 6:9] == 5).all() and not distance[:4].any()
    ramp = np.repeat(np.arange(20, dtype=np.float32)[None], 20, axis=0)[..., None]
    assert not barrier_distance(ramp).any()


def test_planes_are_swept_apart_and_left_as_they_are():
    planes = np.random.default_rng(0).random((9, 11, 3)).astype(np.float32)
    before = planes.copy()
    together = barrier_distance(planes)
    assert (planes == before).all()
    for k in range(3):
        assert (together[..., [k]] == barrier_distance(planes[..., [k]])).all()


def test_an_object_at_one_border_is_still_far_from_the_colours_of_the_others():
    rng = np.random.default_rng(0)
    planes = rng.normal(0.5, 0.02, (40, 40, 3)).astype(np.float32)
    planes[15:25, :12] += [0.4, -0.3, 0]
    found = border_distance(planes)
    assert found[15:25, :12].min() > 5 * np.median(found)
