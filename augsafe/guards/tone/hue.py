"""AS303: the colour that defines a class is turned, or lost.

The most colourful pixels of each image go through the drawn tone and colour steps; nothing else is rendered. A colour
is a direction in the plane across the grey axis of the RGB cube.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.guards.base import Example, Finding, Guard
from augsafe.guards.tone.drawn import TONE_DRAWS, drawn_findings, drawn_rates, sample
from augsafe.pixels import Images, render
from augsafe.planning import Assembly, Draws, Plan
from augsafe.policies import Compose
from augsafe.randomness import FloatArray
from augsafe.statistics import EPSILON
from augsafe.transforms import FULL_RANGE, Color, Sizes, Tone, Transform

BoolArray = NDArray[np.bool_]
Rows = NDArray[np.intp]
SIDE = 8  # the colours of an image are an image of 8 x 8 pixels
COLOURFUL = 0.15  # length of a colour that counts; pure red, green and blue have 1
PALE = 0.25  # a colour that keeps less of its length is lost
HALF = 0.5  # of an image's colour, by length


_LIGHTS = '{classes: [red, green], limits: {"*": {hue: 30}}}'


class HueChanged(Guard):
    """The colour that defines a class turns into another colour, or is lost.

    A red light is not a green light, and a flag in grey is not a flag. Only the contract knows the classes for which
    this is so: its limit `hue` states by how many degrees the hue may change. An image is reported if half of its
    colour changes by more than this, or loses three quarters of its saturation, through all tone and colour steps
    together. Images without colour are not checked.

    What to do: narrow the range of the named steps, or give the class a policy of its own with PerClass.
    """

    code = "AS303"
    title = "defining colour changed"
    severity = "error"
    fires = Example("steps: [{Hue: {angle: [60, 120]}}]", _LIGHTS, data="lights")
    silent = Example("steps: [{Hue: {angle: [-15, 15]}}]", _LIGHTS, data="lights")


HUE_RULES: tuple[type[Guard], ...] = (HueChanged,)


_KINDS = (Tone, Color)


@dataclass(frozen=True, eq=False)
class HueRule:
    """Judges draws of one policy by what they do to the most colourful pixels of each image.

    steps: what may turn a colour. limits: degrees by class index, infinite where there is none; the last is for images
    without a label.
    """

    compose: Compose
    steps: tuple[Transform, ...]
    limits: FloatArray

    @staticmethod
    def of(compose: Compose, contract: Contract | None) -> HueRule:
        """The rule for a policy, with the limits of a contract."""
        steps = tuple(leaf for leaf in compose.leaves if isinstance(leaf, _KINDS))
        return HueRule(compose, steps, hue_limits(contract))

    def plan(self, draws: Draws) -> Plan:
        """Tone and colour steps alone, on images of 8 x 8 pixels."""
        pairs = [p for p in zip(self.compose.leaves, self.compose.stage_of, strict=True) if isinstance(p[0], _KINDS)]
        leaves, stages = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
        settings = replace(self.compose.settings, output=None, value_range=None)
        shapes = np.full((len(draws), 2), SIDE)
        return Assembly(leaves, stages, settings, self.compose.stage_count).plan(shapes, draws, {})

    def broken(self, plan: Plan, labels: NDArray[np.int64], pixels: NDArray[Any]) -> dict[str, BoolArray]:
        """For AS303, which rows of a plan break it; pixels (n, 8, 8, 3): see `strongest`."""
        one, two = (colours(np.asarray(x, np.float64)) for x in (pixels, render(pixels, plan)))
        return {"AS303": changed(one, two, self.limits[labels])}


def hue_limits(contract: Contract | None) -> FloatArray:
    """Degrees by class index, infinite where the contract has none; the last is for images without a label."""
    given = [contract.limits_for(name).hue for name in contract.classes] if contract is not None else []
    return np.array([np.inf if x is None else x for x in (*given, None)], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _Colours:
    """The rule with the images that it is asked about."""

    rule: HueRule
    images: Images = field(repr=False)
    pixels: NDArray[np.float32] = field(repr=False)  # (r, 8, 8, 3)
    place: Rows = field(repr=False)  # of an image among `pixels`
    shrunk: int = 200

    @staticmethod
    def of(rule: HueRule, images: Images, rows: Rows) -> _Colours:
        place = np.zeros(len(images), np.intp)
        place[rows] = np.arange(len(rows))
        pixels = np.stack([strongest(images[int(i)], rule.compose.value_range) for i in rows])
        return _Colours(rule, images, pixels, place)

    @property
    def compose(self) -> Compose:
        return self.rule.compose

    @property
    def steps(self) -> tuple[Transform, ...]:
        return self.rule.steps

    def plan(self, shapes: Sizes, draws: Draws) -> Plan:
        return self.rule.plan(draws)

    def broken(self, plan: Plan, labels: NDArray[np.int64]) -> dict[str, BoolArray]:
        return self.rule.broken(plan, labels, self.pixels[self.place[plan.draws.key.indices]])

    def message(self, code: str, label: int) -> str:
        limit = self.rule.limits[label]
        return f"most of the colour that defines the class changes its hue by more than {limit:g} degrees, or is lost"


def colours(levels: FloatArray) -> FloatArray:
    """The direction of colours (n, k, 2) of R, G, B in [0, 1] (n, ..., 3), across the grey axis."""
    r, g, b = np.moveaxis(levels.reshape(len(levels), -1, 3), 2, 0)
    return np.stack([r - (g + b) / 2, np.sqrt(0.75) * (g - b)], axis=2)


def changed(before: FloatArray, after: FloatArray, limits: FloatArray) -> BoolArray:
    """Whether half of the colour (n, k, 2) of each image turns by more than so many degrees (n,), or is lost."""
    long, left = (np.hypot(x[..., 0], x[..., 1]) for x in (before, after))
    weight = np.where(long >= COLOURFUL, long, 0)
    cosine = (before * after).sum(axis=2) / np.maximum(long * left, 1e-9)
    turned = np.degrees(np.arccos(np.clip(cosine, -1, 1))) > limits[:, None] + 1e-6
    bad = turned | (left < PALE * long)
    total = weight.sum(axis=1)
    return np.asarray((total > 0) & ((weight * bad).sum(axis=1) > HALF * total) & np.isfinite(limits))


def strongest(image: NDArray[Any], value_range: tuple[float, float] | None) -> NDArray[np.float32]:
    """64 pixels (8, 8, 3) evenly from the more colourful half of an image, strongest first, as levels in [0, 1]."""
    low, high = value_range or FULL_RANGE[image.dtype.name]
    flat = image[..., :3].reshape(-1, 3)
    levels = (flat[:: max(1, len(flat) // 4096)].astype(np.float64) - low) / (high - low)
    direction = colours(levels[None])[0]
    order = np.argsort(-np.hypot(direction[:, 0], direction[:, 1]), kind="stable")
    half = max(1, len(order) // 2)
    chosen = order[np.linspace(0, half - 1, SIDE * SIDE).astype(np.intp)]
    return levels[chosen].reshape(SIDE, SIDE, 3).astype(np.float32)


def hue_findings(
    compose: Compose,
    images: Images,
    labels: NDArray[np.int64],
    contract: Contract | None,
    *,
    groups: Any = None,
    seed: int = 0,
    draws: int = TONE_DRAWS,
    epsilon: float = EPSILON,
    comparisons: int = 1,
) -> list[Finding]:
    """AS303 for the classes whose contract limits the hue, on draws of the policy for a part of their images."""
    rule = HueRule.of(compose, contract)
    asked = np.flatnonzero(np.isfinite(rule.limits[labels]) & has_colour(images))
    if not len(asked) or all(s.never_acts for s in rule.steps):
        return []
    rows = asked[sample(labels[asked])]
    judge = _Colours.of(rule, images, rows)
    return drawn_findings(
        judge, rows, labels, contract, groups=groups, seed=seed, draws=draws, epsilon=epsilon, comparisons=comparisons
    )


def hue_rates(
    compose: Compose,
    images: Images,
    labels: NDArray[np.int64],
    contract: Contract | None,
    *,
    seed: int = 0,
    draws: int = TONE_DRAWS,
) -> dict[str, dict[int, float]]:
    """How often draws change colours, by code and class index, without intervals and without the steps that do it."""
    rule = HueRule.of(compose, contract)
    asked = np.flatnonzero(np.isfinite(rule.limits[labels]) & has_colour(images))
    if not len(asked) or all(s.never_acts for s in rule.steps):
        return {}
    rows = asked[sample(labels[asked])]
    every = np.ones(len(labels), bool)
    return drawn_rates(_Colours.of(rule, images, rows), rows, labels, every, seed=seed, draws=draws)


def has_colour(images: Images) -> BoolArray:
    """Which images (n,) have colours: three channels, or four."""
    return np.array([image.ndim == 3 and image.shape[2] in (3, 4) for image in images], dtype=bool)
