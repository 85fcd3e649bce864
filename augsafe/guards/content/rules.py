"""Guards on content: is the object still there, large enough, and alone? Judged on the plan, without pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.guards.base import Example
from augsafe.guards.content.measures import ContentMeasures, Limits
from augsafe.guards.content.rule import (
    COVERED,
    DOUBLED,
    MIN_PIXELS,
    PADDING,
    SLACK,
    VISIBLE,
    ContentRule,
    ceil_percent,
    floor_percent,
)
from augsafe.objects import Objects
from augsafe.policies import Compose
from augsafe.transforms import Erase

BoolArray = NDArray[np.bool_]


class ObjectLeaves(ContentRule):
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
    message = "less than {visible:.0%} of the object stays in the frame"

    @staticmethod
    def broken(found: ContentMeasures, limits: Limits) -> BoolArray:
        return found.visible < limits.visible - SLACK

    @staticmethod
    def mark(found: ContentMeasures, row: int) -> str:
        return f"object {floor_percent(float(found.visible[row]))}% left"


class ObjectTooSmall(ContentRule):
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
    message = "the object becomes smaller than {min_pixels:g} pixels"
    help = "Narrow the range of {steps}, or enlarge the output."

    @staticmethod
    def broken(found: ContentMeasures, limits: Limits) -> BoolArray:
        return (found.pixels < limits.min_pixels - SLACK) & (found.plain_pixels >= limits.min_pixels - SLACK)

    @staticmethod
    def mark(found: ContentMeasures, row: int) -> str:
        return f"object {int(found.pixels[row])} px"


class ObjectCovered(ContentRule):
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
    message = "erased patches hide more than {covered:.0%} of the object"
    help = "Set max_object_share= of {steps}, or lower its area."

    @staticmethod
    def broken(found: ContentMeasures, limits: Limits) -> BoolArray:
        return found.covered > COVERED + SLACK

    @staticmethod
    def mark(found: ContentMeasures, row: int) -> str:
        return f"object {ceil_percent(float(found.covered[row]))}% covered"

    @staticmethod
    def may_break(compose: Compose) -> bool:
        return any(isinstance(leaf, Erase) and not leaf.never_acts for leaf in compose.leaves)


class MostlyPadding(ContentRule):
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
    message = "more than {padding:.0%} of the output lies outside the image"
    about_object = False

    @staticmethod
    def broken(found: ContentMeasures, limits: Limits) -> BoolArray:
        return found.padding > limits.padding + SLACK

    @staticmethod
    def mark(found: ContentMeasures, row: int) -> str:
        return f"padding {ceil_percent(float(found.padding[row]))}%"


class ObjectDoubled(ContentRule):
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
    message = "the reflected border shows more than {doubled:.0%} of the object a second time"
    help = 'Use border="constant" or "replicate", or narrow the range of {steps}.'

    @staticmethod
    def broken(found: ContentMeasures, limits: Limits) -> BoolArray:
        return found.doubled > limits.doubled + SLACK

    @staticmethod
    def mark(found: ContentMeasures, row: int) -> str:
        return "object doubled"

    @staticmethod
    def may_break(compose: Compose) -> bool:
        return compose.border == "reflect" and ContentRule.may_break(compose)


CONTENT_RULES: tuple[type[ContentRule], ...] = (
    ObjectLeaves,
    ObjectTooSmall,
    ObjectCovered,
    MostlyPadding,
    ObjectDoubled,
)
CONTENT_RULE_OF = {rule.code: rule for rule in CONTENT_RULES}
CODES = tuple(CONTENT_RULE_OF)


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
    out = {rule.code: rule.broken(measures, limits) for rule in CONTENT_RULES}
    if objects is not None and objects.diffuse.any():
        for rule in CONTENT_RULES:
            if rule.about_object:
                out[rule.code] = out[rule.code] & ~objects.diffuse
    return out


__all__ = ["CODES", "CONTENT_RULES", "CONTENT_RULE_OF", "COVERED", "PADDING", "VISIBLE", "LimitTable", "violations"]
