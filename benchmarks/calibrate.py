"""Does the certified strength keep its word? Problems whose true limit is known, solved many times over.

A bright square lies in a dark image, at a place drawn from a known distribution; `Shift` moves it, and a draw is lost
where less of it is left in the frame than the contract asks. The risk at every strength follows by adding up over
places and shifts. The policy's range is set so that a scale of the grid lies just beyond the true limit, where a wrong
certificate is likeliest.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

import augsafe as aug
from augsafe.calibration import Calibration
from augsafe.contracts import Limits
from augsafe.statistics import clopper_pearson

SIDE, SQUARE = 32, 10
PLACES = SIDE - SQUARE + 1
FINE = 400  # shifts that a range is divided into, each way
EPSILON, DELTA, GRID = 0.05, 0.05, 10
BEYOND = 6  # the scale, in tenths, that lies just beyond the true limit of the widest spread
EXCESS = 1.04  # its risk over epsilon
REPEATS, BROKEN = 200, 60
REJECT = 0.01


@dataclass(frozen=True)
class Problem:
    """Classes by how widely their squares are spread (standard deviation, pixels), and how many images each has.

    group: images that share a place. They are not independent.
    """

    name: str
    spreads: tuple[float, ...]
    per_class: int
    group: int = 1

    @property
    def classes(self) -> tuple[str, ...]:
        """Their names."""
        return tuple("abcdefgh"[: len(self.spreads)])

    @property
    def contract(self) -> aug.Contract:
        """Half of the square must stay in the frame."""
        return aug.Contract(self.classes, {}, {"*": Limits(visible=0.5, min_pixels=1)})

    def sample(self, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Images, labels and groups."""
        rng = np.random.default_rng([seed, 7])
        places, labels = [], []
        for c, spread in enumerate(self.spreads):
            drawn = rng.choice(PLACES, self.per_class // self.group, p=chances(spread))
            places.append(np.repeat(drawn, self.group))
            labels.append(np.full(len(places[-1]), c))
        where = np.concatenate(places)
        return squares(where), np.concatenate(labels), np.arange(len(where)) // self.group


def squares(places: np.ndarray) -> np.ndarray:
    """Images (n, 32, 32), the square's left edge at these columns."""
    columns = np.arange(SIDE)
    inside = (columns >= places[:, None]) & (columns < places[:, None] + SQUARE)
    images = np.zeros((len(places), SIDE, SIDE), np.uint8)
    top = (SIDE - SQUARE) // 2
    images[:, top : top + SQUARE] = 255 * inside[:, None]
    return images


def chances(spread: float) -> np.ndarray:
    """How likely each place is."""
    offset = np.arange(PLACES) - (PLACES - 1) / 2
    weight = np.exp(-0.5 * (offset / spread) ** 2)
    return weight / weight.sum()


@lru_cache(maxsize=1)
def lost() -> tuple[np.ndarray, np.ndarray]:
    """Shifts (k,), and which of them lose the square at each place (k, places): the guard itself, on every place."""
    from augsafe.calibration.losses import Jury
    from augsafe.objects import inspect

    images = squares(np.arange(PLACES))
    own = np.zeros(PLACES, np.int64)
    contract = Problem("", (1.0,), 0).contract
    rows = np.arange(PLACES)
    jury = Jury(list(images), own, rows, inspect(images, images > 0), contract, False, rows, 0.01, 0, 1)
    shifts = (np.arange(-FINE, FINE + 1)) / FINE
    policies = [aug.Compose((aug.Shift((s, s), (0.0, 0.0)),), border="constant") for s in shifts]
    return shifts, np.stack([jury.losses(policy, rows).lost for policy in policies])


def risk(spread: float, reach: float) -> float:
    """The chance that a draw of Shift(x=(-reach, reach)) loses the square."""
    shifts, table = lost()
    at = table @ chances(spread)
    # the integral of a function known at evenly spaced shifts, its last part cut off at the range's end
    ends = np.linspace(-reach, reach, 4 * FINE + 1)
    return float(np.interp(ends, shifts, at).mean())


def fixed(spread: float, shift: float) -> float:
    """The chance that a shift of exactly this much loses the square."""
    shifts, table = lost()
    return float(np.interp(shift, shifts, table @ chances(spread)))


@lru_cache(maxsize=8)
def widest(spread: float) -> float:
    """The range of shifts whose scale 0.6 has a risk just over epsilon, for the spread."""
    from scipy.optimize import brentq

    reach = brentq(lambda r: risk(spread, r) - EXCESS * EPSILON, 0.05, 1.0)
    return min(1.0, round(float(reach) * GRID / BEYOND, 6))


def policy_for(problem: Problem) -> aug.Compose:
    """The policy to calibrate."""
    reach = widest(max(problem.spreads))
    return aug.Compose((aug.Shift((-reach, reach), (0.0, 0.0)),), border="constant")


def solve(problem: Problem, seed: int, told: bool = True) -> Calibration:
    """Calibrate once; told: whether the groups are given."""
    images, labels, groups = problem.sample(seed)
    return aug.calibrate(
        policy_for(problem),
        images,
        labels,
        epsilon=EPSILON,
        delta=DELTA,
        contract=problem.contract,
        classes=problem.classes,
        masks=images > 0,
        groups=groups if told and problem.group > 1 else None,
        grid=GRID,
        most=len(images),
        seed=seed,
        progress=False,
    )


Wrong = Callable[[Problem, Calibration], bool]


def over(problem: Problem, cls: int, scale: float) -> bool:
    """Whether a class's true risk at a scale exceeds epsilon."""
    reach = widest(max(problem.spreads))
    return scale > 0 and risk(problem.spreads[cls], scale * reach) > EPSILON


def wrong_together(problem: Problem, found: Calibration) -> bool:
    """The scale for all classes is over the truth of one."""
    return any(over(problem, c, found.scale) for c in range(len(problem.spreads)))


def wrong_by_class(problem: Problem, found: Calibration) -> bool:
    """The scale of some class is over its truth."""
    return any(over(problem, c, found.by_class[name].scale) for c, name in enumerate(problem.classes))


def wrong_either(problem: Problem, found: Calibration) -> bool:
    """Either of the certificates is wrong: this is what delta bounds."""
    return wrong_together(problem, found) or wrong_by_class(problem, found)


def wrong_uncorrected(problem: Problem, found: Calibration) -> bool:
    """A broken rule: each class has the whole delta to itself."""
    return any(over(problem, c, found.walk.scale(DELTA, c)) for c in range(len(problem.spreads)))


def wrong_untested(problem: Problem, found: Calibration) -> bool:
    """A broken rule: a scale is taken where the rate seen is at most epsilon, without a test."""
    count = int(np.cumprod((found.walk.lost <= EPSILON).all(axis=1)).sum())
    scale = found.walk.scales[count - 1] if count else 0.0
    return any(over(problem, c, scale) for c in range(len(problem.spreads)))


def wrong_ranked(problem: Problem, found: Calibration) -> bool:
    """A broken rule: the limits of the half that ranks are taken as certified."""
    return any(
        row.limit is not None and fixed(problem.spreads[problem.classes.index(row.cls)], row.limit) > EPSILON
        for row in found.singles
    )


def near(problem: Problem, found: Calibration) -> bool:
    """The scale for all classes is within one step of the grid of the largest that is truly safe."""
    safe = [
        k / GRID for k in range(1, GRID + 1) if not any(over(problem, c, k / GRID) for c in range(len(problem.spreads)))
    ]
    return found.scale >= max(safe, default=0.0) - 1 / GRID - 1e-9


@dataclass(frozen=True)
class Line:
    """One row of the table: how often a rule was wrong, and whether that is more often than delta allows."""

    name: str
    wrong: int
    repeats: int
    near: int | None = None

    @property
    def caught(self) -> bool:
        """Whether a one-sided binomial test at 1 % rejects that the rule is wrong with a chance of at most delta."""
        from scipy.stats import binomtest

        return bool(binomtest(self.wrong, self.repeats, DELTA, alternative="greater").pvalue < REJECT)

    def __str__(self) -> str:
        low, high = clopper_pearson(self.wrong, self.repeats)
        said = f"{self.name:<62} {self.wrong:>4} of {self.repeats}  {low:.3f}-{high:.3f}  "
        said += "more than delta" if self.caught else "as promised"
        if self.near is not None:
            a, b = clopper_pearson(self.near, self.repeats)
            said += f"; within one step {self.near / self.repeats:.2f} ({a:.2f}-{b:.2f})"
        return said


ONE_HARD = Problem("one class is hard, three are easy", (4.0, 1.5, 1.0, 1.0), 600)
ALIKE = Problem("six classes alike", (4.0,) * 6, 600)
GROUPED = Problem("two classes, ten images share a place", (4.0, 4.0), 4000, 10)
CLUSTERED = Problem("one class, two hundred images share a place", (4.0,), 4000, 200)


def lines(problem: Problem, rules: dict[str, Wrong], repeats: int, first: int, told: bool = True) -> list[Line]:
    """Solve a problem so often, and hold each rule against the truth."""
    found = [solve(problem, first + k, told) for k in range(repeats)]
    close = sum(near(problem, one) for one in found)
    return [
        Line(
            f"{problem.name}: {name}",
            sum(rule(problem, one) for one in found),
            repeats,
            close if rule is wrong_either and told else None,
        )
        for name, rule in rules.items()
    ]


def honest_table(repeats: int, first: int = 0) -> list[Line]:
    """What `calibrate` certifies, on three problems."""
    return [line for p in (ONE_HARD, ALIKE, GROUPED) for line in lines(p, {"calibrate": wrong_either}, repeats, first)]


def broken_table(repeats: int, first: int = 0) -> list[Line]:
    """Rules that are broken on purpose: each must be caught."""
    broken = {
        "no correction over classes": wrong_uncorrected,
        "the ranking half taken as certified": wrong_ranked,
        "no test": wrong_untested,
    }
    alone = Problem("one class", (4.0,), 600)
    rules = {k: v for k, v in broken.items() if v is not wrong_untested}
    return [
        *lines(ALIKE, rules, repeats, first),
        *lines(alone, {"no test": wrong_untested}, repeats, first),
        *lines(CLUSTERED, {"groups not given": wrong_either}, repeats, first, told=False),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    repeats = parser.parse_args(arguments).repeats
    print(f"Certified strengths against the truth, epsilon {EPSILON}, delta {DELTA}; wrong, with 95 % intervals")
    honest = honest_table(repeats)
    for line in honest:
        print(f"  {line}")
    print("Rules broken on purpose")
    for line in broken_table(min(repeats, BROKEN)):
        print(f"  {line}")
    if any(line.caught for line in honest):
        raise SystemExit("calibrate is wrong more often than delta allows")


if __name__ == "__main__":
    main()
