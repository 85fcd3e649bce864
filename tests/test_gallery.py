"""The gallery of transforms is complete and current."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from augsafe.transforms import TRANSFORMS

ROOT = Path(__file__).resolve().parent.parent
AGAIN = "run: python examples/make_gallery.py"


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "examples" / "make_gallery.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_shows_every_transform(gallery: ModuleType) -> None:
    page = (ROOT / "docs" / "transforms.md").read_text(encoding="utf-8")
    assert page == gallery.page(), AGAIN
    assert not [name for name in TRANSFORMS if name not in gallery.HIDDEN and f"### {name}\n" not in page]


def test_the_pictures_are_what_the_code_draws(gallery: ModuleType) -> None:
    folder, image = ROOT / "docs" / "images" / "transforms", gallery.photo()
    names = {name: call for calls in gallery.kinds().values() for name, call in calls.items()}
    assert {path.stem for path in folder.iterdir()} == set(names), AGAIN
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1_500_000
    for name, call in names.items():
        drawn = np.asarray(gallery.strip(gallery.step_of(call), image), dtype=float)
        stored = np.asarray(Image.open(folder / f"{name}.jpg").convert("RGB"), dtype=float)
        assert drawn.shape == stored.shape, (name, AGAIN)
        assert np.abs(drawn - stored).mean() < 20, (name, AGAIN)  # JPEG, of noise too


def test_another_picture_is_noticed(gallery: ModuleType) -> None:
    image = gallery.photo()
    stored = np.asarray(Image.open(ROOT / "docs" / "images" / "transforms" / "Rotate.jpg").convert("RGB"), dtype=float)
    other = np.asarray(gallery.strip(gallery.step_of("Rotate(angle=(-10, 10))"), image), dtype=float)
    assert np.abs(other - stored).mean() > 24
