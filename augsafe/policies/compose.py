"""A policy: steps in their order, drawn, planned and rendered for a whole batch at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError, PolicyError
from augsafe.objects import Objects
from augsafe.pixels import (
    BORDERS,
    INTERPOLATIONS,
    Batch,
    Image,
    Images,
    Sample,
    TargetRules,
    check_image,
    check_images,
    move_targets,
    render,
)
from augsafe.planning import Assembly, Draws, Output, Plan, Settings, check_shapes
from augsafe.policies import files as policy
from augsafe.policies.aiming import aimed, aims
from augsafe.policies.covering import found_objects, spared
from augsafe.policies.names import named_steps
from augsafe.randomness import Key, fresh_seed, uniforms
from augsafe.transforms import Erase, Sizes, Transform, as_range, draw_step, leaves_of, slots_of, stages_of, walk

BOX_FORMATS = ("xyxy", "coco", "yolo")
Pairs = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Compose:
    """Random transforms in order, applied in as few passes over the pixels as they allow.

    steps: the transforms; each gets a name that is unique in the policy.
    border: "reflect", "constant" (with `fill`, a value of the output image) or "replicate".
    interpolation: "linear", "nearest" or "cubic".
    value_range: what the levels span: 0-255 for uint8, 0-65535 for uint16, 0-1 for float32 unless said.
    output: the form in which images leave.
    box_format: "xyxy" (edges from 0 to W), "coco" (x, y, w, h) or "yolo" (centre and size, shares of the frame).
    min_visible: boxes with less of their area left inside the frame are dropped.
    keypoint_swaps, mask_swaps: pairs that trade places when the image is mirrored (left and right).
    Raises ArgumentError.
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
        given = [self.steps] if isinstance(self.steps, Transform) else self.steps
        if not isinstance(given, Iterable) or isinstance(given, (str, Mapping)):
            raise ArgumentError(f"Compose(steps=...) must be a list of transforms, got {given!r}")
        object.__setattr__(self, "steps", named_steps(tuple(given)))
        for name, known in (("border", BORDERS), ("interpolation", INTERPOLATIONS), ("box_format", BOX_FORMATS)):
            if getattr(self, name) not in known:
                raise ArgumentError(
                    f"Compose({name}=...) must be one of {', '.join(known)}, got {getattr(self, name)!r}"
                )
        if isinstance(self.fill, bool) or not isinstance(self.fill, (int, float)) or not np.isfinite(self.fill):
            raise ArgumentError(f"Compose(fill=...) must be one number, got {self.fill!r}")
        if self.value_range is not None:
            limits = as_range("Compose", "value_range", self.value_range, -1e6, 1e6)
            if limits[0] == limits[1]:
                raise ArgumentError(f"Compose(value_range=...) must not be empty, got {self.value_range!r}")
            object.__setattr__(self, "value_range", limits)
        if self.output is not None and not isinstance(self.output, Output):
            raise ArgumentError(f"Compose(output=...) must be an Output, got {self.output!r}")
        if not isinstance(self.min_visible, (int, float)) or not 0 <= self.min_visible <= 1:
            raise ArgumentError(f"Compose(min_visible=...) must be from 0 to 1, got {self.min_visible!r}")
        for name in ("keypoint_swaps", "mask_swaps"):
            object.__setattr__(self, name, policy.pairs(name, getattr(self, name)))

    # What the policy is made of

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
        count = max(self.stage_of, default=0) + 1
        resized = self.output is not None and self.output.size is not None
        return count + int(resized and self._stages[1])

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
        """The step of that name. Raises ArgumentError."""
        inside = (held for step in self.steps for held in walk(step))
        for step in (*self.steps, *self.leaves, *inside):
            if step.label == name:
                return step
        raise ArgumentError(f"this policy has no step {name!r}{policy.near(name, [s.label for s in self.steps])}")

    def without(self, *names: str) -> Compose:
        """The policy without some steps; the others keep their names, and so their draws."""
        for name in names:
            self.step(name)
        return replace(self, steps=tuple(s for s in self.steps if s.label not in names))

    # Draw and plan

    def draw(self, key: Key, sizes: Sizes | None = None, objects: Objects | None = None) -> Draws:
        """Draw every step for the images of a key, of these sizes; `objects` as in `plan`."""
        u = uniforms(key, self._slots)
        n = len(key.indices)
        drawn = [found for step in self.steps for found in draw_step(step, np.ones(n, bool), u)]
        draws = Draws(key, {name: acts for name, acts, _ in drawn}, {name: values for name, _, values in drawn})
        return draws if objects is None or sizes is None or not self.aims else aimed(self.leaves, draws, sizes, objects)

    @cached_property
    def aims(self) -> bool:
        """Whether some crop keeps the object."""
        return aims(self.leaves)

    @cached_property
    def _slots(self) -> list[tuple[str, int]]:
        return [slot for step in self.steps for slot in slots_of(step)]

    def assemble(self, shapes: Sizes, draws: Draws) -> Plan:
        """The plan that given draws make."""
        return Assembly(self.leaves, self.stage_of, self.settings, self.stage_count).plan(shapes, draws, self._dict)

    def plan(
        self,
        shapes: Any,
        indices: Sequence[int] | NDArray[np.int64],
        seed: int = 0,
        epoch: int = 0,
        labels: Any = None,
        objects: Objects | None = None,
        *,
        view: int = 0,
    ) -> Plan:
        """Draw and plan n images without touching a pixel.

        shapes: (n, 2) heights and widths, or n shapes (H, W[, C]). indices: (n,) the image's number in the data
        set, which keys its draw. objects: what `augsafe.objects.inspect` finds, for steps that spare the object
        (`minds_objects`); without them, patches spare the middle half of the frame, and crops nothing. `labels` is
        for policies whose draws depend on them. Raises ArgumentError.
        """
        sizes = check_shapes(shapes)
        key = Key.of(seed, epoch, indices, view)
        if len(key.indices) != len(sizes):
            raise ArgumentError(f"indices has {len(key.indices)} entries, shapes {len(sizes)}; they must agree")
        return self.planned(key, sizes, objects)

    def planned(self, key: Key, sizes: Sizes, objects: Objects | None = None) -> Plan:
        """The plan of a key, for frames (n, 2); see `plan`."""
        plan = self.assemble(sizes, self.draw(key, sizes, objects))
        return spared(plan, objects) if self.minds_objects else plan

    def replay(self, record: Mapping[str, Any]) -> Plan:
        """The plan of a record made by `Plan.record`. Raises PolicyError when it is of another policy."""
        if not policy.same(record.get("policy"), self._dict):
            raise PolicyError("the record is of another policy; build it with Compose.from_dict(record['policy'])")
        key = Key.of(record["seed"], record["epoch"], record["indices"], record["view"])
        key = replace(key, attempts=np.asarray(record["attempts"], dtype=np.int64))
        active = {name: np.asarray(record["active"][name], dtype=bool) for name in record["active"]}
        values = {
            name: {k: np.asarray(v, dtype=float) for k, v in columns.items()}
            for name, columns in record["values"].items()
        }
        return self.assemble(np.asarray(record["shapes"], dtype=np.int64), Draws(key, active, values))

    # Run

    def __call__(
        self,
        image: Image,
        mask: Any = None,
        boxes: Any = None,
        box_labels: Sequence[Any] | None = None,
        keypoints: Any = None,
        label: Any = None,
        seed: int | None = None,
        epoch: int = 0,
        index: int = 0,
        view: int = 0,
    ) -> Sample:
        """Augment one image and its targets. Without a seed, each call draws anew. Raises InputError."""
        check_image(image, self.value_range)
        seed = fresh_seed() if seed is None else seed
        objects = found_objects([image], [mask], [boxes], self.box_format) if self.minds_objects else None
        plan = self.plan([image.shape], [index], seed, epoch, objects=objects, view=view)
        return self.apply(plan, 0, image, mask, boxes, box_labels, keypoints, label)

    def apply(
        self,
        plan: Plan,
        row: int,
        image: Image,
        mask: Any = None,
        boxes: Any = None,
        box_labels: Sequence[Any] | None = None,
        keypoints: Any = None,
        label: Any = None,
        *,
        rendered: Image | None = None,
    ) -> Sample:
        """Carry out row `row` of a plan on one image and its targets. Raises InputError.

        `rendered` is the image that the plan gives, where it is there already.
        """
        one = plan if len(plan) == 1 else plan.rows(np.array([row]))
        m = move_targets(self.target_rules(self.box_format), one, 0, image, mask, boxes, box_labels, keypoints)
        new = render([image], one)[0] if rendered is None else rendered
        return Sample(new, label, m.mask, m.boxes, m.box_labels, m.kept, m.keypoints, m.inside, one)

    def batch(
        self,
        images: Images,
        indices: Sequence[int] | NDArray[np.int64],
        seed: int = 0,
        epoch: int = 0,
        out: NDArray[Any] | None = None,
        *,
        view: int = 0,
        masks: Any = None,
        boxes: Any = None,
        keypoints: Any = None,
        labels: Any = None,
    ) -> Any:
        """Augment n images: (n, H, W[, C]) or a list. Gives an array, or a list where the outputs' shapes differ.

        With targets given (one entry an image) it gives a Batch. Raises InputError and ArgumentError.
        """
        check_images(images, self.value_range)
        shapes: Any = [image.shape for image in images] if not isinstance(images, np.ndarray) else None
        if isinstance(images, np.ndarray):
            shapes = np.tile(images.shape[1:3], (len(images), 1))
        objects = found_objects(images, masks, boxes, self.box_format) if self.minds_objects else None
        plan = self.plan(shapes, indices, seed, epoch, objects=objects, view=view)
        if masks is not None or boxes is not None or keypoints is not None:
            plan.resolve()  # so that the images are held to the sizes that the targets follow
        rendered = render(images, plan, out)
        if masks is None and boxes is None and keypoints is None and labels is None:
            return rendered
        for name, given in (("masks", masks), ("boxes", boxes), ("keypoints", keypoints), ("labels", labels)):
            if given is not None and len(given) != len(images):
                raise InputError(f"{name} has {len(given)} entries, images {len(images)}; they must agree")

        def of(given: Any, i: int) -> Any:
            return None if given is None else given[i]

        rows = ((x, of(masks, i), of(boxes, i), None, of(keypoints, i), of(labels, i)) for i, x in enumerate(images))
        samples = tuple(self.apply(plan, i, *row, rendered=rendered[i]) for i, row in enumerate(rows))
        moved = None
        if masks is not None and isinstance(rendered, np.ndarray):
            moved = np.stack([s.mask for s in samples if s.mask is not None])
        names = None if labels is None else np.asarray(labels)
        return Batch(rendered, names, plan.draws.key.indices, moved, samples, plan)

    # Files

    @cached_property
    def _dict(self) -> dict[str, Any]:
        options = {name: (getattr(self, name), item.default) for name, item in self.__dataclass_fields__.items()}
        return policy.write_body(self.steps, self.output, {k: options[k] for k in policy.OPTIONS})

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back."""
        import copy

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
        try:
            return Compose.from_yaml(policy.read_file(Path(path)))
        except PolicyError as error:
            raise PolicyError(f"{path}: {error}") from error
