"""The laws of the design over every exported transform."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import augsafe as aug
from augsafe.errors import ArgumentError, InputError
from augsafe.transforms import TRANSFORMS, Geometric, OneOf, Transform
from tests.laws.cases import (
    DTYPES,
    NAMES,
    fits,
    images,
    law_input_kept,
    law_keyed,
    law_kind_kept,
    law_targets_agree,
    law_within_moves,
    noise,
    transforms,
)

SEEDS = st.integers(0, 2**40)
each_transform = pytest.mark.parametrize("name", NAMES)
GEOMETRIC = [name for name in NAMES if issubclass(TRANSFORMS[name], Geometric)]
STILL = [n for n in GEOMETRIC if not TRANSFORMS[n].frame]


@each_transform
@given(data=st.data(), seed=SEEDS, dtype=st.sampled_from(DTYPES), channels=st.sampled_from([0, 1, 3, 4, 7]))
def test_law_1_same_key_same_pixels(name: str, data: st.DataObject, seed: int, dtype: str, channels: int) -> None:
    step = data.draw(transforms(name))
    compose = aug.Compose([step], border=data.draw(st.sampled_from(["reflect", "constant"])))
    alike = data.draw(st.booleans())
    tail = (channels,) if channels and fits(step, noise((1, 1, channels))) else ()
    batch = [noise((9, 13 if alike else 9 + k, *tail), dtype, k) for k in range(4)]
    law_keyed(compose, batch, [5, 0, 900, 5], seed)


@each_transform
@given(data=st.data(), dtype=st.sampled_from(DTYPES))
def test_law_1_output_form_does_not_depend_on_the_batch(name: str, data: st.DataObject, dtype: str) -> None:
    output = aug.Output(dtype="float32", layout="CHW", mean=(0.5,), std=(0.2,))
    compose = aug.Compose([data.draw(transforms(name)), aug.Brightness()], output=output)
    ragged = data.draw(st.booleans())
    law_keyed(compose, [noise((8, 8 + 3 * k * ragged, 3), dtype, k) for k in range(3)], [0, 1, 2], 3)


def test_law_1_without_a_seed_each_call_differs_and_can_be_replayed() -> None:
    compose, image = aug.Compose([aug.Rotate((-90, 90))]), noise((16, 16, 3))
    samples = [compose(image) for _ in range(4)]
    assert len({s.image.tobytes() for s in samples}) == 4
    for sample in samples:
        assert sample.plan is not None
        again = compose.apply(compose.replay(sample.plan.record()), 0, image)
        np.testing.assert_array_equal(again.image, sample.image)


@each_transform
def test_law_2_epochs_indices_and_views_draw_independently(name: str) -> None:
    n = 3000
    compose = aug.Compose([_plain(name)])
    shapes = np.full((n, 2), 32)
    base = compose.plan(shapes, np.arange(n), seed=1).draws
    others = [
        compose.plan(shapes, np.arange(n), seed=1, epoch=1).draws,
        compose.plan(shapes, np.arange(n), seed=1, view=1).draws,
        compose.plan(shapes, np.arange(n), seed=2).draws,
        compose.plan(shapes, np.arange(n) + 1, seed=1).draws,
    ]
    for label, columns in base.values.items():
        for key, column in columns.items():
            if column.std() == 0:
                continue
            for other in others:
                r = np.corrcoef(column, other.values[label][key])[0, 1]
                assert abs(r) < 5 / np.sqrt(n), (label, key, r)


@each_transform
def test_law_2_removing_a_step_leaves_the_other_draws(name: str) -> None:
    rotate = aug.Rotate((-30, 30), name="kept", p=0.5)
    full = aug.Compose([_plain(name), rotate, aug.Brightness()])
    less = full.without(full.steps[0].label)
    shapes, indices = np.full((50, 2), 32), np.arange(50)
    a, b = full.plan(shapes, indices).draws, less.plan(shapes, indices).draws
    for label in b.active:
        np.testing.assert_array_equal(a.active[label], b.active[label])
        for key in b.values[label]:
            np.testing.assert_array_equal(a.values[label][key], b.values[label][key])


@each_transform
@given(data=st.data(), image=images(), seed=SEEDS)
def test_laws_3_and_4_input_is_kept_and_so_is_its_kind(name: str, data: st.DataObject, image: Any, seed: int) -> None:
    step = data.draw(transforms(name))
    compose = aug.Compose([step], border=data.draw(st.sampled_from(["reflect", "replicate"])))
    if not fits(step, image):
        with pytest.raises(InputError, match="red, green and blue"):
            compose(image, seed=seed)
        return
    law_input_kept(compose, image, seed)
    law_kind_kept(compose, image, seed)


@each_transform
@given(data=st.data(), image=images(), seed=SEEDS)
def test_law_5_p_0_is_the_identity(name: str, data: st.DataObject, image: Any, seed: int) -> None:
    step = data.draw(transforms(name, p=0.0))
    assume(fits(step, image))
    np.testing.assert_array_equal(aug.Compose([step])(image, seed=seed).image, image)


WITH_NEUTRAL = [
    n for n in NAMES if not TRANSFORMS[n].frame and any(n == "Rotate90" or not q.free for q in TRANSFORMS[n].parameters)
]


@pytest.mark.parametrize("name", WITH_NEUTRAL)
@given(image=images(), seed=SEEDS)
def test_law_5_neutral_parameters_are_the_identity(name: str, image: Any, seed: int) -> None:
    kind = TRANSFORMS[name]
    neutral = {q.name: (q.neutral, q.neutral) for q in kind.parameters if not q.free}
    step = aug.Rotate90(turns=(0,)) if name == "Rotate90" else kind(**neutral)
    assert step.never_acts
    assume(fits(step, image))
    np.testing.assert_array_equal(aug.Compose([step])(image, seed=seed).image, image)


@given(image=images())
def test_law_5_flips_and_quarter_turns_permute_pixels(image: Any) -> None:
    def run(*steps: Transform) -> Any:
        return aug.Compose(steps)(image, seed=0).image

    h, v = aug.HorizontalFlip(p=1), aug.VerticalFlip(p=1)
    np.testing.assert_array_equal(run(h), image[:, ::-1])
    np.testing.assert_array_equal(run(v), image[::-1])
    np.testing.assert_array_equal(run(h, v), image[::-1, ::-1])
    for turn in (1, 2, 3):
        np.testing.assert_array_equal(run(aug.Rotate90(turns=(turn,))), np.rot90(image, turn))
    np.testing.assert_array_equal(run(h, aug.HorizontalFlip(p=1)), image)


@pytest.mark.parametrize("name", STILL)
@given(data=st.data(), seed=SEEDS)
def test_law_6_image_mask_and_keypoints_agree(name: str, data: st.DataObject, seed: int) -> None:
    law_targets_agree(data.draw(transforms(name, p=1.0)), seed)


@pytest.mark.parametrize("size", [64, (40, 52)])
@pytest.mark.parametrize("name", ["Resize", "Letterbox", "CenterCrop", "RandomCrop", "RandomResizedCrop"])
def test_law_6_frames(name: str, size: Any) -> None:
    arguments: dict[str, Any] = {"scale": (0.4, 1.0)} if name == "RandomResizedCrop" else {}
    for seed in range(8):
        law_targets_agree(TRANSFORMS[name](size=size, **arguments), seed)


@pytest.mark.parametrize("name", GEOMETRIC)
@given(data=st.data(), seed=SEEDS, size=st.tuples(st.integers(4, 60), st.integers(4, 60)))
def test_a_step_keeps_within_the_moves_that_it_declares(
    name: str, data: st.DataObject, seed: int, size: tuple[int, int]
) -> None:
    step = data.draw(transforms(name, p=1.0))
    assert isinstance(step, Geometric)
    law_within_moves(step, aug.Compose([step]).plan([size] * 20, range(20), seed=seed), size)


@given(data=st.data(), names=st.lists(st.sampled_from(GEOMETRIC), min_size=2, max_size=4), seed=SEEDS)
def test_law_7_fused_is_the_product_of_the_single_matrices(data: st.DataObject, names: list[str], seed: int) -> None:
    steps = [data.draw(transforms(n, p=1.0)) for n in names]
    compose = aug.Compose(steps)
    plan = compose.plan([(24, 31)], [7], seed=seed)
    total, sizes = np.eye(3), np.array([[24, 31]])
    for step in compose.steps:
        assert isinstance(step, Geometric)
        values = plan.draws.values[step.label]
        total = step.matrices(values, sizes)[0] @ total
        sizes = step.sizes_after(values, sizes)
    np.testing.assert_allclose(plan.matrix[0], total, atol=1e-9 * np.abs(total).max())
    assert plan.sizes.tolist() == sizes.tolist()


@each_transform
@given(data=st.data(), seed=SEEDS)
def test_law_8_files_and_records_give_identical_output(name: str, data: st.DataObject, seed: int) -> None:
    compose = aug.Compose([data.draw(transforms(name)), data.draw(transforms("Rotate"))])
    image = noise((11, 8, 3))
    first = compose(image, seed=seed, index=3)
    for copy in (
        aug.Compose.from_yaml(compose.to_yaml()),
        aug.Compose.from_yaml(json.dumps(compose.to_dict())),
        aug.Compose.from_dict(compose.to_dict()),
    ):
        assert copy == compose
        np.testing.assert_array_equal(copy(image, seed=seed, index=3).image, first.image)
    assert first.plan is not None
    record = json.loads(json.dumps(first.plan.record()))
    np.testing.assert_array_equal(compose.apply(compose.replay(record), 0, image).image, first.image)


@each_transform
@given(data=st.data(), seed=SEEDS, n=st.integers(0, 5))
def test_law_9_boxes_and_their_labels_stay_together(name: str, data: st.DataObject, seed: int, n: int) -> None:
    corner = np.random.default_rng(seed % 1000).uniform(0, 20, (n, 2))
    boxes = np.concatenate([corner, corner + 8], axis=1)
    sample = aug.Compose([data.draw(transforms(name))], min_visible=0.3)(
        noise((28, 28)), boxes=boxes, box_labels=list(range(n)), seed=seed
    )
    assert sample.boxes is not None
    assert sample.kept is not None
    assert len(sample.boxes) == len(sample.kept)
    assert sample.box_labels == sample.kept.tolist()
    height, width = sample.image.shape[:2]
    assert (sample.boxes >= 0).all()
    assert (sample.boxes <= [width, height, width, height]).all()


@each_transform
@given(data=st.data(), seed=SEEDS)
def test_law_10_strides_do_not_matter(name: str, data: st.DataObject, seed: int) -> None:
    compose = aug.Compose([data.draw(transforms(name))])
    whole = noise((20, 24, 6))
    views = (whole[::2, ::-1, :3], whole.transpose(1, 0, 2)[:, :, 1:4], np.asfortranarray(whole[..., :3]))
    for view in views:
        expected = compose(np.ascontiguousarray(view), seed=seed).image
        np.testing.assert_array_equal(compose(view, seed=seed).image, expected)
    stack = np.stack([whole] * 2)[..., :3]
    assert not stack.flags.c_contiguous
    expected = compose.batch(np.ascontiguousarray(stack), indices=[0, 1], seed=seed)
    for got, wanted in zip(compose.batch(stack, indices=[0, 1], seed=seed), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0), (4, 4, 0), (4,), (1, 2, 3, 4), (40000, 2)])
@each_transform
def test_law_10_impossible_images_raise_with_their_shape(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=str(shape[0])):
        aug.Compose([_plain(name)])(np.zeros(shape, np.uint8), seed=0)


@pytest.mark.parametrize("bad", [(2.0, 1.0), "wide", 3.0, (0.0, float("nan")), (1.0,), None, (True, False)])
@pytest.mark.parametrize("name", [n for n in NAMES if any(not q.free for q in TRANSFORMS[n].parameters)])
def test_law_11_arguments_are_checked_when_made(name: str, bad: Any) -> None:
    kind = TRANSFORMS[name]
    for parameter in kind.parameters:
        if not parameter.free:
            with pytest.raises(ArgumentError, match=parameter.name):
                kind(**{parameter.name: bad})


@pytest.mark.parametrize("bad", [-0.1, 1.5, "often", float("nan"), True])
@each_transform
def test_law_11_p_is_checked(name: str, bad: Any) -> None:
    extra: dict[str, Any] = {"children": (aug.Invert(),)} if name in ("OneOf", "SomeOf", "AllOf") else {}
    extra = {"child": aug.Invert()} if name == "Repeat" else extra
    extra = {"size": 4} if name == "Resize" else extra
    with pytest.raises(ArgumentError, match="p="):
        TRANSFORMS[name](p=bad, **extra)


def test_law_12_memory_is_flat() -> None:
    compose, image = aug.Compose([_plain(n) for n in NAMES]), noise((64, 64, 3))

    def grown(calls: int) -> int:
        for index in range(calls):
            compose(image, seed=0, index=index)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        first = grown(60)  # Python's free lists fill up at first
        assert grown(120) - first < 200_000  # one leaked image a call would be 1.5 MB
    finally:
        tracemalloc.stop()


def _plain(name: str) -> Transform:
    if name == "OneOf":
        return OneOf((aug.Rotate((-90, 90)), aug.Invert(), aug.GaussianBlur()))
    if name == "SomeOf":
        return aug.SomeOf((aug.Rotate((-90, 90)), aug.Invert(), aug.GaussianBlur()), n=(0, 2))
    if name == "AllOf":
        return aug.AllOf((aug.Rotate((-90, 90), p=0.5), OneOf((aug.Invert(), aug.GaussianBlur()))))
    if name == "Repeat":
        return aug.Repeat(aug.Rotate((-90, 90)))
    if name == "Resize":
        return aug.Resize(12)
    return TRANSFORMS[name]()
