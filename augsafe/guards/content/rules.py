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

    A draw moves, turns or enlarges the image until less than the `visible` share of the object's weight (0.7 unless the
    contract says otherwise) is left in the output. The label then names something the network cannot see, and it learns
    from the background. Lower the shift, the zoom or the crop, or give the object's mask or boxes if another part of
    the image is what matters.

    Example: Shift(x=(-0.6, 0.6)) on a digit in the middle of its frame fires; Shift(x=(-0.1, 0.1)) does not. Images
    whose saliency is spread out, such as textures, have no object and are not judged.
    """

    code = "AS201"
    title = "object leaves the frame"
    severity = "error"
    fires = Example("steps: [{Shift: {x: [-0.6, 0.6]}}]")
    silent = Example("steps: [{Shift: {x: [-0.1, 0.1]}}]")


class ObjectTooSmall(Guard):
    """The object becomes too small to be recognised.

    The longer side of the object, at the smallest scale that the draw has in any direction, is less than `min_pixels`
    (8 unless the contract says otherwise) in the output, although a plain resize to that output would have kept it
    larger. So a thin object is judged by its length, and an image squeezed to a line is found whichever way it is
    squeezed. Narrow the zoom or the shear, or enlarge the output.

    Example: Zoom((0.1, 0.2)) on an object of 20 pixels fires; Zoom((0.8, 1.2)) does not. An object that is already
    smaller than the limit when the whole image is resized to the output is not blamed on the policy.
    """

    code = "AS202"
    title = "object too small"
    severity = "error"
    fires = Example("steps: [{Zoom: {factor: [0.1, 0.2]}}]")
    silent = Example("steps: [{Zoom: {factor: [0.8, 1.2]}}]")


class ObjectCovered(Guard):
    """Erased patches hide the object.

    More than half of what the frame shows of the object's weight lies under the patches of Erase. The label then names
    something the network cannot see. Set max_object_share=, which shrinks patches draw by draw and leaves the ground
    to be erased as before; or lower the area.

    Example: Erase(area=(0.5, 0.6)) fires; the same with max_object_share=0.3 does not. A grid of patches hides the
    same share of everything, and so does not fire below that share.
    """

    code = "AS203"
    title = "object covered"
    severity = "error"
    fires = Example("steps: [{Erase: {area: [0.5, 0.6]}}]")
    silent = Example("steps: [{Erase: {area: [0.5, 0.6], max_object_share: 0.3}}]")


class MostlyPadding(Guard):
    """More than half of the output is made up.

    The share of the output frame that lies beyond the image, and is filled by the border rule, exceeds 0.5: the network
    sees reflections or a plain fill more than it sees the image. Lower the shift, or let the zoom shrink less.

    Example: Zoom((0.3, 0.5)) fires; Zoom((0.8, 1.2)) does not.
    """

    code = "AS204"
    title = "mostly padding"
    severity = "error"
    fires = Example("steps: [{Zoom: {factor: [0.3, 0.5]}}]")
    silent = Example("steps: [{Zoom: {factor: [0.8, 1.2]}}]")


class ObjectDoubled(Guard):
    """A reflected border shows the object again.

    With border="reflect" the image continues as its own mirror image. Where a draw brings the edge near the object,
    more than 0.3 of the object's weight appears a second time: two digits, two hands, a class that is not in the data.
    Use border="constant" or "replicate", or lower the shift and let the zoom shrink less.

    Example: Shift(x=(0.4, 0.5)) on an object at the left edge fires; the same policy with border="constant" does not.
    """

    code = "AS205"
    title = "object doubled by the border"
    severity = "error"
    fires = Example("steps: [{Shift: {x: [0.4, 0.5], y: [0, 0]}}]")
    silent = Example("{steps: [{Shift: {x: [0.4, 0.5], y: [0, 0]}}], border: constant}")


CONTENT_RULES: tuple[type[Guard], ...] = (ObjectLeaves, ObjectTooSmall, ObjectCovered, MostlyPadding, ObjectDoubled)
CODES = tuple(guard.code for guard in CONTENT_RULES)
_MESSAGES = {
    "AS201": "the object keeps less than {visible:.0%} of itself in the frame",
    "AS202": "the object becomes smaller than {min_pixels:g} pixels",
    "AS203": "erased patches hide more than {covered:.0%} of the object",
    "AS204": "more than {padding:.0%} of the output lies beyond the image",
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
