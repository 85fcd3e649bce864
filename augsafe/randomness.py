"""Counter-based random numbers: a draw is a pure function of its key.

The key is (seed, step name, slot) for the row and (epoch, index, view, attempt) for the column. Nothing is
stored between calls, so the same key gives the same number in any worker, batch, order or process.

The mixing function is the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014) with the "mix13" constants of Stafford (2011). Integer arithmetic is exact, so the bits
are the same on every machine.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError
from augsafe.typing import IndicesLike

FloatArray = NDArray[np.float64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit words, one to one."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@dataclass(frozen=True)
class Key:
    """What identifies the random numbers of n images. Equal keys give equal numbers.

    Attributes:
        seed: Shared by all images.
        epoch: From 0; shared by all images.
        indices: The number of each image in its data set (n,).
        view: Tells apart several draws of one image in one epoch; from 0.
        attempts: How often each image was redrawn (n,); 0 at first.
    """

    seed: int
    epoch: int
    indices: NDArray[np.int64]
    view: int
    attempts: NDArray[np.int64] = field(repr=False)

    @staticmethod
    def of(seed: int, epoch: int, indices: IndicesLike, view: int = 0) -> Key:
        """Build a key and check it.

        Args:
            seed: Any whole number.
            epoch: From 0.
            indices: The number of each image in its data set (n,), from 0.
            view: Which of several draws of an image in one epoch; from 0.

        Returns:
            The key, with all attempts at 0.

        Raises:
            ArgumentError: A value is not a whole number, or is negative.
        """
        array = np.atleast_1d(np.asarray(indices))
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise ArgumentError(f"indices must be a flat list of whole numbers, got {indices!r}")
        array = array.astype(np.int64)
        if array.size and array.min() < 0:
            raise ArgumentError(f"indices must not be negative, got {int(array.min())}")
        for name, value in (("seed", seed), ("epoch", epoch), ("view", view)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise ArgumentError(f"{name} must be a whole number, got {value!r}")
        if epoch < 0 or view < 0:
            raise ArgumentError(f"epoch and view must not be negative, got epoch={epoch}, view={view}")
        return Key(int(seed), int(epoch), array, int(view), np.zeros(len(array), np.int64))

    def rows(self, rows: NDArray[np.intp], attempts: NDArray[np.int64] | None = None) -> Key:
        """The key of some of the images.

        Args:
            rows: Which of the images (m,), as positions in `indices`.
            attempts: Their attempts (m,); default: as they are.

        Returns:
            The key of m images.
        """
        chosen = self.attempts[rows] if attempts is None else attempts
        return Key(self.seed, self.epoch, self.indices[rows], self.view, chosen)

    def columns(self) -> NDArray[np.uint64]:
        """One 64-bit word an image."""
        word = mix(np.uint64(self.epoch) + _GOLDEN * np.arange(1, 2, dtype=np.uint64))
        word = mix(word + np.uint64(self.view) + _GOLDEN)
        word = mix(word + self.indices.astype(np.uint64))
        return mix(word + self.attempts.astype(np.uint64) * _GOLDEN + _GOLDEN)


@lru_cache(maxsize=4096)
def _row_words(seed: int, name: str, slots: int) -> NDArray[np.uint64]:
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    start = np.uint64(int.from_bytes(digest, "little"))
    return mix(start + _GOLDEN * np.arange(1, slots + 1, dtype=np.uint64))


def uniforms(key: Key, slots: Sequence[tuple[str, int]]) -> dict[str, FloatArray]:
    """Uniform random numbers for all steps of a policy at once.

    The mixing is the finaliser of SplitMix64 (see the module).

    Args:
        key: What identifies the images.
        slots: The name of each step, and how many numbers it needs.

    Returns:
        Numbers in [0, 1) for each step name, (slots, n).
    """
    if not slots:
        return {}
    rows = np.concatenate([_row_words(key.seed, name, count) for name, count in slots])[:, None]
    words = mix(mix(rows ^ key.columns()[None, :]) + rows)
    numbers = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    ends = np.cumsum([count for _, count in slots])
    return {name: numbers[end - count : end] for (name, count), end in zip(slots, ends, strict=True)}


def fractions(u: FloatArray, count: int) -> FloatArray:
    """Make more uniform random numbers from one each.

    Args:
        u: Numbers in [0, 1) (n,), with all of their 53 bits.
        count: How many to make of each.

    Returns:
        Numbers in [0, 1) (n, count).
    """
    start = (u * 2.0**53).astype(np.uint64)[:, None]
    words = mix(mix(start) + _GOLDEN * np.arange(1, count + 1, dtype=np.uint64))
    return np.asarray((words >> np.uint64(11)).astype(np.float64) * 2.0**-53)


def permutation(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """A random order, which depends on its arguments alone.

    Args:
        n: How many items.
        seed: Any whole number.
        epoch: From 0.

    Returns:
        The numbers from 0 to n - 1 (n,), each once.
    """
    words = uniforms(Key.of(seed, epoch, np.arange(n)), [("augsafe/shuffle", 1)])
    return np.argsort(words["augsafe/shuffle"][0], kind="stable").astype(np.int64)


def check_seed(seed: object) -> None:
    """Raise ArgumentError for a seed that numpy's generators cannot take."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError(f"seed must be a whole number of at least 0, got {seed!r}")


def fresh_seed() -> int:
    """A seed from the operating system: differs at every call, also in forked processes."""
    return int.from_bytes(os.urandom(7), "little")
