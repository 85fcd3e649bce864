"""Which images to draw masks for, and the masks that were drawn."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import ArgumentError, SourceError
from augsafe.images import images_to_mask, open_source, write_mask_list


def saved(root, names=("cat", "dog", "owl"), each=9, side=20):
    rng = np.random.default_rng(0)
    for name in names:
        (root / name).mkdir(parents=True)
        for i in range(each):
            cv2.imwrite(str(root / name / f"{i}.jpg"), rng.integers(0, 255, (side, side, 3), np.uint8))
    return root


def draw(folder, rows, side=20):
    for row in rows:
        mask = np.zeros((side, side), np.uint8)
        mask[4:9, 5:12] = 255
        assert cv2.imwrite(str(folder / row.mask), mask)


@pytest.mark.parametrize("sizes", [(50, 50, 50), (100, 7, 3), (5,)])
def test_every_beginning_of_the_choice_is_even_over_the_classes(sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    chosen = images_to_mask(labels, sum(sizes))
    assert sorted(chosen) == list(range(sum(sizes)))
    for count in range(1, len(chosen) + 1):
        held = np.bincount(labels[chosen[:count]], minlength=len(sizes))
        open_ones = held[held < sizes]
        assert held.max() - (open_ones.min() if len(open_ones) else held.max()) <= 1


def test_within_a_class_each_image_is_as_likely_as_the_others_whatever_the_count():
    labels = np.repeat([0, 1], [20, 5])
    for count in (4, 7):
        seen = np.zeros(25)
        for seed in range(4000):
            seen[images_to_mask(labels, count, seed)] += 1
        for own in (labels == 0, labels == 1):
            expected = seen[own].mean()
            assert ((seen[own] - expected) ** 2 / expected).sum() < 50  # chi-squared, 19 degrees: 50 in 1 of 10,000


def test_a_seed_repeats_the_choice_and_labels_may_be_names():
    names = np.array(["b", "a"] * 10)
    assert (images_to_mask(names, 6, 3) == images_to_mask(names == "b", 6, 3)).all()
    assert (images_to_mask(names, 6, 3) == aug.images_to_mask(list(names), 6, 3)).all()
    assert (images_to_mask(names, 6, 3) != images_to_mask(names, 6, 4)).any()


def test_a_list_names_files_classes_and_places_and_the_masks_drawn_are_picked_up(tmp_path):
    data, folder = saved(tmp_path / "data"), tmp_path / "masks"
    rows = write_mask_list(open_source(data), data, folder, 7)
    with (folder / "masks.csv").open(newline="") as file:
        read = list(csv.DictReader(file))
    assert [r["file"] for r in read] == [row.file for row in rows] and set(read[0]) == {"file", "class", "mask"}
    for r in read:
        assert (data / r["file"]).is_file() and r["file"].startswith(r["class"]) and r["mask"].endswith(".png")
        assert not (folder / r["mask"]).exists()
    draw(folder, rows[:5])
    source = open_source(data, masks=folder)
    held = [i for i in range(len(source)) if source[i].mask is not None]
    assert len(source) == 27 and len(held) == 5 and source.missing == []
    assert {source[i].path.split("/")[-2] + "/" + source[i].path.split("/")[-1] for i in held} == {
        row.file for row in rows[:5]
    }
    assert source[held[0]].mask.sum() == 35 * 255
    assert source[held[0]].label == source.labels[held[0]]


def test_a_gap_in_what_was_drawn_is_named(tmp_path):
    data, folder = saved(tmp_path / "data"), tmp_path / "masks"
    rows = write_mask_list(open_source(data), data, folder, 6)
    draw(folder, [rows[0], rows[3]])
    assert open_source(data, masks=folder).missing == [rows[1].mask, rows[2].mask]


def test_lists_go_with_archives_and_tables_too(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (12, 20, 20, 3), np.uint8)
    np.savez(tmp_path / "some.npz", images=images, labels=np.arange(12) % 3)
    rows = write_mask_list(open_source(tmp_path / "some.npz"), tmp_path / "some.npz", tmp_path / "m", 4)
    draw(tmp_path / "m", rows)
    source = open_source(tmp_path / "some.npz", masks=tmp_path / "m")
    assert [f"#{i}" for i in range(12) if source[i].mask is not None] == sorted(
        (row.file for row in rows), key=lambda name: int(name[1:])
    )
    data = saved(tmp_path / "data")
    table = data / "all.csv"
    table.write_text("path,label\n" + "".join(f"{c}/{i}.jpg,{c}\n" for c in ("cat", "dog") for i in range(5)))
    rows = write_mask_list(open_source(table), table, tmp_path / "t", 4)
    draw(tmp_path / "t", rows)
    assert sum(open_source(table, masks=tmp_path / "t")[i].mask is not None for i in range(10)) == 4


def test_images_that_differ_in_their_endings_alone_get_masks_of_their_own(tmp_path):
    data = saved(tmp_path / "data", ("cat",), 2)
    for i in range(2):
        cv2.imwrite(str(data / "cat" / f"{i}.png"), np.zeros((20, 20), np.uint8))
    rows = write_mask_list(open_source(data), data, tmp_path / "m", 4)
    assert len({row.mask for row in rows}) == 4
    draw(tmp_path / "m", rows)
    assert all(open_source(data, masks=tmp_path / "m")[i].mask is not None for i in range(4))


def test_what_cannot_be_is_said(tmp_path):
    data, folder = saved(tmp_path / "data"), tmp_path / "masks"
    rows = write_mask_list(open_source(data), data, folder, 4)
    with pytest.raises(ArgumentError, match=r"masks.csv.* is there already"):
        write_mask_list(open_source(data), data, folder, 4)
    with pytest.raises(SourceError, match="holds none of the masks of its list yet"):
        open_source(data, masks=folder)
    draw(folder, rows[:1], side=10)
    source = open_source(data, masks=folder)
    place = next(i for i, mask in enumerate(source.masks) if mask)
    with pytest.raises(SourceError, match="has 10 x 10 pixels, its image 20 x 20"):
        source[place]
    other = saved(tmp_path / "other", ("fox",))
    with pytest.raises(SourceError, match="which is not in"):
        open_source(other, masks=folder)
    (folder / "masks.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceError, match="must have the columns file, class, mask"):
        open_source(data, masks=folder)
    with pytest.raises(ArgumentError, match="count=0 must be at least 1"):
        images_to_mask([0, 1], 0)
    np.savez(tmp_path / "some.npz", images=np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(ArgumentError, match="holds the list of `augsafe masks"):
        open_source(tmp_path / "some.npz", masks=data)
