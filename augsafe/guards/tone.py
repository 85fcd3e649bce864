"""Guards on tone: what brightness, contrast, gamma and the like leave of an image's levels (AS301, AS302)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.compose import Compose
from augsafe.contracts import Contract
from augsafe.guards.base import Example, Finding, Guard, Witness
from augsafe.guards.levels import ToneMeasures, by_curves, by_pixels, histograms
from augsafe.guards.shares import EPSILON, Share, shares_by_class
from augsafe.guards.shrink import shrink
from augsafe.plan import Draws, Plan, assemble
from augsafe.randomness import Key
from augsafe.render import Images, render
from augsafe.transforms import Color, Cut, Erase, Geometric, Local, Tone, Transform
from augsafe.transforms.base import Opaque, Sizes
from augsafe.typicality.labels import group_indices

BoolArray = NDArray[np.bool_]
Rows = NDArray[np.intp]
CLIPPED, CONTRAST, LEAST_LEVELS = 0.4, 0.1, 3.0
PER_CLASS, MOST, DRAWS, PER_IMAGE = 400, 4000, 8000, 16
RENDERED, PIXELS = 1000, 6_000_000  # draws and pixels that are rendered at most, where curves do not say it all
SHRUNK, SHRUNK_RENDERED = 200, 40  # violating draws that are shrunk, for each code
RARE = 0.1
_JUDGED = (Tone, Color, Local)  # but for erased patches, of which AS203 speaks


class ToneClipped(Guard):
    """Large parts of the image become plain black or plain white.

    Counted are the pixels that end at black or white although their levels were more than a tenth of the range away
    from another that ends there too: they could be told apart, and no longer can. What was black or white before is not
    counted, nor is what was nearly so. Reported are draws in which more than 0.4 of the pixels are clipped (`clipped`
    in the limits of a contract).

    What to do: narrow the range of the steps named. Several tone steps add up.
    """

    code = "AS301"
    title = "levels clipped"
    severity = "error"
    fires = Example("steps: [{Brightness: {factor: [3, 3]}}]", data="scenes")
    silent = Example("steps: [{Brightness: {factor: [0.8, 1.2]}}]", data="scenes")


class ToneLost(Guard):
    """The image loses its contrast, or nearly all of its levels.

    Reported are draws that leave less than 0.1 of the standard deviation of the image's levels (`contrast` in the
    limits of a contract), or fewer than three levels of twelve or more. Written to 8 bits, such an image is a flat grey
    with few steps, and no later normalisation brings back what was rounded away.

    What to do: narrow the range of the steps named. Several tone steps add up.
    """

    code = "AS302"
    title = "levels or contrast lost"
    severity = "error"
    fires = Example("steps: [{Contrast: {factor: [0.05, 0.05]}}]", data="scenes")
    silent = Example("steps: [{Contrast: {factor: [0.8, 1.2]}}]", data="scenes")


TONE: tuple[type[Guard], ...] = (ToneClipped, ToneLost)
_MESSAGES = {
    "AS301": "more than {clipped:.0%} of the pixels become plain black or white that were not",
    "AS302": "less than {contrast:.0%} of the contrast is left, or fewer than three levels",
}


@dataclass(frozen=True, eq=False)
class _Eye:
    """Measures draws of one policy: by curves and histograms where these say it all, else by rendering."""

    compose: Compose
    images: Images = field(repr=False)
    steps: tuple[Transform, ...]  # that are judged
    curves: bool
    shares: NDArray[np.float32] = field(repr=False)  # of the images in `rows`, where there are only curves
    place: Rows = field(repr=False)  # of an image among `rows`

    @staticmethod
    def of(compose: Compose, images: Images, rows: Rows) -> _Eye:
        steps = tuple(
            s for s in compose.leaves if isinstance(s, _JUDGED) and not _moves(s) and not isinstance(s, Erase)
        )
        curves = all(isinstance(s, (Geometric, Tone, Cut, Erase)) or _moves(s) for s in compose.leaves)
        place = np.zeros(len(images), np.intp)
        place[rows] = np.arange(len(rows))
        shares = histograms([images[int(i)] for i in rows], compose.value_range) if curves else np.zeros((0, 256), "f4")
        return _Eye(compose, images, steps, curves, shares, place)

    def plan(self, shapes: Sizes, draws: Draws, plain: bool = False) -> Plan:
        """The plan of what is judged; with neighbours at work, in the frame that the other steps make."""
        if self.curves:
            kept: tuple[type[Transform], ...] = (Tone,)
        else:
            kept = (Geometric, Cut, Erase) if plain else (Transform,)
        pairs = [
            (leaf, stage)
            for leaf, stage in zip(self.compose.leaves, self.compose.stage_of, strict=True)
            if isinstance(leaf, kept) and not _moves(leaf)
        ]
        leaves, stages = tuple(p[0] for p in pairs), tuple(p[1] for p in pairs)
        settings = replace(self.compose.settings, output=None)
        return assemble(leaves, stages, settings, shapes, draws, {}, self.compose.stage_count)

    def measure(self, plan: Plan) -> ToneMeasures:
        """The measures of each row of a plan."""
        indices = plan.draws.key.indices
        if self.curves:
            return by_curves(plan, self.shares[self.place[indices]])
        images = [self.images[int(i)] for i in indices]
        before = render(images, self.plan(plan.shapes, plan.draws, plain=True))
        return by_pixels(before, render(images, plan), self.compose.value_range)


def _moves(step: Transform) -> bool:
    """Whether a step of another library may move pixels: then what it does to levels cannot be told from that."""
    return isinstance(step, Opaque) and step.moves_pixels


def violations(measures: ToneMeasures, limits: NDArray[np.float64]) -> dict[str, BoolArray]:
    """For each code, which draws violate it. limits (n, 2): most clipped, least contrast."""
    return {
        "AS301": measures.clipped > limits[:, 0] + 1e-9,
        "AS302": (measures.contrast < limits[:, 1] - 1e-9) | ((measures.kept < LEAST_LEVELS) & (limits[:, 1] > 0)),
    }


def _limits(contract: Contract | None) -> NDArray[np.float64]:
    """The limits by class index; the last entry, reached by -1, is for images without a label."""
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
    draws: int = DRAWS,
    epsilon: float = EPSILON,
) -> list[Finding]:
    """Draw the policy for a part of the images, the same of each class, and report how often the tone is lost.

    labels (n,): indices into the contract's classes, -1 where unknown. groups (n,): images of one group count as far as
    they differ. An error for classes whose rate is certainly above `epsilon`, a warning where that is undecided, and a
    remark below.
    """
    rows = _sample(labels)
    eye = _Eye.of(compose, images, rows)
    if not eye.steps or all(s.never_acts for s in eye.steps):
        return []
    if not eye.curves:
        area = int(np.mean([images[int(i)].shape[0] * images[int(i)].shape[1] for i in rows[:64]]))
        draws = min(draws, RENDERED, max(100, PIXELS // area))
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), draws)).astype(np.intp))]
    limits = _limits(contract)
    plans = list(_plans(eye, rows, seed, min(PER_IMAGE, max(1, draws // len(rows)))))
    bad = [violations(eye.measure(plan), limits[labels[plan.draws.key.indices]]) for plan in plans]
    index = np.concatenate([plan.draws.key.indices for plan in plans])
    cluster = group_indices(groups, len(images))[index]
    out: list[Finding] = []
    for code in _MESSAGES:
        hit = np.concatenate([one[code] for one in bad])
        if hit.any():
            shares = shares_by_class(hit, labels[index], cluster, contract.classes if contract else (), epsilon)
            out += _findings(code, eye, plans, [one[code] for one in bad], labels, limits, shares)
    return out


def _sample(labels: NDArray[np.int64]) -> Rows:
    """At most 400 images of each class, evenly, and 4,000 in all."""
    parts = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        most = MOST if label < 0 else PER_CLASS
        parts.append(rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.intp))])
    rows = np.sort(np.concatenate(parts))
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST)).astype(np.intp))]


def _plans(eye: _Eye, rows: Rows, seed: int, epochs: int) -> Iterator[Plan]:
    shapes = np.array([eye.images[int(i)].shape[:2] for i in rows], dtype=np.int64)
    for epoch in range(epochs):
        for start in range(0, len(rows), 1024):
            part = slice(start, start + 1024)
            key = Key.of(seed, epoch, rows[part])
            yield eye.plan(shapes[part], eye.compose.draw(key))


def _findings(
    code: str,
    eye: _Eye,
    plans: list[Plan],
    bad: list[BoolArray],
    labels: NDArray[np.int64],
    limits: NDArray[np.float64],
    shares: dict[str, Share],
) -> list[Finding]:
    """One finding for each set of steps that brings it about in a good part of the draws."""
    seen: dict[tuple[str, ...], list[tuple[Plan, int]]] = {}
    total = 0
    for plan, hit in zip(plans, bad, strict=True):
        rows = np.flatnonzero(hit)[: (SHRUNK if eye.curves else SHRUNK_RENDERED) - total]
        if not len(rows):
            continue
        total += len(rows)
        some = limits[labels[plan.draws.key.indices[rows]]]
        for row, steps in zip(rows, _needed(eye, plan, rows, code, some), strict=True):
            seen.setdefault(steps, []).append((plan, int(row)))
    status = min((s.status for s in shares.values()), key=("error", "warning", "info").index)
    told = {name: s for name, s in shares.items() if s.status == status}
    worst = max(told.values(), key=lambda s: s.rate)
    words = dict(zip(("clipped", "contrast"), limits[worst.label], strict=True))
    out: list[Finding] = []
    for steps, draws in sorted(seen.items(), key=lambda entry: -len(entry[1])):
        part = len(draws) / total
        if part < RARE and out:
            continue
        out.append(
            Finding(
                code=code,
                severity=status,
                how="sampled",
                verdict={"error": "tone-lost", "warning": "undecided", "info": "safe"}[status],
                steps=steps,
                classes=tuple(told),
                message=_MESSAGES[code].format_map(words) + worst.more,
                help=f"Narrow the range of {' or '.join(steps)}.",
                probability=worst.rate * part,
                interval=(worst.low * part, worst.high * part),
                per_class={name: s.rate * part for name, s in told.items()},
                witness=_witness(eye, *draws[0]),
            )
        )
    return out


def _needed(eye: _Eye, plan: Plan, rows: Rows, code: str, limits: NDArray[np.float64]) -> list[tuple[str, ...]]:
    def persists(tried: Plan) -> BoolArray:
        return violations(eye.measure(tried), limits)[code]

    acting = shrink(eye.compose, plan, rows, persists, judged=eye.steps, assemble=eye.plan)
    return [tuple(s.label for s, on in zip(eye.compose.leaves, row, strict=True) if on) for row in acting]


def _witness(eye: _Eye, plan: Plan, row: int) -> Witness:
    """The draw, its other steps included, on its image."""
    index = int(plan.draws.key.indices[row])
    one = eye.compose.assemble(plan.shapes[[row]], plan.draws.rows(np.array([row])))
    image: Any = eye.images[index]
    return Witness(one.describe(), one.record(), one.matrix[0], index, image, render([image], one)[0])
