"""The rates of the static guard, whose truth follows by adding up: guards/symmetry/static.py."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np

import augsafe as aug
from augsafe.contracts.symmetry import SYMMETRIES, then
from augsafe.guards import static_check
from augsafe.statistics import clopper_pearson
from benchmarks.coverage.lines import Line

DRAWS = 40_000
Sets = dict[tuple[str, ...], float]
BROKEN = {name: "invalid" for name in SYMMETRIES if name != "identity"}
CONTRACT = aug.Contract.from_dict({"classes": ["a"], "relations": {"a": BROKEN}, "limits": {"*": {"rotation": 30}}})
FLIPS = aug.Compose([aug.HorizontalFlip(p=0.3), aug.VerticalFlip(p=0.4), aug.Rotate90(p=0.2)])
TURNS = aug.Compose([aug.Rotate((-40, 40), name="A"), aug.Rotate((-40, 40), name="B")])


def flips() -> Sets:
    """The chance of each smallest set of steps under FLIPS: all combinations, with the last step tried first."""
    found: Counter[tuple[str, ...]] = Counter()
    names = [leaf.label for leaf in FLIPS.leaves]
    acts = [(("identity", 0.7), ("hflip", 0.3)), (("identity", 0.6), ("vflip", 0.4))]
    quarters = [("identity", 0.8 + 0.2 / 4), ("rot90", 0.05), ("rot180", 0.05), ("rot270", 0.05)]
    for combination in product(*acts, quarters):
        done, chance = [name for name, _ in combination], float(np.prod([p for _, p in combination]))
        if _together(done) == "identity":
            continue
        for place in (2, 1, 0):
            without = [*done[:place], "identity", *done[place + 1 :]]
            done = without if _together(without) != "identity" else done
        found[tuple(n for n, d in zip(names, done, strict=True) if d != "identity")] += chance
    return dict(found)


def _together(steps: list[str]) -> str:
    whole = "identity"
    for step in steps:
        whole = then(whole, step)
    return whole


def turns(fine: int = 4001) -> Sets:
    """The same under TURNS: a rotation by more than 30 degrees that is nearest to none of the quarter turns."""
    a = (np.arange(fine) + 0.5) / fine * 80 - 40
    first, second = a[:, None], a[None]
    total = np.abs(first + second)
    out = (total > 30) & (total < 60)
    alone = out & (np.abs(first) > 30)
    other = out & ~alone & (np.abs(second) > 30)
    both = out & ~alone & ~other
    return {("A",): alone.mean(), ("B",): other.mean(), ("A", "B"): both.mean()}


PROBLEMS = {"flips and quarter turns": (FLIPS, flips, "AS101 AS102"), "two rotations": (TURNS, turns, "AS106")}


def simulate(repeats: int, draws: int = DRAWS, old: bool = False) -> list[Line]:
    """How often the interval of a set of steps misses its rate; old: shrunk rows scaled up, wrong on purpose."""
    lines = []
    for name, (policy, truth, codes) in PROBLEMS.items():
        missed: Counter[tuple[str, ...]] = Counter()
        true = truth()
        for seed in range(repeats):
            for finding in static_check(policy, CONTRACT, draws=draws, seed=seed, content=False).findings:
                if finding.code not in codes:
                    continue
                low, high = clopper_pearson(round(finding.probability * draws), draws) if old else finding.interval
                missed[finding.steps] += not low <= true[finding.steps] <= high
        number = "rows scaled up" if old else "rate of a set of steps: 95% interval"
        lines += [Line(number, f"{name}: {' + '.join(s)}", 0.05, missed[s], repeats) for s in true]
    return lines
