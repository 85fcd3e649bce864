"""What a draw leaves of each image's levels and colours: AS301, AS302 and AS303, by the rules of `check`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.guards.tone.hue import SIDE, HueRule, has_colour, strongest
from augsafe.guards.tone.levels import histograms
from augsafe.guards.tone.rules import ToneRule
from augsafe.pixels import Images
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.transforms import Transform

BoolArray = NDArray[np.bool_]
Labels = NDArray[np.int64]
Rows = NDArray[np.intp]
TONE, HUE = ("AS301", "AS302"), "AS303"
CODES = (*TONE, HUE)
RENDERED = 256  # images that are rendered at once


@dataclass(frozen=True, eq=False)
class Looks:
    """What the rules see of n images: their histograms (n, 256) and their strongest colours (n, 8, 8, 3).

    coloured (n,): of which the colours are there. images, at (n,): the images, and which of them these are, for steps
    that look at neighbours.
    """

    images: Images = field(repr=False)
    at: Rows = field(repr=False)
    shares: NDArray[np.float32] = field(repr=False)
    pixels: NDArray[np.float32] = field(repr=False)
    coloured: BoolArray = field(repr=False)

    def rows(self, rows: Rows) -> Looks:
        """Those of some of the images, which are not copied."""
        return Looks(self.images, self.at[rows], self.shares[rows], self.pixels[rows], self.coloured[rows])


def look(images: Images, value_range: tuple[float, float] | None, minds_colour: BoolArray) -> Looks:
    """See some images; minds_colour (n,): of which the colours are wanted, too."""
    coloured = has_colour(images) & minds_colour
    rows = np.flatnonzero(coloured).tolist()
    pixels = np.zeros((len(images), SIDE, SIDE, 3), np.float32)
    for i in rows:
        pixels[i] = strongest(images[i], value_range)
    return Looks(images, np.arange(len(images)), histograms(list(images), value_range), pixels, coloured)


class LooksCache:
    """The looks of a data set, seen once for each image; a large one is looked at anew each time."""

    MOST = 100_000

    def __init__(self, n: int, value_range: tuple[float, float] | None, colours: bool) -> None:
        self._value_range, self._colours = value_range, colours
        self._shares = np.zeros((n, 256), np.float32) if n <= self.MOST else None
        self._known = np.zeros(n if n <= self.MOST else 0, bool)
        self._pixels: dict[int, NDArray[np.float32]] = {}

    def find(self, indices: Labels, images: Images) -> Looks:
        """The looks of some images, which have these indices in the data set."""
        wanted = np.full(len(images), self._colours)
        if self._shares is None:
            return look(images, self._value_range, wanted)
        new = np.flatnonzero(~self._known[indices])
        if len(new):
            # two threads may see the same image at the same time: they write the same values
            seen = look([images[i] for i in new.tolist()], self._value_range, wanted[new])
            self._shares[indices[new]] = seen.shares
            for row in np.flatnonzero(seen.coloured).tolist():
                self._pixels[int(indices[new[row]])] = seen.pixels[row]
            self._known[indices[new]] = True
        coloured = np.array([int(i) in self._pixels for i in indices], bool) if self._colours else wanted
        pixels = np.zeros((len(indices), SIDE, SIDE, 3), np.float32)
        for row in np.flatnonzero(coloured).tolist():
            pixels[row] = self._pixels[int(indices[row])]
        return Looks(images, np.arange(len(indices)), self._shares[indices], pixels, coloured)


@dataclass(frozen=True, eq=False)
class Appearance:
    """The rules on tone and colour for the draws of one policy."""

    tone: ToneRule
    hue: HueRule
    codes: tuple[str, ...]

    @staticmethod
    def of(compose: Compose, contract: Contract | None, codes: Collection[str] = CODES) -> Appearance:
        """The rules with these codes that the policy may break at all."""
        tone, hue = ToneRule.of(compose, contract), HueRule.of(compose, contract)
        may = {code: any(not s.never_acts for s in tone.steps) for code in TONE}
        may[HUE] = any(not s.never_acts for s in hue.steps) and bool(np.isfinite(hue.limits).any())
        return Appearance(tone, hue, tuple(code for code in CODES if code in codes and may[code]))

    @property
    def steps(self) -> tuple[Transform, ...]:
        """The steps that may break a rule."""
        return tuple(dict.fromkeys((*self.tone.steps, *self.hue.steps)))

    def steps_of(self, code: str) -> tuple[Transform, ...]:
        """The steps that may break the rule of a code."""
        return self.hue.steps if code == HUE else self.tone.steps

    def broken(self, plan: Plan, labels: Labels, looks: Looks) -> dict[str, BoolArray]:
        """For each code, which rows (n,) of a plan of the whole policy break it."""
        out = {code: np.zeros(len(plan), bool) for code in self.codes}
        if set(TONE) & set(self.codes):
            acts = _acting(plan, self.tone.steps)
            size = len(plan) if self.tone.curves else RENDERED
            for rows in (acts[start : start + size] for start in range(0, len(acts), max(size, 1))):
                part = self.tone.plan(plan.shapes[rows], plan.draws.rows(rows))
                images = [] if self.tone.curves else [looks.images[int(i)] for i in looks.at[rows]]
                for code, bad in self.tone.broken(part, labels[rows], looks.shares[rows], images).items():
                    if code in out:
                        out[code][rows] = bad
        if HUE in self.codes:
            rows = _acting(plan, self.hue.steps)
            rows = rows[looks.coloured[rows] & np.isfinite(self.hue.limits[labels[rows]])]
            if len(rows):
                part = self.hue.plan(plan.draws.rows(rows))
                out[HUE][rows] = self.hue.broken(part, labels[rows], looks.pixels[rows])[HUE]
        return out


def _acting(plan: Plan, steps: tuple[Transform, ...]) -> Rows:
    active = [plan.draws.active[step.label] for step in steps]
    return np.flatnonzero(np.any(active, axis=0)) if active else np.zeros(0, np.intp)
