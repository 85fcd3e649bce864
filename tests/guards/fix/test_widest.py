"""How wide a fix leaves a policy: ranges are cut at the limit, and only what is to blame changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

import augsafe as aug
from augsafe.contracts import Contract, Limits
from augsafe.guards import static_check
from augsafe.guards.fix import kept_share
from augsafe.guards.fix.search import Cut, cuts
from augsafe.guards.fix.ways import position
from augsafe.guards.tone import rules
from augsafe.transforms import walk

WITHIN = 0.02


def fix(*steps: aug.Transform, contract: str | Contract = "mnist", border: str = "constant") -> aug.Report:
    return aug.check(aug.Compose(steps, border=border), contract=contract)


ALONE = {
    "cut at the limit": (aug.Rotate((-180, 180)), {"angle": (-30, 30)}),
    "cut at both limits": (aug.Zoom((0.3, 2)), {"factor": (0.7, 1.4)}),
    "the near end stays": (aug.Rotate((-10, 180)), {"angle": (-10, 30)}),
    "the part that holds": (aug.Rotate((10, 100)), {"angle": (10, 30)}),
    "one side is enough": (aug.Zoom((0.9, 3)), {"factor": (0.9, 1.4)}),
    "a frame stays, and shows more": (aug.RandomResizedCrop(28, scale=(0.05, 0.1)), {"ratio": (3 / 4, 4 / 3)}),
}


@pytest.mark.parametrize("case", ALONE)
def test_one_step(case):
    step, wanted = ALONE[case]
    report = fix(step)
    (fixed,) = report.fixed.steps
    assert {name: getattr(fixed, name) for name in wanted} == wanted
    assert aug.check(report.fixed, contract="mnist", seed=3).ok


def test_a_range_without_the_identity_is_no_fixed_tilt():
    report = fix(aug.Rotate((80, 100)), aug.Brightness())
    assert [step.label for step in report.fixed.steps] == ["Brightness"]
    assert report.changes == ("leave out Rotate",)


def test_of_two_steps_that_add_up_the_wider_yields():
    report = fix(aug.Rotate((-180, 180)), aug.Rotate((-20, 20)))
    assert [step.angle for step in report.fixed.steps] == [(-10, 10), (-20, 20)]
    assert report.changes == ("Rotate: angle from (-180, 180) to (-10, 10)",)


def test_quarter_turns_are_thinned():
    relations = {"relations": {"a": {"rot180": "same", "rot90": "invalid", "rot270": "invalid"}}, "classes": ["a"]}
    report = fix(aug.Rotate90(), contract=Contract.from_dict(relations))
    assert report.fixed.step("Rotate90").turns == (0, 2)
    assert report.changes == ("Rotate90: turns from (0, 1, 2, 3) to (0, 2)",)
    assert fix(aug.Rotate90()).fixed.steps == ()


@pytest.mark.parametrize(
    "choice",
    [
        aug.OneOf([aug.Rotate((-90, 90)), aug.HorizontalFlip(), aug.Brightness()]),
        aug.SomeOf([aug.Rotate((-90, 90)), aug.HorizontalFlip(), aug.Brightness()], n=(1, 2)),
        aug.AllOf([aug.Rotate((-90, 90)), aug.HorizontalFlip(), aug.Brightness()]),
    ],
)
def test_within_a_choice_ranges_are_cut_before_anything_goes(choice):
    report = fix(choice)
    assert report.fixed.step("Rotate").angle == (-30, 30)
    assert {leaf.label for leaf in report.fixed.leaves} == {"Rotate", "Brightness"}
    assert report.changes == (f"{choice.label}: leave out HorizontalFlip", "Rotate: angle from (-90, 90) to (-30, 30)")


def test_a_repeated_step_is_cut_for_the_sum():
    report = fix(aug.Repeat(aug.Rotate((-40, 40)), 3))
    assert [leaf.angle for leaf in report.fixed.leaves] == [(-10, 10)] * 3


def test_steps_that_no_bound_is_known_of_are_cut_by_draws():
    report = fix(aug.Perspective((-0.5, 0.5)), aug.Shift((-0.4, 0.4), (0, 0)), aug.Rotate((-60, 60)))
    assert report.fixed is not None and aug.check(report.fixed, contract="mnist", seed=5).ok
    assert report.fixed.step("Perspective") == report.policy.step("Perspective")


def photographs(side: int = 128) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Parts of four photographs, and masks of their middles."""
    whole = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    images = [image[y : y + side, x : x + side] for image in whole for y in (0, 100, 170) for x in (0, 150, 300)]
    mask = np.zeros((side, side), np.uint8)
    mask[side // 3 : 2 * side // 3, side // 3 : 2 * side // 3] = 1
    return images, [mask] * len(images)


CONTENT = {
    "both sides alike": [aug.Shift((-0.8, 0.8), (-0.8, 0.8))],
    "the wide side alone": [aug.Shift((-0.8, 0.8), (-0.1, 0.1))],
    "two steps": [aug.Shift((-0.8, 0.8), (-0.1, 0.1)), aug.Zoom((0.5, 3))],
    "tone": [aug.Brightness((0.2, 5)), aug.Rotate((-5, 5))],
    "two curves": [aug.Contrast((0.02, 1)), aug.Gamma((0.01, 10))],
    "patches": [aug.Erase((0.2, 0.9))],
    "neighbours": [aug.Brightness((0.2, 5)), aug.GaussianBlur((0, 2))],
}


@pytest.mark.parametrize("case", CONTENT)
def test_rates_on_photographs(case):
    images, masks = photographs()
    policy = aug.Compose(CONTENT[case], border="constant")
    report = aug.check(policy, images, masks=masks)
    assert not report.ok and report.fixed is not None
    for seed in (0, 1, 9):
        again = aug.check(report.fixed, images, masks=masks, suggest=False, seed=seed)
        assert again.ok
        assert max((f.probability for f in again.findings if f.code < "AS4"), default=0) < 0.08
    assert kept_share(policy, report.fixed) > 0.17
    if case == "both sides alike":
        assert report.fixed.step("Shift").x == report.fixed.step("Shift").y
    if case == "the wide side alone":
        assert report.fixed.step("Shift").y == (-0.1, 0.1)
    if case == "patches":
        assert report.changes == ("Erase: max_object_share from 1 to 0.5",)


def test_a_step_that_often_harms_is_given_a_chance_or_left_out():
    images, masks = photographs()
    report = aug.check(aug.Compose([aug.Brightness((1.8, 2.8))]), images, masks=masks)
    assert report.fixed.step("Brightness").factor == (1.8, 2.8) and 0.05 < report.fixed.step("Brightness").p < 0.3
    gone = aug.check(aug.Compose([aug.Brightness((8, 20))]), images, masks=masks)
    assert gone.fixed.steps == () and gone.changes == ("leave out Brightness",)


def test_what_is_guessed_is_left_alone():
    """The negative control of the rates: without masks the same losses are remarks, and nothing is to be fixed."""
    images, _ = photographs()
    report = aug.check(aug.Compose(CONTENT["two curves"], border="constant"), images)
    assert report.ok and report.fixed is None and report.changes == ()


def test_a_fix_renders_little(monkeypatch):
    """On large photographs the check renders most of its time away; the fix does not do so again and again."""
    images = [np.kron(image, np.ones((8, 8, 1), np.uint8)) for image in photographs()[0][::3]]
    drawn: list[int] = []
    true = rules.render

    def counted(some, plan, *rest):
        drawn.append(sum(image.size for image in some))
        return true(some, plan, *rest)

    monkeypatch.setattr(rules, "render", counted)
    policy = aug.Compose([aug.Brightness((0.2, 5)), aug.GaussianBlur((0, 2))])
    masks = [np.ones(image.shape[:2], np.uint8) for image in images]
    aug.check(policy, images, masks=masks, suggest=False)
    checked = sum(drawn)
    drawn.clear()
    assert aug.check(policy, images, masks=masks).fixed is not None
    assert checked < sum(drawn) < 1.6 * checked


angles, zooms = st.integers(-180, 180), st.floats(-1.2, 1.2)


@st.composite
def plain_steps(draw: st.DrawFn) -> aug.Transform:
    kind = draw(
        st.sampled_from(["Rotate", "Zoom", "Shear", "HorizontalFlip", "VerticalFlip", "Rotate90", "Brightness"])
    )
    if kind == "Rotate":
        return aug.Rotate(tuple(sorted((draw(angles), draw(angles)))))
    if kind == "Zoom":
        low, high = sorted((draw(zooms), draw(zooms)))
        return aug.Zoom((round(float(np.exp(low)), 2), round(float(np.exp(high)), 2)))
    if kind == "Shear":
        return aug.Shear(tuple(sorted((draw(st.integers(-45, 45)), draw(st.integers(-45, 45))))), (0, 0))
    return getattr(aug, kind)()


@st.composite
def policies(draw: st.DrawFn) -> aug.Compose:
    steps: list[aug.Transform] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["plain", "plain", "OneOf", "SomeOf", "Repeat"]))
        if kind == "plain":
            steps.append(draw(plain_steps()))
        elif kind == "Repeat":
            steps.append(aug.Repeat(draw(plain_steps()), 2))
        else:
            steps.append(getattr(aug, kind)(draw(st.lists(plain_steps(), min_size=2, max_size=3))))
    return aug.Compose(steps, border="constant")


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    name = draw(st.sampled_from(["mnist", "gtsrb", "aerial", "fashion-mnist", "text"]))
    made = Contract.builtin(name)
    made = made if made.classes else made.with_classes(("a", "b"))
    low, high = draw(st.floats(0.4, 0.95)), draw(st.floats(1.05, 1.9))
    limits = Limits(rotation=draw(st.integers(2, 44)), zoom=(round(low, 2), round(high, 2)))
    return Contract(made.classes, made.relations, {"*": limits}, name="random")


def clean(policy: aug.Compose, contract: Contract) -> bool:
    """Whether no class is harmed and no limit is passed, for certain."""
    found = static_check(policy, contract, draws=2000, seed=1, content=False).findings
    return not [f for f in found if f.severity == "error" or f.code == "AS105"]


def farther(fixed: aug.Compose, policy: aug.Compose) -> Iterator[aug.Compose]:
    """The fixed policy with one end of a range that was cut moved out by 2 %."""
    for cut in cuts(fixed, policy):
        for q in cut.parameters:
            one = Cut(cut.step, (q,), cut.now, cut.wanted)
            for side in cut.sides:
                start, goal = (position(q, ends[side]) for ends in (cut.now, cut.wanted))
                out = max(WITHIN * abs(start), WITHIN**2 * abs(goal)) / abs(goal - start)
                yield one.set(fixed, one.moved((side,), min(1.0, out)))


@settings(max_examples=12)
@given(policies(), contracts())
def test_the_fixed_policy_holds_and_is_as_wide_as_it_can_be(policy, contract):
    report = aug.check(policy, contract=contract, draws=2000)
    errors = [f for f in report.findings if f.severity == "error"]
    if not errors:
        assert report.fixed is None and report.changes == ()
        return
    fixed = report.fixed
    assert fixed is not None and aug.check(fixed, contract=contract, draws=2000, seed=4, suggest=False).ok
    blamed = {name for f in errors for leaf in f.steps for name in (leaf, leaf.rsplit("/", 1)[0])}
    for step in policy.steps:
        alone = replace(policy, steps=(step,))
        if not blamed & {held.label for held in walk(step)} and clean(alone, contract):
            assert fixed.step(step.label) == step
    if clean(fixed, contract):  # where draws alone decide, nothing is certain of the ends
        assert not [p for p in farther(fixed, policy) if clean(p, contract)]


def limited(name: str, rotation: float, zoom: tuple[float, float]) -> Contract:
    made = Contract.builtin(name)
    return Contract(made.classes, made.relations, {"*": Limits(rotation=rotation, zoom=zoom)}, name="limited")


@pytest.mark.parametrize(
    ("steps", "contract"),
    [
        ([aug.OneOf([aug.Zoom((1, 1.4)), aug.Zoom((0.37, 0.37))])], limited("mnist", 2, (0.5, 1.31))),
        (
            [aug.OneOf([aug.Brightness(), aug.Shear((-44, 6), (0, 0))]), aug.Repeat(aug.Rotate((-176, 57)), 2)],
            limited("fashion-mnist", 2, (0.56, 1.55)),
        ),
    ],
)
def test_an_end_near_its_limit_and_ends_that_share_one_go_all_the_way(steps, contract):
    policy = aug.Compose(steps, border="constant")
    fixed = aug.check(policy, contract=contract, draws=2000).fixed
    assert clean(fixed, contract)
    assert not [p for p in farther(fixed, policy) if clean(p, contract)]


def test_the_property_sees_a_fix_that_is_too_narrow():
    """The negative control."""
    policy, narrow = (aug.Compose([aug.Rotate((-a, a))], border="constant") for a in (90, 25))
    mnist = Contract.builtin("mnist")
    assert [p for p in farther(narrow, policy) if clean(p, mnist)]
    assert not [p for p in farther(fix(*policy.steps).fixed, policy) if clean(p, mnist)]
