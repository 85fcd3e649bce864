"""Does a loader draw the same random numbers in several workers or epochs (AS504)? Asked of the loader itself.

A PyTorch DataLoader is made again with a sampler that asks for one image many times, so that each batch shows one
worker's draws for that image. What two draws of one worker have in common by chance says how much two workers, or two
epochs, may have in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError
from augsafe.guards import Finding, lines_of
from augsafe.statistics import clopper_pearson

LEVEL = 0.001  # of each of the two tests
_KEPT = (
    "num_workers",
    "collate_fn",
    "worker_init_fn",
    "multiprocessing_context",
    "persistent_workers",
    "timeout",
)
_IMAGES = ("image", "images", "pixel_values", "x")


@dataclass(frozen=True)
class LoaderCheck:
    """What was found, and the shares of equal draws: of one worker by chance, of two workers, and of two epochs.

    A share is None where there was nothing to compare: fewer than two workers.
    """

    findings: tuple[Finding, ...]
    by_chance: float
    between_workers: float | None
    between_epochs: float
    draws: int

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def __str__(self) -> str:
        workers = "" if self.between_workers is None else f", in two workers {self.between_workers:.0%}"
        said = f"Of {self.draws} draws of one image, equal by chance {self.by_chance:.0%}{workers}"
        return "\n".join([*lines_of(self.findings), f"{said}, in two epochs {self.between_epochs:.0%}."])


def check_loader(loader: Any, *, draws: int = 64, index: int = 0) -> LoaderCheck:
    """Test whether the workers or the epochs of a PyTorch DataLoader repeat their random values (AS504).

    A data set with `set_epoch` is set to the epoch, and back to epoch 0 afterwards. Global generators are restored.

    Args:
        loader: A DataLoader with a map-style data set. It is not iterated itself.
        draws: How often each worker is asked for the image, in each of two epochs. At least 16.
        index: The index of the image.

    Returns:
        The shares of equal images, and AS504 if there are more than by chance.

    Raises:
        ArgumentError: It is not such a DataLoader, or an argument is not valid.
        InputError: The batches contain no images.
    """
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 16:
        raise ArgumentError(f"check_loader(draws=...) must be at least 16, got {draws!r}")
    data = getattr(loader, "dataset", None)
    if data is None or not hasattr(loader, "worker_init_fn") or not hasattr(data, "__getitem__"):
        raise ArgumentError(
            f"check_loader needs a torch DataLoader over a map-style data set, got {type(loader).__name__}; "
            "augsafe.Loader draws by (seed, epoch, index) and cannot repeat"
        )
    workers = max(1, loader.num_workers)
    options = {name: getattr(loader, name) for name in _KEPT}
    if loader.batch_sampler is None:  # it gives examples one by one, and its collate_fn is for one
        options["collate_fn"] = list
    asked = type(loader)(data, batch_size=int(draws), sampler=[index] * (int(draws) * workers), **options)
    with _left_alone():
        first, second = (_epoch(asked, data, epoch, workers, int(draws)) for epoch in (0, 1))
    if hasattr(data, "set_epoch"):
        data.set_epoch(0)
    return compare(first, second)


def compare(first: Sequence[NDArray[Any]], second: Sequence[NDArray[Any]]) -> LoaderCheck:
    """Say what the draws of two epochs have in common.

    Args:
        first: For each worker its draws of one image in an epoch (draws,). What is equal counts as the same draw.
        second: The same in another epoch.

    Returns:
        The shares of equal draws, and a finding for each that is larger than by chance.
    """
    draws = len(first[0])
    pairs = [_equal(first[0], np.roll(first[0], k)) for k in range(1, draws)]
    chance = float(np.mean(pairs))
    between = [_equal(a, b) for k, a in enumerate(first) for b in first[k + 1 :]]
    worst = max((float(e.mean()) for e in between), default=None)
    epochs = float(np.mean([_equal(a, b).mean() for a, b in zip(first, second, strict=True)]))
    found = []
    if worst is not None and _more(worst, draws, chance):
        found.append(_finding("two workers", worst, chance))
    if _more(epochs, draws, chance):
        found.append(_finding("two epochs", epochs, chance))
    return LoaderCheck(tuple(found), chance, worst, epochs, draws)


@contextmanager
def _left_alone() -> Iterator[None]:
    """Put the global generators back where they were: asking must not change what the user draws next."""
    import random

    import torch

    own, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(own)
        np.random.set_state(numpys)  # noqa: NPY002


def _epoch(loader: Any, data: Any, epoch: int, workers: int, draws: int) -> list[NDArray[np.str_]]:
    """A digest of each draw (draws,), for each worker."""
    if hasattr(data, "set_epoch"):
        data.set_epoch(epoch)
    return [_digests(batch, draws) for batch in islice(loader, workers)]


def _digests(batch: Any, draws: int) -> NDArray[np.str_]:
    import hashlib

    images = _images(batch, draws)
    if images is None:
        raise InputError(f"the batches of this loader hold no images that could be compared: {type(batch).__name__}")
    rows = [np.ascontiguousarray(np.asarray(image)) for image in images]
    return np.array([hashlib.blake2b(row.tobytes(), digest_size=16).hexdigest() for row in rows])


def _images(batch: Any, draws: int) -> Any:
    """As many images as were asked for: an array, a list, or one of each example; None where there are none."""
    if _axes(batch) >= 3 and len(batch) == draws:
        return batch
    entries = _entries(batch)
    if len(entries) == draws and all(_axes(one) in (2, 3) for one in entries):
        return entries
    for entry in entries:
        found = _images(entry, draws)
        if found is not None:
            return found
    if len(entries) == draws and all(_entries(one) for one in entries):
        shown = [next((part for part in _entries(one) if _axes(part) in (2, 3)), None) for one in entries]
        return None if any(image is None for image in shown) else shown
    return None


def _axes(item: Any) -> int:
    return len(getattr(item, "shape", ()))


def _entries(item: Any) -> list[Any]:
    """What a batch or an example holds, images by name first."""
    if isinstance(item, Mapping):
        return [*(item[name] for name in _IMAGES if name in item), *item.values()]
    return list(item) if isinstance(item, (list, tuple)) else []


def _equal(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    size = min(len(one), len(other))
    return np.asarray(one[:size] == other[:size])


def _more(share: float, draws: int, chance: float) -> bool:
    """Whether more draws are equal than by chance, where that is itself known from as many draws only."""
    from scipy.stats import binomtest

    most = clopper_pearson(round(chance * draws), draws, 1 - LEVEL)[1]
    return bool(binomtest(round(share * draws), draws, most, alternative="greater").pvalue < LEVEL)


def _finding(where: str, share: float, chance: float) -> Finding:
    return Finding(
        code="AS504",
        severity="error",
        how="sampled",
        evidence="measured",
        verdict="safe",
        steps=(),
        classes=(),
        message=f"{share:.0%} of the augmented images are the same in {where}; by chance it would be {chance:.0%}",
        help="Draw from a generator that is seeded for each worker and epoch, as torch.initial_seed() is.",
        probability=share,
    )
