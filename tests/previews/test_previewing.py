"""The preview: the right cells are flagged for the right reason, and the drawing holds what it should."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from augsafe.demo import careless, digits
from augsafe.errors import ArgumentError, ContractError, InputError
from augsafe.guards import ContentMeasures
from augsafe.planning import Output
from augsafe.policies import Compose
from augsafe.previews import preview, spread
from augsafe.report.grid import COLOURS, fit, shorten, to_rgb, wrap
from augsafe.report.marks import content_words
from augsafe.transforms import (
    Brightness,
    HorizontalFlip,
    OneOf,
    RandomResizedCrop,
    Rotate,
    Rotate90,
    Shift,
    VerticalFlip,
    Zoom,
)

RED = np.array(COLOURS["error"], np.uint8)
IMAGES, LABELS = digits()
SIX, EIGHT = (int(np.flatnonzero(d == LABELS)[0]) for d in (6, 8))


def one(policy, index=SIX, **options):
    """A preview of one digit."""
    return preview(policy, IMAGES[[index]], LABELS[[index]], contract="mnist", indices=[index], **options)


def has_red(picture):
    return bool((picture == RED).all(axis=-1).any())


def test_a_half_turn_makes_a_6_a_9():
    both = Compose([HorizontalFlip(p=1), VerticalFlip(p=1)])
    grid = one(both, columns=3)
    assert grid.flags == [(0, c, "reads as 9") for c in (1, 2, 3)]
    assert has_red(grid.image)


def test_the_same_draw_leaves_an_8_alone():
    both = Compose([HorizontalFlip(p=1), VerticalFlip(p=1)])
    grid = one(both, EIGHT, columns=3)
    assert grid.flags == []
    assert not has_red(grid.image)
    assert grid.note.startswith("Nothing flagged")


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (HorizontalFlip(p=1), "invalid"),
        (Rotate((40, 40)), "rotated 40°"),
        (Rotate((30.01, 30.01)), "rotated 30.01°"),
        (Zoom((1.5, 1.5)), "zoom 1.50"),
        (Shift((0.6, 0.6), (0, 0)), "% left"),
    ],
)
def test_reasons(step, reason):
    flags = one(Compose([step], border="constant"), columns=1).flags
    assert [(r, c) for r, c, _ in flags] == [(0, 1)]
    assert reason in flags[0][2]


@pytest.mark.parametrize("step", [Rotate((29, 29)), Zoom((1.3, 1.3)), Shift((0.05, 0.05), (0, 0))])
def test_harmless_twins_are_not_flagged(step):
    assert one(Compose([step], border="constant"), columns=1).flags == []


def test_uncertain_cells_are_amber():
    two = int(np.flatnonzero(LABELS == 2)[0])
    grid = one(HorizontalFlip(p=1), two, columns=1)
    assert grid.flags == [(0, 1, "ambiguous")]
    assert not has_red(grid.image)
    assert (grid.image == np.array(COLOURS["warning"], np.uint8)).all(axis=-1).any()


def test_cells_are_what_the_policy_draws():
    policy = careless()
    grid = preview(policy, IMAGES[:40], LABELS[:40], contract="mnist", rows=5, columns=3, seed=7, epoch=2)
    assert grid.columns == ("original", "epoch 2", "epoch 3", "epoch 4")
    for row, index in enumerate(grid.indices):
        assert (grid.cells[row][0].image == IMAGES[index]).all()
        for column in (1, 2, 3):
            drawn = policy(IMAGES[index], seed=7, epoch=1 + column, index=index).image
            assert (grid.cells[row][column].image == drawn).all()


def test_steps_are_shown_alone_and_acting():
    grid = one(careless(), mode="steps")
    assert grid.columns == (
        *("original", "Shift", "Zoom", "Rotate"),
        *("HorizontalFlip", "VerticalFlip", "Brightness", "all together"),
    )
    assert (grid.cells[0][4].image == IMAGES[SIX][:, ::-1]).all()
    assert (0, 4, "invalid") in grid.flags


def test_children_of_a_choice_are_steps():
    policy = Compose([OneOf(children=(HorizontalFlip(), Brightness()))])
    assert one(policy, mode="steps").columns == ("original", "HorizontalFlip", "Brightness", "all together")
    assert one(policy, mode="strength", step="Brightness", columns=3).columns[1] == "factor 0.8"


def test_strength_goes_from_end_to_end():
    grid = one(careless(), mode="strength", step="Rotate", columns=5)
    assert grid.columns == ("original", "angle -40", "angle -20", "angle 0", "angle 20", "angle 40")
    assert [c for _, c, _ in grid.flags] == [1, 5]
    assert (grid.cells[0][3].image == IMAGES[SIX]).all()


@pytest.mark.parametrize(("step", "columns"), [(HorizontalFlip(), 1), (Rotate90(), 4)])
def test_strength_of_steps_without_a_range(step, columns):
    assert len(one(step, mode="strength", columns=4).columns) == columns + 1


def test_a_sweep_weakens_one_draw_of_the_whole_policy():
    policy = Compose([Rotate((40, 40)), Zoom((1.3, 1.3))])
    grid = one(policy, mode="sweep", columns=4)
    assert grid.columns == ("original", "strength 0.25", "strength 0.5", "strength 0.75", "strength 1")
    assert grid.flags == [(0, 4, "rotated 40°")]
    half = Compose([Rotate((20, 20)), Zoom((1.14, 1.14))])  # the zoom halved on its logarithm, rounded towards 1
    assert (grid.cells[0][2].image == half(IMAGES[SIX], seed=0, index=SIX).image).all()


def test_a_row_for_each_class_says_how_often_it_breaks():
    flip = Compose([HorizontalFlip()])
    grid = preview(flip, IMAGES[:300], LABELS[:300], contract="mnist", mode="classes", columns=3)
    assert len(grid.rows) == 10
    shares = {name.split(":")[0]: int(name.split(" ")[1][:-1]) for name in grid.rows}
    assert shares["8"] == shares["2"] == 0  # the same; ambiguous, which is no certain harm
    assert 40 < shares["6"] < 60
    row = [cell.image for cell in grid.cells[6][1:]]
    assert all(any((a == b).all() or (a == b[:, ::-1]).all() for b in IMAGES[:300][LABELS[:300] == 6]) for a in row)
    assert not (row[0] == row[1]).all()


def test_a_class_with_few_images_repeats_them():
    grid = preview(Rotate(), IMAGES[:2], ["a", "b"], mode="classes", columns=3)
    assert [len(row) for row in grid.cells] == [4, 4]
    assert preview(Rotate(), IMAGES[:5], mode="classes", columns=2).rows == ("any class: 0% flagged",)


def test_pairs_show_what_takes_both():
    chosen = np.isin(LABELS, [6, 8])
    images, labels = IMAGES[chosen][:40], LABELS[chosen][:40]
    both = Compose([HorizontalFlip(), VerticalFlip(), Brightness()])
    grid = preview(both, images, labels, contract="mnist", mode="pairs")
    assert grid.rows == ("6",)
    assert [cell.caption for cell in grid.cells[0]] == [
        *("in 100% of images", "HorizontalFlip", "VerticalFlip", "together")
    ]
    assert [cell.reasons for cell in grid.cells[0]] == [(), ("invalid",), ("invalid",), ("reads as 9",)]
    original = images[grid.indices[0]]
    assert (grid.cells[0][3].image == original[::-1, ::-1]).all()


def test_pairs_that_are_harmless_together_are_not_shown():
    images, labels = IMAGES[LABELS == 8][:20], LABELS[LABELS == 8][:20]
    for policy in (Compose([HorizontalFlip(), VerticalFlip()]), Compose([Zoom((0.5, 0.5)), HorizontalFlip()])):
        grid = preview(policy, images, labels, contract="mnist", mode="pairs")
        assert grid.rows == () and grid.note.startswith("No pair")
        assert grid.image.size


def test_a_shift_and_a_zoom_lose_together_what_neither_loses_alone():
    policy = Compose([Shift((0.29, 0.29), (0, 0)), Zoom((1.39, 1.39))], border="constant")
    masks = IMAGES[:60] > 0
    grid = preview(policy, IMAGES[:60], LABELS[:60], contract="mnist", masks=masks, mode="pairs")
    assert [cell.severity for cell in grid.cells[0]] == ["", "", "", "error"]
    assert "left" in grid.cells[0][3].reasons[0]


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_a_moving_preview_shows_one_column_after_the_other(tmp_path, ending):
    grid = preview(careless(), IMAGES[:40], LABELS[:40], contract="mnist", rows=10, columns=4)
    grid.save(tmp_path / f"draws.{ending}", seconds=0.5)
    with Image.open(tmp_path / f"draws.{ending}") as moving:
        assert moving.n_frames == 4
        pictures, times = [], []
        for k in range(4):
            moving.seek(k)
            moving.load()
            times.append(moving.info["duration"])
            pictures.append(np.asarray(moving.convert("RGB")).astype(int))
    assert set(times) == {500}
    top = pictures[0].shape[0] // 5  # the originals stand still; what is below changes
    assert all(np.abs(a[:top] - pictures[0][:top]).mean() < 3 for a in pictures[1:])
    assert all(np.abs(a[top:] - pictures[0][top:]).mean() > 3 for a in pictures[1:])
    assert any((np.abs(a - RED).max(axis=-1) < 40).any() for a in pictures)


def test_a_moving_preview_needs_something_that_moves(tmp_path):
    with pytest.raises(ArgumentError, match="at least one"):
        preview(Compose([HorizontalFlip()]), IMAGES[:5], LABELS[:5], contract="mnist", mode="pairs").save(
            tmp_path / "x.gif"
        )
    with pytest.raises(ArgumentError, match="seconds"):
        one(Rotate(), columns=2).save(tmp_path / "x.gif", seconds=0)


def test_rows_are_spread_over_the_classes():
    grid = preview(careless(), IMAGES, LABELS, contract="mnist", rows=10, columns=1)
    assert grid.rows == tuple(str(d) for d in range(10))


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=40), st.integers(1, 50))
def test_spread_is_even(labels, n):
    array = np.array(labels)
    chosen = spread(array, min(n, len(labels)))
    assert len(set(chosen.tolist())) == min(n, len(labels))
    counts = {c: int((array[chosen] == c).sum()) for c in set(labels)}
    left = {c: labels.count(c) - counts[c] for c in counts}
    assert all(counts[a] <= counts[b] + 1 for a in counts for b in counts if left[b])


def test_without_a_contract_only_content_is_judged():
    grid = preview(HorizontalFlip(p=1), IMAGES[[SIX]], LABELS[[SIX]], columns=1)
    assert grid.flags == []
    assert "Without a contract" in grid.note
    moved = Compose([Shift((0.6, 0.6), (0, 0))], border="constant")
    assert "left" in preview(moved, IMAGES[[SIX]], columns=1).flags[0][2]


def test_a_mask_says_where_the_object_is():
    moved = Compose([Shift((0.5, 0.5), (0, 0))], border="constant")
    mask = np.zeros((1, 32, 32), np.uint8)
    mask[:, :, :4] = 1
    assert "left" in preview(moved, IMAGES[[SIX]], columns=1).flags[0][2]
    assert preview(moved, IMAGES[[SIX]], masks=mask, columns=1).flags == []


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [0, 1, 3, 4, 7])
def test_any_image_is_drawn(dtype, channels):
    rng = np.random.default_rng(0)
    levels = rng.random((2, 20, 31, channels) if channels else (2, 20, 31))
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    images = (levels * top).astype(dtype)
    drawn = preview(Brightness(), images, columns=2, cell=64).image
    assert drawn.dtype == np.uint8
    assert drawn.shape[2] == 3
    expected = np.rint(images[0].reshape(20, 31, -1)[..., 0] / top * 255)
    assert np.abs(to_rgb(images[0])[..., 0] - expected).max() <= 1


def test_normalised_output_is_shown_as_it_was_before():
    output = Output(size=(40, 24), dtype="float32", layout="CHW", mean=(0.5,), std=(0.5,))
    grid = one(Compose([Rotate()], output=output), columns=1)
    assert grid.cells[0][1].image.shape == (40, 24)
    assert grid.cells[0][1].image.dtype == np.uint8


def test_images_of_different_sizes():
    images = [np.full((20, 60, 3), 90, np.uint8), np.full((300, 10, 3), 90, np.uint8)]
    grid = preview(Rotate(), images, columns=2)
    assert [row[1].image.shape for row in grid.cells] == [(20, 60, 3), (300, 10, 3)]
    assert grid.image.size


def test_tiny_images_keep_their_pixels():
    picture = np.asarray(fit(to_rgb(IMAGES[SIX]), 112))
    assert picture.shape == (96, 96, 3)
    assert (picture[1::3, 1::3, 0] == IMAGES[SIX]).all()


@given(st.text("abc ", max_size=60), st.integers(20, 120))
def test_text_fits(text, width):
    from PIL import ImageFont

    font = ImageFont.load_default(12)
    lines = wrap(text, width, 12)
    assert len(lines) <= 2
    assert all(font.getlength(line) <= width for line in lines)
    assert font.getlength(shorten(text, width, 12)) <= width


def test_long_names_do_not_widen_the_grid():
    labels = ["a rather long name of a class that goes on and on", "b"]
    short = preview(Rotate(), IMAGES[:2], ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b"], columns=2).image
    long = preview(Rotate(), IMAGES[:2], labels, columns=2).image
    assert long.shape[1] <= short.shape[1] + 2


def test_it_is_saved_and_shows_itself(tmp_path):
    grid = one(careless(), columns=2)
    grid.save(tmp_path / "grid.png")
    assert (np.asarray(Image.open(tmp_path / "grid.png")) == grid.image).all()
    assert (np.asarray(Image.open(io.BytesIO(grid._repr_png_()))) == grid.image).all()


@pytest.mark.parametrize("name", ["grid.nonsense", "no/such/folder/grid.png"])
def test_a_place_that_cannot_be_written(tmp_path, name):
    with pytest.raises(ArgumentError, match="grid"):
        one(Rotate(), columns=1).save(tmp_path / name)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "all"}, "mode"),
        ({"columns": 0}, "columns"),
        ({"rows": 0}, "rows"),
        ({"rows": 2.5}, "rows"),
        ({"cell": 1}, "cell"),
        ({"mode": "strength"}, "step="),
        ({"mode": "strength", "step": "Rotat"}, "did you mean"),
        ({"step": "Rotate"}, "strength"),
        ({"indices": [1]}, "indices"),
    ],
)
def test_wrong_use(options, words):
    with pytest.raises(ArgumentError, match=words):
        preview(careless(), IMAGES[:3], LABELS[:3], **options)


def test_wrong_input():
    with pytest.raises(InputError, match="labels"):
        preview(Rotate(), IMAGES[:3], [1], contract="mnist")
    with pytest.raises(InputError):
        preview(Rotate(), [])
    with pytest.raises(ContractError, match="mnst"):
        preview(Rotate(), IMAGES[:3], contract="mnst")
    with pytest.raises(ArgumentError):
        preview(3, IMAGES[:3])


@pytest.mark.parametrize(
    ("code", "values", "said"),
    [
        ("AS201", {"visible": 0.699}, "object 69% left"),
        ("AS202", {"pixels": 7.7}, "object 7 px"),
        ("AS203", {"covered": 0.501}, "object 51% covered"),
        ("AS204", {"padding": 0.501}, "padding 51%"),
        ("AS204", {"padding": 1.0}, "padding 100%"),
    ],
)
def test_a_number_is_rounded_away_from_the_limit_that_it_breaks(code, values, said):
    names = ("visible", "pixels", "plain_pixels", "padding", "doubled", "covered")
    found = ContentMeasures(**{name: np.array([values.get(name, 0.0)]) for name in names})
    assert content_words(code, found, 0) == said


@pytest.mark.parametrize("mode", ["draws", "sweep", "classes"])
def test_objects_are_looked_for_once_in_an_image(mode, monkeypatch):
    """However many columns show it, and though the policy minds where they are."""
    from augsafe.objects import finding as objects

    looked = []
    true = objects.inspect

    def counted(images, *given):
        looked.append(len(images))
        return true(images, *given)

    monkeypatch.setattr(objects, "inspect", counted)
    images, labels = IMAGES[:12], LABELS[:12]
    policy = Compose([RandomResizedCrop((16, 16), keep=0.8)])
    assert policy.minds_objects
    grid = preview(policy, images, labels, contract="mnist", mode=mode, columns=5, rows=12)
    assert len(grid.rows) > 1 and 0 < sum(looked) <= 12
