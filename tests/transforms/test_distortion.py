"""Elastic and grid distortion: fields that do not fold, targets that follow, strengths that are held to."""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import augsafe as aug
from augsafe.errors import ArgumentError
from augsafe.guards import Enforcer, mistakes, static_check
from augsafe.guards.symmetry.bounds import reach
from augsafe.transforms import Distortion, place_of, sampled
from tests.laws.cases import blob, middle_of, noise

STEPS: list[Distortion] = [
    aug.ElasticDistortion((0.02, 0.05)),
    aug.ElasticDistortion((0.1, 0.5), smoothness=0.3),
    aug.ElasticDistortion((0.02, 0.1), smoothness=0.05),
    aug.GridDistortion((0.1, 0.3)),
    aug.GridDistortion((0.5, 0.5), cells=(2, 6)),
    aug.GridDistortion((0.3, 0.3), cells=1),
]
SIZES = [(48, 48), (40, 71), (9, 13)]
each = pytest.mark.parametrize("step", STEPS)


def fields(step: Distortion, size: tuple[int, int], n: int = 12) -> list[tuple[float, np.ndarray]]:
    """The largest displacement that was drawn, in pixels, and the field."""
    plan = aug.Compose([step]).plan([size] * n, range(n))
    made = [plan.stages[0].field(row) for row in range(n)]
    assert all(field is not None for field in made)
    return [(float(d) * min(size), field) for d, field in zip(plan.displaced, made, strict=True) if field is not None]


@each
@pytest.mark.parametrize("size", SIZES)
def test_fields_keep_to_their_strength_and_never_fold(step: Distortion, size: tuple[int, int]) -> None:
    reached = []
    for most, field in fields(step, size):
        longest = float(np.hypot(field[..., 0], field[..., 1]).max())
        assert longest <= most * (1 + 1e-5)
        reached.append(longest / most)
        right, down = np.diff(field, axis=1)[:-1], np.diff(field, axis=0)[:, :-1]
        area = (1 + right[..., 0]) * (1 + down[..., 1]) - right[..., 1] * down[..., 0]
        assert area.min() > 0.02
    if step.label == "ElasticDistortion" and step.bounds(step.parameters[0])[1] <= 0.05 and min(size) > 20:
        assert min(reached) > 0.9, "a mild field is not weakened"


def test_a_field_that_is_not_weakened_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augsafe.transforms.distortion.STEEPEST", 50.0)
    with pytest.raises(AssertionError):
        test_fields_keep_to_their_strength_and_never_fold(aug.ElasticDistortion((0.1, 0.1), smoothness=0.04), (48, 48))


@each
def test_points_and_field_agree(step: Distortion) -> None:
    for _, field in fields(step, (48, 60)):
        points = np.random.default_rng(0).uniform(8, 40, (30, 2))
        place = place_of(points, field)
        assert np.abs(place + sampled(field, place) - points).max() < 2e-3


@pytest.mark.parametrize(
    "step",
    [aug.ElasticDistortion((0.03, 0.04), smoothness=0.2), aug.GridDistortion((0.2, 0.2), cells=3)],
)
@pytest.mark.parametrize("around", [False, True])
def test_law_6_markers_in_image_mask_and_keypoints_agree(step: Distortion, around: bool) -> None:
    """To half a pixel, between other steps too; and the field does move them."""
    side, seen, drift = 96, 0, 0.0
    steps = [aug.Rotate((-30, 30)), step, aug.Zoom((0.8, 1.2)), aug.HorizontalFlip()] if around else [step]
    compose = aug.Compose(steps, border="constant")
    for seed in range(12):
        x, y = np.random.default_rng(seed).uniform(30, 66, 2)
        image = blob(side, x, y, 2.5)
        mask = (image > 0.3).astype(np.uint8)
        start, _ = middle_of(mask, 0.5)
        box = [[x - 5.5, y - 5.5, x + 6.5, y + 6.5]]
        sample = compose(image, mask=mask, keypoints=[[x, y], start], boxes=box, seed=seed)
        assert sample.keypoints is not None and sample.mask is not None and sample.boxes is not None
        place, centre = sample.keypoints
        if not ((place > 6) & (place < side - 7)).all():
            continue
        seen += 1
        found, _ = middle_of(sample.image, 0.3 * float(sample.image.max()))
        marked, _ = middle_of(sample.mask, 0.5)
        drift = max(drift, float(np.abs(place - (x, y)).max()))
        assert np.abs(found - place).max() <= 0.5
        assert np.abs(marked - centre).max() <= 0.5 + 2 / 1024
        x0, y0, x1, y1 = sample.boxes[0]
        rows, columns = np.nonzero(sample.mask)
        assert x0 <= columns.min() + 1 and columns.max() <= x1 and y0 <= rows.min() + 1 and rows.max() <= y1
        assert (x1 - x0) < 30 and (y1 - y0) < 30
    assert seen > 6 and drift > 1


def test_points_that_do_not_follow_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augsafe.pixels.targets.place_of", lambda points, field: points)
    with pytest.raises(AssertionError):
        test_law_6_markers_in_image_mask_and_keypoints_agree(STEPS[3], False)


def test_pixels_are_those_of_opencvs_remap() -> None:
    image = noise((40, 50, 3))
    compose = aug.Compose([aug.ElasticDistortion((0.05, 0.05))], border="replicate")
    sample = compose(image, seed=3)
    assert sample.plan is not None
    field = sample.plan.stages[0].field(0)
    assert field is not None
    rows, columns = np.mgrid[:40, :50].astype(np.float32)
    wanted = cv2.remap(
        image, columns + field[..., 0], rows + field[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    np.testing.assert_array_equal(sample.image, wanted)
    assert (sample.image != image).mean() > 0.5


def test_elastic_smooths_as_simard_did() -> None:
    """The field is smoothed noise: its correlation falls with distance as that of a Gaussian of `smoothness`."""
    step = aug.ElasticDistortion((0.02, 0.02), smoothness=0.08)
    across, size = [], (100, 100)
    for _, field in fields(step, size, 80):
        part = field[20:80, 20:80, 0] / field[..., 0].std()
        across.append([(part[:, : 60 - lag] * part[:, lag:]).mean() for lag in (0, 8, 16)])
    base, near, far = np.mean(across, axis=0)
    assert near / base == pytest.approx(np.exp(-(8**2) / (4 * 8**2)), abs=0.08)
    assert far / base == pytest.approx(np.exp(-(16**2) / (4 * 8**2)), abs=0.1)


def test_each_distortion_is_a_stage_of_its_own() -> None:
    bend, grid = aug.ElasticDistortion(), aug.GridDistortion()
    assert aug.Compose([bend]).stages == (("ElasticDistortion",),)
    compose = aug.Compose([aug.Rotate(), aug.Invert(), bend, grid, aug.GaussianBlur()], output=aug.Output(size=12))
    assert compose.stages == (("Rotate", "Invert"), ("ElasticDistortion",), ("GridDistortion",), ("GaussianBlur",), ())
    assert compose(noise((20, 30, 3)), seed=0).image.shape == (12, 12, 3)
    assert aug.Compose([bend], output=aug.Output(size=12))(noise((20, 30)), seed=0).image.shape == (12, 12)
    assert [f.code for f in mistakes(aug.Compose([aug.Rotate(), bend]))] == ["AS506"]
    assert mistakes(aug.Compose([bend, aug.Brightness()])) == []


def test_a_field_replays_from_its_record() -> None:
    compose, image = aug.Compose([aug.ElasticDistortion(), aug.GridDistortion()]), noise((31, 40))
    sample = compose(image)
    assert sample.plan is not None
    record = json.loads(json.dumps(sample.plan.record()))
    np.testing.assert_array_equal(compose.apply(compose.replay(record), 0, image).image, sample.image)


# Guards


@each
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.sampled_from(SIZES))
def test_the_nearest_affine_map_lies_within_the_bounds(step: Distortion, seed: int, size: tuple[int, int]) -> None:
    plan = aug.Compose([step]).plan([size] * 20, range(20), seed=seed)
    (move,) = step.moves(size)
    scales = np.linalg.svd(plan.jacobian, compute_uv=False)
    assert (np.linalg.det(plan.jacobian) > 0).all()
    assert move.scale[0] * (1 - 1e-6) <= scales.min() and scales.max() <= move.scale[1] * (1 + 1e-6)
    turn = np.degrees(
        np.arctan2(plan.jacobian[:, 0, 1] - plan.jacobian[:, 1, 0], np.trace(plan.jacobian, axis1=1, axis2=2))
    )
    assert np.abs(turn).max() <= move.rotation[1] + 1e-6


@each
def test_the_nearest_affine_map_is_that_of_the_points(step: Distortion) -> None:
    """Where source points of the whole frame go, fitted by least squares."""
    size = (60, 60)
    plan = aug.Compose([step]).plan([size] * 6, range(6))
    for row in range(6):
        field = plan.stages[0].field(row)
        assert field is not None
        out = np.stack(np.meshgrid(np.arange(60.0), np.arange(60.0)), axis=2).reshape(-1, 2)
        source = out + field.reshape(-1, 2)
        fit, *_ = np.linalg.lstsq(np.column_stack([out, np.ones(len(out))]), source, rcond=None)
        np.testing.assert_allclose(np.linalg.inv(fit[:2].T), plan.jacobian[row], atol=0.06)


def limited(displacement: float | None) -> aug.Contract:
    limits = {} if displacement is None else {"displacement": displacement}
    return aug.Contract.from_dict({"classes": ["a", "b"], "limits": {"*": limits}})


def test_displacement_is_held_against_the_contract() -> None:
    compose = aug.Compose([aug.ElasticDistortion((0.0, 0.08), p=0.5), aug.Rotate((-5, 5))])

    def found(limit: float | None) -> list[tuple[str, str, str, tuple[str, ...]]]:
        result = static_check(compose, limited(limit), size=(32, 32), content=False)
        return [(f.code, f.severity, f.how, f.steps) for f in result.findings]

    assert found(0.1) == []
    assert found(0.06) == [("AS106", "error", "sampled", ("ElasticDistortion",))]
    assert found(None) == [("AS103", "warning", "sampled", ("ElasticDistortion",))]
    result = static_check(compose, limited(0.06), size=(32, 32), content=False)
    assert result.findings[0].probability == pytest.approx(0.5 * 0.25, abs=0.03)
    assert set(result.verdicts.values()) == {"outside-limits"}
    twice = aug.Compose([aug.GridDistortion((0.2, 0.2), cells=4)] * 2)
    (total,) = static_check(twice, limited(0.07), size=(32, 32), content=False).findings
    assert total.steps == ("GridDistortion", "GridDistortion-2"), "two of 0.05 add up"


def test_a_distortion_does_not_hide_what_other_steps_do() -> None:
    steps = [aug.ElasticDistortion(), aug.HorizontalFlip(), aug.VerticalFlip()]
    result = static_check(aug.Compose(steps), aug.Contract.builtin("mnist"), content=False)
    (six,) = [f for f in result.findings if f.becomes.get("6") == "9"]
    assert six.steps == ("HorizontalFlip", "VerticalFlip")
    bounds = reach(aug.Compose([aug.ElasticDistortion()]))
    assert bounds.symmetries == {"identity"}, "no distortion mirrors an image"


@pytest.mark.parametrize("action", ["redraw", "clamp", "identity"])
def test_the_loaders_guard_mends_them(action: str) -> None:
    compose = aug.Compose([aug.ElasticDistortion((0.0, 0.1))])
    plan, labels = compose.plan([(28, 28)] * 200, range(200)), np.zeros(200, np.int64)
    fixed, _, _, log = Enforcer(compose, limited(0.05), action).enforce(plan, labels)
    assert plan.displaced.max() > 0.05 >= fixed.displaced.max() - 1e-9
    assert log.changed > 50
    if action == "clamp":
        key = "ElasticDistortion"
        np.testing.assert_array_equal(fixed.draws.values[key]["field"], plan.draws.values[key]["field"])
        assert fixed.displaced[plan.displaced > 0.05].min() > 0.04


@pytest.mark.parametrize(
    "make",
    [
        lambda: aug.ElasticDistortion((0.0, 0.6)),
        lambda: aug.ElasticDistortion(smoothness=0.0),
        lambda: aug.ElasticDistortion(smoothness=True),
        lambda: aug.GridDistortion((-0.1, 0.1)),
        lambda: aug.GridDistortion(cells=0),
        lambda: aug.GridDistortion(cells=(1, 2, 3)),  # type: ignore[arg-type]
    ],
)
def test_arguments_are_checked(make: Any) -> None:
    with pytest.raises(ArgumentError):
        make()
