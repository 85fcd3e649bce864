"""The demonstration finds what it promises, fixes it, and leaves files that can be used."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from augsafe.demo import careless, digits, run
from augsafe.errors import ArgumentError
from augsafe.policies import Compose


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One run: the result, what was printed, and how long it took."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    buffer = io.StringIO()
    start = time.perf_counter()
    result = run(folder, Console(file=buffer, width=110, color_system=None))
    return result, buffer.getvalue(), time.perf_counter() - start


def test_a_6_becomes_a_9_by_the_combination(made):
    result, printed, _ = made
    finding = next(f for f in result.report.findings if f.becomes)
    assert finding.code == "AS102"
    assert set(finding.steps) == {"HorizontalFlip", "VerticalFlip"}
    assert dict(finding.becomes) == {"6": "9", "9": "6"}
    # each flip acts in half of the images; draws turned beyond the limit are counted as such
    assert 0.15 < finding.probability < 0.25
    assert "6 reads as 9" in printed


def test_lost_objects_are_a_guess_without_masks(made):
    result, printed, _ = made
    (lost,) = [f for f in result.report.findings if f.code == "AS201"]
    assert (lost.evidence, lost.severity) == ("guessed", "info")
    assert "AS201" in printed
    assert len(result.report.findings) <= 6


def test_the_fixed_policy_has_no_errors(made):
    result, printed, _ = made
    assert result.fixed is not None
    assert result.fixed.ok
    assert not result.report.ok
    assert "How to fix it" in printed
    assert "0 errors" in printed


def test_files_are_left(made):
    folder = made[0].folder
    assert Compose.load(folder / "policy.yaml") == careless()
    assert Compose.load(folder / "fixed.yaml") == made[0].report.fixed
    body = json.loads((folder / "report.json").read_text())
    assert not body["ok"]
    assert "Not safe" in (folder / "report.html").read_text(encoding="utf-8")
    picture = np.asarray(Image.open(folder / "preview.png"))
    assert (picture == (206, 32, 41)).all(axis=-1).any()


def test_it_says_how_fast_and_is_quick(made):
    result, printed, took = made
    assert result.images_per_second > 500
    assert f"{result.images_per_second:,.0f} images/s" in printed
    assert took < 60


def test_the_digits():
    images, labels = digits()
    assert (images.shape, images.dtype) == ((1797, 32, 32), np.uint8)
    assert np.bincount(labels).min() > 150
    assert images.max() == 255
    assert (images[:, :4] == 0).all()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="--out"):
        run(tmp_path / "file", Console(file=io.StringIO()))
