"""Published policies: their tables and strengths are those of torchvision, which follows the papers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from skimage import data

import augsafe as aug
from augsafe.errors import ArgumentError
from augsafe.transforms import AllOf, OneOf, Transform
from augsafe.transforms.published import TABLES, _fixed
from tests.conftest import needs

PHOTO = data.astronaut()[::4, ::4]
NAMES = ("imagenet", "cifar10", "svhn")
N = 20_000


def written(name: str) -> list[tuple[tuple[str, float, int | None], ...]]:
    out = []
    for line in TABLES[name].strip().splitlines():
        ops = [op.split() for op in line.split(",")]
        out.append(tuple((op[0], float(op[1]), int(op[2]) if len(op) > 2 else None) for op in ops))
    return out


@needs("torch", "torchvision")
@pytest.mark.parametrize("name", NAMES)
def test_the_tables_of_autoaugment_are_torchvisions(name: str) -> None:
    import torchvision.transforms.v2 as T

    theirs = T.AutoAugment(T.AutoAugmentPolicy(name))._policies
    assert written(name) == [tuple(pair) for pair in theirs]
    assert len(aug.AutoAugment(name).children) == 25


@needs("torch", "torchvision")
@pytest.mark.parametrize("strength", [0, 3, 8, 9])
@pytest.mark.parametrize(
    "op", ["Brightness", "Color", "Sharpness", "Posterize", "Solarize", "AutoContrast", "Equalize"]
)
def test_an_operation_gives_what_torchvisions_gives(op: str, strength: int) -> None:
    """On levels, within 2 of 255; what differs on purpose (shear, contrast) is written in the module."""
    import torch
    import torchvision.transforms.v2 as T

    library = T.AutoAugment()
    make, _ = library._AUGMENTATION_SPACE[op]
    strengths = make(10, 128, 128)
    value = 0.0 if strengths is None else float(strengths[strength])
    tensor = torch.from_numpy(PHOTO.transpose(2, 0, 1).copy())
    theirs = library._apply_image_or_video_transform(
        tensor, op, value, interpolation=T.InterpolationMode.NEAREST, fill={torch.Tensor: None}
    )
    ours = aug.Compose([_fixed(op, strength / 9)[0]])(PHOTO, seed=0).image
    apart = np.abs(ours.astype(int) - theirs.numpy().transpose(1, 2, 0))
    assert apart.max() <= 2


@needs("torch", "torchvision")
@pytest.mark.parametrize("op", ["Rotate", "TranslateX", "TranslateY"])
def test_an_operation_moves_as_torchvisions_does(op: str) -> None:
    import torch
    import torchvision.transforms.v2 as T

    library = T.AutoAugment()
    value = float(library._AUGMENTATION_SPACE[op][0](10, 128, 128)[6])
    tensor = torch.from_numpy(PHOTO.transpose(2, 0, 1).copy())
    arguments: Any = {"interpolation": T.InterpolationMode.BILINEAR, "fill": {torch.Tensor: None}}
    theirs = [
        library._apply_image_or_video_transform(tensor, op, sign * value, **arguments).numpy().transpose(1, 2, 0)
        for sign in (1, -1)
    ]
    for step in _fixed(op, 6 / 9):
        if isinstance(step, aug.Shift):  # torchvision cuts the shift to whole pixels
            shift = (step.x[0] + step.y[0]) * 128
            assert abs(shift) == pytest.approx(value, rel=1e-4)
            whole = (float(np.trunc(shift)) / 128,) * 2
            step = aug.Shift(whole, (0, 0)) if op == "TranslateX" else aug.Shift((0, 0), whole)
        ours = aug.Compose([step], border="constant")(PHOTO, seed=0).image.astype(int)
        assert min(np.abs(ours - other).mean() for other in theirs) < 1.5


def drawn(step: Transform, n: int = N) -> dict[str, Any]:
    return dict(aug.Compose([step]).plan(np.full((n, 2), 32), range(n)).draws.active)


@pytest.mark.parametrize("name", NAMES)
def test_autoaugment_chooses_pairs_alike_and_each_operation_by_its_chance(name: str) -> None:
    policy = aug.AutoAugment(name)
    compose = aug.Compose([policy])
    (named,) = compose.steps
    assert isinstance(named, OneOf)
    on = compose.plan(np.full((N, 2), 32), range(N)).draws.active
    for group, pair in zip(named.children, written(name), strict=True):
        assert isinstance(group, AllOf)
        acting = [op for op in pair if op[1] > 0]
        for step, (_, chance, _) in zip(group.children, acting, strict=True):
            leaves = [p.label for p in step.parts] if isinstance(step, OneOf) else [step.label]
            share = np.any([on[leaf] for leaf in leaves], axis=0).mean()
            assert share == pytest.approx(chance / 25, abs=5 * np.sqrt(chance / 25 / N))
    assert len(compose.stages) <= 2


def test_randaugment_takes_n_of_fourteen_alike() -> None:
    on = drawn(aug.RandAugment(n=2, magnitude=9))
    count = np.sum(list(on.values()), axis=0)
    shares = Counter(count.tolist())
    for acting, share in ((0, (1 / 14) ** 2), (1, 2 * 13 / 14**2), (2, (13 / 14) ** 2)):
        assert shares[acting] / N == pytest.approx(share, abs=0.012)
    kinds: Counter[str] = Counter()
    for label, column in on.items():
        kinds[label.split("/")[0].split("-")[0]] += int(column.sum())
    assert kinds["Rotate"] / N == pytest.approx(2 / 14, abs=0.015)
    assert kinds["Shear"] / N == pytest.approx(4 / 14, abs=0.02) and kinds["Shift"] / N == pytest.approx(
        4 / 14, abs=0.02
    )
    turned = aug.Compose([aug.RandAugment(1, 10)]).step("Rotate").angle
    assert turned == (10, 10)


def test_trivialaugment_takes_one_and_draws_its_strength() -> None:
    compose = aug.Compose([aug.TrivialAugmentWide(64)])
    draws = compose.plan(np.full((N, 2), 64), range(N)).draws
    count = np.sum(list(draws.active.values()), axis=0)
    assert count.max() == 1 and count.mean() == pytest.approx(13 / 14, abs=0.01)
    angles = draws.values["Rotate"]["angle"]
    assert angles.min() < -134 and angles.max() > 134 and abs(angles.mean()) < 3
    assert compose.step("Shift").x == (-0.5, 0.5) and aug.TrivialAugmentWide(16).children[2].x == (-1, 1)


@pytest.mark.parametrize("make", [aug.AutoAugment, aug.RandAugment, aug.TrivialAugmentWide])
def test_they_are_saved_and_give_the_same_pixels(make: Any) -> None:
    compose = aug.Compose([make(), aug.HorizontalFlip()], border="constant")
    again = aug.Compose.from_yaml(compose.to_yaml())
    assert again == compose
    batch = compose.batch(np.stack([PHOTO] * 8), indices=range(8))
    for k in range(8):
        np.testing.assert_array_equal(batch[k], again(PHOTO, seed=0, index=k).image)
    assert len({b.tobytes() for b in batch}) > 5


def test_wrong_arguments_are_refused() -> None:
    for make, match in (
        (lambda: aug.AutoAugment("mnist"), "imagenet, cifar10, svhn"),
        (lambda: aug.RandAugment(magnitude=31), "magnitude"),
        (lambda: aug.RandAugment(n=0), "times"),
        (lambda: aug.TrivialAugmentWide(0), "size"),
    ):
        with pytest.raises(ArgumentError, match=match):
            make()


def test_the_page_holds_what_the_benchmark_finds() -> None:
    from benchmarks.published import MARKS, PAGE, POLICIES, SIZES, row

    lines = PAGE.read_text(encoding="utf-8").split(MARKS[0])[1].split(MARKS[1])[0].strip().splitlines()[2:]
    assert len(lines) == len(POLICIES) * len(SIZES)

    def common(cell: str) -> set[tuple[str, str]]:
        """Codes and operations that at least 1.5 % of the draws show."""
        said = [part for part in cell.split("<br>") if part.startswith("AS") and "under" not in part]
        often = [part for part in said if float(part.rsplit(" ", 1)[1].rstrip("%)")) >= 1.5]
        return {(part.split()[0], part.split(":")[0].split(" ", 1)[1]) for part in often}

    for policy, contract in (("TrivialAugmentWide", "mnist"), ("AutoAugment, imagenet", "gtsrb")):
        (line,) = [line for line in lines if line.startswith(f"| {policy} | `{contract}`")]
        made = row(policy, contract, 8000)
        assert f"| {made.harmed} of {made.classes} |" in line
        assert common(line.split("|")[4].strip()) == common("<br>".join(made.breaks)) != set()
    assert row("RandAugment(2, 9)", "cifar10", 2000).harmed == 0


def test_a_bare_list_of_steps_is_a_policy() -> None:
    flips = [aug.HorizontalFlip(), aug.VerticalFlip()]
    listed = aug.check(flips, contract="mnist", draws=500, suggest=False)
    composed = aug.check(aug.Compose(flips), contract="mnist", draws=500, suggest=False)
    assert [f.to_dict() for f in listed.findings] == [f.to_dict() for f in composed.findings]
    with pytest.raises(ArgumentError, match="Foreign"):
        aug.check([aug.HorizontalFlip(), np.flipud], contract="mnist")
