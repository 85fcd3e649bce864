"""What does not fit a network is a typed error before the first step, and says what to do."""

from __future__ import annotations

import numpy as np
import pytest

import augsafe as aug
from augsafe import ArgumentError, Compose, InputError, Output, PerClass
from augsafe.cnns import Options, Transfer, input_spec, network, suggest, with_channels
from augsafe.cnns.data import divide, labels_of
from augsafe.cnns.fitting import check_batches, fitted
from augsafe.cnns.task import prepare
from augsafe.images import open_source
from augsafe.policies import evaluation_policy, random_steps

RESNET = input_spec("resnet18", size=32)
GREY, RGB = np.zeros((40, 32, 32), np.uint8), np.zeros((40, 32, 32, 3), np.uint8)
LABELS = np.arange(40) % 4


def task(data, name="lenet5", policy=None, world=1, *, options=None, tmp="out", **extra):
    """A task, prepared."""
    from pathlib import Path

    return prepare(
        network(name),
        policy,
        Path(tmp),
        options or Options(),
        (data, extra.get("validation"), extra.get("groups"), extra.get("test")),
        extra.get("validation_policy"),
        None,
        "redraw",
        extra.get("weights"),
        extra.get("transfer", "auto"),
        world,
    )


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (Output(size=32), "dtype"),
        (Output(size=32, dtype="float32"), "layout"),
        (Output(dtype="float32", layout="CHW"), "no size"),
        (Output(size=20, dtype="float32", layout="CHW"), "32"),
        (Output(size=32, dtype="float32", layout="CHW", mean=(0.5, 0.5)), "mean has 2 channels"),
        (Output(size=32, dtype="float32", layout="CHW", value_range=(0, 255)), "black and white"),
    ],
)
def test_an_output_that_does_not_fit(output, said):
    with pytest.raises(ArgumentError, match=said) as caught:
        fitted(Compose((), output=output), network("resnet18"))
    assert "input_spec('resnet18', 'torch')" in str(caught.value)


def test_pretrained_weights_want_their_own_normalisation():
    plain = Compose((), output=Output(size=64, dtype="float32", layout="CHW"))
    assert fitted(plain, network("resnet18")) is plain
    with pytest.raises(ArgumentError, match="pretrained weights expect"):
        fitted(plain, network("resnet18"), pretrained=True)
    mine = Compose((), output=input_spec("resnet18", size=64))
    assert fitted(mine, network("resnet18"), pretrained=True) is mine


def test_a_policy_without_an_output_gets_the_networks():
    made = fitted(Compose((aug.Rotate(),)), network("vgg16"))
    assert made.output == input_spec("vgg16")
    assert fitted(Compose(()), network("vgg16"), size=64).output == input_spec("vgg16", size=64)
    both = fitted(PerClass({"a": aug.Rotate(), "*": Compose(())}), network("vgg16"))
    assert {p.output for p in both.policies.values()} == {input_spec("vgg16")}
    with pytest.raises(ArgumentError, match="remove one of them"):
        fitted(Compose((), output=RESNET), network("resnet18"), size=64)


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        ((GREY, LABELS), "resnet18", "1 channels .* np.repeat"),
        ((RGB, LABELS), "lenet5", "3 channels"),
        ((np.zeros((40, 8, 8, 5), np.uint8), LABELS), "resnet18", "5 channels"),
        ((GREY, None), "lenet5", "no labels"),
        ((GREY, np.zeros(40, int)), "lenet5", "1 class"),
        ((GREY, LABELS - 1), "lenet5", "label -1, out of range"),
        ((GREY, LABELS * 2), "lenet5", "class '1' has no images"),
        ((GREY[:5], np.array([0, 0, 1, 1, 2])), "lenet5", "class '2' has 1 image"),
    ],
)
def test_data_that_does_not_fit(data, name, said):
    with pytest.raises(InputError, match=said):
        task(data if data[1] is not None else open_source(data[0]), name)


def test_labels_of_test_data_may_not_be_out_of_range():
    with pytest.raises(InputError, match="label 4, out of range for 4 classes"):
        task((GREY, LABELS), test=(GREY, LABELS + 1))


@pytest.mark.parametrize(
    ("images", "batch", "world", "learns", "said"),
    [
        (100, 1, 1, True, "batch norm"),
        (97, 32, 1, True, "use batch_size=33"),
        (99, 32, 2, True, "use batch_size=34"),
        (100, 33, 2, False, "multiple of 2"),
        (1, 2, 2, False, "fewer than the 2 processes"),
        (100, True, 1, False, "whole number"),
    ],
)
def test_batches_that_do_not_fit(images, batch, world, learns, said):
    with pytest.raises(ArgumentError, match=said):
        check_batches(images, batch, world, learns)


@pytest.mark.parametrize("batch", range(2, 60))
def test_a_batch_size_that_is_advised_is_accepted(batch):
    try:
        check_batches(97, batch, 1, True)
    except ArgumentError as error:
        assert 97 % batch == 1
        better = int(str(error).split("batch_size=")[-1].split()[0])
        check_batches(97, better, 1, True)


def test_a_batch_of_one_is_an_error_before_the_first_step():
    one = Options(batch_size=1)
    with pytest.raises(ArgumentError, match="batch norm"):
        task((RGB, LABELS), "resnet18", options=one)
    task((GREY, LABELS), "lenet5", options=one)  # has no batch norm
    task((RGB, LABELS), "resnet18", options=one, weights="w.pt", transfer=Transfer(0))  # learns no statistics


@pytest.mark.parametrize(
    ("name", "value"),
    [("epochs", 0), ("batch_size", 2.5), ("rate", -1), ("weight_decay", "a"), ("device", "tpu"), ("patience", True)],
)
def test_options_are_checked_when_made(name, value):
    with pytest.raises(ArgumentError, match=name):
        Options(**{name: value})


def test_transfer_needs_something_learned():
    with pytest.raises(ArgumentError, match="weights="):
        task((GREY, LABELS), transfer=Transfer(0))
    with pytest.raises(ArgumentError, match="has 5 blocks"):
        task((RGB, LABELS), "resnet18", weights="w.pt", transfer=Transfer(6))
    with pytest.raises(ArgumentError, match="lower"):
        Transfer(lower=0)


# Splits


def test_each_class_gives_its_share_and_none_is_on_both_sides():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    split = divide((np.zeros((100, 8, 8), np.uint8), labels), 1, None, 0.2, 3, None, False)
    assert not set(split.train.rows) & set(split.validation.rows)
    assert sorted([*split.train.rows, *split.validation.rows]) == list(range(100))
    assert np.bincount(split.validation.labels).tolist() == [12, 6, 2]
    again = divide((np.zeros((100, 8, 8), np.uint8), labels), 1, None, 0.2, 3, None, False)
    assert (again.train.rows == split.train.rows).all()


def test_groups_stay_together():
    groups = np.arange(40) // 4
    split = divide((GREY, LABELS), 1, None, 0.2, 0, groups, False)
    assert not set(groups[split.train.rows]) & set(groups[split.validation.rows])
    assert len(split.validation)
    with pytest.raises(InputError, match="fewer groups"):
        divide((GREY, LABELS), 1, None, 0.2, 0, np.arange(40) % 2, False)
    with pytest.raises(ArgumentError, match="remove one of them"):
        divide((GREY, LABELS), 1, (GREY, LABELS), 0.2, 0, groups, False)


def test_channels_are_turned_where_asked():
    image = np.random.default_rng(0).integers(0, 256, (6, 5), dtype=np.uint8)
    assert (with_channels(with_channels(image, 3), 1) == image).all()
    assert with_channels(np.dstack([image] * 4), 3).shape == (6, 5, 3)
    split = divide((GREY, LABELS), 3, None, 0.2, 0, None, True)
    assert split.train[0].image.shape == (32, 32, 3)


def test_labels_go_with_classes():
    assert labels_of(open_source((GREY, LABELS)))[1] == ("0", "1", "2", "3")


# Policies that judge


def test_what_never_varies_is_kept_for_validation():
    policy = Compose(
        (
            aug.Pad(2, 2, 2, 2),
            aug.Rotate((-10, 10)),
            aug.Rotate((90, 90)),
            aug.HorizontalFlip(),
            aug.RandomCrop(30),
            aug.OneOf((aug.VerticalFlip(p=1), aug.Brightness())),
            aug.GaussianBlur(p=0.5),
            aug.Brightness((1.1, 1.1)),
        ),
        border="constant",
        output=RESNET,
    )
    kept = evaluation_policy(policy)
    assert [type(s).__name__ for s in kept.steps] == ["Pad", "Rotate", "CenterCrop", "Brightness"]
    assert random_steps(kept) == ()
    assert (kept.border, kept.output) == ("constant", RESNET)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    first, later = (kept.batch(images, indices=[0, 1, 2], seed=s, epoch=s) for s in (0, 5))
    assert (first == later).all()
    assert set(random_steps(policy)) == {"Rotate", "HorizontalFlip", "RandomCrop", "OneOf", "GaussianBlur"}


def test_a_random_resized_crop_becomes_a_resize():
    kept = evaluation_policy(Compose((aug.RandomResizedCrop(24),)))
    assert [type(s).__name__ for s in kept.steps] == ["Resize"]


def test_random_validation_policies_are_refused():
    with pytest.raises(ArgumentError, match=r"AS501.*Rotate"):
        task((GREY, LABELS), validation_policy=Compose((aug.Rotate(),)))
    made = task((GREY, LABELS), validation_policy=Compose((aug.CenterCrop(30),)))
    assert [s.label for s in made.evaluation.steps] == ["CenterCrop"]


def test_policies_by_class_must_agree_on_how_to_judge():
    agree = PerClass({"0": aug.Rotate(), "*": aug.Shift()})
    assert task((GREY, LABELS), policy=agree).evaluation.steps == ()
    differ = PerClass({"0": aug.Resize(24), "*": aug.Shift()})
    with pytest.raises(ArgumentError, match="validation_policy"):
        task((GREY, LABELS), policy=differ)


# Advice


@pytest.mark.parametrize(("least", "blocks"), [(1, 0), (19, 0), (20, 1), (199, 1), (200, None), (5000, None)])
def test_the_rarest_class_decides_what_learns(least, blocks):
    advice = suggest([10_000, least], network("resnet18"))
    assert advice.blocks == blocks
    assert f"{least:,} training images" in advice.why


def test_advice_needs_counts():
    for counts in ([], [3, 0], [[1, 2]]):
        with pytest.raises(ArgumentError, match="images_per_class"):
            suggest(counts, network("resnet18"))


def test_value_range_is_checked_as_everywhere():
    from augsafe.cnns.data import Part

    floats = np.full((40, 32, 32), 200, np.float32)
    made = task((floats, LABELS))
    assert isinstance(made.split.train, Part)
    with pytest.raises(InputError, match="AS502"):
        next(iter(made.training_loader()))
