"""A finder in the loader: the rules on content act on what it sees, the same for any number of workers."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import ArgumentError, InputError
from augsafe.guards import measure
from augsafe.objects import Cache, Guess, inspect

POLICY = aug.Compose([aug.Shift((-0.45, 0.45), (-0.45, 0.45))], border="constant")
SIDE = 32


def corner(image, label):
    """A finder: the brightest quarter of the image."""
    return image.max(axis=2) > 200


def pictures(n=24, seed=0):
    """A bright square in a corner of noise that stands out more in the middle."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 180, (n, SIDE, SIDE, 3), np.uint8)
    images[:, 2:12, 2:12] = 255
    return images


def epoch(objects, workers=1, **options):
    loader = aug.Loader(pictures(), POLICY, batch_size=8, shuffle=False, workers=workers, objects=objects, **options)
    batches = list(loader)
    return np.concatenate([batch.images for batch in batches]), loader


def kept(images):
    """The share of the square that each image still shows."""
    return (images.min(axis=3) == 255).sum(axis=(1, 2)) / 100


def test_draws_are_redrawn_until_what_the_finder_sees_stays_in_the_frame():
    free, _ = epoch(None)
    held, loader = epoch(corner)
    # a moved square loses a row and a column to interpolation
    assert (kept(free) < 0.4).any() and (kept(held) > 0.6).all()
    assert "AS201" in str(loader.report)


def test_workers_make_no_difference_and_one_call_is_made_at_a_time():
    inside, most = 0, 0
    lock = threading.Lock()

    def counted(image, label):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        mask = corner(image, label)
        with lock:
            inside -= 1
        return mask

    one, _ = epoch(counted, workers=1)
    three, _ = epoch(counted, workers=3)
    assert (one == three).all() and most == 1


def test_each_image_is_looked_at_once_and_its_label_is_told():
    seen = []

    def told(image, label):
        seen.append(label)
        return corner(image, label)

    loader = aug.Loader((pictures(), np.arange(24) % 3), POLICY, batch_size=8, shuffle=False, workers=1, objects=told)
    for number in range(2):
        loader.set_epoch(number)
        list(loader)
    assert sorted(seen) == sorted((np.arange(24) % 3).tolist())


def test_a_mask_of_the_data_goes_before_the_finder():
    images = pictures()
    masks = np.zeros(images.shape[:3], np.uint8)
    masks[:, 20:30, 20:30] = 1
    data = [{"image": image, "mask": mask} for image, mask in zip(images, masks, strict=True)]
    loader = aug.Loader(
        data, POLICY, batch_size=24, shuffle=False, workers=1, objects=lambda i, c: pytest.fail("asked")
    )
    (batch,) = loader
    assert ((np.asarray(batch.masks) > 0).sum(axis=(1, 2)) > 60).all()


def test_a_policy_that_spares_the_object_spares_what_the_finder_sees():
    erase = aug.Compose([aug.Erase(area=(0.3, 0.5), max_object_share=0.1)])

    def left(objects):
        loader = aug.Loader(
            pictures(), erase, batch_size=24, shuffle=False, workers=1, objects=objects, on_violation=None
        )
        (batch,) = loader
        return kept(batch.images)

    assert left(corner).min() > 0.8 > left(None).min()


def test_it_is_named_in_the_state_and_errors_name_it():
    loader = aug.Loader(pictures(), POLICY, objects=corner)
    state = loader.state_dict()
    aug.Loader(pictures(), POLICY, objects=corner).load_state_dict(state)
    with pytest.raises((ArgumentError, InputError), match="objects"):
        aug.Loader(pictures(), POLICY, objects="saliency").load_state_dict(state)
    with pytest.raises(InputError, match="finder objects=<lambda> returned a mask of shape"):
        list(aug.Loader(pictures(), POLICY, objects=lambda image, label: np.ones(3)))
    with pytest.raises(ArgumentError, match=r"Loader\(objects=...\) must be None"):
        aug.Loader(pictures(), POLICY, objects=7)


def test_a_guess_is_pickled_with_its_finder():
    guess = pickle.loads(pickle.dumps(Guess(corner)))
    assert guess.name == "finder corner"
    images = pictures(4)
    again, first = (inspect(images, guess=g) for g in (guess, Guess(corner)))
    assert (again.weights == first.weights).all() and (again.method == "finder corner").all()
    cache = Cache(4, guess)
    found = cache.find(np.array([2, 0]), images[[2, 0]], None, None, ["a", "b"])
    assert (found.weights == first.weights[[2, 0]]).all()
    plan = POLICY.plan([image.shape for image in images[:2]], range(2))
    assert (measure(plan, found).visible <= 1).all()
