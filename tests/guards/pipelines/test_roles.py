"""Mistakes in pipelines: validation images that are drawn, ranges, the order of normalisation, repeated draws."""

from __future__ import annotations

import random

import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import ArgumentError, InputError
from augsafe.foreign import as_policy
from augsafe.guards import scenes
from augsafe.guards.pipelines import roles as pipelines
from augsafe.policies import random_steps
from tests.conftest import needs

IMAGES = scenes(4)[0]


def codes(report):
    return [f.code for f in report.findings]


# AS501


def test_validation_must_not_draw_and_is_fixed():
    policy = aug.Compose([aug.RandomResizedCrop(24), aug.HorizontalFlip(), aug.Brightness((1.1, 1.1))])
    report = aug.check(policy, role="validation", contract="cifar10")
    (finding,) = [f for f in report.findings if f.code == "AS501"]
    assert finding.steps == ("RandomResizedCrop", "HorizontalFlip") and not report.ok
    assert [type(s).__name__ for s in report.fixed.steps] == ["Resize", "Brightness"]
    assert report.changes == ("RandomResizedCrop: Resize in its place", "leave out HorizontalFlip")
    assert aug.check(report.fixed, role="validation", contract="cifar10").ok
    assert "AS501" not in codes(aug.check(policy, contract="cifar10"))
    with pytest.raises(ArgumentError, match="must be one of training, validation, got 'test'"):
        aug.check(policy, role="test")


def test_a_loader_for_validation_refuses_what_draws():
    labels = np.arange(8) % 2
    with pytest.raises(ArgumentError, match=r"AS501: .*HorizontalFlip"):
        aug.Loader((IMAGES, labels), aug.HorizontalFlip(), role="validation")
    plain = aug.Loader((IMAGES, labels), aug.Resize(16), role="validation", shuffle=False, workers=0, batch_size=8)
    first, second = (next(iter(plain)).images for _ in range(2))
    assert (first == second).all()


@needs("torchvision")
def test_anothers_steps_are_run_to_see_whether_they_draw():
    from torchvision.transforms import v2

    fixed = as_policy([v2.Resize(20, interpolation=v2.InterpolationMode.BICUBIC), v2.CenterCrop(16)])[0]
    assert any(isinstance(leaf, aug.Foreign) for leaf in fixed.leaves)
    assert random_steps(fixed) == ()
    assert random_steps(as_policy([v2.ColorJitter(hue=0.2)])[0]) == ("ColorJitter",)


# AS502


def test_a_range_that_is_not_used_is_reported():
    floats = (IMAGES / 255).astype(np.float32)
    dark = aug.check(aug.Compose([aug.Brightness()], value_range=(0, 255)), floats, suggest=False)
    (finding,) = [f for f in dark.findings if f.code == "AS502"]
    assert finding.severity == "error" and "value_range=(" in finding.help
    assert "AS502" not in codes(aug.check(aug.Brightness(), floats, suggest=False))
    assert "AS502" in codes(aug.check(aug.Brightness(), (IMAGES > 128).astype(np.uint8), suggest=False))
    assert "AS502" in codes(aug.check(aug.Brightness(), IMAGES.astype(np.uint16), suggest=False))
    assert "AS502" not in codes(aug.check(aug.Brightness(), IMAGES // 16, suggest=False))  # dark, and so they are
    with pytest.raises(InputError, match="AS502"):
        aug.check(aug.Brightness(), IMAGES.astype(np.float32))


# AS503


@needs("torchvision")
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("kind", ["jitter", "callable"])
def test_normalising_before_colour_is_found_in_torchvision(kind, late):
    import torch
    from torchvision.transforms import v2

    tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    normalise = v2.Normalize([0.5, 0.5, 0.5], [0.25, 0.25, 0.25])
    colour = v2.ColorJitter(contrast=0.5) if kind == "jitter" else lambda image: image * 0.5
    steps = [*tensor, normalise, colour] if late else [*tensor, colour, normalise]
    assert ("AS503" in codes(aug.check(v2.Compose(steps), size=(24, 24), draws=100, suggest=False))) == late


@needs("torchvision")
def test_erasing_after_normalising_is_as_it_should_be():
    import torch
    from torchvision.transforms import v2

    steps = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5], [0.25]), v2.RandomErasing(p=1)]
    assert "AS503" not in codes(aug.check(v2.Compose(steps), size=(24, 24), draws=100, suggest=False))


@needs("albumentations")
@pytest.mark.parametrize("late", [False, True])
def test_normalising_before_colour_is_found_in_albumentations(late, monkeypatch):
    import albumentations as A

    normalise, colour = A.Normalize(), A.RandomBrightnessContrast(p=1)
    pipeline = A.Compose([A.HorizontalFlip(), normalise, colour] if late else [A.HorizontalFlip(), colour, normalise])
    assert ("AS503" in codes(aug.check(pipeline, contract="cifar10", draws=100, suggest=False))) == late
    if late:  # negative control: a guard that takes any change for none is seen
        monkeypatch.setattr(pipelines, "SHIFTED", 2.0)
        assert "AS503" not in codes(aug.check(pipeline, contract="cifar10", draws=100, suggest=False))


# AS504

torch = pytest.importorskip("torch")


class Noisy(torch.utils.data.Dataset):
    """Adds noise from a generator that a worker process may copy."""

    def __init__(self, source):
        self.source, self.own = source, np.random.default_rng(0)

    def __len__(self):
        return len(IMAGES)

    def __getitem__(self, index):
        draw = {
            "own": lambda: self.own.normal(),
            "numpy": lambda: np.random.normal(),  # noqa: NPY002
            "random": lambda: random.gauss(0, 1),
            "torch": lambda: float(torch.randn(())),
            "none": lambda: 0.0,
        }[self.source]()
        return torch.from_numpy(IMAGES[index].astype(np.float32) + np.float32(draw)), index


class Flips(Noisy):
    """Two outcomes, and another form of example."""

    def __getitem__(self, index):
        image = torch.from_numpy(IMAGES[index])
        return {"pixel_values": image.flip(1) if torch.rand(()) < 0.5 else image, "label": 0}


def seed_alike(worker):
    np.random.seed(0)  # noqa: NPY002


def seed_apart(worker):
    np.random.seed(torch.initial_seed() % 2**32)  # noqa: NPY002


def loader_of(data, **options):
    return torch.utils.data.DataLoader(data, batch_size=4, shuffle=True, num_workers=2, **options)


@pytest.mark.parametrize("case", ["a generator of its own", "one seed for all workers"])
def test_the_bug_of_the_copied_generator_is_found(case):
    own = case == "a generator of its own"
    loader = loader_of(Noisy("own" if own else "numpy"), worker_init_fn=None if own else seed_alike)
    found = aug.check_loader(loader, draws=32)
    assert found.between_workers == found.between_epochs == 1 and found.by_chance == 0
    assert [(f.code, f.severity) for f in found.findings] == [("AS504", "error")] * 2
    assert "two workers" in str(found)


@pytest.mark.parametrize("source", ["torch", "numpy", "random", "none"])
def test_generators_that_are_seeded_apart_are_not_blamed(source):
    found = aug.check_loader(loader_of(Noisy(source), worker_init_fn=seed_apart), draws=32)
    assert found.ok, str(found)
    assert found.by_chance == (1 if source == "none" else 0)


def test_workers_that_live_on_repeat_between_workers_alone():
    found = aug.check_loader(loader_of(Noisy("own"), persistent_workers=True), draws=32)
    assert (found.between_workers, found.between_epochs) == (1, 0)
    assert len(found.findings) == 1


def test_our_own_data_set_does_not_repeat():
    from augsafe.adapters.torch import Dataset

    data = Dataset((IMAGES, np.arange(8) % 2), aug.Compose([aug.Rotate((-30, 30)), aug.HorizontalFlip()]))
    found = aug.check_loader(loader_of(data), draws=32)
    assert found.ok and found.between_epochs < 1 and data.epoch == 0


def test_chance_is_allowed_for():
    """A flip alone has two outcomes: half of the draws agree, and that is no repeat."""

    found = aug.check_loader(loader_of(Flips("torch")), draws=64)
    assert found.ok and 0.3 < found.by_chance < 0.9


def listed(examples):
    """A collate function as for detection: images of several sizes stay in a list."""
    return tuple(zip(*examples, strict=True))


@pytest.mark.parametrize(
    "options", [{"batch_size": None}, {"batch_size": 4, "collate_fn": listed}], ids=["one by one", "as lists"]
)
def test_batches_of_other_forms_are_read(options):
    bad = torch.utils.data.DataLoader(Noisy("own"), num_workers=2, **options)
    good = torch.utils.data.DataLoader(Noisy("torch"), num_workers=2, **options)
    assert len(aug.check_loader(bad, draws=32).findings) == 2 and aug.check_loader(good, draws=32).ok


def test_asking_changes_nothing_that_is_drawn_later():
    loader = torch.utils.data.DataLoader(Noisy("numpy"), batch_size=4)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    found = aug.check_loader(loader, draws=16)
    assert found.ok and found.between_workers is None
    assert (np.random.get_state()[1] == before[0]).all() and (torch.get_rng_state() == before[1]).all()  # noqa: NPY002


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ArgumentError, match="needs a torch DataLoader"):
        aug.check_loader(aug.Loader((IMAGES, np.arange(8))))
    with pytest.raises(ArgumentError, match="at least 16"):
        aug.check_loader(loader_of(Noisy("torch")), draws=4)
    with pytest.raises(InputError, match="no images"):
        aug.check_loader(torch.utils.data.DataLoader([1, 2, 3]), draws=16)
