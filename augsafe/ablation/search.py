"""Policies found by searching: at random, as the baseline every design must beat, and with Optuna."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from augsafe.ablation.design import scaled
from augsafe.frameworks import framework
from augsafe.policies import Compose

SMALLEST = 0.05


def random_policies(policy: Compose, count: int, seed: int) -> list[Compose]:
    """Policies drawn at random: each step with a chance of one half, at a strength drawn from (0, 1]."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(count):
        on = rng.random(len(policy.steps)) < 0.5
        strengths = np.round(rng.uniform(SMALLEST, 1, len(policy.steps)), 3)
        steps = [scaled(s, float(g)) for s, g, acts in zip(policy.steps, strengths, on, strict=True) if acts]
        out.append(replace(policy, steps=tuple(steps)))
    return out


def optuna_policies(
    policy: Compose, trials: int, seeds: int, score: Callable[[Compose, int], float], seed: int
) -> list[tuple[Compose, float, bool]]:
    """Strengths of all steps together, by Optuna's TPE; the median pruner stops poor trials after a few seeds.

    `score(policy, number of the seed)` is one run's accuracy on the validation images. Gives (policy, mean score,
    whether it was pruned) for each trial. Raises MissingExtraError.
    """
    framework("optuna", "search='optuna'")
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=optuna.pruners.MedianPruner())
    found: list[tuple[Compose, float, bool]] = []
    for _ in range(trials):
        trial = study.ask()
        steps = []
        for step in policy.steps:
            strength = trial.suggest_float(step.label, 0.0, 1.0)
            if strength >= SMALLEST:
                steps.append(scaled(step, strength))
        made = replace(policy, steps=tuple(steps))
        seen: list[float] = []
        pruned = False
        for number in range(seeds):
            seen.append(score(made, number))
            trial.report(float(np.mean(seen)), number)
            if number + 1 < seeds and trial.should_prune():
                pruned = True
                break
        mean = float(np.mean(seen))
        if pruned or not np.isfinite(mean):
            study.tell(trial, state=optuna.trial.TrialState.PRUNED if pruned else optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, mean)
        found.append((made, mean, pruned))
    return found
