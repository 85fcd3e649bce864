"""Crops that keep the object: always the share asked for, and nothing changed where they need not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import augsafe as aug
from augsafe.errors import ArgumentError
from augsafe.guards import LimitTable, content_findings, measure, static_check, violations
from augsafe.loading import Loader
from augsafe.objects import Objects, inspect
from augsafe.planning import Plan
from augsafe.transforms import Transform

N = 200


def masks(seed: int, n: int, size: tuple[int, int]) -> list[np.ndarray]:
    """Ellipses, scattered spots and pairs of them."""
    rng = np.random.default_rng(seed)
    height, width = size
    rows, columns = np.mgrid[:height, :width]
    out = []
    for k in range(n):
        mask = np.zeros(size, np.uint8)
        for _ in range(1 + k % 3):
            x, y = rng.uniform(0, width), rng.uniform(0, height)
            a, b = rng.uniform(1.5, width / 3), rng.uniform(1.5, height / 3)
            mask[((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 <= 1] = 1
        if k % 5 == 4:
            mask = (rng.random(size) < 0.02).astype(np.uint8)
        mask[int(rng.integers(height)), int(rng.integers(width))] = 1
        out.append(mask)
    return out


def shares(plan: Plan, given: list[np.ndarray]) -> np.ndarray:
    """How much of each mask the frame shows: by area, or by the pixels' centres where the image was turned."""
    found = []
    for i, mask in enumerate(given):
        if not plan.matrix[i][[0, 1, 2, 2], [1, 0, 0, 1]].any():
            lines = []
            for axis in (0, 1):
                scale, shift = plan.matrix[i][axis, axis], plan.matrix[i][axis, 2]
                low, high = sorted((edge - 0.5 - shift) / scale + 0.5 for edge in (0, plan.sizes[i][1 - axis]))
                pixels = np.arange(mask.shape[1 - axis])
                lines.append(np.clip(np.minimum(high, pixels + 1) - np.maximum(low, pixels), 0, 1))
            found.append(lines[1] @ mask @ lines[0] / mask.sum())
            continue
        y, x = np.nonzero(mask)
        moved = plan.matrix[i] @ np.stack([x, y, np.ones(len(x))])
        place = moved[:2] / moved[2]
        height, width = plan.sizes[i]
        inside = (place > -0.5 - 1e-6).all(axis=0) & (place[0] < width - 0.5 + 1e-6) & (place[1] < height - 0.5 + 1e-6)
        found.append(inside.mean())
    return np.array(found)


def planned(steps: list[Transform], given: list[np.ndarray], keep: bool = True, seed: int = 0) -> Plan:
    shapes = [m.shape for m in given]
    found = inspect([m * 255 for m in given], given) if keep else None
    return aug.Compose(steps).plan(shapes, range(len(given)), seed=seed, objects=found)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    keep=st.floats(0.05, 1.0),
    scale=st.sampled_from([(0.08, 1.0), (0.05, 0.2), (0.5, 0.6)]),
    size=st.sampled_from([(40, 40), (33, 57), (9, 12)]),
)
def test_the_share_is_always_kept(seed: int, keep: float, scale: Any, size: tuple[int, int]) -> None:
    given_masks = masks(seed, 24, size)
    crop = aug.RandomResizedCrop(24, scale=scale, keep=keep)
    assert shares(planned([crop], given_masks, seed=seed), given_masks).min() >= keep - 1e-6


def test_without_keep_much_is_lost() -> None:
    """Else the law above could not fail."""
    given_masks = masks(1, N, (40, 40))
    found = shares(planned([aug.RandomResizedCrop(24)], given_masks), given_masks)
    assert (found < 0.7).mean() > 0.2


@pytest.mark.parametrize("before", [aug.Rotate((-90, 90)), aug.HorizontalFlip(p=1), aug.Perspective((-0.3, 0.3))])
def test_steps_before_are_followed(before: Transform) -> None:
    """What the rotated frame still shows in full is kept; the rest was out of sight before the crop."""
    given_masks = []
    for mask in masks(3, N, (40, 40)):
        inner = np.zeros((40, 40), np.uint8)
        inner[14:26, 14:26] = mask[14:26, 14:26]
        inner[20, 20] = 1
        given_masks.append(inner)
    crop = aug.RandomResizedCrop(24, scale=(0.08, 0.5), keep=0.8)
    assert shares(planned([before, crop], given_masks), given_masks).min() >= 0.8 - 1e-6
    unaware = planned([before, aug.RandomResizedCrop(24, scale=(0.08, 0.5))], given_masks)
    assert shares(unaware, given_masks).min() < 0.5


def test_nothing_changes_without_an_object_or_where_enough_is_kept() -> None:
    given_masks = masks(2, N, (40, 40))
    plain, keeping = aug.RandomResizedCrop(24, name="c"), aug.RandomResizedCrop(24, keep=0.7, name="c")
    before = planned([plain], given_masks, keep=False)
    np.testing.assert_array_equal(planned([keeping], given_masks, keep=False).matrix, before.matrix)
    texture = np.random.default_rng(0).integers(0, 255, (3, 40, 40), np.uint8)
    found = inspect(texture)
    assert found.diffuse.all()
    aimed = aug.Compose([keeping]).plan(np.full((3, 2), 40), range(3), objects=found)
    np.testing.assert_array_equal(aimed.matrix, before.matrix[:3])
    after = planned([keeping], given_masks)
    same = (after.matrix == before.matrix).all(axis=(1, 2))
    assert 0.2 < same.mean() < 0.95
    assert shares(before, given_masks)[~same].min() < 0.7
    # full windows always keep: they are never drawn again
    full = planned([aug.RandomResizedCrop(24, scale=(1, 1), ratio=(1, 1), keep=1.0)], given_masks)
    np.testing.assert_allclose(full.matrix, np.broadcast_to(full.matrix[:1], full.matrix.shape), atol=1e-9)


def test_the_draw_is_keyed_and_replays_without_the_object() -> None:
    given_masks = masks(4, 60, (40, 40))
    steps: list[Transform] = [aug.Rotate(), aug.RandomResizedCrop(24, scale=(0.08, 0.3), keep=0.9)]
    compose, found = aug.Compose(steps), inspect([m * 255 for m in given_masks], given_masks)
    whole = compose.plan([m.shape for m in given_masks], range(60), objects=found)
    rows = np.array([59, 3, 17])
    some = compose.plan([given_masks[i].shape for i in rows], rows, objects=found.rows(rows))
    np.testing.assert_array_equal(some.matrix, whole.matrix[rows])
    np.testing.assert_array_equal(compose.replay(whole.record()).matrix, whole.matrix)


def test_masks_and_boxes_of_single_calls_count() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[44:56, 4:16] = 1
    image, crop = mask * 200, aug.Compose([aug.RandomResizedCrop(30, scale=(0.1, 0.3), keep=1.0)], box_format="coco")
    for index in range(12):
        for targets in ({"mask": mask}, {"boxes": [[4, 44, 12, 12]]}):
            sample = crop(image, seed=0, index=index, **targets)
            assert sample.plan is not None
            assert shares(sample.plan, [mask])[0] >= 1 - 1e-6
    batch = crop.batch([image] * 12, range(12), masks=[mask] * 12)
    assert shares(batch.plan, [mask] * 12).min() >= 1 - 1e-6
    assert shares(crop.plan([(60, 60)] * 12, range(12)), [mask] * 12).min() < 0.5, "negative control"


class Corners:
    """A bright square in a corner, and its mask."""

    classes = ("corner",)

    def __len__(self) -> int:
        return 40

    def __getitem__(self, index: int) -> dict[str, Any]:
        mask = np.zeros((32, 32), np.uint8)
        x, y = 3 + 16 * (index % 2), 3 + 16 * (index // 2 % 2)
        mask[y : y + 10, x : x + 10] = 1
        return {"image": mask * 200, "label": 0, "mask": mask}


@pytest.mark.parametrize("on_violation", [None, "redraw"])
def test_in_the_loader(on_violation: str | None) -> None:
    def kept(crop: aug.RandomResizedCrop) -> np.ndarray:
        loader = Loader(Corners(), crop, on_violation=on_violation, batch_size=20, workers=0)
        return np.concatenate([shares(b.plan, [Corners()[int(i)]["mask"] for i in b.indices]) for b in loader])

    scale = (0.1, 0.4)
    assert kept(aug.RandomResizedCrop(24, scale=scale, keep=0.9)).min() >= 0.9 - 1e-6
    assert kept(aug.RandomResizedCrop(24, scale=scale)).min() < 0.9


def test_guards_see_the_crops_as_they_are_made() -> None:
    given_masks = [Corners()[i]["mask"] for i in range(20)]
    images = np.stack(given_masks) * 200
    compose = aug.Compose([aug.RandomResizedCrop(24, scale=(0.1, 0.4), keep=0.8)])

    def codes(policy: aug.Compose) -> set[str]:
        objects = inspect(images, given_masks)
        return {f.code for f in content_findings(policy, images, np.full(20, -1), objects, None, draws=640)}

    assert "AS201" not in codes(compose)
    assert "AS201" in codes(aug.Compose([aug.RandomResizedCrop(24, scale=(0.1, 0.4))]))
    contract = aug.Contract.builtin("cifar10")
    for keep, fires in ((0.8, False), (0.0, True)):
        crop = aug.Compose([aug.RandomResizedCrop(24, scale=(0.1, 0.4), keep=keep)])
        found = static_check(crop, contract, draws=2000, size=(32, 32)).findings
        assert any(f.code == "AS201" for f in found) == fires
    found = inspect(images, given_masks)
    plan = compose.plan([(32, 32)] * 20, range(20), objects=found)
    limits = LimitTable.of(None).take(np.full(20, -1))
    assert not violations(measure(plan, found, limits), limits, found)["AS201"].any()


@pytest.mark.parametrize("keep", [-0.1, 1.5, "all", True, float("nan")])
def test_keep_is_checked(keep: Any) -> None:
    with pytest.raises(ArgumentError, match="keep"):
        aug.RandomResizedCrop(24, keep=keep)


def test_objects_must_be_as_many_as_the_images() -> None:
    with pytest.raises(ArgumentError, match="objects has 3"):
        aug.Compose([aug.RandomResizedCrop(24, keep=0.5)]).plan([(32, 32)] * 4, range(4), objects=Objects.centre(3))
