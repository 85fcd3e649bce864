"""The benchmark's tables on a small fixed sample, and a control that shows that they can fail."""

from __future__ import annotations

import numpy as np

from augsafe.ablation import analysis
from benchmarks.ablation import planted


def test_planted_truth_and_the_null_problem():
    count = planted(6)
    assert count.right == 6 and count.false <= 2 and count.null_p > 0.01


def test_a_test_without_correction_is_caught(monkeypatch):
    monkeypatch.setattr(analysis, "holm", lambda p: np.asarray(p) / 10)
    assert planted(6).null_p < 0.01
