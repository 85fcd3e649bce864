"""`augsafe masks`, and `augsafe check --masks` on the few masks that were drawn."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from augsafe.cli.app import app
from augsafe.cli.data import even_sample, rows_to_check
from augsafe.images import open_source

POLICY = "steps: [{Shift: {x: [-0.1, 0.1]}}]"


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def photos(tmp_path):
    """Two classes of ten images each, a bright square on noise, and a policy beside them."""
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(10):
            image = rng.integers(0, 120, (32, 32, 3), np.uint8)
            image[10:22, 10:22] = 230
            cv2.imwrite(str(tmp_path / "photos" / name / f"{i}.png"), image)
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def drawn(folder, listed):
    mask = np.zeros((32, 32), np.uint8)
    mask[10:22, 10:22] = 255
    for row in listed:
        cv2.imwrite(str(folder / row["mask"]), mask)


def listed(photos, count=6):
    done = run("masks", photos / "photos", "--count", count, "-o", photos / "masks", "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["masks"]


def test_the_list_is_written_and_says_what_to_do(photos):
    done = run("masks", photos / "photos", "--count", 6, "-o", photos / "masks")
    assert done.exit_code == 0
    assert "6 of 20 images" in done.output and "--masks" in done.output
    assert len((photos / "masks" / "masks.csv").read_text().splitlines()) == 7
    again = run("masks", photos / "photos", "-o", photos / "masks")
    assert again.exit_code == 2 and "is there already" in again.output


def test_check_picks_the_masks_up_and_names_gaps(photos):
    rows = listed(photos)
    drawn(photos / "masks", rows[:4])
    done = run("check", photos / "policy.yaml", photos / "photos", "--masks", photos / "masks", "--json")
    assert done.exit_code == 0, done.output
    assert any("mask (4)" in note for note in json.loads(done.stdout)["notes"])
    (photos / "masks" / rows[1]["mask"]).unlink()
    done = run("check", photos / "policy.yaml", photos / "photos", "--masks", photos / "masks")
    assert "1 masks are missing before the last one" in done.output and rows[1]["mask"] in done.output


def test_a_check_of_a_sample_reads_every_image_with_a_mask(photos):
    drawn(photos / "masks", listed(photos))
    source = open_source(photos / "photos", masks=photos / "masks")
    masked = [i for i, mask in enumerate(source.masks) if mask]
    few = rows_to_check(source, 4)
    assert set(masked[:4]) & set(few) and set(few) >= set(even_sample(source.labels, 4))
    assert set(rows_to_check(source, 6)) >= set(masked)
    assert (rows_to_check(source, None) == np.arange(20)).all()
    assert len(rows_to_check(open_source(photos / "photos"), 4)) == 4
