"""A policy: steps in their order, drawn, planned and rendered for a whole batch at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe import policy
from augsafe.errors import ArgumentError, InputError, PolicyError
from augsafe.output import Output
from augsafe.plan import Draws, Plan, Settings, assemble
from augsafe.randomness import FloatArray, Key, fresh_seed, uniforms
from augsafe.render import Images, render
from augsafe.sample import Batch, Image, Sample, check_image, check_mask, check_points
from augsafe.targets import from_xyxy, mirrors, move_boxes, move_keypoints, swap_ids, swap_rows, to_xyxy
from augsafe.transforms import Local, OneOf, Transform
from augsafe.transforms.base import Sizes, as_range
from augsafe.warp import BORDERS, INTERPOLATIONS, is_permutation, warp

BOX_FORMATS = ("xyxy", "coco", "yolo")
Pairs = tuple[tuple[int, int], ...]


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

    steps: tuple[Transform, ...] = ()
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
        object.__setattr__(self, "steps", _named(tuple(given)))
        for name, known in (
            ("border", BORDERS),
            ("interpolation", INTERPOLATIONS),
            ("box_format", BOX_FORMATS),
        ):
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
            object.__setattr__(self, name, _pairs(name, getattr(self, name)))

    # What the policy is made of

    @cached_property
    def leaves(self) -> tuple[Transform, ...]:
        """The steps that act, with the children of OneOf in its place."""
        nested = [step.children if isinstance(step, OneOf) else (step,) for step in self.steps]
        return tuple(leaf for group in nested for leaf in group)

    @cached_property
    def stage_of(self) -> tuple[int, ...]:
        """The stage of each leaf: what follows a local step, and is not local, opens a new one."""
        stage, after_local, out = 0, False, []
        for leaf in self.leaves:
            local = isinstance(leaf, Local)
            if after_local and not local:
                stage += 1
            after_local = local
            out.append(stage)
        return tuple(out)

    @cached_property
    def stage_count(self) -> int:
        """How many stages a plan has; an output size after a local step needs one of its own."""
        count = max(self.stage_of, default=0) + 1
        resized = self.output is not None and self.output.size is not None
        return count + int(resized and bool(self.leaves) and isinstance(self.leaves[-1], Local))

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """The names of the steps in each stage: one stage is one warp, one table, then local steps."""
        named = list(zip(self.leaves, self.stage_of, strict=True))
        return tuple(tuple(leaf.label for leaf, stage in named if stage == k) for k in range(self.stage_count))

    @property
    def settings(self) -> Settings:
        """How images are rendered."""
        return Settings(self.border, self.fill, self.interpolation, self.value_range, self.output)

    def step(self, name: str) -> Transform:
        """The step of that name. Raises ArgumentError."""
        for step in (*self.steps, *self.leaves):
            if step.label == name:
                return step
        raise ArgumentError(f"this policy has no step {name!r}{policy.near(name, [s.label for s in self.steps])}")

    def without(self, *names: str) -> Compose:
        """The policy without some steps; the others keep their names, and so their draws."""
        for name in names:
            self.step(name)
        return replace(self, steps=tuple(s for s in self.steps if s.label not in names))

    # Draw and plan

    def draw(self, key: Key) -> Draws:
        """Draw every step for the images of a key."""
        u = uniforms(key, self._slots)
        n = len(key.indices)
        active, values = {}, {}
        for step in self.steps:
            row = u.get(step.label)
            acts = np.ones(n, bool) if step.p == 1 else (np.zeros(n, bool) if row is None else row[0] < step.p)
            if isinstance(step, OneOf):
                assert row is not None
                choice = np.searchsorted(np.cumsum(step.shares)[:-1], row[1], side="right")
                for number, child in enumerate(step.children):
                    active[child.label] = acts & (choice == number)
                    values[child.label] = child.draw(u[child.label][1:]) if child.label in u else {}
            else:
                active[step.label] = acts
                values[step.label] = step.draw(row[1:]) if row is not None else step.draw(np.zeros((0, n)))
        return Draws(key, active, values)

    @cached_property
    def _slots(self) -> list[tuple[str, int]]:
        slots = [(s.label, 2) for s in self.steps if isinstance(s, OneOf)]
        leaves = [(leaf.label, 1 + len(leaf.parameters)) for leaf in self.leaves]
        return slots + leaves

    def assemble(self, shapes: Sizes, draws: Draws) -> Plan:
        """The plan that given draws make."""
        return assemble(self.leaves, self.stage_of, self.settings, shapes, draws, self._dict, self.stage_count)

    def plan(
        self,
        shapes: Any,
        indices: Sequence[int] | NDArray[np.int64],
        seed: int = 0,
        epoch: int = 0,
        labels: Any = None,
        objects: Any = None,
        *,
        view: int = 0,
    ) -> Plan:
        """Draw and plan n images without touching a pixel.

        shapes: (n, 2) heights and widths, or n shapes (H, W[, C]). indices: (n,) the image's number in the data
        set, which keys its draw. `labels` and `objects` are for policies whose draws depend on them. Raises
        ArgumentError.
        """
        sizes = check_shapes(shapes)
        key = Key.of(seed, epoch, indices, view)
        if len(key.indices) != len(sizes):
            raise ArgumentError(f"indices has {len(key.indices)} entries, shapes {len(sizes)}; they must agree")
        return self.assemble(sizes, self.draw(key))

    def replay(self, record: Mapping[str, Any]) -> Plan:
        """The plan of a record made by `Plan.record`. Raises PolicyError when it is of another policy."""
        if record.get("policy") != self._dict:
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
        plan = self.plan([image.shape], [index], seed, epoch, view=view)
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
    ) -> Sample:
        """Carry out row `row` of a plan on one image and its targets. Raises InputError."""
        one = plan if len(plan) == 1 else plan.rows(np.array([row]))
        new = render([image], one)[0]
        matrix, size = one.matrix[0], (int(one.sizes[0, 0]), int(one.sizes[0, 1]))
        mirrored = mirrors(matrix)
        new_mask = None
        if mask is not None:
            new_mask = move_mask(check_mask(mask, image), matrix, size, self.border)
            if mirrored and self.mask_swaps:
                new_mask = swap_ids(new_mask, self.mask_swaps)
        moved, kept, names = self._moved_boxes(boxes, box_labels, matrix, image, size)
        points = inside = None
        if keypoints is not None:
            points, inside = move_keypoints(check_points("keypoints", keypoints, 2), matrix, size)
            if mirrored and self.keypoint_swaps:
                points = swap_rows(points, self.keypoint_swaps)
                inside = swap_rows(inside, self.keypoint_swaps)
        return Sample(new, label, new_mask, moved, names, kept, points, inside, one)

    def _moved_boxes(
        self, boxes: Any, names: Sequence[Any] | None, matrix: FloatArray, image: Image, size: tuple[int, int]
    ) -> tuple[FloatArray | None, NDArray[np.intp] | None, list[Any] | None]:
        if boxes is None:
            if names is not None:
                raise InputError("box_labels were given without boxes")
            return None, None, None
        array = check_points("boxes", boxes, 4)
        if names is not None and len(names) != len(array):
            raise InputError(f"box_labels has {len(names)} entries, boxes {len(array)}; they must agree")
        edges = to_xyxy(array, self.box_format, (image.shape[0], image.shape[1]))
        moved, kept = move_boxes(edges, matrix, size, self.min_visible)
        return (
            from_xyxy(moved, self.box_format, size),
            kept,
            None if names is None else [names[i] for i in kept],
        )

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
        plan = self.plan(shapes, indices, seed, epoch, view=view)
        rendered = render(images, plan, out)
        if masks is None and boxes is None and keypoints is None and labels is None:
            return rendered
        for name, given in (("masks", masks), ("boxes", boxes), ("keypoints", keypoints), ("labels", labels)):
            if given is not None and len(given) != len(images):
                raise InputError(f"{name} has {len(given)} entries, images {len(images)}; they must agree")
        samples = tuple(
            self.apply(
                plan,
                i,
                image,
                None if masks is None else masks[i],
                None if boxes is None else boxes[i],
                None,
                None if keypoints is None else keypoints[i],
                None if labels is None else labels[i],
            )
            for i, image in enumerate(images)
        )
        moved = None if masks is None else np.stack([s.mask for s in samples if s.mask is not None])
        names = None if labels is None else np.asarray(labels)
        return Batch(rendered, names, plan.draws.key.indices, moved, samples, plan)

    # Files

    @cached_property
    def _dict(self) -> dict[str, Any]:
        body: dict[str, Any] = {"augsafe": policy.FORMAT, "steps": [policy.encode(s) for s in self.steps]}
        defaults = Compose(())
        for name in OPTIONS:
            value = getattr(self, name)
            if value != getattr(defaults, name):
                body[name] = policy.plain(value)
        if self.output is not None:
            made, base = self.output, Output()
            body["output"] = {
                k: policy.plain(v) for k, v in vars(made).items() if v != getattr(base, k) or (k == "dtype" and v)
            }
        return body

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` reads back."""
        import copy

        return copy.deepcopy(self._dict)

    @staticmethod
    def from_dict(body: Mapping[str, Any]) -> Compose:
        """A policy from plain values. Unknown keys and transforms raise PolicyError; nothing is executed."""
        if not isinstance(body, Mapping) or "steps" not in body:
            raise PolicyError(f"a policy is a mapping with a list 'steps', got {body!r}"[:300])
        policy.refuse_unknown(body, ["augsafe", "steps", "output", *OPTIONS], "the policy")
        if body.get("augsafe", policy.FORMAT) != policy.FORMAT:
            raise PolicyError(f"this policy has format {body['augsafe']!r}; this version reads {policy.FORMAT}")
        if not isinstance(body["steps"], Sequence) or isinstance(body["steps"], str):
            raise PolicyError(f"'steps' must be a list of transforms, got {body['steps']!r}")
        steps = tuple(policy.decode(entry, f"steps[{i}]") for i, entry in enumerate(body["steps"]))
        options = {k: _tuples(body[k]) for k in OPTIONS if k in body}
        try:
            output = None
            if body.get("output") is not None:
                policy.refuse_unknown(body["output"], list(Output.__dataclass_fields__), "output")
                output = Output(**{k: _tuples(v) for k, v in body["output"].items()})
            return Compose(steps, output=output, **options)
        except (ArgumentError, TypeError, AttributeError) as error:
            raise PolicyError(f"the policy is not valid: {error}") from error

    def to_yaml(self) -> str:
        """The policy as YAML."""
        return policy.write_yaml(self._dict)

    @staticmethod
    def from_yaml(text: str) -> Compose:
        """A policy from YAML or JSON text. Raises PolicyError."""
        return Compose.from_dict(policy.read_yaml(text))

    def save(self, path: str | Path) -> None:
        """Write the policy as YAML (or JSON, where the name ends so)."""
        import json

        path = Path(path)
        text = json.dumps(self._dict, indent=2) if path.suffix == ".json" else self.to_yaml()
        path.write_text(text, encoding="utf-8")

    @staticmethod
    def load(path: str | Path) -> Compose:
        """Read a policy file. Raises PolicyError."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"the policy file {str(path)!r} cannot be read: {error}") from error
        try:
            return Compose.from_yaml(text)
        except PolicyError as error:
            raise PolicyError(f"{path}: {error}") from error


OPTIONS = (
    "border",
    "fill",
    "interpolation",
    "value_range",
    "box_format",
    "min_visible",
    "keypoint_swaps",
    "mask_swaps",
)


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value


def _pairs(name: str, value: Any) -> Pairs:
    try:
        return tuple((int(a), int(b)) for a, b in value)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"Compose({name}=...) must be pairs of whole numbers, got {value!r}") from error


def _named(steps: tuple[Any, ...]) -> tuple[Transform, ...]:
    """Give each step, and each child, a name that is unique."""
    flat: list[Any] = [part for s in steps for part in ((s, *s.children) if isinstance(s, OneOf) else (s,))]
    for step in flat:
        if not isinstance(step, Transform):
            raise ArgumentError(f"Compose(steps=...) must hold transforms, got {step!r} of {type(step).__name__}")
    taken = [step.name for step in flat if step.name]
    for name in taken:
        if taken.count(name) > 1:
            raise ArgumentError(f"two steps are called {name!r}; a step's name must be unique in its policy")
    used = set(taken)

    def named(step: Transform) -> Transform:
        if not step.name:
            base, number = type(step).__name__, 1
            name = base
            while name in used:
                number += 1
                name = f"{base}-{number}"
            used.add(name)
            step = replace(step, name=name)
        if isinstance(step, OneOf):
            step = replace(step, children=tuple(named(child) for child in step.children))
        return step

    return tuple(named(step) for step in steps)


def check_shapes(shapes: Any) -> Sizes:
    """Heights and widths (n, 2) from n shapes. Raises ArgumentError."""
    try:
        if isinstance(shapes, np.ndarray) and shapes.dtype.kind in "iu" and shapes.ndim == 2:
            sizes = shapes[:, :2].astype(np.int64).reshape(-1, 2)
        else:
            sizes = np.array([tuple(shape)[:2] for shape in shapes], dtype=np.int64).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"shapes must be n shapes (H, W[, C]), got {shapes!r}") from error
    if (sizes < 1).any():
        raise ArgumentError(f"shapes must be at least 1 x 1, got {sizes.min(axis=0).tolist()}")
    return sizes


def check_images(images: Any, value_range: tuple[float, float] | None) -> None:
    """Check a batch: an array (n, H, W[, C]) or a list of images. Raises InputError."""
    if isinstance(images, np.ndarray):
        if images.ndim not in (3, 4) or not len(images):
            raise InputError(f"images must be (n, H, W) or (n, H, W, C) with n at least 1, got shape {images.shape}")
        check_image(images[0], value_range, "images[0]")
        if images.dtype == np.float32:
            for i, image in enumerate(images):
                check_image(image, value_range, f"images[{i}]")
        return
    if not isinstance(images, Sequence) or not images:
        raise InputError(f"images must be an array (n, H, W[, C]) or a list of images, got {type(images).__name__}")
    for i, image in enumerate(images):
        check_image(image, value_range, f"images[{i}]")


def move_mask(mask: NDArray[Any], matrix: FloatArray, size: tuple[int, int], border: str) -> NDArray[Any]:
    """A label mask through a map, nearest neighbour; beyond a constant border it is 0."""
    kind = mask.dtype
    wide = mask.astype(np.float64 if kind.itemsize > 2 else np.int16 if kind.itemsize == 1 else np.float32)
    exact = bool(is_permutation(matrix[None])[0])
    return warp(wide, matrix, size, border, 0, "nearest", exact, (1, 1)).astype(kind)
