"""What a training function is given, and how a data set is split for it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.policies import Compose
from augsafe.typing import GroupsLike, ImagesLike, LabelsLike

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Split:
    """Images to learn from, with labels, and images to predict, without labels.

    Attributes:
        part: "validation" or "test".
        images: The n training images.
        labels: Their class indices (n,).
        indices: Their numbers in the data set (n,), which set the random values.
        targets: The images to predict.
        classes: The names of the classes.
    """

    part: str
    images: Any
    labels: Indices
    indices: Indices
    targets: Any
    classes: tuple[str, ...]


Train = Callable[[Compose, int, Split], Any]


@dataclass(frozen=True, eq=False)
class Data:
    """A data set with its three parts, as rows."""

    images: Any
    labels: Indices
    classes: tuple[str, ...]
    rows: dict[str, Indices]
    hash: str
    groups: Indices | None = None

    def part(self, name: str) -> Split:
        """The split whose targets are the images of that part."""
        train = self.rows["train"]
        return Split(name, self._take(train), self.labels[train], train, self._take(self.rows[name]), self.classes)

    def truth(self, name: str) -> Indices:
        """The labels of a part."""
        return self.labels[self.rows[name]]

    def grouped(self, name: str) -> Indices | None:
        """The group of each image of a part, where there are groups."""
        return None if self.groups is None else self.groups[self.rows[name]]

    def _take(self, rows: Indices) -> Any:
        return self.images[rows] if isinstance(self.images, np.ndarray) else [self.images[int(i)] for i in rows]

    @property
    def words(self) -> str:
        """The data in words."""
        sizes = ", ".join(f"{len(v):,} {k}" for k, v in self.rows.items())
        return f"{len(self.labels):,} images of {len(self.classes)} classes: {sizes}"


def split_data(
    images: ImagesLike,
    labels: LabelsLike,
    classes: Sequence[str] | None,
    shares: tuple[float, float],
    seed: int,
    groups: GroupsLike | None = None,
) -> Data:
    """Split a data set into training, validation and test images, with each class in proportion.

    Args:
        images: (n, H, W[, C]) or a list of arrays.
        labels: (n,) names or indices.
        classes: The names of the classes. Default: from the labels.
        shares: The shares of validation and test images.
        seed: The seed of the split.
        groups: (n,) Images of one group stay together.

    Returns:
        The data with its three parts.

    Raises:
        InputError: There are too few images of a class.
        ArgumentError: The shares leave no training images.
    """
    if images is None or len(images) == 0:
        raise InputError("ablate(images=...) is empty")
    if labels is None or len(labels) != len(images):
        given = None if labels is None else len(labels)
        raise InputError(f"labels has {given} entries, images {len(images)}; they must agree")
    if min(shares) <= 0 or sum(shares) >= 1:
        raise ArgumentError(
            f"ablate(shares=...) are those of validation and test, and leave some to train, got {shares!r}"
        )
    values = np.asarray(labels)
    if values.dtype.kind in "iu" and int(values.min()) < 0:
        raise InputError(f"labels must be class indices from 0, got {int(values.min())}")
    given_names = tuple(str(c) for c in classes) if classes is not None else ()
    if values.dtype.kind in "iu":
        names = given_names or tuple(str(i) for i in range(int(values.max()) + 1))
        numbers = values.astype(np.int64)
    else:
        names = given_names or tuple(sorted({str(v) for v in values}))
        unknown = sorted({str(v) for v in values} - set(names))
        if unknown:
            raise InputError(f"labels hold {unknown[:5]}, which are not among the classes {list(names)}")
        numbers = np.array([names.index(str(v)) for v in values], dtype=np.int64)
    if int(numbers.max()) >= len(names):
        raise InputError(f"labels hold the index {int(numbers.max())}, and there are {len(names)} classes")
    if len(np.unique(numbers)) < 2:
        raise InputError("labels have only one class; an ablation needs at least two")
    rows = _rows(numbers, shares, seed, groups)
    units = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
    return Data(images, numbers, names, rows, _hash(images, numbers, names, rows), units)


def _rows(labels: Indices, shares: tuple[float, float], seed: int, groups: Any) -> dict[str, Indices]:
    units = np.arange(len(labels)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(units) != len(labels):
        raise InputError(f"groups has {len(units)} entries, images {len(labels)}; they must agree")
    rng = np.random.default_rng(seed)
    firsts = np.unique(units, return_index=True)[1]
    part_of = np.zeros(int(units.max()) + 1, dtype=np.int64)
    for cls in np.unique(labels):
        mine = rng.permutation(units[firsts[labels[firsts] == cls]])
        validation, test = (max(1, round(share * len(mine))) for share in shares)
        if len(mine) < validation + test + 1:
            raise InputError(f"class index {cls} has {len(mine)} independent images; at least three are needed")
        part_of[mine[:validation]], part_of[mine[validation : validation + test]] = 1, 2
    return {name: np.flatnonzero(part_of[units] == k) for k, name in enumerate(("train", "validation", "test"))}


def _hash(images: Any, labels: Indices, classes: tuple[str, ...], rows: dict[str, Indices]) -> str:
    digest = hashlib.sha256(repr((len(labels), classes)).encode() + labels.tobytes())
    for image in images:
        array = np.ascontiguousarray(image)
        digest.update(repr((array.shape, str(array.dtype))).encode() + array.tobytes())
    for name, chosen in rows.items():
        digest.update(name.encode() + chosen.tobytes())
    return digest.hexdigest()


def fingerprint(train: Any) -> str:
    """What tells one training function from another: its name, source, settings and what it closes over.

    What the function calls in turn is not looked at: where that changes, name another store, or give `train_key`.
    """
    if isinstance(train, partial):
        return repr(("partial", fingerprint(train.func), repr(train.args), sorted(train.keywords.items())))
    if is_dataclass(train) and not isinstance(train, type):
        settings = {f.name: getattr(train, f.name) for f in fields(train)}
        said = {k: fingerprint(v) if callable(v) else repr(v) for k, v in settings.items()}
        return repr((type(train).__module__, type(train).__qualname__, said))
    target = train if inspect.isroutine(train) or inspect.isclass(train) else type(train).__call__
    try:
        text = inspect.getsource(target)
    except (OSError, TypeError):
        text = ""
    closed = [repr(c.cell_contents) for c in (getattr(train, "__closure__", None) or ())]
    name = (getattr(target, "__module__", ""), getattr(target, "__qualname__", ""))
    return repr((name, text, closed, repr(getattr(train, "__defaults__", None))))
