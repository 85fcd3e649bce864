"""What a finder of the user's may return, and what is said of anything else."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from augsafe.errors import InputError
from augsafe.objects.finder import finder_name, found_by

IMAGE = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
INSIDE = np.zeros((6, 8), bool)
INSIDE[2:5, 3:6] = True
SOFT = np.where(INSIDE, 0.7, 0.3)


@pytest.mark.parametrize(
    "mask",
    [
        INSIDE,
        INSIDE.astype(np.uint8),
        INSIDE.astype(np.uint8) * 255,
        (SOFT * 255).astype(np.uint8),
        SOFT,
        SOFT.astype(np.float16),
        SOFT.astype(np.float32)[..., None],
        INSIDE.tolist(),
        np.where(INSIDE, 255, np.arange(48, dtype=np.uint8).reshape(6, 8)),
    ],
    ids=["bool", "0 and 1", "0 and 255", "soft uint8", "soft", "half floats", "one channel", "a list", "faint ground"],
)
def test_masks_of_every_kind_say_the_same(mask):
    found = found_by(lambda image, label: mask, IMAGE)
    assert found.dtype == bool and (found == INSIDE).all()


def test_tensors_are_masks_too():
    torch = pytest.importorskip("torch")
    assert (found_by(lambda image, label: torch.from_numpy(SOFT), IMAGE) == INSIDE).all()
    with pytest.raises(InputError, match=r"returned Tensor, .* return mask.detach\(\).cpu\(\).numpy\(\)"):
        found_by(lambda image, label: torch.from_numpy(SOFT).requires_grad_(), IMAGE)


@pytest.mark.parametrize("nothing", [None, np.zeros((6, 8)), np.zeros((6, 8), np.uint8), np.full((6, 8), 0.49)])
def test_nothing_found_is_an_answer(nothing):
    assert not found_by(lambda image, label: nothing, IMAGE).any()


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.zeros((8, 6)), r"a mask of shape \(8, 6\) for an image of \(6, 8\); resize it"),
        (np.zeros((6, 8, 3)), r"a mask of shape \(6, 8, 3\)"),
        (INSIDE * 3, "int64; return bool, uint8"),
        (INSIDE.astype(np.uint8) * 3, "3 as its highest value, which looks like ids of classes; return mask > 0"),
        (SOFT * 9, r"floats from 2.7 to 6.3; return probabilities from 0 to 1"),
        (-SOFT, "floats from -0.7 to -0.3"),
        (np.where(INSIDE, np.nan, 0), "floats from nan to nan"),
        (np.where(INSIDE, "a", "b"), "<U1; return bool"),
    ],
)
def test_anything_else_is_refused_by_name(mask, words):
    def my_network(image, label):
        return mask

    with pytest.raises(InputError, match=r"the finder objects=my_network returned .*" + words):
        found_by(my_network, IMAGE)


def test_the_finder_gets_a_copy_and_the_label():
    seen = []

    def careless(image, label):
        seen.append(label)
        image[:] = 0
        return INSIDE

    image = IMAGE.copy()
    found_by(careless, image, "cat")
    assert seen == ["cat"] and (image == IMAGE).all()


def test_errors_of_the_finder_itself_pass():
    def broken(image, label):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        found_by(broken, IMAGE)


def test_names():
    class Network:
        def __call__(self, image, label):
            return None

    assert finder_name(Network()) == "Network"
    assert finder_name(functools.partial(Network())) == "partial"
    assert finder_name(test_names) == "test_names"
