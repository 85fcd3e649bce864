"""A plan carried out on images and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import InputError
from augsafe.pixels import Batch, Image, Images, Moved, Rendered, Sample, TargetRules, Targets, move_targets, render
from augsafe.planning import Plan
from augsafe.typing import BoxesLike, KeypointsLike, LabelsLike, MasksLike, ShapesLike


@dataclass(frozen=True, eq=False)
class BatchTargets:
    """What belongs to the images of a batch, one entry for each image; None for what is not given.

    Args:
        masks: Each (H, W).
        boxes: Each (m, 4).
        keypoints: Each (k, 2).
        labels: The class of each image.
    """

    masks: MasksLike | None = None
    boxes: BoxesLike | None = None
    keypoints: KeypointsLike | None = None
    labels: LabelsLike | None = None

    @property
    def move(self) -> bool:
        """Whether some of them follow the pixels."""
        return self.masks is not None or self.boxes is not None or self.keypoints is not None

    def check(self, n: int) -> None:
        """Raise InputError where there is not one entry for each of n images."""
        for name, given in vars(self).items():
            if given is not None and len(given) != n:
                raise InputError(f"{name} has {len(given)} entries, images {n}; they must agree")

    def of(self, row: int) -> Targets:
        """Those of one image."""
        mask = None if self.masks is None else self.masks[row]
        boxes = None if self.boxes is None else self.boxes[row]
        points = None if self.keypoints is None else self.keypoints[row]
        return Targets(mask, boxes, None, points)


def apply_row(rules: TargetRules, plan: Plan, row: int, image: Image, targets: Targets, label: object) -> Sample:
    """Carry out one row of a plan.

    Args:
        rules: How targets follow the pixels.
        plan: What is done to n images.
        row: Which of them it is.
        image: (H, W) or (H, W, C).
        targets: What belongs to it.
        label: Its label, which is passed on.

    Returns:
        The augmented image and what belongs to it.

    Raises:
        InputError: A target does not fit the image.
    """
    one = plan if len(plan) == 1 else plan.rows(np.array([row]))
    moved = move_targets(rules, one, 0, image, targets)
    return _sample(render([image], one)[0], label, moved, one)


def apply_all(
    rules: TargetRules, plan: Plan, images: Images, targets: BatchTargets, out: NDArray[Any] | None
) -> Rendered | Batch:
    """Carry out a plan.

    Args:
        rules: How targets follow the pixels.
        plan: What is done to n images.
        images: (n, H, W[, C]) or a list.
        targets: What belongs to them.
        out: Receives the images (n, ...), where it is given.

    Returns:
        The images, as `render` gives them; a batch where something belongs to them.

    Raises:
        InputError: A target does not fit its image.
        ArgumentError: `out` does not fit.
    """
    if targets.move:
        plan.resolve()  # so that the images are held to the sizes that the targets follow
    rendered, labels = render(images, plan, out), targets.labels
    if labels is None and not targets.move:
        return rendered
    samples = []
    for row, image in enumerate(images):
        one = plan if len(plan) == 1 else plan.rows(np.array([row]))
        moved = move_targets(rules, one, 0, image, targets.of(row))
        samples.append(_sample(rendered[row], None if labels is None else labels[row], moved, one))
    masks = None
    if targets.masks is not None and isinstance(rendered, np.ndarray):
        masks = np.stack([s.mask for s in samples if s.mask is not None])
    names = None if labels is None else np.asarray(labels)
    made = cast(NDArray[Any], rendered)  # a list where shapes differ, see `Batch`
    return Batch(made, names, plan.draws.key.indices, masks, tuple(samples), plan)


def shapes_of(images: Images) -> ShapesLike:
    """The shapes of n images, (n, 2) where they are one array."""
    if isinstance(images, np.ndarray):
        return np.tile(images.shape[1:3], (len(images), 1))
    return [image.shape for image in images]


def _sample(image: Image, label: Any, moved: Moved, plan: Plan) -> Sample:
    parts = (moved.mask, moved.boxes, moved.box_labels, moved.kept, moved.keypoints, moved.inside)
    return Sample(image, label, *parts, plan)
