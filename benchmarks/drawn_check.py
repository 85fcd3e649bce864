"""Whether the truth about drawn pictures agrees with their pixels: `python -m benchmarks.drawn_check`.

Prints where a picture that is said to become another one does not cover it, and where one covers another of which
nothing is said. What remains is a reader's decision: shades of colour, or pictures that differ in a small part.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from augsafe.contracts import SYMMETRIES
from augsafe.contracts.evidence import moved
from benchmarks import drawn

STEP = 3  # every third pixel is enough
SHIFTS = ((0, 0), *product((-1, 0, 1), repeat=2))
LOW, HIGH = 0.75, 0.95


def disagreements(family: drawn.Family) -> Iterator[tuple[drawn.Cell, float, bool]]:
    """(cell, agreement, whether it is called true) where pixels and truth differ."""
    true, doubtful = drawn.true(family), drawn.ambiguous(family)
    shown = [drawn.picture(family, cls, 0)[STEP // 2 :: STEP, STEP // 2 :: STEP] for cls in family.classes]
    for symmetry in SYMMETRIES[1:]:
        turned = [moved(picture, symmetry) for picture in shown]
        for (a, from_a), (b, to_b) in product(
            zip(family.classes, turned, strict=True), zip(family.classes, shown, strict=True)
        ):
            cell = (symmetry, a, b)
            said = cell in true or (a == b and family.contract.relation(a, symmetry).kind == "same")
            value = agreement(from_a, to_b, family.colored, SHIFTS if said else SHIFTS[:1])
            if cell not in doubtful and (value < LOW if said else a != b and value >= HIGH):
                yield cell, value, said


def agreement(a: np.ndarray, b: np.ndarray, colored: bool, shifts: Sequence[tuple[int, int]]) -> float:
    """How well one picture covers another, in [0, 1], after the best of some shifts.

    Without colour: intersection over union of the ink. With colour: 1 less the mean difference where either shows.
    """
    covers = _colors if colored else _ink
    return max(covers(np.roll(a, shift, (0, 1)), b) for shift in shifts)


def _ink(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.minimum(a[..., 3], b[..., 3]).sum() / np.maximum(a[..., 3], b[..., 3]).sum())


def _colors(a: np.ndarray, b: np.ndarray) -> float:
    shown = np.maximum(a[..., 3], b[..., 3])
    away = np.abs(a[..., :3] * a[..., 3:] - b[..., :3] * b[..., 3:]).mean(-1) + np.abs(a[..., 3] - b[..., 3])
    return 1 - float((away * (shown > 0)).sum() / shown.sum())


def main(names: list[str]) -> None:
    """Print the disagreements of the families that this machine has."""
    for family in drawn.families():
        if family.kind == "fonts" or (names and family.name not in names):
            continue
        if missing := family.missing():
            print(f"{family.name}: not here ({missing[0]} ...)")
            continue
        true = drawn.true(family)
        print(
            f"{family.name}: {len(family.classes)} classes, {len(family.to)} independent cells, {len(true)} true ones"
        )
        for (symmetry, a, b), value, said in disagreements(family):
            print(f"  {symmetry:13} {a} -> {b}: {value:.2f}, said to be {'true' if said else 'false'}")


if __name__ == "__main__":
    main(sys.argv[1:])
