"""Pictures that others drew, read from installed packages, and noisy samples of them.

Nothing of it is part of this project: fonts, signal flags and one set of emoji come from Debian packages, icons, the
other set of emoji and national flags from npm packages (`make material` lists both). The truth about them is
`drawn_truth.yaml`, written by hand before the guard saw the untouched half.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image, ImageDraw, ImageFont

from augsafe.contracts import SYMMETRIES, Contract, Relation, inverse
from benchmarks import glyphs
from benchmarks.fonts import font_files

TRUTH = Path(__file__).with_name("drawn_truth.yaml")
NODE = Path("material/node_modules")
SIDE, DRAWN = 40, 160
TUNING, UNTOUCHED = "tuning", "untouched"

Cell = tuple[str, str, str]
"""A symmetry, a class, and the other class that it makes of it."""


@dataclass(frozen=True)
class Family:
    """What one hand drew: its classes, and which symmetry makes which of which.

    to: the pairs (symmetry, class, other) that are written down; none of them follows from the others, so each is one
    independent cell. contract: these and what follows from them. source: a pattern of files, or the package's name.
    """

    name: str
    half: str
    kind: str
    source: str
    classes: tuple[str, ...]
    to: tuple[Cell, ...]
    contract: Contract = field(repr=False)
    faces: tuple[str, ...] = ()

    @cached_property
    def colored(self) -> bool:
        """Whether its pictures have colours."""
        return self.kind in ("emoji", "flags")

    def missing(self, node: Path = NODE) -> list[str]:
        """What of it this machine lacks."""
        if self.kind == "fonts":
            return [face for face in self.faces if face not in font_files()]
        if self.kind == "emoji" and "{" not in self.source:
            return [] if Path(self.source).exists() else [self.source]
        return [str(p) for cls in self.classes for p in self.paths(cls, node) if not p.exists()]

    def paths(self, cls: str, node: Path = NODE) -> list[Path]:
        """The files that show a class, one for each style of the family."""
        styles = re.search(r"\[(.*?)\]", self.source)
        name = cls.partition(" ")[0]
        each = [self.source.replace(styles[0], s) for s in styles[1].split("|")] if styles else [self.source]
        return [Path(s.format(name)) if s.startswith("/") else node / s.format(name) for s in each]


@lru_cache(maxsize=1)
def families() -> tuple[Family, ...]:
    """The families of the truth file."""
    body = yaml.safe_load(TRUTH.read_text(encoding="utf-8"))
    return tuple(_family(name, entry) for name, entry in body.items())


def _family(name: str, entry: dict[str, Any]) -> Family:
    if entry["kind"] == "fonts":
        return _fonts(name, entry)
    pairs = [(s, *line.split(", ")) for s, lines in entry.get("to", {}).items() for line in lines]
    keep = [(s, cls) for s, classes in entry.get("same", {}).items() for cls in classes]
    doubt = [(s, cls) for s, classes in entry.get("ambiguous", {}).items() for cls in classes]
    classes = tuple(dict.fromkeys([c for _, a, b in pairs for c in (a, b)] + entry.get("others", [])))
    relations = {
        **{(cls, s): Relation("same") for s, cls in keep},
        **{(cls, s): Relation("ambiguous") for s, cls in doubt},
        **{(a, s): Relation("to", b) for s, a, b in pairs},
    }
    return Family(
        name, entry["half"], entry["kind"], entry["source"], classes, tuple(pairs), Contract(classes, relations)
    )


def _fonts(name: str, entry: dict[str, Any]) -> Family:
    """Glyphs a-z and 0-9, with the truth of `glyph_truth.yaml`; `to` holds what does not follow from the rest."""
    to = glyphs.INDEPENDENT
    relations = {(a, s): Relation("to", b) for s, a, b in to}
    contract = Contract(glyphs.GLYPHS, relations)
    return Family(name, entry["half"], "fonts", entry["source"], glyphs.GLYPHS, to, contract, tuple(entry["faces"]))


# Pictures


def picture(family: Family, cls: str, style: int, node: Path = NODE) -> np.ndarray:
    """A class as it is drawn, as levels in [0, 1] (DRAWN, DRAWN, 4), transparent outside; `style` counts from 0."""
    if family.kind == "fonts":
        return _glyph(cls, family.faces[style % len(family.faces)])
    if family.kind == "emoji" and "{" not in family.source:
        return _emoji(chr(int(cls.partition(" ")[0], 16)), family.source)
    paths = family.paths(cls, node)
    width = (1.5, 2.0, 2.5)[style // len(paths) % 3] if family.kind == "strokes" else 2.0
    return _svg(paths[style % len(paths)], width)


@lru_cache(maxsize=4096)
def _svg(path: Path, width: float) -> np.ndarray:
    import resvg_py

    text = path.read_text(encoding="utf-8").replace("currentColor", "#fff")
    text = re.sub(r'stroke-width="2"', f'stroke-width="{width}"', text)
    image = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=text, width=4 * DRAWN, height=4 * DRAWN))))
    return _fit(image.convert("RGBA"))


@lru_cache(maxsize=4096)
def _glyph(character: str, face: str) -> np.ndarray:
    font = ImageFont.truetype(str(font_files()[face]), 240)
    canvas = Image.new("RGBA", (960, 720), (255, 255, 255, 0))
    ImageDraw.Draw(canvas).text((240, 180), character, fill=(255, 255, 255, 255), font=font)
    return _fit(canvas, 0.62 if character.islower() and character not in "bdfghijklpqty" else 0.9)


@lru_cache(maxsize=4096)
def _emoji(character: str, font: str) -> np.ndarray:
    canvas = Image.new("RGBA", (160, 160), (0, 0, 0, 0))
    face = ImageFont.truetype(font, 109)  # the one size of the bitmaps in it
    ImageDraw.Draw(canvas).text((8, 8), character, font=face, embedded_color=True)
    return _fit(canvas)


def _fit(image: Image.Image, share: float = 0.9) -> np.ndarray:
    """Cut to what is drawn, its longer side a share of the frame, in the middle."""
    cut = image.crop(image.getchannel("A").getbbox())
    scale = share * DRAWN / max(cut.size)
    size = tuple(max(1, round(length * scale)) for length in cut.size)
    out = Image.new("RGBA", (DRAWN, DRAWN), (255, 255, 255, 0))
    out.paste(cut.resize(size, Image.Resampling.BOX), tuple((DRAWN - length) // 2 for length in size))
    return np.asarray(out, np.float32) / 255


def draw(shape: np.ndarray, colored: bool, rng: np.random.Generator) -> np.ndarray:
    """A sample (SIDE, SIDE[, 3]): a little turned, scaled and moved, on a plain ground, with noise."""
    image = Image.fromarray((shape * 255).astype(np.uint8)).rotate(
        float(rng.uniform(-6, 6)), Image.Resampling.BICUBIC, fillcolor=(255, 255, 255, 0)
    )
    half, middle = DRAWN / 2 * float(rng.uniform(1.05, 1.35)), DRAWN / 2 + rng.uniform(-6, 6, 2)
    frame = (*(middle - half), *(middle + half))
    wide = Image.new("RGBA", (2 * DRAWN, 2 * DRAWN), (255, 255, 255, 0))
    wide.paste(image, (DRAWN // 2, DRAWN // 2))
    box = tuple(float(edge) + DRAWN / 2 for edge in frame)
    small = np.asarray(wide.convert("RGBa").resize((SIDE, SIDE), Image.Resampling.BOX, box), np.float32)
    ink, cover = small[..., :3], small[..., 3:] / 255
    ground = rng.uniform(90, 160) if colored else rng.uniform(0, 40)
    mixed = (ink if colored else ink * rng.uniform(0.7, 1)) + (1 - cover) * ground
    noisy = np.clip(np.rint(mixed + rng.normal(0, 4, mixed.shape)), 0, 255).astype(np.uint8)
    return noisy if colored else noisy[..., 0]


def samples(family: Family, each: int, seed: int = 0, node: Path = NODE) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, SIDE, SIDE[, 3]) and labels, so many of each class, its styles in turn."""
    rng = np.random.default_rng(seed)
    images = [draw(picture(family, cls, i, node), family.colored, rng) for cls in family.classes for i in range(each)]
    return np.stack(images), np.repeat(np.array(family.classes), each)


def ambiguous(family: Family) -> frozenset[Cell]:
    """The cells that are left out of all scores: what the truth calls ambiguous, to whatever class."""
    if family.kind == "fonts":
        return glyphs.truth().ambiguous
    cells = set()
    for cls in family.classes:
        for s in SYMMETRIES:
            if family.contract.relation(cls, s).kind == "ambiguous":
                cells |= {cell for b in family.classes for cell in ((s, cls, b), (inverse(s), b, cls))}
    return frozenset(cells)


def true(family: Family) -> frozenset[Cell]:
    """Every true cell: those that are written down and those that follow."""
    return frozenset(_stated(family.contract)) | (glyphs.truth().changes if family.kind == "fonts" else frozenset())


def _stated(contract: Contract) -> Iterable[Cell]:
    for cls in contract.classes:
        for symmetry in SYMMETRIES[1:]:
            relation = contract.relation(cls, symmetry)
            if relation.kind == "to":
                yield symmetry, cls, str(relation.to)
