"""What the workers of a loader do: read some images, plan them, let the guards act, render them into one buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.compose import Compose
from augsafe.contracts import Contract
from augsafe.errors import AugsafeError, ContractError, InputError, SourceError
from augsafe.guards.enforce import Enforcer, OnViolation
from augsafe.guards.log import Log
from augsafe.guards.objects import Cache
from augsafe.perclass import PerClass
from augsafe.plan import Plan
from augsafe.render import output_shape, render
from augsafe.sample import Batch, Image, Sample, check_image, check_mask
from augsafe.sources import Item, Source
from augsafe.targets import move_targets


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


@dataclass(eq=False)
class _Read:
    """What was read: one entry an image."""

    rows: list[int] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    labels: list[Any] = field(default_factory=list)
    masks: list[Any] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)


class Worker:
    """Turns candidates into rendered chunks; holds nothing that depends on their order."""

    def __init__(
        self,
        source: Source,
        transform: Compose | PerClass,
        contract: Contract | None,
        on_violation: OnViolation | None,
        on_error: str,
        seed: int,
    ) -> None:
        self.source = source
        self.policies = transform.policies if isinstance(transform, PerClass) else {"*": transform}
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
            else {name: Enforcer(p, self.contract, on_violation) for name, p in self.policies.items() if p.steps}
        )
        self._objects = Cache(len(source)) if self.guards else None

    def __call__(self, epoch: int, view: NDArray[np.int64], indices: NDArray[np.int64], start: int) -> Chunk:
        """Carry out the candidates `indices`, whose first has place `start` in the epoch's order."""
        read = self._read(indices)
        end = start + len(indices)
        if not read.rows:
            return Chunk(None, np.zeros(0, np.int64), end, Log(), tuple(read.skipped))
        rows = np.asarray(read.rows)
        labels = self._indices(read.labels)
        objects = None
        if self._objects is not None:
            objects = self._objects.find(indices[rows], read.images, read.masks, [item.boxes for item in read.items])
        log = Log()
        parts: list[tuple[NDArray[np.intp], Compose, Plan, NDArray[np.int64]]] = []
        for some, name, number in self._groups(read.labels, labels, view[rows]):
            policy = self.policies[name]
            shapes = [read.images[i].shape for i in some]
            plan = policy.plan(shapes, indices[rows[some]], self.seed, epoch, view=number)
            new = labels[some]
            if name in self.guards:
                found = None if objects is None else objects.rows(some)
                plan, new, keep, done = self.guards[name].enforce(plan, new, found)
                log.add(done)
                if not keep.all():
                    kept = np.flatnonzero(keep)
                    some, new = some[kept], new[kept]
                    plan = policy.assemble(plan.shapes[kept], plan.draws.rows(kept))
            if len(some):
                parts.append((some, policy, plan, new))
        batch, kept_rows = self._rendered(read, indices[rows], labels, parts)
        size = sum(image.nbytes for image in read.images) + (0 if batch is None else batch.images.nbytes)
        return Chunk(batch, start + rows[kept_rows], end, log, tuple(read.skipped), size)

    # Reading

    def _read(self, indices: NDArray[np.int64]) -> _Read:
        read = _Read()
        ranges = next(iter(self.policies.values())).value_range
        for row, index in enumerate(indices.tolist()):
            try:
                item = self.source[index]
                image = check_image(item.image, ranges)
                if item.mask is not None:
                    check_mask(item.mask, image)
            except Exception as error:
                if self.on_error == "skip":
                    read.skipped.append((index, str(error)))
                    continue
                kind = type(error) if isinstance(error, AugsafeError) else SourceError
                raise kind(f"image {index}: {error}") from error
            read.rows.append(row)
            read.images.append(image)
            read.labels.append(item.label)
            read.masks.append(item.mask)
            read.items.append(item)
        return read

    def _indices(self, labels: Sequence[Any]) -> NDArray[np.int64]:
        """Class indices of the contract, -1 where there is no contract or no label."""
        if self.contract is None or not self.contract.classes:
            return np.full(len(labels), -1, np.int64)
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

    def _rendered(
        self,
        read: _Read,
        indices: NDArray[np.int64],
        old: NDArray[np.int64],
        parts: list[tuple[NDArray[np.intp], Compose, Plan, NDArray[np.int64]]],
    ) -> tuple[Batch | None, NDArray[np.intp]]:
        if not parts:
            return None, np.zeros(0, np.intp)
        order = np.sort(np.concatenate([some for some, *_ in parts]))
        place = {int(row): k for k, row in enumerate(order)}
        shapes = {shape for some, _, plan, _ in parts for shape in _output_shapes(plan, [read.images[i] for i in some])}
        if len(shapes) > 1:
            raise InputError(
                f"the images of a batch must have one shape and dtype, these differ: "
                f"{sorted({str(shape) for shape, _ in shapes})[:4]}; end the policy with Resize((height, width)), or "
                "give the loader output=Output(size=...)"
            )
        ((shape, dtype),) = shapes
        out = np.empty((len(order), *shape), dtype)
        samples: list[Sample | None] = [None] * len(order)
        labels = [read.labels[i] for i in order]
        for some, policy, plan, new in parts:
            whole = len(parts) == 1
            made = render([read.images[i] for i in some], plan, out if whole else None)
            places = np.array([place[int(i)] for i in some])
            if not whole:
                out[places] = made
            for k, i in enumerate(some):
                if new[k] != old[i]:
                    labels[places[k]] = self._relabelled(int(new[k]), read.labels[i])
                item = read.items[i]
                if item.mask is not None or item.boxes is not None or item.keypoints is not None:
                    samples[places[k]] = _moved(policy, plan, k, item, out[places[k]], labels[places[k]])
        only = parts[0][2] if len(parts) == 1 else None
        return _batch(out, self._labels(labels), indices[order], samples, only), order

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


def _output_shapes(plan: Plan, images: Sequence[Image]) -> set[tuple[tuple[int, ...], np.dtype[Any]]]:
    """The shapes and dtypes of a plan's outputs."""
    if (plan.sizes == plan.sizes[0]).all():
        kinds = {(image.shape[2:], image.dtype): image for image in images}
        return {output_shape(plan, 0, image) for image in kinds.values()}
    return {output_shape(plan, row, image) for row, image in enumerate(images)}


def _bound(contract: Contract | None, classes: tuple[str, ...]) -> Contract | None:
    return contract if contract is None or not classes else contract.with_classes(classes)


def _moved(policy: Compose, plan: Plan, row: int, item: Item, image: Image, label: Any) -> Sample:
    """The image with its targets: boxes come as xyxy and leave in the policy's format."""
    size = (int(plan.sizes[row, 0]), int(plan.sizes[row, 1]))
    rules = policy.target_rules("xyxy")
    m = move_targets(rules, plan.matrix[row], item.image, size, item.mask, item.boxes, item.box_labels, item.keypoints)
    return Sample(image, label, m.mask, m.boxes, m.box_labels, m.kept, m.keypoints, m.inside)


def _batch(
    images: NDArray[Any],
    labels: NDArray[Any] | None,
    indices: NDArray[np.int64],
    samples: list[Sample | None],
    plan: Plan | None,
) -> Batch:
    masks = [s.mask for s in samples if s is not None and s.mask is not None]
    stacked = np.stack(masks) if len(masks) == len(samples) else None
    filled = tuple(
        s if s is not None else Sample(image, None if labels is None else labels[k])
        for k, (s, image) in enumerate(zip(samples, images, strict=True))
    )
    return Batch(images, labels, indices, stacked, filled if any(samples) else None, plan)


def joined(parts: Sequence[Batch]) -> Batch:
    """Batches one after another as one. Raises InputError where their shapes differ."""
    if len(parts) == 1:
        return parts[0]
    if len({(p.images.shape[1:], p.images.dtype) for p in parts}) > 1:
        raise InputError("the images of a batch must have one shape and dtype; end the policy with Resize")
    labels = [p.labels for p in parts if p.labels is not None]
    masks = [p.masks for p in parts if p.masks is not None]
    samples = [p.samples for p in parts if p.samples is not None]
    return Batch(
        np.concatenate([p.images for p in parts]),
        np.concatenate(labels) if len(labels) == len(parts) else None,
        np.concatenate([p.indices for p in parts]),
        np.concatenate(masks) if len(masks) == len(parts) else None,
        tuple(s for group in samples for s in group) if len(samples) == len(parts) else None,
    )


def taken(batch: Batch, start: int, stop: int) -> Batch:
    """Some rows of a batch."""
    if (start, stop) == (0, len(batch)):
        return batch
    part = slice(start, stop)
    return Batch(
        batch.images[part],
        None if batch.labels is None else batch.labels[part],
        batch.indices[part],
        None if batch.masks is None else batch.masks[part],
        None if batch.samples is None else batch.samples[part],
    )


def first_of(
    waiting: list[tuple[Batch, NDArray[np.int64]]], wanted: int
) -> tuple[Batch, int, list[tuple[Batch, NDArray[np.int64]]]]:
    """The first `wanted` images, the place of the last of them, and what is left."""
    parts: list[Batch] = []
    last, need = -1, wanted
    while need:
        batch, positions = waiting[0]
        count = min(need, len(batch))
        parts.append(taken(batch, 0, count))
        last, need = int(positions[count - 1]), need - count
        if count == len(batch):
            waiting = waiting[1:]
        else:
            waiting = [(taken(batch, count, len(batch)), positions[count:]), *waiting[1:]]
    return joined(parts), last, waiting
