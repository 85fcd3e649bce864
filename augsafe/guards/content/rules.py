"""Guards on content: is the object still there, large enough, and alone? Judged on the plan, without pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.guards.base import Example, Finding, Guard, Witness
from augsafe.guards.content.measures import ContentMeasures, Limits, measure
from augsafe.guards.witnesses import shrink
from augsafe.objects import Objects
from augsafe.pixels import Images, render
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.statistics import EPSILON, Share, group_indices, shares_by_class
from augsafe.transforms import Geometric, Opaque

BoolArray = NDArray[np.bool_]
VISIBLE, MIN_PIXELS, PADDING, DOUBLED = 0.7, 8.0, 0.5, 0.3
COVERED = 0.5
PER_IMAGE = 32
SHRUNK = 1_000  # violating draws that are shrunk, for each code
RARE = 0.1  # sets of steps with a smaller share of a code's violations are left to the others


class ObjectLeaves(Guard):
    """Part of the object leaves the frame.

    The image is moved, rotated, enlarged or cropped until less than the `visible` share of the object stays in the
    output (default: 0.7, or the contract's limit). The label then names something the network cannot see, and the
    network learns from the background.

    What to do: narrow the shift, the zoom or the crop. If another part of the image is what matters, give masks or
    boxes.

    Example: Shift(x=(-0.6, 0.6)) on a digit in the middle of its frame is reported. Shift(x=(-0.1, 0.1)) is not. Images
    with diffuse saliency, such as textures, have no object and are not checked.
    """

    code = "AS201"
    title = "object leaves the frame"
    severity = "error"
    fires = Example("steps: [{Shift: {x: [-0.6, 0.6]}}]")
    silent = Example("steps: [{Shift: {x: [-0.1, 0.1]}}]")


class ObjectTooSmall(Guard):
    """The object becomes too small to be recognised.

    The longer side of the object in the output is less than `min_pixels` (default: 8, or the contract's limit),
    measured at the smallest scale in any direction. A thin object is measured by its length. An image that is squeezed
    to a line is found, whatever the direction.

    What to do: narrow the zoom or the shear, or enlarge the output.

    Example: Zoom((0.1, 0.2)) on an object of 20 pixels is reported. Zoom((0.8, 1.2)) is not. Also not reported is an
    object that would be just as small after a plain resize of the whole image to the output size.
    """

    code = "AS202"
    title = "object too small"
    severity = "error"
    fires = Example("steps: [{Zoom: {factor: [0.1, 0.2]}}]")
    silent = Example("steps: [{Zoom: {factor: [0.8, 1.2]}}]")


class ObjectCovered(Guard):
    """Erased patches hide the object.

    The patches of Erase cover more than half of the visible part of the object. The label then names something the
    network cannot see.

    What to do: set max_object_share=, which shrinks the patches where they hide too much and leaves the background to
    be erased as before. Or lower the area.

    Example: Erase(area=(0.5, 0.6)) is reported. The same with max_object_share=0.3 is not. A grid of patches hides the
    same share of everything, so it is not reported below that share.
    """

    code = "AS203"
    title = "object covered"
    severity = "error"
    fires = Example("steps: [{Erase: {area: [0.5, 0.6]}}]")
    silent = Example("steps: [{Erase: {area: [0.5, 0.6], max_object_share: 0.3}}]")


class MostlyPadding(Guard):
    """More than half of the output is padding.

    More than half of the output frame lies outside the image and is filled by the border rule. The network sees
    reflections or a plain colour more than it sees the image.

    What to do: narrow the shift, or let the zoom shrink the image less.
    """

    code = "AS204"
    title = "mostly padding"
    severity = "error"
    fires = Example("steps: [{Zoom: {factor: [0.3, 0.5]}}]")
    silent = Example("steps: [{Zoom: {factor: [0.8, 1.2]}}]")


class ObjectDoubled(Guard):
    """A reflected border shows the object again.

    With border="reflect", the image continues as its own mirror image. When the object comes near the edge, more than
    0.3 of it appears a second time: two digits, two hands, a class that is not in the data.

    What to do: use border="constant" or "replicate", narrow the shift, or let the zoom shrink the image less.
    """

    code = "AS205"
    title = "object doubled by the border"
    severity = "error"
    fires = Example("steps: [{Shift: {x: [0.4, 0.5], y: [0, 0]}}]")
    silent = Example("{steps: [{Shift: {x: [0.4, 0.5], y: [0, 0]}}], border: constant}")


CONTENT_RULES: tuple[type[Guard], ...] = (ObjectLeaves, ObjectTooSmall, ObjectCovered, MostlyPadding, ObjectDoubled)
CODES = tuple(guard.code for guard in CONTENT_RULES)
_MESSAGES = {
    "AS201": "less than {visible:.0%} of the object stays in the frame",
    "AS202": "the object becomes smaller than {min_pixels:g} pixels",
    "AS203": "erased patches hide more than {covered:.0%} of the object",
    "AS204": "more than {padding:.0%} of the output lies outside the image",
    "AS205": "the reflected border shows more than {doubled:.0%} of the object a second time",
}
_HELP = {
    "AS201": "Narrow the range of {steps}.",
    "AS202": "Narrow the range of {steps}, or enlarge the output.",
    "AS203": "Set max_object_share= of {steps}, or lower its area.",
    "AS204": "Narrow the range of {steps}.",
    "AS205": 'Use border="constant" or "replicate", or narrow the range of {steps}.',
}


@dataclass(frozen=True, eq=False)
class LimitTable:
    """Limits by class index; the last entry, reached by -1, is for images without a label."""

    visible: NDArray[np.float64]
    min_pixels: NDArray[np.float64]

    @staticmethod
    def of(contract: Contract | None) -> LimitTable:
        """The contract's limits, with the defaults where it has none."""
        visible, pixels = [], []
        for name in contract.classes if contract is not None else ():
            limits = contract.limits_for(name)  # type: ignore[union-attr]
            visible.append(VISIBLE if limits.visible is None else float(limits.visible))
            pixels.append(MIN_PIXELS if limits.min_pixels is None else float(limits.min_pixels))
        return LimitTable(np.array([*visible, VISIBLE]), np.array([*pixels, MIN_PIXELS]))

    def take(self, labels: NDArray[np.int64]) -> Limits:
        """The limits of n images by their class indices."""
        n = len(labels)
        return Limits(self.visible[labels], self.min_pixels[labels], np.full(n, PADDING), np.full(n, DOUBLED))


def violations(measures: ContentMeasures, limits: Limits, objects: Objects | None) -> dict[str, BoolArray]:
    """For each code, which images violate it (n,). Diffuse images have no object to lose."""
    small = (measures.pixels < limits.min_pixels - 1e-6) & (measures.plain_pixels >= limits.min_pixels - 1e-6)
    out = {
        "AS201": measures.visible < limits.visible - 1e-6,
        "AS202": small,
        "AS203": measures.covered > COVERED + 1e-6,
        "AS204": measures.padding > limits.padding + 1e-6,
        "AS205": measures.doubled > limits.doubled + 1e-6,
    }
    if objects is not None and objects.diffuse.any():
        for code in ("AS201", "AS202", "AS203", "AS205"):
            out[code] = out[code] & ~objects.diffuse
    return out


@dataclass(eq=False)
class _Tally:
    """What the draws showed for one code."""

    images: Counter[int]  # by class index
    bad: NDArray[np.int64]  # by image
    needed: Counter[tuple[tuple[str, ...], int]]  # by the steps it takes and class index
    witness: dict[tuple[str, ...], tuple[Plan, int]]
    shrunk: int = 0


def content_findings(
    compose: Compose,
    images: Images,
    labels: NDArray[np.int64],
    objects: Objects | None,
    contract: Contract | None,
    *,
    groups: Any = None,
    seed: int = 0,
    draws: int = 20_000,
    epsilon: float = EPSILON,
    comparisons: int = 1,
) -> list[Finding]:
    """Draw the policy many times for each image and report how often content is lost, by class.

    labels are indices into the contract's classes, -1 where unknown. At most 32 draws an image and `draws` in all. An
    error where some class's rate is certainly above `epsilon`, otherwise a warning; `comparisons` is how many codes
    share what "certainly" leaves, see `shares_by_class`. Draws of one image, or of the images of one of the `groups`
    (n,), are not independent, and the intervals allow for it.
    """
    table = LimitTable.of(contract)
    drawn: Counter[int] = Counter()
    often = np.zeros(len(images), np.int64)
    tallies = {code: _Tally(Counter(), np.zeros(len(images), np.int64), Counter(), {}) for code in CODES}
    for plan, rows in _plans(compose, images, objects, seed, draws):
        some = labels[rows]
        drawn.update(some.tolist())
        often[rows] += 1
        _count(tallies, compose, plan, some, None if objects is None else objects.rows(rows), table)
    clusters = group_indices(groups, len(images))
    out: list[Finding] = []
    for code, tally in tallies.items():
        shares = shares_by_class(tally.bad, often, clusters, labels, epsilon=epsilon, comparisons=comparisons)
        out += _findings(code, tally, compose, images, drawn, shares, contract, table)
    return out


def _plans(
    compose: Compose, images: Images, objects: Objects | None, seed: int, draws: int
) -> Iterator[tuple[Plan, NDArray[np.intp]]]:
    """Plans for all images (evenly chosen ones, where there are more images than draws), one epoch after another."""
    n = len(images)
    rows = np.unique(np.linspace(0, n - 1, min(n, draws)).astype(np.intp))
    shapes = np.array([images[i].shape[:2] for i in rows], dtype=np.int64)
    for epoch in range(min(PER_IMAGE, max(1, draws // len(rows)))):
        for start in range(0, len(rows), 4096):
            part = slice(start, start + 4096)
            some = None if objects is None else objects.rows(rows[part])
            yield compose.plan(shapes[part], rows[part], seed, epoch, objects=some), rows[part]


def _count(
    tallies: dict[str, _Tally],
    compose: Compose,
    plan: Plan,
    labels: NDArray[np.int64],
    objects: Objects | None,
    table: LimitTable,
) -> None:
    limits = table.take(labels)
    for code, bad in violations(measure(plan, objects, limits), limits, objects).items():
        tally, rows = tallies[code], np.flatnonzero(bad)
        tally.images.update(labels[rows].tolist())
        tally.bad[plan.draws.key.indices[rows]] += 1
        rows = rows[: SHRUNK - tally.shrunk]
        if not len(rows):
            continue
        tally.shrunk += len(rows)
        some, few = limits.rows(rows), None if objects is None else objects.rows(rows)

        def persists(tried: Plan, code: str = code, some: Limits = some, few: Objects | None = few) -> BoolArray:
            return violations(measure(tried, few, some), some, few)[code]

        for row, acting in zip(rows, shrink(compose, plan, rows, persists), strict=True):
            steps = tuple(leaf.label for leaf, on in zip(compose.leaves, acting, strict=True) if on)
            steps = steps or _framing(compose)
            tally.needed[steps, int(labels[row])] += 1
            tally.witness.setdefault(steps, (plan, int(row)))


def _framing(compose: Compose) -> tuple[str, ...]:
    """The steps that decide the frame: to blame when nothing that can be switched off is."""
    return tuple(
        leaf.label
        for leaf in compose.leaves
        if isinstance(leaf, (Geometric, Opaque)) and (leaf.frame or isinstance(leaf, Opaque))
    )


def _findings(
    code: str,
    tally: _Tally,
    compose: Compose,
    images: Images,
    drawn: Counter[int],
    shares: dict[int, Share],
    contract: Contract | None,
    table: LimitTable,
) -> list[Finding]:
    by_steps: Counter[tuple[str, ...]] = Counter()
    for (steps, _), count in tally.needed.items():
        by_steps[steps] += count
    severe = any(share.status == "error" for share in shares.values())
    out: list[Finding] = []
    for steps, total in by_steps.most_common():
        if out and total < RARE * by_steps.total():
            continue
        # the shrunk draws are a part of all violating ones: their shares are scaled up
        scale = sum(tally.images.values()) / by_steps.total()
        counts = {c: round(scale * tally.needed[steps, c]) for c in drawn if tally.needed[steps, c]}
        counts = {c: min(count, tally.images[c]) for c, count in counts.items() if tally.images[c]}
        worst = max(counts, key=lambda c: counts[c] / drawn[c])
        named = _by_name({c: counts[c] / drawn[c] for c in counts}, contract)
        share = counts[worst] / tally.images[worst]
        limits = table.take(np.array([worst]))
        words = {k: float(getattr(limits, k)[0]) for k in ("visible", "min_pixels", "padding", "doubled")}
        words["covered"] = COVERED
        out.append(
            Finding(
                code=code,
                severity="error" if severe else "warning",
                how="sampled",
                verdict="content-lost",
                steps=steps,
                classes=tuple(named),
                message=_MESSAGES[code].format_map(words),
                help=_HELP[code].format(steps=" or ".join(steps) or "the output size"),
                probability=counts[worst] / drawn[worst],
                interval=(share * shares[worst].low, share * shares[worst].high),
                per_class=named,
                witness=_witness(compose, images, *tally.witness[steps]),
            )
        )
    return out


def _by_name(rates: dict[int, float], contract: Contract | None) -> dict[str, float]:
    """Rates by class name, in the contract's order; images without a label stand for every class."""
    names = contract.classes if contract is not None else ()
    if not names:
        return {"any class": max(rates.values())}
    return {name: rates.get(c, rates.get(-1, 0.0)) for c, name in enumerate(names) if c in rates or -1 in rates}


def _witness(compose: Compose, images: Images, plan: Plan, row: int) -> Witness:
    one = compose.assemble(plan.shapes[[row]], plan.draws.rows(np.array([row])))
    index = int(plan.draws.key.indices[row])
    image: Any = images[index]
    return Witness(one.describe(), one.record(), one.matrix[0], index, image, render([image], one)[0])


__all__ = ["CODES", "CONTENT_RULES", "LimitTable", "content_findings", "measure", "violations"]
