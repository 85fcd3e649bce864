"""`ablate`: which steps, which combinations and which strengths help a learner, and which harm it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from augsafe.ablation.analysis import Row, Scores, answer, judge, remark, runs_of, scores
from augsafe.ablation.analysis import shares as shares_of
from augsafe.ablation.design import DESIGNS, NONE, STRENGTHS, Design, Question, factorial, make, subset
from augsafe.ablation.light import Light
from augsafe.ablation.result import Final, Result
from augsafe.ablation.run import Run, jobs_of, run_all
from augsafe.ablation.search import optuna_policies, random_policies
from augsafe.ablation.split import Data, Train, fingerprint, split_data
from augsafe.ablation.store import Outcome, Store
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError, InputError
from augsafe.frameworks import framework
from augsafe.images import open_source
from augsafe.policies import Compose
from augsafe.statistics import needed_seeds
from augsafe.transforms import Transform
from augsafe.typing import GroupsLike, PolicyLike, SourceLike

FINALISTS = 2
FRESH = 100_000  # seeds of the finals begin here, those of a screen's second stage halfway
SCREENED = 3
SEARCHED = "random search"
SEARCHES = ("grid", "optuna")
Done = dict[tuple[str, int], Outcome]


@dataclass(frozen=True, eq=False)
class _Bench:
    """What all stages share: data, store, the learner, and how runs are done."""

    data: Data
    store: Store
    train: Train
    key: str
    jobs: int
    progress: bool

    def run(self, runs: Sequence[Run], words: str) -> Done:
        return run_all(runs, self.train, self.key, self.data, self.store, self.jobs, words, self.progress)

    def scores(self, design: Design, seeds: Sequence[int], part: str, words: str) -> tuple[Scores, Done]:
        done = self.run(runs_of(design, seeds, part), words)
        names = list(design.policies)
        data = self.data
        return scores(names, seeds, done, data.truth(part), data.classes, data.grouped(part)), done


def ablate(
    transforms: PolicyLike,
    train: Train | None = None,
    data: SourceLike | None = None,
    *,
    design: str = "one-at-a-time",
    seeds: int | None = None,
    contract: Contract | str | None = None,
    classes: Sequence[str] | None = None,
    groups: GroupsLike | None = None,
    shares: tuple[float, float] = (0.25, 0.25),
    split_seed: int = 0,
    strengths: Sequence[float] = STRENGTHS,
    search: str = "grid",
    trials: int = 20,
    also: Mapping[str, Compose] | None = None,
    random_search: bool = True,
    finals: bool = True,
    final_train: Train | None = None,
    store: str | Path | None = None,
    train_key: str | None = None,
    jobs: int = 1,
    progress: bool = True,
) -> Result:
    """Train with and without steps, and test the differences.

    All policies use the same splits, seeds and random values. The best policy is selected on the validation images. The
    test images are used once, with new seeds: for the finalists, for the best of a random search with as many runs, and
    for no augmentation. No guard changes an image.

    Args:
        transforms: A Compose or a list of transforms.
        train: A function (policy, seed, split) that returns predictions of `split.targets`: class indices (n,) or
            scores (n, classes). Default: `Light()`.
        data: (images, labels), or what `open_source` accepts.
        design: One of `DESIGNS`.
        seeds: Training runs of each policy. Default: as many as the test needs.
        contract: A Contract or the name of a built-in one, for the verdicts of the guards.
        classes: The names of the classes.
        groups: (n,) Images of one group stay on one side and count as one.
        shares: The shares of validation and test images.
        split_seed: The seed of the split.
        strengths: For design "strengths": shares of the ranges, above 0 and at most 1.
        search: For design "strengths": "grid" or "optuna".
        trials: Number of Optuna trials.
        also: More policies to compare with no augmentation, by name.
        random_search: Include the random search in the finals.
        finals: Run the finals.
        final_train: A more expensive learner for the finals. Default: `train`.
        store: A file that keeps all runs, so that you can stop and resume.
        train_key: Identifies the training function in the store. Default: a hash of its code.
        jobs: Number of processes, -1 for all cores. `joblib.parallel_config` can select another backend, such as
            "dask".
        progress: Show a progress bar.

    Returns:
        The table, the best policy and the finals.

    Raises:
        ArgumentError: An argument is not valid.
        InputError: The data does not fit.
        ContractError: The contract does not fit the classes.
        MissingExtraError: An optional package is missing.
    """
    started = time.perf_counter()
    policy = _policy(transforms)
    learner = Light() if train is None else train
    _check_learners(learner, final_train)
    _check_search(search, trials, design)
    jobs = jobs_of(jobs)
    plan = _with(make(policy, design, strengths), also)
    count = needed_seeds(len(plan.questions)) if seeds is None else _whole("seeds", seeds)
    judged = Contract.builtin(contract) if isinstance(contract, str) else contract
    images, labels, found_classes = _read(data)
    parts = split_data(images, labels, classes or found_classes, shares, split_seed, groups)
    with tempfile.TemporaryDirectory() as folder:
        kept = Store(Path(folder) / "runs.sqlite" if store is None else store)
        kept.bind(parts.hash, parts.words)
        bench = _Bench(parts, kept, learner, train_key or fingerprint(learner), jobs, progress)
        heavy = bench if final_train is None else replace(bench, train=final_train, key=fingerprint(final_train))
        asked = (trials if search == "optuna" else 0, heavy if finals else None, random_search)
        return _measure(bench, policy, plan, design, count, *asked, judged, started)


def _measure(
    bench: _Bench,
    policy: Compose,
    plan: Design,
    design: str,
    count: int,
    trials: int,
    finals: _Bench | None,
    random_search: bool,
    contract: Contract | None,
    started: float,
) -> Result:
    """Run the design, then what was asked for beside it, and put the result together."""
    guards = judge({q.shown: plan.policies[q.shown] for q in plan.questions}, bench.data.part("validation"), contract)
    found, done = bench.scores(plan, range(count), "validation", "Ablation")
    rows = answer(found, plan.questions)
    scored = {n: found.mean(n) for n in plan.policies}
    candidates = dict(plan.policies)
    if design == "screen":
        second, more, found, again = _second_stage(bench, policy, rows)
        done |= again
        rows += more
        candidates |= second.policies
        shown = {q.shown: second.policies[q.shown] for q in second.questions if q.shown not in guards}
        guards |= judge(shown, bench.data.part("validation"), contract)
        scored |= {n: found.mean(n) for n in found.right}
    if trials:
        tried = _optuna(bench, policy, trials, count, done)
        candidates |= {n: p for n, (p, _) in tried.items()}
        scored |= {n: s for n, (_, s) in tried.items()}
    final: Final | None = None
    if finals is not None:
        drawn = _random(bench, policy, len(candidates) * count, done) if random_search else None
        final = _finals(finals, candidates, scored, drawn, done)
    rows = tuple(replace(r, guard=guards[r.question.shown], remark=remark(r, guards[r.question.shown])) for r in rows)
    best = max((n for n in scored if np.isfinite(scored[n])), key=lambda n: scored[n], default=NONE)
    failures = {f"{n}, seed {s}": o.error for (n, s), o in done.items() if o.error}
    return Result(
        design,
        bench.data,
        rows,
        scored,
        best,
        candidates[best],
        _shapley(found, policy, design),
        final,
        failures,
        count,
        sum(o.seconds for o in done.values()),
        time.perf_counter() - started,
    )


def _check_learners(learner: Any, final_train: Any) -> None:
    for name, given in (("train", learner), ("final_train", final_train)):
        if given is not None and not callable(given):
            raise ArgumentError(f"ablate({name}=...) must be a function (policy, seed, split), got {given!r}")


def _policy(transforms: Any) -> Compose:
    if isinstance(transforms, Compose):
        return transforms
    if isinstance(transforms, Transform):
        return Compose((transforms,))
    if isinstance(transforms, Sequence) and not isinstance(transforms, str):
        return Compose(tuple(transforms))
    raise ArgumentError(f"ablate(transforms=...) must be a Compose or a list of transforms, got {transforms!r}")


def _read(data: Any) -> tuple[Any, Any, Sequence[str] | None]:
    if data is None:
        raise ArgumentError("ablate(data=...) is missing; give (images, labels), a folder or a manifest")
    if isinstance(data, tuple) and len(data) == 2:
        return data[0], data[1], None
    source = open_source(data)
    if source.labels is None:
        raise InputError("the data set has no labels; an ablation needs them")
    images = [source[i].image for i in range(len(source))]
    return images, np.asarray(source.labels), source.classes


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"ablate({name}=...) must be a whole number from 1, got {value!r}")
    return int(value)


def _check_search(search: str, trials: int, design: str) -> None:
    if search not in SEARCHES:
        raise ArgumentError(f"ablate(search=...) must be {' or '.join(SEARCHES)}, got {search!r}")
    if search == "optuna" and design != "strengths":
        raise ArgumentError(f"search='optuna' goes with design='strengths', got {design!r}; designs are {DESIGNS}")
    _whole("trials", trials)
    if search == "optuna":
        framework("optuna", "search='optuna'")


def _with(plan: Design, also: Mapping[str, Compose] | None) -> Design:
    more = dict(also or {})
    for name, policy in more.items():
        if not isinstance(policy, Compose):
            raise ArgumentError(f"ablate(also=...) must hold policies by name, got {policy!r} for {name!r}")
        if name in plan.policies:
            raise ArgumentError(f"ablate(also=...) has {name!r}, which is a policy of the design; use another name")
    rows = tuple(Question(n, "policy", (), ((n, 1.0), (NONE, -1.0)), n) for n in more)
    return Design({**plan.policies, **more}, plan.questions + rows)


def _second_stage(
    bench: _Bench, policy: Compose, rows: tuple[Row, ...]
) -> tuple[Design, tuple[Row, ...], Scores, Done]:
    """A full factorial of the steps with the largest effects, on fresh seeds: choosing must not help the chosen."""
    steps = sorted((r for r in rows if r.question.kind == "average"), key=lambda r: -np.nan_to_num(r.effect, nan=-9))
    chosen = {r.name for r in steps[:SCREENED]}
    second = factorial(policy, [s.label for s in policy.steps if s.label in chosen])
    fresh = range(FRESH // 2, FRESH // 2 + needed_seeds(len(second.questions)))
    again, done = bench.scores(second, fresh, "validation", "Second stage")
    more = answer(again, second.questions)
    named = tuple(replace(r, question=replace(r.question, name=f"{r.name} (second stage)")) for r in more)
    return second, named, again, done


def _shapley(found: Scores, policy: Compose, design: str) -> dict[str, tuple[float, float, float]]:
    if design not in ("factorial", "screen"):
        return {}
    return shares_of(found, [s.label for s in policy.steps if s.label in found.right])


def _random(bench: _Bench, policy: Compose, budget: int, done: Done) -> Compose | None:
    """The best of so many random policies, each run once: the budget of the design."""
    policies = random_policies(policy, budget, seed=0)
    runs = [Run(f"random {i}", p, i, "validation") for i, p in enumerate(policies)]
    outcomes = bench.run(runs, "Random search")
    done.update(outcomes)
    truth = bench.data.truth("validation")
    scored = [
        (float((o.predictions == truth).mean()), -r.seed)
        for r in runs
        if (o := outcomes[r.name, r.seed]).predictions is not None
    ]
    return policies[-max(scored)[1]] if scored else None


def _optuna(bench: _Bench, policy: Compose, trials: int, seeds: int, done: Done) -> dict[str, tuple[Compose, float]]:
    truth = bench.data.truth("validation")

    def score(made: Compose, seed: int) -> float:
        name = f"trial {made.to_dict()['steps']!r}"
        outcomes = bench.run([Run(name, made, seed, "validation")], "Optuna")
        done.update(outcomes)
        predictions = outcomes[name, seed].predictions
        return float("nan") if predictions is None else float((predictions == truth).mean())

    found = optuna_policies(policy, trials, seeds, score, seed=0)
    return {f"optuna {i + 1}": (p, s) for i, (p, s, pruned) in enumerate(found) if not pruned and np.isfinite(s)}


def _finals(
    bench: _Bench, policies: Mapping[str, Compose], scored: Mapping[str, float], drawn: Compose | None, done: Done
) -> Final:
    """The finalists, the random search's best and no augmentation, on the test images and fresh seeds."""
    able = [n for n in policies if n != NONE and np.isfinite(scored[n])]
    names = sorted(able, key=lambda n: -scored[n])[:FINALISTS]
    entered = {NONE: subset(policies[NONE], [])} | {n: policies[n] for n in names}
    rows = [Question(n, "policy", (), ((n, 1.0), (NONE, -1.0)), n) for n in names]
    if drawn is not None:
        entered[SEARCHED] = drawn
        rows.append(Question(SEARCHED, "policy", (), ((SEARCHED, 1.0), (NONE, -1.0)), SEARCHED))
        if names:
            weights = ((names[0], 1.0), (SEARCHED, -1.0))
            rows.append(Question(f"{names[0]} against {SEARCHED}", "policy", (), weights, names[0]))
    seeds = range(FRESH, FRESH + needed_seeds(len(rows)))
    found, outcomes = bench.scores(Design(entered, tuple(rows)), seeds, "test", "Finals")
    done.update(outcomes)
    worst = {n: _worst(found, n) for n in entered}
    return Final(answer(found, rows), {n: found.mean(n) for n in entered}, worst, entered, len(seeds))


def _worst(found: Scores, name: str) -> tuple[str, float]:
    table = found.right[name][~np.isnan(found.right[name][:, 0])]
    if not len(table):
        return "", float("nan")
    values = {found.classes[c]: float(table[:, found.labels == c].mean()) for c in np.unique(found.labels)}
    return min(values.items(), key=lambda item: item[1])
