"""A policy: steps in their order, drawn, planned and rendered for a whole batch at once."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from augsafe.errors import ArgumentError, PolicyError
from augsafe.objects import Objects
from augsafe.pixels import Image, Images, Sample, TargetRules, Targets, check_image, check_images
from augsafe.planning import Assembly, Draws, Output, Plan, Settings, check_shapes
from augsafe.policies import files as policy
from augsafe.policies.aiming import aimed, aims
from augsafe.policies.applying import BatchTargets, apply_all, apply_row, shapes_of
from augsafe.policies.covering import spared, stated_objects
from augsafe.policies.names import named_steps, step_named
from augsafe.policies.options import Pairs, check_options, check_steps
from augsafe.policies.sampling import recorded, sample_steps
from augsafe.randomness import Key, fresh_seed
from augsafe.transforms import Erase, Sizes, Transform, leaves_of, slots_of, stages_of
from augsafe.typing import BoxesLike, IndicesLike, KeypointsLike, LabelsLike, MasksLike, PointsLike, ShapesLike


@dataclass(frozen=True)
class Compose:
    """Random transforms in order, applied in as few passes over the pixels as they allow.

    Args:
        steps: The transforms. Each gets a name that is unique in the policy.
        border: What lies beyond the image: "reflect", "constant" or "replicate".
        fill: The value beyond a "constant" border, in units of the output image.
        interpolation: "linear", "nearest" or "cubic".
        value_range: What the levels span; default: 0-255 for uint8, 0-65535 for uint16, 0-1 for float32.
        output: The form in which images leave; default: that in which they came.
        box_format: "xyxy" (edges from 0 to W and H), "coco" (x, y, width, height) or "yolo" (centre and size, as
            fractions of the frame).
        min_visible: Boxes with a smaller share of their area left inside the frame are dropped.
        keypoint_swaps: Pairs of keypoints that are exchanged when the image is mirrored (left and right).
        mask_swaps: Pairs of mask ids that are exchanged when the image is mirrored.

    Raises:
        ArgumentError: A value cannot be used.
    """

    steps: Sequence[Transform] = ()
    border: str = field(default="reflect", kw_only=True)
    fill: float = field(default=0, kw_only=True)
    interpolation: str = field(default="linear", kw_only=True)
    value_range: tuple[float, float] | None = field(default=None, kw_only=True)
    output: Output | None = field(default=None, kw_only=True)
    box_format: str = field(default="xyxy", kw_only=True)
    min_visible: float = field(default=0.0, kw_only=True)
    keypoint_swaps: Pairs = field(default=(), kw_only=True)
    mask_swaps: Pairs = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", named_steps(check_steps(self.steps)))
        for name, value in check_options(vars(self)).items():
            object.__setattr__(self, name, value)

    @cached_property
    def leaves(self) -> tuple[Transform, ...]:
        """The steps that act, with what a choice holds in its place."""
        return tuple(leaf for step in self.steps for leaf in leaves_of(step))

    @cached_property
    def stage_of(self) -> tuple[int, ...]:
        """The stage of each leaf: what follows a local step, and is not local, opens a new one; a distortion is one."""
        return self._stages[0]

    @cached_property
    def _stages(self) -> tuple[tuple[int, ...], bool]:
        """The stage of each leaf, and whether the last stage ends with a local step or is a distortion."""
        leaves, _, last = stages_of(self.steps, 0, "")
        return tuple(leaves), last in ("local", "bent")

    @cached_property
    def stage_count(self) -> int:
        """How many stages a plan has; an output size after a local step or a distortion needs one of its own."""
        resized = self.output is not None and self.output.size is not None
        return max(self.stage_of, default=0) + 1 + int(resized and self._stages[1])

    @cached_property
    def minds_objects(self) -> bool:
        """Whether draws depend on where the object is."""
        return self.aims or any(isinstance(leaf, Erase) and leaf.max_object_share < 1 for leaf in self.leaves)

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """The names of the steps in each stage: one warp, one table, then local steps; or a distortion alone."""
        named = list(zip(self.leaves, self.stage_of, strict=True))
        return tuple(tuple(leaf.label for leaf, stage in named if stage == k) for k in range(self.stage_count))

    @property
    def settings(self) -> Settings:
        """How images are rendered."""
        return Settings(self.border, self.fill, self.interpolation, self.value_range, self.output)

    def target_rules(self, boxes_in: str) -> TargetRules:
        """How targets follow, for boxes that come in a format which may not be the policy's."""
        swaps = (self.keypoint_swaps, self.mask_swaps)
        return TargetRules(self.border, self.box_format, self.min_visible, *swaps, boxes_in)

    def step(self, name: str) -> Transform:
        """The step of that name, also within a choice. Raises ArgumentError where there is none."""
        return step_named(name, self.steps, self.leaves)

    def without(self, *names: str) -> Compose:
        """The policy without some steps; the others keep their names, and so their draws."""
        gone = {self.step(name).label for name in names}
        return replace(self, steps=tuple(s for s in self.steps if s.label not in gone))

    def draw(self, key: Key, sizes: Sizes | None = None, objects: Objects | None = None) -> Draws:
        """Sample every step.

        Args:
            key: What identifies n images.
            sizes: Height and width of each (n, 2), pixels; needed where a crop keeps the object.
            objects: As in `plan`.

        Returns:
            For each step, whether it acts on each image, and its values.
        """
        draws = sample_steps(self.steps, key, self._slots)
        return draws if objects is None or sizes is None or not self.aims else aimed(self.leaves, draws, sizes, objects)

    @cached_property
    def aims(self) -> bool:
        """Whether some crop keeps the object."""
        return aims(self.leaves)

    @cached_property
    def _slots(self) -> list[tuple[str, int]]:
        return [slot for step in self.steps for slot in slots_of(step)]

    def assemble(self, shapes: Sizes, draws: Draws) -> Plan:
        """Turn draws into a plan.

        Args:
            shapes: Height and width of each image (n, 2), pixels.
            draws: The numbers drawn for the n images.

        Returns:
            The plan.
        """
        return Assembly(self.leaves, self.stage_of, self.settings, self.stage_count).plan(shapes, draws, self._dict)

    def plan(
        self,
        shapes: ShapesLike,
        indices: IndicesLike,
        seed: int = 0,
        epoch: int = 0,
        labels: LabelsLike | None = None,
        objects: Objects | None = None,
        *,
        view: int = 0,
    ) -> Plan:
        """Sample and plan n images without touching a pixel.

        Args:
            shapes: (n, 2) heights and widths in pixels, or n shapes (H, W[, C]).
            indices: The number of each image in its data set (n,), which keys its random values.
            seed: What keys them too.
            epoch: What keys them too; from 0.
            labels: For policies that depend on them; this one does not.
            objects: What `augsafe.objects.inspect` finds, for steps that spare the object (`minds_objects`). Without
                them nothing is spared.
            view: Which of several draws of the images in one epoch; from 0.

        Returns:
            Everything that will be done to the images.

        Raises:
            ArgumentError: The counts differ, or a value cannot be used.
        """
        sizes = check_shapes(shapes)
        key = Key.of(seed, epoch, indices, view)
        if len(key.indices) != len(sizes):
            raise ArgumentError(f"indices has {len(key.indices)} entries, shapes {len(sizes)}; they must agree")
        return self.planned(key, sizes, objects)

    def planned(self, key: Key, sizes: Sizes, objects: Objects | None = None) -> Plan:
        """The plan of a key; see `plan`.

        Args:
            key: What identifies n images.
            sizes: Height and width of each (n, 2), pixels.
            objects: As in `plan`.

        Returns:
            Everything that will be done to the images.
        """
        plan = self.assemble(sizes, self.draw(key, sizes, objects))
        return spared(plan, objects) if self.minds_objects else plan

    def replay(self, record: Mapping[str, Any]) -> Plan:
        """The plan of a record made by `Plan.record`. Raises PolicyError when it is of another policy."""
        if not policy.same(record.get("policy"), self._dict):
            raise PolicyError("the record is of another policy; build it with Compose.from_dict(record['policy'])")
        return self.assemble(*recorded(record))

    def __call__(
        self,
        image: Image,
        mask: NDArray[Any] | None = None,
        boxes: PointsLike | None = None,
        box_labels: Sequence[Any] | None = None,
        keypoints: PointsLike | None = None,
        label: object = None,
        seed: int | None = None,
        epoch: int = 0,
        index: int = 0,
        view: int = 0,
    ) -> Sample:
        """Augment one image and what belongs to it.

        Args:
            image: (H, W) or (H, W, C), of uint8, uint16 or float32. It is not changed.
            mask: (H, W) of whole numbers or bool.
            boxes: (m, 4) in the policy's `box_format`.
            box_labels: The label of each box (m).
            keypoints: (k, 2): x and y in pixels; pixel centres are at whole numbers.
            label: Passed on to the result.
            seed: What keys the random values; default: a fresh one at each call.
            epoch: Keys them too; from 0.
            index: The number of the image in its data set, which keys them too.
            view: Which of several draws of the image in one epoch; from 0.

        Returns:
            The augmented image with what belongs to it, and the plan.

        Raises:
            InputError: The image cannot be used, or a target does not fit it.
        """
        check_image(image, self.value_range)
        seed = fresh_seed() if seed is None else seed
        objects = stated_objects([image], [mask], [boxes], self.box_format) if self.minds_objects else None
        plan = self.plan([image.shape], [index], seed, epoch, objects=objects, view=view)
        return self.apply(plan, 0, image, Targets(mask, boxes, box_labels, keypoints), label)

    def apply(self, plan: Plan, row: int, image: Image, targets: Targets | None = None, label: object = None) -> Sample:
        """Carry out one row of a plan.

        Args:
            plan: What is done to n images.
            row: Which of them it is.
            image: (H, W) or (H, W, C).
            targets: Its mask, boxes and keypoints.
            label: Passed on to the result.

        Returns:
            The augmented image with what belongs to it.

        Raises:
            InputError: A target does not fit the image.
        """
        return apply_row(self.target_rules(self.box_format), plan, row, image, targets or Targets(), label)

    def batch(
        self,
        images: Images,
        indices: IndicesLike,
        seed: int = 0,
        epoch: int = 0,
        out: NDArray[Any] | None = None,
        *,
        view: int = 0,
        masks: MasksLike | None = None,
        boxes: BoxesLike | None = None,
        keypoints: KeypointsLike | None = None,
        labels: LabelsLike | None = None,
    ) -> Any:
        """Augment n images.

        Args:
            images: (n, H, W[, C]) or a list.
            indices: The number of each image in its data set (n,), which keys its random values.
            seed: What keys them too.
            epoch: What keys them too; from 0.
            out: Receives the images (n, ...), where it is given.
            view: Which of several draws of the images in one epoch; from 0.
            masks: One for each image, or None.
            boxes: One array (m, 4) for each image, or None.
            keypoints: One array (k, 2) for each image, or None.
            labels: One for each image; passed on.

        Returns:
            An array (n, ...), or a list of arrays where the outputs' shapes differ. With masks, boxes, keypoints or
            labels: a `Batch`.

        Raises:
            InputError: An image cannot be used, or a target does not fit it.
            ArgumentError: `indices` or `out` does not fit.
        """
        check_images(images, self.value_range)
        targets = BatchTargets(masks, boxes, keypoints, labels)
        targets.check(len(images))
        objects = stated_objects(images, masks, boxes, self.box_format) if self.minds_objects else None
        plan = self.plan(shapes_of(images), indices, seed, epoch, objects=objects, view=view)
        return apply_all(self.target_rules(self.box_format), plan, images, targets, out)

    @cached_property
    def _dict(self) -> dict[str, Any]:
        options = {name: (getattr(self, name), item.default) for name, item in self.__dataclass_fields__.items()}
        return policy.write_body(self.steps, self.output, {k: options[k] for k in policy.OPTIONS})

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back."""
        return copy.deepcopy(self._dict)

    @staticmethod
    def from_dict(body: Mapping[str, Any]) -> Compose:
        """A policy from plain values. Unknown keys and transforms raise PolicyError; nothing is executed."""
        steps, output, options = policy.read_body(body)
        try:
            return Compose(steps, output=output, **options)
        except (ArgumentError, TypeError) as error:
            raise PolicyError(f"the policy is not valid: {error}") from error

    def to_yaml(self) -> str:
        """The policy as YAML."""
        return policy.to_yaml(self._dict)

    @staticmethod
    def from_yaml(text: str) -> Compose:
        """A policy from YAML or JSON text. Raises PolicyError."""
        return Compose.from_dict(policy.from_yaml(text))

    def save(self, path: str | Path) -> None:
        """Write the policy as YAML (or JSON, where the name ends so)."""
        policy.write_file(Path(path), self._dict)

    @staticmethod
    def load(path: str | Path) -> Compose:
        """Read a policy file. Raises PolicyError."""
        with policy.errors_naming(path):
            return Compose.from_yaml(policy.read_file(Path(path)))
