"""A small fixed part of the benchmark, and that it catches rules that are broken on purpose."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import calibrate as bench


def test_the_truth_is_what_simulated_draws_give():
    spread, reach = 4.0, 0.5
    shifts, lost = bench.lost()
    rng = np.random.default_rng(0)
    places = rng.choice(bench.PLACES, 40_000, p=bench.chances(spread))
    drawn = np.abs(shifts[:, None] - rng.uniform(-reach, reach, 40_000)[None]).argmin(axis=0)
    assert bench.risk(spread, reach) == pytest.approx(lost[drawn, places].mean(), abs=0.004)
    assert bench.risk(4.0, 0.6 * bench.widest(4.0)) == pytest.approx(bench.EXCESS * bench.EPSILON, abs=1e-4)


@pytest.mark.parametrize("problem", [bench.ONE_HARD, bench.GROUPED], ids=lambda p: p.name)
def test_certified_strengths_keep_their_word(problem):
    (line,) = bench.lines(problem, {"calibrate": bench.wrong_either}, 4, 1000)
    assert not line.caught and line.near == 4


def test_broken_rules_are_caught():
    (untested,) = bench.lines(bench.Problem("one class", (4.0,), 600), {"no test": bench.wrong_untested}, 12, 0)
    (ranked,) = bench.lines(bench.ALIKE, {"ranking half": bench.wrong_ranked}, 3, 0)
    assert untested.caught and ranked.caught


def test_a_line_is_caught_only_beyond_chance():
    assert not bench.Line("", 15, 200).caught  # 7.5 %, within chance of 5 %
    assert bench.Line("", 19, 200).caught
