"""What the workers of a loader do: read some images, plan them, let the guards act, render them into one buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.errors import ContractError, InputError
from augsafe.guards import HUE, Enforcer, Log, LooksCache, OnViolation
from augsafe.images import Item, Source
from augsafe.loading.joining import mixed_shapes
from augsafe.loading.reading import Read, read_images
from augsafe.objects import Cache, Guess
from augsafe.pixels import Batch, Form, Image, Images, Sample, Targets, move_targets, output_shape, render
from augsafe.planning import Plan
from augsafe.policies import Compose, PerClass


@dataclass(frozen=True, eq=False)
class Chunk:
    """The images of some candidates that were kept: `positions` are their places in the epoch's order.

    `bytes` is what the images took as they were read and as they were rendered.
    """

    batch: Batch | None
    positions: NDArray[np.int64]
    end: int
    log: Log
    skipped: tuple[tuple[int, str], ...]
    bytes: int = 0


@dataclass(frozen=True, eq=False)
class Planned:
    """Images of a block that share a policy: their rows in the block, rising, and their labels after the guards."""

    rows: NDArray[np.intp]
    policy: Compose
    plan: Plan
    labels: NDArray[np.int64]

    def between(self, low: int, high: int) -> Planned:
        """Those whose rows lie from `low` to `high`, both included."""
        some = np.arange(np.searchsorted(self.rows, low), np.searchsorted(self.rows, high, "right"))
        return Planned(self.rows[some], self.policy, self.plan.rows(some), self.labels[some])


@dataclass(frozen=True, eq=False)
class Block:
    """Candidates that were read, planned and guarded; `positions` are the places in the epoch's order of those read."""

    read: Read
    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    positions: NDArray[np.int64]
    end: int
    log: Log
    parts: list[Planned]

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """The rows that are kept."""
        return np.sort(np.concatenate([part.rows for part in self.parts])) if self.parts else np.zeros(0, np.intp)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def bytes_read(self) -> int:
        """What an image takes as it is read, at the mean."""
        return self.read.nbytes // max(1, len(self.read.images))


class Worker:
    """Reads, plans, checks and renders images. It keeps nothing that depends on their order.

    Args:
        source: The data set.
        transform: The policy, or one for each class.
        contract: The contract of the guards, or None.
        on_violation: The action of the guards, None turns them off.
        on_error: "raise" or "skip".
        seed: The random seed.
        guess: Guess the object in images without mask and boxes.
    """

    def __init__(
        self,
        source: Source,
        transform: Compose | PerClass,
        contract: Contract | None,
        on_violation: OnViolation | None,
        on_error: str,
        seed: int,
        guess: Guess | None = None,
    ) -> None:
        self.source = source
        self.policies = transform.policies if isinstance(transform, PerClass) else {"*": transform}
        self._value_range = next(iter(self.policies.values())).value_range
        self.per_class = transform if isinstance(transform, PerClass) else None
        self.on_error = on_error
        self.seed = seed
        self.classes = tuple(str(c) for c in source.classes) if source.classes is not None else ()
        self.contract = _bound(contract, self.classes)
        known = self.contract.classes if self.contract is not None else ()
        self._index_of = np.array([known.index(c) for c in self.classes or known] if known else [], np.int64)
        self.names = self.classes or (self.contract.classes if self.contract is not None else ())
        self.guards = (
            {}
            if on_violation is None
            else {
                name: Enforcer(p, self.contract, on_violation, self.classes)
                for name, p in self.policies.items()
                if p.steps
            }
        )
        wanted = bool(self.guards) or any(policy.minds_objects for policy in self.policies.values())
        self._objects = Cache(len(source), guess) if wanted else None
        tone = {code for guard in self.guards.values() for code in guard.rules.appearance.codes}
        self._looks = LooksCache(len(source), self._value_range, HUE in tone) if tone else None

    def __call__(self, epoch: int, view: NDArray[np.int64], indices: NDArray[np.int64], start: int) -> Chunk:
        """Carry out the candidates `indices`, whose first has place `start` in the epoch's order."""
        block = self.plan(epoch, view, indices, start)
        return self.render(block, 0, len(block))

    def plan(self, epoch: int, view: NDArray[np.int64], indices: NDArray[np.int64], start: int) -> Block:
        """Read candidates, plan them and apply the guards. Planning many at once costs less for each.

        Args:
            epoch: The epoch.
            view: (n,) The view of each candidate.
            indices: (n,) Their indices in the data set.
            start: The place of the first one in the order of the epoch.

        Returns:
            The planned block.
        """
        read = read_images(self.source, indices, self._value_range, self.on_error)
        end, rows = start + len(indices), np.asarray(read.rows, dtype=np.intp)
        labels = self._indices(read.labels) if len(rows) else np.zeros(0, np.int64)
        block = Block(read, indices[rows], labels, start + rows, end, Log(), [])
        if not len(rows):
            return block
        objects = None
        if self._objects is not None:
            masks, boxes = (_given(read.targets(name)) for name in ("mask", "boxes"))
            # without either, and unless a guess is asked for, nothing looks for objects
            if self._objects.guess is not None or masks is not None or boxes is not None:
                objects = self._objects.find(block.indices, read.images, masks, boxes, read.labels)
        looks = None if self._looks is None else self._looks.find(block.indices, read.images)
        for some, name, number in self._groups(read.labels, block.labels, view[rows]):
            policy = self.policies[name]
            found = None if objects is None else objects.rows(some)
            plan = policy.plan(read.shapes(some), block.indices[some], self.seed, epoch, objects=found, view=number)
            new = block.labels[some]
            if name in self.guards:
                seen = None if looks is None else looks.rows(some)
                plan, new, keep, done = self.guards[name].enforce(plan, new, found, seen)
                block.log.add(done)
                if not keep.all():
                    kept = np.flatnonzero(keep)
                    some, new = some[kept], new[kept]
                    plan = policy.assemble(plan.shapes[kept], plan.draws.rows(kept))
            if len(some):
                block.parts.append(Planned(some, policy, plan, new))
        return block

    def render(self, block: Block, first: int, last: int) -> Chunk:
        """Render some of the images that a block keeps. The log of the block comes with the first of them.

        Args:
            block: The planned block.
            first: The first image.
            last: The image after the last one.

        Returns:
            The rendered images.
        """
        kept = block.order[first:last]
        log, skipped = (block.log, tuple(block.read.skipped)) if first == 0 else (Log(), ())
        if not len(kept):
            return Chunk(None, np.zeros(0, np.int64), block.end, log, skipped)
        whole = len(kept) == len(block)
        parts = (
            block.parts if whole else [p for p in (p.between(kept[0], kept[-1]) for p in block.parts) if len(p.rows)]
        )
        batch = self._rendered(block, kept, parts)
        size = block.bytes_read * len(kept) + batch.images.nbytes
        return Chunk(batch, block.positions[kept], block.end, log, skipped, size)

    def _indices(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Class indices of the contract, else of the source; -1 where there is no label."""
        if self.contract is None or not self.contract.classes:
            known = {name: number for number, name in enumerate(self.classes)}
            whole = (int, np.integer)
            return np.array([int(n) if isinstance(n, whole) else known.get(n, -1) for n in labels], np.int64)
        if all(isinstance(label, (int, np.integer)) for label in labels):
            numbers = np.array(labels, np.int64)
            if numbers.min() >= 0 and numbers.max() < len(self._index_of):
                return self._index_of[numbers]
        named = [self._name(label) for label in labels]  # this also says what is wrong
        return np.array([-1 if n is None else self.contract.index(n) for n in named], dtype=np.int64)

    def _name(self, label: Any) -> str | int | None:
        if label is None or isinstance(label, str):
            return label
        if not isinstance(label, (int, np.integer)):
            raise InputError(f"a label must be a class name or an index, got {label!r}")
        if not self.classes:
            return int(label)
        if not 0 <= int(label) < len(self.classes):
            raise InputError(f"label {int(label)} is out of range: the source has {len(self.classes)} classes")
        return self.classes[int(label)]

    # Planning and rendering

    def _groups(
        self, raw: Sequence[Any], labels: NDArray[np.int64], view: NDArray[np.int64]
    ) -> list[tuple[NDArray[np.intp], str, int]]:
        """Rows that share a policy and a view."""
        if self.per_class is None:
            names = np.zeros(len(raw), np.int64)
            known = ["*"]
        else:
            known = list(self.policies)
            keys = [self.per_class.key_for("" if n is None else str(self._spoken(n))) for n in map(self._name, raw)]
            names = np.array([known.index(key) for key in keys])
        pairs = np.unique(np.stack([names, view], axis=1), axis=0)
        return [
            (np.flatnonzero((names == name) & (view == number)), known[name], int(number)) for name, number in pairs
        ]

    def _spoken(self, name: str | int) -> str:
        return name if isinstance(name, str) else (self.names[name] if name < len(self.names) else str(name))

    def _rendered(self, block: Block, order: NDArray[np.intp], parts: list[Planned]) -> Batch:
        read = block.read
        given = [read.some(part.rows) for part in parts]
        for part in parts:
            if read.items and any(_has_targets(read.items[i]) for i in part.rows):
                part.plan.resolve()
        # what a plan that is not resolved gives is known once it is rendered
        ready = [None if p.plan.resolved else render(x, p.plan) for p, x in zip(parts, given, strict=True)]
        shapes: set[Form] = set()
        for part, images, made in zip(parts, given, ready, strict=True):
            shapes |= _output_shapes(part.plan, images) if made is None else {(x.shape, x.dtype) for x in made}
        if len(shapes) > 1:
            raise mixed_shapes(shapes)
        ((shape, dtype),) = shapes
        alone = len(parts) == 1
        # one shape: so what was rendered together is one array
        out = np.asarray(ready[0]) if alone and ready[0] is not None else np.empty((len(order), *shape), dtype)
        samples: list[Sample | None] = [None] * len(order)
        labels = [read.labels[i] for i in order]
        for part, images, made in zip(parts, given, ready, strict=True):
            places = np.searchsorted(order, part.rows)
            if made is None:
                made = render(images, part.plan, out if alone else None)
            if not alone:
                out[places] = made
            for k in np.flatnonzero(part.labels != block.labels[part.rows]).tolist():
                labels[places[k]] = self._relabelled(int(part.labels[k]), read.labels[part.rows[k]])
            for k, i in enumerate(part.rows if read.items else ()):
                item = read.items[i]
                if _has_targets(item):
                    samples[places[k]] = _moved(part.policy, part.plan, k, item, out[places[k]], labels[places[k]])
        only = parts[0].plan if len(parts) == 1 else None
        return _batch(out, self._labels(labels), block.indices[order], samples, only)

    def _relabelled(self, label: int, like: Any) -> Any:
        assert self.contract is not None
        name = self.contract.classes[label]
        if isinstance(like, str):
            return name
        if not self.classes:
            return label
        if name not in self.classes:
            raise ContractError(f"relabelling needs class {name!r}, which the source does not have")
        return self.classes.index(name)

    def _labels(self, labels: list[Any]) -> NDArray[Any] | None:
        if all(label is None for label in labels):
            return None
        if self.names and all(isinstance(label, str) for label in labels):
            unknown = [label for label in labels if label not in self.names]
            if unknown:
                raise InputError(f"label {unknown[0]!r} is no class of the source; known are {', '.join(self.names)}")
            return np.array([self.names.index(label) for label in labels], dtype=np.int64)
        return np.asarray(labels)


def _given(targets: list[Any] | None) -> list[Any] | None:
    """Masks or boxes, None where no image has any."""
    return None if targets is None or all(target is None for target in targets) else targets


def _has_targets(item: Item) -> bool:
    return item.mask is not None or item.boxes is not None or item.keypoints is not None


def _output_shapes(plan: Plan, images: Images) -> set[Form]:
    """The shapes and dtypes of a plan's outputs."""
    if (plan.sizes == plan.sizes[0]).all():
        if isinstance(images, np.ndarray):
            return {output_shape(plan, 0, images[0])}
        kinds = {(image.shape[2:], image.dtype): image for image in images}
        return {output_shape(plan, 0, image) for image in kinds.values()}
    return {output_shape(plan, row, image) for row, image in enumerate(images)}


def _bound(contract: Contract | None, classes: tuple[str, ...]) -> Contract | None:
    return contract if contract is None or not classes else contract.with_classes(classes)


def _moved(policy: Compose, plan: Plan, row: int, item: Item, image: Image, label: Any) -> Sample:
    """The image with its targets: boxes come as xyxy and leave in the policy's format."""
    rules = policy.target_rules("xyxy")
    m = move_targets(rules, plan, row, item.image, Targets(item.mask, item.boxes, item.box_labels, item.keypoints))
    return Sample(image, label, m.mask, m.boxes, m.box_labels, m.kept, m.keypoints, m.inside)


def _batch(
    images: NDArray[Any],
    labels: NDArray[Any] | None,
    indices: NDArray[np.int64],
    samples: list[Sample | None],
    plan: Plan | None,
) -> Batch:
    if not any(samples):
        return Batch(images, labels, indices, plan=plan)
    masks = [s.mask for s in samples if s is not None and s.mask is not None]
    stacked = np.stack(masks) if len(masks) == len(samples) else None
    filled = tuple(
        s if s is not None else Sample(image, None if labels is None else labels[k])
        for k, (s, image) in enumerate(zip(samples, images, strict=True))
    )
    return Batch(images, labels, indices, stacked, filled, plan)
