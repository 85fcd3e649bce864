"""From predictions to rows: effect, interval, corrected p, verdict, worst class, and the guard's word beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.ablation.design import NONE, Design, Question, title
from augsafe.ablation.run import Run
from augsafe.ablation.store import Outcome
from augsafe.checking import check
from augsafe.contracts import Contract
from augsafe.policies import Compose
from augsafe.statistics import ALPHA, Crossed, crossed, holm, needed_seeds, seeds_to_decide, shapley, sign_flip

Array = NDArray[np.float64]
HELPS, HARMS, OPEN = "helps", "harms", "no evidence"
GUARD_DRAWS = 2000
GUARD_IMAGES = 200


@dataclass(frozen=True)
class Row:
    """One question's answer. Effects are differences of accuracy, from -1 to 1.

    interval: 95 %, over seeds and images. p: the larger of the sign-flip test's over seeds and the crossed model's
    over seeds and images; adjusted: after Holm over the table. seeds: how many pairs of runs; failed: how many were
    lost. decide: how many seeds would show an effect of this size (None: none would). per_class: effect and
    Bonferroni interval, worst first. guard: what `check` says; remark: what effect and guard together mean.
    """

    question: Question
    effect: float
    interval: tuple[float, float]
    p: float
    adjusted: float
    verdict: str
    seeds: int
    failed: int
    decide: int | None
    per_class: Mapping[str, tuple[float, float, float]]
    guard: str = ""
    remark: str = ""

    @property
    def name(self) -> str:
        """The row's name."""
        return self.question.name


@dataclass(frozen=True, eq=False)
class Scores:
    """Which images each policy got right: (seeds, images) of 0 and 1; a failed run's seed is a row of NaN.

    groups (images,): images of one group are not independent.
    """

    right: Mapping[str, Array]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    groups: NDArray[np.int64] | None = None

    def pooled(self, by_class: bool = False) -> Scores:
        """A column for each group, the mean over its images; by class, one for each of its classes."""
        if self.groups is None:
            return self
        cells = self.groups * len(self.classes) + self.labels if by_class else self.groups
        _, first, place = np.unique(cells, return_index=True, return_inverse=True)
        member = place[:, None] == np.arange(len(first))
        means = {name: table @ (member / member.sum(axis=0)) for name, table in self.right.items()}
        return Scores(means, self.labels[first], self.classes)

    def mean(self, name: str) -> float:
        """Accuracy over the runs that did not fail; NaN where all did."""
        kept = self.right[name][~np.isnan(self.right[name][:, 0])]
        return float(kept.mean()) if len(kept) else float("nan")

    def difference(self, question: Question) -> tuple[Array, int]:
        """(seeds, images) of the question's weighted sum, and how many seeds were lost to failed runs."""
        total = sum(w * self.right[name] for name, w in question.weights if w)
        assert isinstance(total, np.ndarray)
        kept = ~np.isnan(total[:, 0])
        return total[kept], int((~kept).sum())


def scores(
    names: Sequence[str],
    seeds: Sequence[int],
    done: Mapping[tuple[str, int], Outcome],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    groups: NDArray[np.int64] | None = None,
) -> Scores:
    """Compare predictions with the truth."""
    right = {}
    for name in names:
        table = np.full((len(seeds), len(labels)), np.nan)
        for row, seed in zip(table, seeds, strict=True):
            predictions = done[name, seed].predictions
            if predictions is not None:
                row[:] = predictions == labels
        right[name] = table
    return Scores(right, labels, classes, groups)


def answer(found: Scores, questions: Sequence[Question], alpha: float = ALPHA) -> tuple[Row, ...]:
    """A row for each question; Holm's correction goes over all of them. Images of one group count as one."""
    whole, parts = found.pooled(), found.pooled(by_class=True)
    differences = [whole.difference(q) for q in questions]
    apart = differences if parts is whole else [parts.difference(q) for q in questions]
    models = [crossed(d) if len(d) else None for d, _ in differences]
    # Both must speak: signs over seeds say that it is not these seeds, the crossed model that it is not these images.
    p = np.array([_p(d, m) for (d, _), m in zip(differences, models, strict=True)])
    adjusted = holm(p)
    rows = []
    for q, (d, lost), (cells, _), model, raw, corrected in zip(
        questions, differences, apart, models, p, adjusted, strict=True
    ):
        mean = float("nan") if model is None else model.mean
        interval = (-1.0, 1.0) if model is None or not np.isfinite(model.se) else model.interval()
        claim = corrected <= alpha and len(d) >= needed_seeds(len(questions), alpha)
        verdict = (HELPS if mean > 0 else HARMS) if claim else OPEN
        decide = None if claim or model is None else seeds_to_decide(d, len(questions), alpha)
        per_class = _per_class(parts, cells)
        rows.append(Row(q, mean, interval, float(raw), float(corrected), verdict, len(d), lost, decide, per_class))
    return tuple(rows)


def _p(d: Array, model: Crossed | None) -> float:
    if model is None or len(d) < 2:
        return 1.0
    return max(float(sign_flip(d.mean(axis=1, keepdims=True))[0]), model.p)


def _per_class(found: Scores, d: Array) -> dict[str, tuple[float, float, float]]:
    present = np.unique(found.labels)
    out: dict[str, tuple[float, float, float]] = {}
    for cls in present if len(d) else []:
        model = crossed(d[:, found.labels == cls])
        low, high = model.interval(1 - ALPHA / len(present)) if np.isfinite(model.se) else (-1.0, 1.0)
        out[found.classes[cls]] = (model.mean, max(low, -1.0), min(high, 1.0))
    return dict(sorted(out.items(), key=lambda item: item[1][0]))


def shares(found: Scores, names: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Exact Shapley shares of a full factorial, with 95 % intervals over seeds and images."""
    found = found.pooled()
    usable = ~np.isnan(sum(found.right.values()))[:, 0]
    if not usable.any():
        return {}
    values = shapley(
        len(names), lambda chosen: found.right[title([n for i, n in enumerate(names) if i in chosen])][usable]
    )
    out = {}
    for name, value in zip(names, values, strict=True):
        model = crossed(value)
        out[name] = (model.mean, *(model.interval() if np.isfinite(model.se) else (-1.0, 1.0)))
    return out


def judge(policies: Mapping[str, Compose], split: object, contract: Contract | str | None) -> dict[str, str]:
    """What the guards say of each policy, in a few words: findings first, then "safe" or "unknown"."""
    from augsafe.ablation.split import Split

    assert isinstance(split, Split)
    rows = np.random.default_rng(0).permutation(len(split.labels))[:GUARD_IMAGES]
    images = [split.images[int(i)] for i in rows]
    labels = [int(split.labels[i]) for i in rows]
    words = {}
    for name, policy in policies.items():
        if not policy.steps:
            words[name] = ""
            continue
        report = check(
            policy, images, labels, contract=contract, classes=split.classes, draws=GUARD_DRAWS, suggest=False
        )
        counted = [f for f in report.findings if f.severity != "info" and f.accepted is None]
        errors = [f for f in counted if f.severity == "error"] or counted
        shown: dict[str, str] = {}
        for f in errors:
            shown.setdefault(f.verdict, f.code)
        words[name] = ", ".join(f"{v} ({c})" for v, c in shown.items()) or "safe"
    return words


def remark(row: Row, guard: str) -> str:
    """What the effect means beside the guard's word."""
    if not guard or row.question.kind == "interaction":
        return ""
    clean = guard == "safe"
    if row.verdict == HARMS:
        return "keeps the class but damages learning (AS403)" if clean else "reported by the guards, and it harms"
    if row.verdict == HELPS and not clean:
        return "reported by the guards, but it helps here; look at the worst class"
    return ""


def runs_of(design: Design, seeds: Sequence[int], part: str) -> list[Run]:
    """Every policy with every seed; seeds outermost, so that what is stored early is paired already."""
    names = [NONE, *(n for n in design.policies if n != NONE)]
    return [Run(n, design.policies[n], s, part) for s in seeds for n in names]
