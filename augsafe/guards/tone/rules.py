"""Guards on tone: what brightness, contrast, gamma and the like leave of an image's levels (AS301, AS302)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.guards.base import Example, Finding, Guard
from augsafe.guards.evidence import tiers
from augsafe.guards.tone.drawn import MOST, TONE_DRAWS, drawn_findings, drawn_rates, sample
from augsafe.guards.tone.levels import ToneMeasures, around, by_curves, by_pixels, histograms, object_histograms
from augsafe.objects import Objects
from augsafe.pixels import Images, render
from augsafe.planning import Assembly, Draws, Plan
from augsafe.policies import Compose
from augsafe.statistics import EPSILON
from augsafe.transforms import Color, Cut, Distortion, Erase, Geometric, Local, Sizes, Tone, Transform, may_move

BoolArray = NDArray[np.bool_]
Rows = NDArray[np.intp]
Seen = dict[int, NDArray[np.float32]]  # (3, 256)
Regions = Sequence[NDArray[np.bool_]]
CLIPPED, CONTRAST, LEAST_LEVELS = 0.4, 0.1, 3.0
RENDERED, PIXELS = 1000, 6_000_000  # draws and pixels that are rendered at most, where curves do not say it all
QUICK = 400  # draws that are rendered where only a rate is asked for
SHRUNK, SHRUNK_RENDERED = 200, 40  # violating draws that are shrunk, for each code
_JUDGED = (Tone, Color, Local)  # but for erased patches, of which AS203 speaks
_ELSEWHERE = (Geometric, Distortion, Cut, Erase)  # what changes places, not levels


class ToneClipped(Guard):
    """Large parts of the image become plain black or plain white.

    A pixel counts as clipped if it ends at black or white, and so does another pixel whose level was different by more
    than a tenth of the range. The two could be told apart before, but not any more. Pixels that were already black or
    white, or nearly so, do not count. An image is reported if more than 0.4 of its pixels are clipped (`clipped` in the
    limits of the contract).

    What to do: narrow the range of the named steps. Several tone steps add up.
    """

    code = "AS301"
    title = "levels clipped"
    severity = "error"
    fires = Example("steps: [{Brightness: {factor: [3, 3]}}]", data="scenes")
    silent = Example("steps: [{Brightness: {factor: [0.8, 1.2]}}]", data="scenes")


class ToneLost(Guard):
    """The image loses its contrast, or nearly all of its levels.

    An image is reported if less than 0.1 of the standard deviation of its levels is left (`contrast` in the limits of
    the contract), or if fewer than three levels are left of twelve or more. In 8 bits, such an image is a flat grey
    with few steps. No later normalisation restores what was rounded away.

    What to do: narrow the range of the named steps. Several tone steps add up.
    """

    code = "AS302"
    title = "levels or contrast lost"
    severity = "error"
    fires = Example("steps: [{Contrast: {factor: [0.05, 0.05]}}]", data="scenes")
    silent = Example("steps: [{Contrast: {factor: [0.8, 1.2]}}]", data="scenes")


TONE_RULES: tuple[type[Guard], ...] = (ToneClipped, ToneLost)
_MESSAGES = {
    "AS301": "more than {clipped:.0%} of the pixels become plain black or plain white",
    "AS302": "less than {contrast:.0%} of the contrast is left, or fewer than three levels are left",
}


@dataclass(frozen=True, eq=False)
class ToneRule:
    """Judges draws of one policy: by curves and histograms where these say it all, else by rendering.

    steps: what may lose levels. limits: by class index, the last for images without a label: most clipped, least
    contrast.
    """

    compose: Compose
    steps: tuple[Transform, ...]
    limits: NDArray[np.float64]
    curves: bool

    @staticmethod
    def of(compose: Compose, contract: Contract | None) -> ToneRule:
        """The rule for a policy, with the limits of a contract where it has any."""
        steps = tuple(
            s for s in compose.leaves if isinstance(s, _JUDGED) and not may_move(s) and not isinstance(s, Erase)
        )
        curves = all(isinstance(s, (Tone, *_ELSEWHERE)) or may_move(s) for s in compose.leaves)
        return ToneRule(compose, steps, _limits(contract), curves)

    def plan(self, shapes: Sizes, draws: Draws) -> Plan:
        """The plan of what is judged; with neighbours at work, in the frame that the other steps make."""
        return self._plan(shapes, draws, (Tone,) if self.curves else (Transform,))

    def _plan(self, shapes: Sizes, draws: Draws, kept: tuple[type[Transform], ...]) -> Plan:
        pairs = [
            (leaf, stage)
            for leaf, stage in zip(self.compose.leaves, self.compose.stage_of, strict=True)
            if isinstance(leaf, kept) and not may_move(leaf)
        ]
        leaves, stages = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
        settings = replace(self.compose.settings, output=None)
        return Assembly(leaves, stages, settings, self.compose.stage_count).plan(shapes, draws, {})

    def measure(
        self, plan: Plan, shares: NDArray[np.float32], images: Images, regions: Regions | None = None
    ) -> ToneMeasures:
        """The measures of each row of a plan, on images with these histograms (n, 256).

        With the pixels of their objects, histograms are those of `object_histograms`.
        """
        if self.curves:
            return by_curves(plan, shares)
        elsewhere = self._plan(plan.shapes, plan.draws, _ELSEWHERE)
        before, parts = render(images, elsewhere), None
        if regions is not None:
            bare = replace(elsewhere, settings=replace(elsewhere.settings, value_range=None, fill=0))
            planes = [np.stack([region, around(region)], axis=2).astype(np.uint8) * 255 for region in regions]
            parts = list(render(planes, bare))
        seen = by_pixels(before, render(images, plan), self.compose.value_range, parts)
        # the mean of all channels hides what is clipped in one, and a plain border what is lost inside it
        curves = by_curves(self._plan(plan.shapes, plan.draws, (Tone,)), shares)
        clipped, contrast = np.maximum(seen.clipped, curves.clipped), np.minimum(seen.contrast, curves.contrast)
        return replace(seen, clipped=clipped, contrast=contrast)

    def broken(
        self,
        plan: Plan,
        labels: NDArray[np.int64],
        shares: NDArray[np.float32],
        images: Images,
        regions: Regions | None = None,
    ) -> dict[str, BoolArray]:
        """For AS301 and AS302, which rows of a plan break them."""
        return violations(self.measure(plan, shares, images, regions), self.limits[labels])


@dataclass(frozen=True, eq=False)
class _Eye:
    """The rule with the images that it is asked about."""

    rule: ToneRule
    images: Images = field(repr=False)
    shares: NDArray[np.float32] = field(repr=False)  # histograms of the images that are judged
    place: Rows = field(repr=False)  # of an image among them
    regions: Mapping[int, NDArray[np.bool_]] = field(repr=False)  # the objects' pixels, where they are known

    @staticmethod
    def of(
        rule: ToneRule,
        images: Images,
        rows: Rows,
        seen: Seen | None = None,
        regions: Mapping[int, NDArray[np.bool_]] = MappingProxyType({}),
    ) -> _Eye:
        place = np.zeros(len(images), np.intp)
        place[rows] = np.arange(len(rows))
        seen = {} if seen is None else seen
        new = [i for i in rows.tolist() if i not in seen]
        limits = rule.compose.value_range
        masked = [i for i in new if i in regions]
        plain = [i for i in new if i not in regions]
        whole = histograms([images[i] for i in plain], limits)
        seen.update(zip(plain, np.repeat(whole[:, None], 3, axis=1), strict=True))
        found = object_histograms([images[i] for i in masked], limits, [regions[i] for i in masked])
        seen.update(zip(masked, found, strict=True))
        shares = np.stack([seen[i] for i in rows.tolist()])
        return _Eye(rule, images, shares if regions else shares[:, 0], place, regions)

    @property
    def compose(self) -> Compose:
        return self.rule.compose

    @property
    def steps(self) -> tuple[Transform, ...]:
        return self.rule.steps

    @property
    def shrunk(self) -> int:
        return SHRUNK if self.rule.curves else SHRUNK_RENDERED

    def plan(self, shapes: Sizes, draws: Draws) -> Plan:
        return self.rule.plan(shapes, draws)

    def broken(self, plan: Plan, labels: NDArray[np.int64]) -> dict[str, BoolArray]:
        indices = plan.draws.key.indices
        images = [] if self.rule.curves else [self.images[int(i)] for i in indices]
        regions = None
        if self.regions and not self.rule.curves:
            regions = [self.regions.get(int(i), np.ones(self.images[int(i)].shape[:2], bool)) for i in indices]
        return self.rule.broken(plan, labels, self.shares[self.place[indices]], images, regions)

    def message(self, code: str, label: int) -> str:
        clipped, contrast = self.rule.limits[label]
        return _MESSAGES[code].format(clipped=clipped, contrast=contrast)


def violations(measures: ToneMeasures, limits: NDArray[np.float64]) -> dict[str, BoolArray]:
    """For each code, which draws violate it. limits (n, 2): most clipped, least contrast."""
    return {
        "AS301": measures.clipped > limits[:, 0] + 1e-9,
        "AS302": (measures.contrast < limits[:, 1] - 1e-9) | ((measures.kept < LEAST_LEVELS) & (limits[:, 1] > 0)),
    }


def _limits(contract: Contract | None) -> NDArray[np.float64]:
    given = [contract.limits_for(name) for name in contract.classes] if contract is not None else []
    rows = [(x.clipped, x.contrast) for x in given] + [(None, None)]
    return np.array([(CLIPPED if a is None else a, CONTRAST if b is None else b) for a, b in rows], dtype=np.float64)


def tone_findings(
    compose: Compose,
    images: Images,
    labels: NDArray[np.int64],
    contract: Contract | None = None,
    *,
    groups: Any = None,
    seed: int = 0,
    draws: int = TONE_DRAWS,
    epsilon: float = EPSILON,
    comparisons: int = 1,
    seen: Seen | None = None,
    objects: Objects | None = None,
    asked: bool = False,
    side: int | None = None,
    regions: Mapping[int, NDArray[np.bool_]] = MappingProxyType({}),
) -> list[Finding]:
    """AS301 and AS302 on draws of the policy for a part of the images: see `drawn_findings`.

    seen: the histograms of images, by their numbers, which are kept there from one policy to the next. objects: of
    which images they are known; the whole image is a guess at the object, which decides where that is asked for.
    side: judge images of about so many pixels a side, where draws must be rendered.
    regions: the objects' pixels (H, W) by the image's number, from masks or boxes: the rules then look at the object.
    """
    rule = ToneRule.of(compose, contract)
    if all(s.never_acts for s in rule.steps):
        return []
    if not rule.curves and side is not None:
        images, regions = smaller(images, side), _smaller_regions(images, side, regions)
    rows, draws = _asked(rule, images, labels, draws)
    if objects is not None and not objects.stated.all():  # the images that measure must be among them
        rows = np.union1d(rows, np.flatnonzero(objects.stated)[:MOST])
    eye = _Eye.of(rule, images, rows, seen, regions)
    return drawn_findings(
        eye,
        rows,
        labels,
        contract,
        groups=groups,
        seed=seed,
        draws=draws,
        epsilon=epsilon,
        comparisons=comparisons,
        tiers=None if objects is None else tiers(objects, labels, asked),
    )


def tone_rates(
    compose: Compose,
    images: Images,
    labels: NDArray[np.int64],
    contract: Contract | None,
    decides: BoolArray,
    *,
    seed: int = 0,
    draws: int = TONE_DRAWS,
    seen: Seen | None = None,
    side: int | None = None,
    regions: Mapping[int, NDArray[np.bool_]] = MappingProxyType({}),
) -> dict[str, dict[int, float]]:
    """How often draws lose levels, by code and class index, without intervals and without the steps that do it.

    decides (n,): which images count. The rest is as for `tone_findings`.
    """
    rule = ToneRule.of(compose, contract)
    if all(s.never_acts for s in rule.steps):
        return {}
    if not rule.curves:
        draws = min(draws, QUICK)
        if side is not None:
            images, regions = smaller(images, side), _smaller_regions(images, side, regions)
    rows, draws = _asked(rule, images, labels, draws)
    eye = _Eye.of(rule, images, rows, seen if rule.curves else None, regions)
    return drawn_rates(eye, rows, labels, decides, seed=seed, draws=draws)


def smaller(images: Images, side: int) -> Images:
    """Every so many pixels of images, about `side` on the longer side: levels and noise stay, nothing is blended."""
    steps = [max(1, max(image.shape[:2]) // side) for image in images]
    return [np.ascontiguousarray(image[::k, ::k]) if k > 1 else image for image, k in zip(images, steps, strict=True)]


def _smaller_regions(
    images: Images, side: int, regions: Mapping[int, NDArray[np.bool_]]
) -> dict[int, NDArray[np.bool_]]:
    """The regions of `smaller` images; of an object that falls between the pixels, the image counts."""
    out = {i: region[:: (k := max(1, max(images[i].shape[:2]) // side)), ::k] for i, region in regions.items()}
    return {i: region for i, region in out.items() if region.any()}


def _asked(rule: ToneRule, images: Images, labels: NDArray[np.int64], draws: int) -> tuple[Rows, int]:
    """Which images are judged, in how many draws: fewer where each must be rendered."""
    rows = sample(labels)
    if not rule.curves:
        area = int(np.mean([images[int(i)].shape[0] * images[int(i)].shape[1] for i in rows[:64]]))
        draws = min(draws, RENDERED, max(100, PIXELS // area))
        rows = sample(labels, draws)
    return rows, draws
