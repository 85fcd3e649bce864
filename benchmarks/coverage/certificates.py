"""The certificate of `calibrate`, held against the true risk and against fresh images and fresh draws."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from augsafe.guards import scaled
from benchmarks import calibrate as problems
from benchmarks.coverage.lines import Line

SMALL = problems.Problem("two classes alike", (4.0, 4.0), 300)
FRESH, PART = 200_000, 10_000


@lru_cache(maxsize=64)
def fresh_loss(problem: problems.Problem, scale: float, fresh: int = FRESH) -> float:
    """The share of losses, of the worst class, among draws of the policy at a scale on images never seen before."""
    from augsafe.calibration.losses import Jury
    from augsafe.objects import inspect

    policy = scaled(problems.policy_for(problem), scale)
    lost = np.zeros(len(problem.spreads))
    for part in range(fresh // PART):
        rng = np.random.default_rng([part, 99])
        for cls, spread in enumerate(problem.spreads):
            places = rng.choice(problems.PLACES, PART, p=problems.chances(spread))
            images, rows = problems.squares(places), np.arange(PART)
            own = np.full(PART, cls)
            seen = inspect(images, images > 0)
            jury = Jury(list(images), own, rows, seen, problem.contract, False, rows, 0.01, 1000 + part, 1)
            lost[cls] += jury.losses(policy, rows).lost.sum()
    return float(lost.max() / fresh)


def simulate(repeats: int, problem: problems.Problem = SMALL, fresh: int = FRESH) -> list[Line]:
    """How often a certificate is wrong: by the true risk, and by the losses of fresh draws."""
    found = [problems.solve(problem, seed) for seed in range(repeats)]
    true = sum(problems.wrong_either(problem, one) for one in found)
    again = sum(one.scale > 0 and fresh_loss(problem, one.scale, fresh) > problems.EPSILON for one in found)
    setting = f"{problem.name}, {problem.per_class} images each"
    return [
        Line("certificate of calibrate: true risk over epsilon", setting, problems.DELTA, true, repeats),
        Line("the same, scale for all classes: losses of fresh draws", setting, problems.DELTA / 2, again, repeats),
    ]


def control(repeats: int, problem: problems.Problem = SMALL) -> list[Line]:
    """Wrong on purpose: a scale is taken where the rate seen is at most epsilon, without a test."""
    found = [problems.solve(problem, seed) for seed in range(repeats)]
    wrong = sum(problems.wrong_untested(problem, one) for one in found)
    return [Line("certificate without a test", problem.name, problems.DELTA, wrong, repeats)]
