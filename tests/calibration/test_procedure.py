"""calibrate: what it certifies, what it leaves open, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import augsafe as aug
from augsafe.calibration import Calibration
from augsafe.contracts import Limits, Relation
from augsafe.errors import ArgumentError, ContractError, InputError
from augsafe.guards.measured.example import arrows
from benchmarks.calibrate import squares

NAMES = ("a", "b")


def problem(n: int = 400, seed: int = 0, contract: aug.Contract | None = None) -> dict:
    """Squares near the middle, in two classes that a contract keeps apart."""
    rng = np.random.default_rng(seed)
    images = squares(rng.integers(9, 14, n))
    truth = contract or aug.Contract(NAMES, {}, {"*": Limits(rotation=20, zoom=(0.8, 1.25), visible=0.7)})
    return {"images": images, "labels": np.arange(n) % 2, "contract": truth, "masks": images > 0}


def run(policy: object, given: dict, **more: object) -> Calibration:
    return aug.calibrate(policy, **{**given, "progress": False, **more})


def test_rotation_is_certified_up_to_where_its_limit_is_crossed_too_often():
    found = run(aug.Rotate((-40, 40)), problem())
    # at scale s a draw of 40 s degrees is over 20 in 1 - 1 / (2 s) of cases: none at 0.5, 17 % at 0.6
    assert found.scale == 0.5 and found.certified
    assert found.compose.steps[0].angle == (-20.0, 20.0)
    assert found.certificate.worst == ("a", 0.0)
    assert found.certificate.needed is None  # at the rates of the next scale no number would do
    assert {row.limit for row in found.singles if row.side == "above"} == {20.0}
    assert {row.limit for row in found.singles if row.side == "below"} == {-20.0}
    assert set(found.per_class.policies) == {"a", "b"}


def test_both_directions_have_their_own_limit():
    contract = aug.Contract(NAMES, {}, {"*": Limits(zoom=(0.9, 2.0), rotation=45)})
    found = run(aug.Zoom((0.5, 2.0)), problem(contract=contract))
    limits = {row.side: row.limit for row in found.singles if row.cls == "a"}
    assert limits["below"] == pytest.approx(0.5**0.1, abs=1e-4)  # 0.933; the next is 0.87
    assert limits["above"] > 1.6


def test_single_limits_do_not_certify_their_combination():
    """Two turns of 20 degrees are each within the limit and together far beyond it."""
    found = run([aug.Rotate((-20, 20)), aug.Rotate((-20, 20))], problem())
    assert {abs(row.limit) for row in found.singles} == {20.0}
    assert found.scale < 1


def test_a_flip_that_changes_a_class_is_left_out_for_all_and_kept_where_it_does_not():
    contract = aug.Contract(("a", "b", "c"), {("a", "hflip"): Relation("to", "b"), ("c", "hflip"): Relation("same")})
    given = problem(900, contract=contract) | {"labels": np.arange(900) % 3}
    found = run([aug.HorizontalFlip(), aug.Shift((-0.05, 0.05), (0, 0))], given)
    assert found.left_out == {"HorizontalFlip": ("a", "b")}
    assert [s.label for s in found.compose.steps] == ["Shift"] and found.scale == 1
    assert [s.label for s in found.per_class.policy_for("c").steps] == ["HorizontalFlip", "Shift"]
    assert [s.label for s in found.per_class.policy_for("a").steps] == ["Shift"]
    flip = {row.cls: row.verdict for row in found.singles if row.step == "HorizontalFlip"}
    assert flip == {"a": "harmful", "b": "harmful", "c": "safe"}


def test_what_the_contract_does_not_know_is_asked_of_the_images():
    images, labels = arrows(160)
    found = run(
        [aug.HorizontalFlip(), aug.Brightness((0.8, 1.2))],
        {"images": images, "labels": labels},
        epsilon=0.1,
        unfamiliar=0.2,
        grid=3,
    )
    assert found.measured
    assert set(found.left_out) == {"HorizontalFlip"}
    assert {row.verdict for row in found.singles if row.step == "HorizontalFlip"} == {"harmful"}
    assert found.certified and [s.label for s in found.compose.steps] == ["Brightness"]


def test_distortions_are_held_to_the_limit_of_the_contract_or_asked_of_the_images():
    limits = Limits(rotation=44, zoom=(0.2, 5), visible=0.1)
    free, held = (aug.Contract(NAMES, {}, {"*": replace(limits, displacement=at)}) for at in (None, 0.1))
    found = run(aug.ElasticDistortion((0, 0.2)), problem(contract=held), grid=4)
    assert found.scale == 0.5 and not found.measured
    assert found.walk.codes[2][0]["AS106"] > 0.1
    assert run(aug.ElasticDistortion((0, 0.2)), problem(40, contract=free), grid=2).measured


def test_images_that_are_all_of_one_group_in_truth_do_not_count_apart():
    given = problem(400)
    alone, grouped = (run(aug.Rotate((-20, 20)), given, groups=g) for g in (None, np.arange(400) // 20))
    assert alone.certified and alone.certificate.n == 100
    assert not grouped.certified and grouped.certificate.n == 10
    assert grouped.certificate.verdict == "undecided" and grouped.certificate.needed > 100
    halves = [set(np.arange(400)[np.isin(np.arange(400), rows)] // 20) for rows in _halves(given)]
    assert not halves[0] & halves[1]


def _halves(given: dict) -> tuple[np.ndarray, np.ndarray]:
    from augsafe.statistics import folds

    groups = np.arange(400) // 20
    half = folds(np.asarray(given["labels"]), groups, 2, np.random.default_rng(0))
    return np.flatnonzero(half == 0), np.flatnonzero(half == 1)


def test_too_few_images_are_undecided_and_say_how_many_are_needed():
    found = run(aug.Rotate((-10, 10)), problem(60))
    assert found.scale == 0 and not found.certified and found.compose.steps == ()
    assert found.certificate.verdict == "undecided"
    # none lost: the smallest n with 0.95^n <= 0.025, in the half that certifies
    assert found.certificate.needed == 2 * 72
    assert "144" in str(found) and "too few" in str(found)
    enough = run(aug.Rotate((-10, 10)), problem(2 * 144))
    assert enough.scale == 1


def test_a_class_with_too_few_images_for_the_reference_is_undecided():
    images, labels = arrows(60)
    found = run(aug.HorizontalFlip(), {"images": images, "labels": labels}, grid=2)
    assert set(found.short) == {"left", "right"} and found.short["left"] == 99
    assert {row.verdict for row in found.singles} == {"undecided"}
    assert found.scale == 0 and "198" in found.words()


def test_a_class_of_which_the_half_that_certifies_has_no_image_is_undecided():
    given = problem(400)
    one = np.flatnonzero(given["labels"] == 0)[1:]
    given = {k: np.delete(v, one, axis=0) if k != "contract" else v for k, v in given.items()}
    found = run(aug.Rotate((-10, 10)), given)
    assert found.walk.n[0] == 0 and found.walk.n[1] > 0  # the one image of class a ranks
    assert [found.by_class[c].verdict for c in NAMES] == ["undecided", "certified"]
    assert found.certificate.verdict == "undecided" and found.certificate.needed == 2 * 72
    assert json.loads(found.to_json())["curve"][0]["classes"]["a"]["lost"] is None


def test_a_policy_of_which_no_step_is_left_certifies_nothing():
    contract = aug.Contract(NAMES, {("a", "hflip"): Relation("to", "b")})
    found = run(aug.HorizontalFlip(), problem(contract=contract))
    assert found.scale == 0 and found.certificate.verdict == "unsafe" and not found.certified
    assert "no step is left" in str(found)


def test_a_policy_that_is_unsafe_at_its_weakest_says_so():
    contract = aug.Contract(NAMES, {}, {"*": Limits(rotation=1)})
    found = run(aug.Rotate((-45, 45)), problem(contract=contract))
    assert found.certificate.verdict == "unsafe" and found.scale == 0
    assert "exceeded for a and b (outside the contract's limits, AS106)" in " ".join(str(found).split())


def test_the_same_images_give_the_same_answer_for_any_number_of_jobs():
    images, labels = arrows(80)
    policy = [aug.HorizontalFlip(), aug.Rotate((-30, 30))]
    one, two = (run(policy, {"images": images, "labels": labels}, epsilon=0.2, grid=2, jobs=j) for j in (1, 2))
    assert one.to_json() == two.to_json()


def test_a_model_of_the_user_is_asked():
    images, labels = arrows(240)

    def brightness(batch: np.ndarray) -> np.ndarray:
        flat = batch.reshape(len(batch), -1).astype(float)
        return np.stack([flat.mean(axis=1), flat.std(axis=1)], axis=1)

    found = run(aug.HorizontalFlip(), {"images": images, "labels": labels}, epsilon=0.2, grid=2, reference=brightness)
    assert found.measured and found.left_out == {}  # to this model a flip changes nothing
    assert ("left", "right") in found.look_alikes and "look alike" in found.words()


def test_narrow_begins_from_the_single_limits():
    found = run(aug.Rotate((-40, 40)), problem(), narrow=True)
    assert found.base.steps[0].angle == (-20.0, 20.0) and found.scale == 1


def test_without_a_policy_a_wide_one_is_calibrated():
    found = run(None, problem(200), epsilon=0.2, grid=2)
    assert {"Shift", "Zoom", "Rotate", "Brightness"} <= {row.step for row in found.singles}


def test_a_pipeline_of_another_library_is_taken():
    pytest.importorskip("albumentations")
    import albumentations

    found = run(albumentations.Compose([albumentations.Rotate(limit=(-15, 15), p=1.0)]), problem(), grid=2)
    assert found.scale > 0


def test_it_is_saved_and_read_back(tmp_path):
    mirrored = aug.Contract(NAMES, {("*", "hflip"): Relation("same")}, {"*": Limits(rotation=20)})
    found = run([aug.Rotate((-40, 40)), aug.HorizontalFlip()], problem(contract=mirrored))
    for name in ("p.yaml", "p.json", "p.png"):
        found.save(tmp_path / name)
    text = (tmp_path / "p.yaml").read_text()
    assert text.startswith("# Certified at scale 0.5.") and aug.Compose.load(tmp_path / "p.yaml") == found.compose
    body = json.loads((tmp_path / "p.json").read_text())
    assert body["scale"] == 0.5 and aug.Compose.from_dict(body["certificate"]["policy"]) == found.compose
    assert len(body["curve"]) == 10 and body["singles"] == found.table
    found.save(tmp_path / "c.yaml", per_class=True)
    import yaml

    assert (
        aug.PerClass.from_dict(yaml.safe_load((tmp_path / "c.yaml").read_text())).policies == found.per_class.policies
    )
    with pytest.raises(ArgumentError, match=r"\.yaml"):
        found.save(tmp_path / "p.txt")


def test_the_figure_shows_the_limit_and_the_certified_scale():
    image = run(aug.Rotate((-40, 40)), problem()).figure(240).image
    red, green, blue = np.moveaxis(image.astype(int), 2, 0)
    limit, mark = (red > green + 90) & (red > blue + 90), (green > red + 50) & (green > blue + 40)
    first, others = slice(0, 260), slice(270, None)
    assert limit[:, first].sum() > 100 and mark[:, first].sum() > 100
    assert limit[:, others].sum() > 200 and mark[:, others].sum() == 0  # single limits carry no certificate


BAD = {
    "epsilon": [0, 1, -0.1, float("nan"), "5 %", True],
    "delta": [0, 1.5, None],
    "unfamiliar": [0, 2],
    "grid": [1, 2.5],
    "most": [0],
    "seed": [-1, 0.5, None],
}


@pytest.mark.parametrize(("name", "value"), [(k, v) for k, values in BAD.items() for v in values])
def test_numbers_out_of_range_are_refused(name, value):
    with pytest.raises(ArgumentError, match=f"{name}.*got"):
        run(aug.Rotate(), problem(40), **{name: value})


def _with_nan(n: int = 40) -> np.ndarray:
    images = np.random.default_rng(0).random((n, 8, 8), dtype=np.float32)
    images[3, 0, 0] = np.nan
    return images


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"labels": None}, InputError, "labels"),
        ({"labels": [0, 1]}, InputError, "40 in all"),
        ({"labels": [-1] * 40}, InputError, "without a label"),
        ({"labels": [None] * 40}, InputError, "without a label"),
        ({"labels": ["z"] * 40}, ContractError, "no class 'z'"),
        ({"labels": [0.5] * 40}, InputError, "class names or indices"),
        ({"images": np.zeros((40, 8), np.uint8), "masks": None}, InputError, "shape"),
        ({"images": [], "labels": [], "masks": None}, InputError, "at least one image"),
        ({"images": _with_nan(), "masks": None}, InputError, r"images\[3\]"),
        ({"masks": np.zeros((3, 32, 32))}, InputError, "masks"),
        ({"groups": [1, 2]}, InputError, "groups"),
        ({"groups": [1] * 40}, InputError, "halves"),
        ({"contract": "mnits"}, ContractError, "mnist"),
    ],
)
def test_bad_input_is_named(change, error, words):
    with pytest.raises(error, match=words):
        run(aug.Rotate(), problem(40) | change)


def test_a_constant_image_is_named_by_its_own_number():
    images, labels = arrows(60)
    images[77] = 9
    with pytest.raises(InputError, match=r"images\[77\] is constant"):
        run(aug.Rotate(), {"images": images, "labels": labels}, most=40, epsilon=np.float32(0.3))
    with pytest.raises(ArgumentError, match="jobs must be"):
        run(aug.Rotate(), dict(zip(("images", "labels"), arrows(60), strict=True)), jobs=0)


def test_one_class_needs_a_contract():
    given = problem(300) | {"labels": np.zeros(300, int)}
    assert run(aug.Rotate((-10, 10)), given).scale == 1
    with pytest.raises(InputError, match="two classes"):
        run(aug.Rotate(), given | {"contract": None})


def test_a_policy_that_never_acts_is_refused():
    with pytest.raises(ArgumentError, match="no step of this policy ever acts"):
        run(aug.Rotate((0, 0)), problem(40))


def test_images_beyond_the_most_that_are_used_change_nothing_but_the_sample():
    given = problem(1200)
    found = run(aug.Rotate((-40, 40)), given, most=400)
    assert found.certificate.n == 200 and found.scale == 0.5
