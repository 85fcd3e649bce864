"""A small fixed sample of benchmarks/saliency.py, and a control that shows that it can fail."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import saliency as bench


def test_lost_objects_are_found_with_masks_and_ordered_by_saliency():
    result = bench.found(n=160, draws=3)
    assert 0.3 < result.lost < 0.7
    assert (result.precision, result.recall) == (1.0, 1.0)
    assert result.areas["both, as used"]["all"] > 0.95
    best = max(areas["all"] for name, areas in result.areas.items() if name != "the centre")
    assert result.areas["both, as used"]["all"] > best - 0.01


def test_objects_in_the_wrong_place_are_caught(monkeypatch):
    real = bench.inspect
    monkeypatch.setattr(bench, "inspect", lambda images, masks: real(images, np.roll(masks, 20, axis=2)))
    result = bench.found(n=80, draws=2)
    assert result.precision < 0.9 and result.recall < 0.9


def test_the_truth_is_counted_on_pixels():
    data = bench.planted(8)
    assert data.masks.any(axis=(1, 2)).all()
    plan = bench.aug.Compose([bench.aug.Shift((0.5, 0.5), (0, 0))]).plan([m.shape for m in data.masks], range(8))
    half = [mask[:, :32].sum() / mask.sum() for mask in data.masks]
    assert bench.shown(plan, data.masks) == pytest.approx(half)
