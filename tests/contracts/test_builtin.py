"""The built-in contracts, cell by cell, and against glyphs and arrows that are really turned."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
import yaml
from PIL import Image, ImageDraw, ImageFont

from augsafe.contracts import SYMMETRIES, Contract
from augsafe.contracts.symmetry import MATRICES

NAMES = (
    "aerial", "chest-xray", "cifar10", "emnist-letters", "fashion-mnist", "gtsrb", "laterality", "mnist", "svhn",
    "text", "texture",
)  # fmt: skip
TURNS = {"rot180": (-1, -1), "hflip": (1, -1), "vflip": (-1, 1)}  # steps along the axes of an array
DIGITS = """
rot180 same 0 8
vflip same 0 3 8
hflip same 0 8
hflip ambiguous 2 5
vflip ambiguous 2 5
rot180 ambiguous 2
hflip invalid 4 6 7 9
vflip invalid 4 6 7 9
rot180 invalid 4
rot180 swaps 6-9
"""
WRITTEN = """
rot180 same 1 5
vflip same 1
hflip same 1
hflip invalid 3
rot180 invalid 3 7
"""
PRINTED = """
rot180 ambiguous 1 5
vflip ambiguous 1
hflip ambiguous 1
"""
LYING_DIGITS = """
rot90 same 0
rot270 same 0
transpose same 0
antitranspose same 0
rot90 invalid 1 2 3 4 5 6 7 8 9
transpose invalid 1 2 3 5 6 7 8 9
"""
TRUTH = {
    "mnist": DIGITS + WRITTEN + LYING_DIGITS + "transpose invalid 4",
    "svhn": DIGITS + PRINTED + LYING_DIGITS + "transpose ambiguous 4\nhflip invalid 3\nrot180 invalid 3 7",
    "text": DIGITS
    + PRINTED
    + """
rot180 swaps b-q d-p n-u M-W
hflip swaps b-d p-q
vflip swaps b-p d-q M-W
rot90 swaps N-Z
rot270 swaps N-Z
rot180 same o s x z H I N O S X Z
hflip same A H I M O T U V W X Y o v x
vflip same B C D E H I K O X c o x
hflip invalid N R F G e
rot180 ambiguous L 7 E 3 V v a e f j g
hflip ambiguous S Z s z E 3 L J y Q
vflip ambiguous S Z s z V v
rot180 invalid A F h k y
""",
    "gtsrb": """
hflip same 11 12 13 15 17 18 22 26 30 35
vflip same 12 15 17
vflip ambiguous 1 5
hflip swaps 19-20 33-34 36-37 38-39
rot180 same 12 15 17 32
hflip invalid 40 0 1 14 21 32
hflip ambiguous 25 27 28 29 31
rot90 same 12 15
rot90 invalid 17 32 38
transpose same 12 15 32 38
antitranspose same 12 15 32 39
""",
    "emnist-letters": """
rot180 same O S X Z
hflip same I O V W X M
vflip same C O X
rot180 swaps M-W
vflip swaps M-W
hflip ambiguous A B D G H J L N P Q T U Y
vflip ambiguous B D E F G H I K L N P Q R T U V
rot180 ambiguous A B D E F G H I J L N P Q T U V Y
rot90 ambiguous N Z
hflip invalid C E F K R
rot180 invalid C K R
""",
    "laterality": "hflip swaps left-right\nrot180 invalid left right",
    "cifar10": "hflip same airplane automobile bird cat deer dog frog horse ship truck\n"
    "vflip invalid airplane automobile bird cat deer dog frog horse ship truck\n"
    "rot90 invalid ship\nrot180 invalid bird",
    "fashion-mnist": "hflip same t-shirt trouser pullover dress coat sandal shirt sneaker bag\n"
    "vflip invalid trouser sneaker\nvflip ambiguous bag\nrot180 ambiguous bag",
}


def cells():
    """(contract, class, symmetry, relation) of every statement above."""
    for name, text in TRUTH.items():
        for line in filter(None, text.splitlines()):
            symmetry, what, *classes = line.split()
            for cls in classes:
                if what == "swaps":
                    a, b = cls.split("-")
                    yield name, a, symmetry, f"to {b}"
                    yield name, b, symmetry, f"to {a}"
                else:
                    yield name, cls, symmetry, what


CELLS = list(cells())
CONTRACTS = {name: Contract.builtin(name) for name in NAMES}


@pytest.mark.parametrize(("name", "cls", "symmetry", "expected"), CELLS)
def test_truth(name, cls, symmetry, expected):
    assert str(CONTRACTS[name].relation(cls, symmetry)) == expected


def test_control_truth_says_one_thing_a_cell():
    """Negative control: a contract that states everything as `same` fails most of it."""
    assert len({cell[:3] for cell in CELLS}) == len(CELLS) > 250
    assert sum(expected != "same" for *_, expected in CELLS) > len(CELLS) / 2


def test_all_are_there_with_sources():
    assert Contract.builtin_names() == NAMES
    for name in NAMES:
        text = (resources.files("augsafe.contracts") / "builtin" / f"{name}.yaml").read_text(encoding="utf-8")
        assert "# Sources: " in text.split("\nclasses:")[0]
        assert CONTRACTS[name].name == name
        assert list(yaml.safe_load(text)) == ["classes", "relations", "limits", "accept"]


@pytest.mark.parametrize("name", ["aerial", "texture"])
def test_views_without_an_up_keep_everything(name):
    bound = CONTRACTS[name].with_classes(["a", "b"])
    assert {str(bound.relation(c, s)) for c in "ab" for s in SYMMETRIES} == {"same"}


def test_chest_xray_allows_nothing():
    bound = CONTRACTS["chest-xray"].with_classes(["normal", "pneumonia"])
    assert {str(bound.relation("normal", s)) for s in SYMMETRIES if s != "identity"} == {"invalid"}


@pytest.mark.parametrize("name", [n for n in NAMES if n != "text"])
def test_limits_are_moderate(name):
    limits = CONTRACTS[name].limits_for(0) if CONTRACTS[name].classes else CONTRACTS[name].limits_for("any")
    low, high = limits.zoom
    assert 0.5 <= low < 1 < high <= 2
    assert limits.rotation is None or 5 <= limits.rotation < 45
    if name == "mnist":
        assert (limits.rotation, limits.zoom, limits.visible, limits.min_pixels) == (30, (0.7, 1.4), 0.7, 8)


def glyph(character):
    """A glyph cut out and scaled to one size."""
    image = Image.new("L", (200, 200))
    ImageDraw.Draw(image).text((40, 20), character, fill=255, font=ImageFont.load_default(120))
    return image.crop(image.getbbox()).resize((32, 32))


def overlap(a, b):
    a, b = np.asarray(a) > 127, np.asarray(b) > 127
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize(("cls", "symmetry"), [(c, s) for c in "bdpqnu69" for s in TURNS])
def test_glyphs_become_what_the_contract_says(cls, symmetry):
    relation = CONTRACTS["text"].relation(cls, symmetry)
    steps = TURNS[symmetry]
    turned = np.asarray(glyph(cls))[:: steps[0], :: steps[1]]
    if relation.kind == "to":
        assert overlap(turned, glyph(relation.to)) > 0.9
        assert overlap(turned, glyph(cls)) < 0.8
    else:
        assert max(overlap(turned, glyph(c)) for c in "bdpq69") < 0.9


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_passing_signs_follow_their_arrow(symmetry):
    """38 points to the lower right, 39 to the lower left; every other direction is no such sign."""
    names = {(1, 1): "38", (-1, 1): "39"}
    for direction, cls in names.items():
        reached = names.get(tuple(MATRICES[SYMMETRIES.index(symmetry)] @ direction))
        relation = CONTRACTS["gtsrb"].relation(cls, symmetry)
        assert str(relation) == ("invalid" if reached is None else "same" if reached == cls else f"to {reached}")
