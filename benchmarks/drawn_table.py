"""Class change from images alone, on pictures that others drew: `python -m benchmarks.drawn_table`.

The truth is `drawn_truth.yaml`, in two halves by family: rules may be tuned on the one, the other stays untouched. A
true cell counts where it does not follow from others (see there), a false claim once, not once a direction; so the
exact intervals rest on independent cells. `--half tuning` leaves the untouched half alone.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from augsafe.contracts.evidence import gather
from augsafe.typicality import fit
from benchmarks import drawn
from benchmarks.class_change import Cell, Score, flagged, once

EACH = 48  # images a class
LIMIT = 1800  # seconds for one family
RULES = ("naive + mutual", "changes", "changes + suggested")


@dataclass
class Row:
    """What one rule makes of one family: independent cells, every cell, and the names of what is wrong."""

    independent: Score = field(default_factory=Score)
    every: Score = field(default_factory=Score)
    missed: list[Cell] = field(default_factory=list)
    false: list[Cell] = field(default_factory=list)


def row(family: drawn.Family, claimed: set[Cell]) -> Row:
    """Claims against the truth of a family."""
    true, kept = drawn.true(family), claimed - drawn.ambiguous(family)
    missed = [cell for cell in family.to if cell not in kept]
    false = once(kept - true)
    independent = Score(len(family.to) - len(missed), len(false), len(missed))
    every = Score(len(kept & true), len(kept - true), len(true - kept))
    return Row(independent, every, missed, sorted(false))


def rows(family: drawn.Family, each: int = EACH, seed: int = 0, node: Path = drawn.NODE) -> dict[str, Row]:
    """Every rule on one family."""
    images, labels = drawn.samples(family, each, seed, node)
    claims = flagged(gather(fit(images, labels, alpha=0.05, seed=seed), list(images)))
    return {rule: row(family, claims[rule]) for rule in RULES}


def within(seconds: int, family: drawn.Family, each: int, node: Path) -> dict[str, Row]:
    """The same, where a rule that does not end in time has found nothing."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        return rows(family, each, node=node)
    except TimeoutError:
        print(f"  {family.name}: no answer in {seconds} s, counted as nothing found")
        return {rule: row(family, set()) for rule in RULES}
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def table(half: str, each: int = EACH, node: Path = drawn.NODE, kinds: Sequence[str] = ()) -> dict[str, Row]:
    """Print each family of a half, then all of them; gives the pooled rows by rule."""
    pooled = {rule: Row() for rule in RULES}
    for family in drawn.families():
        if family.half != half or (kinds and family.kind not in kinds):
            continue
        if missing := family.missing(node):
            print(f"  {family.name:16} left out: {missing[0]} is not here")
            continue
        found = within(LIMIT, family, each, node)
        for rule, one in found.items():
            pooled[rule].independent.add(one.independent)
            pooled[rule].every.add(one.every)
        changes = found["changes"]
        hits = len(family.to) - len(changes.missed)
        print(
            f"  {family.name:16} {len(family.classes):3} classes: {hits:2} of {len(family.to):2} found, "
            f"{len(changes.false)} false",
            flush=True,
        )
        for name in ("missed", "false"):
            for symmetry, a, b in getattr(changes, name):
                print(f"      {name}: {symmetry} {a} -> {b}")
    for rule, one in pooled.items():
        print(f"  all, {rule:20} {one.independent}")
    return pooled


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=(drawn.TUNING, drawn.UNTOUCHED), help="one half alone")
    parser.add_argument("--kind", action="append", default=[], help="fonts, icons, strokes, emoji or flags alone")
    parser.add_argument("--each", type=int, default=EACH, help="images a class")
    given = parser.parse_args(arguments)
    for half in (given.half,) if given.half else (drawn.TUNING, drawn.UNTOUCHED):
        print(f"\nPictures that others drew, the {half} half ({given.each} images a class, independent cells)")
        table(half, given.each, kinds=given.kind)


if __name__ == "__main__":
    main()
