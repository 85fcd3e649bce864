"""Photographs with an object whose pixels are known: objects cut out of photographs, pasted onto others.

The photographs come with scikit-image and scikit-learn; the outlines are in cutouts.yaml, and coins are cut from their
even ground. Nothing is painted: object and ground both have the textures and the light of photographs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
GROUNDS = ("astronaut", "chelsea", "coffee", "rocket", "camera", "moon", "brick", "grass", "gravel")
GROUNDS += ("immunohistochemistry", "hubble_deep_field", "china", "flower", "motorcycle")
TEXTURES = ("brick", "grass", "gravel", "immunohistochemistry", "hubble_deep_field")
PLACES = ("centre", "off centre", "border")


@dataclass(frozen=True, eq=False)
class Scene:
    """One image with its object: `mask` (H, W) bool; `kind` is what was cut out, `ground` what it was pasted onto."""

    image: Picture
    mask: NDArray[np.bool_]
    kind: str
    ground: str
    place: str


@lru_cache(maxsize=32)
def photo(name: str) -> Picture:
    """A photograph in colour (H, W, 3)."""
    from skimage import data
    from sklearn.datasets import load_sample_image

    if name in ("china", "flower"):
        return np.asarray(load_sample_image(f"{name}.jpg"))
    found = data.stereo_motorcycle()[0] if name == "motorcycle" else getattr(data, name)()
    return np.asarray(np.repeat(found[..., None], 3, axis=2) if found.ndim == 2 else found[..., :3])


@lru_cache(maxsize=1)
def cut_outs() -> tuple[tuple[str, Picture, NDArray[np.uint8]], ...]:
    """Name, pixels and mask of each object that there is."""
    entries = yaml.safe_load((Path(__file__).parent / "cutouts.yaml").read_text(encoding="utf-8"))
    found = [(entry["photo"], *_cut(photo(entry["photo"]), np.array(entry["outline"]))) for entry in entries]
    return (*found, *(("coin", *_cut(photo("coins"), outline)) for outline in _coins()))


def _cut(picture: Picture, outline: NDArray[Any]) -> tuple[Picture, NDArray[np.uint8]]:
    inside = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(inside, [outline.astype(np.int32)], 1)
    x, y, wide, high = cv2.boundingRect(outline.astype(np.int32))
    part = slice(y, y + high), slice(x, x + wide)
    return picture[part], inside[part]


def _coins(most: int = 6) -> list[NDArray[Any]]:
    grey = cv2.GaussianBlur(photo("coins")[..., 0], (0, 0), 2)
    light = cv2.adaptiveThreshold(grey, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 151, -8)
    square = np.ones((9, 9), np.uint8)
    light = cv2.morphologyEx(cv2.morphologyEx(light, cv2.MORPH_CLOSE, square), cv2.MORPH_OPEN, square)
    outlines, _ = cv2.findContours(light, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = [o for o in outlines if all(25 < side < 80 for side in cv2.boundingRect(o)[2:])]
    return [outline[:, 0] for outline in whole[:most]]


def scenes(n: int, seed: int = 0, side: int = 160, sizes: tuple[float, float] = (0.2, 0.65)) -> list[Scene]:
    """N images (side, side, 3): objects centred, off centre, and cut off by a border, a third each.

    sizes: the longer side of the object, in sides of the image.
    """
    rng = np.random.default_rng(seed)
    found: list[Scene] = []
    while len(found) < n:
        kind, picture, inside = cut_outs()[rng.integers(len(cut_outs()))]
        ground = str(rng.choice(GROUNDS))
        if ground == kind:
            continue
        image = _crop(photo(ground), side, rng)
        scale = rng.uniform(*sizes) * side / max(picture.shape[:2])
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=way)
        inside = cv2.resize(inside, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        place = PLACES[len(found) % 3]
        mask = paste(image, picture, inside, _middle(place, picture.shape, side, rng))
        if mask.mean() >= 0.0025:
            found.append(Scene(image, mask, kind, ground, place))
    return found


def _crop(picture: Picture, side: int, rng: np.random.Generator) -> Picture:
    cut = int(min(picture.shape[:2]) * rng.uniform(0.5, 1))
    y, x = (int(rng.integers(0, whole - cut + 1)) for whole in picture.shape[:2])
    return cv2.resize(picture[y : y + cut, x : x + cut], (side, side), interpolation=cv2.INTER_AREA)


def _middle(place: str, shape: tuple[int, ...], side: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Where the middle (y, x) of an object goes."""
    if place == "centre":
        return rng.uniform(0.45, 0.55, 2) * side
    middle = rng.uniform(0.3, 0.7, 2) * side
    if place == "border":
        axis = int(rng.integers(2))
        near = shape[axis] * (0.5 - rng.uniform(0, 0.2))
        middle[axis] = near if rng.random() < 0.5 else side - near
    return middle


def paste(
    image: Picture, picture: Picture, inside: NDArray[np.uint8], middle: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Paste an object into an image, in place; what is beyond the border is lost. Gives its mask."""
    mask = np.zeros(image.shape[:2], bool)
    y, x = np.nonzero(inside)
    to_y, to_x = (int(m - s / 2) + at for m, s, at in zip(middle, inside.shape, (y, x), strict=True))
    shown = (to_y >= 0) & (to_x >= 0) & (to_y < mask.shape[0]) & (to_x < mask.shape[1])
    image[to_y[shown], to_x[shown]] = picture[y[shown], x[shown]]
    mask[to_y[shown], to_x[shown]] = True
    return mask


def textures(n: int, seed: int = 0, side: int = 160) -> list[Picture]:
    """N images without an object."""
    rng = np.random.default_rng(seed)
    return [_crop(photo(TEXTURES[i % len(TEXTURES)]), side, rng) for i in range(n)]
