"""Tone in the loader: where a mapping names AS301 to AS303, no draw that is given loses levels or colours."""

from __future__ import annotations

import numpy as np
import pytest

import augsafe as aug
from augsafe.contracts import Acceptance, Limits
from augsafe.errors import ViolationError
from augsafe.guards import Appearance, Enforcer, Log, LooksCache, actions_of, lights, look, scenes
from augsafe.guards.tone.appearance import CODES

IMAGES, NAMES = scenes()
N = len(IMAGES)
LABELS = np.unique(NAMES, return_inverse=True)[1].astype(np.int64)
PLAIN = aug.Contract(tuple(np.unique(NAMES).tolist()))
BRIGHT = aug.Brightness((1, 4))
CURVES = aug.Compose([aug.Rotate((-20, 20)), BRIGHT, aug.Contrast((0.02, 1), p=0.5), aug.HorizontalFlip()])
RENDERED = aug.Compose([aug.GaussianBlur((0.3, 1)), BRIGHT, aug.Saturation((0, 2)), aug.Equalize(p=0.2)])
LOOKS = look(IMAGES, None, np.zeros(N, bool))


def plan_of(policy: aug.Compose, seed: int = 0) -> aug.Plan:
    return policy.plan(np.full((N, 2), IMAGES.shape[1]), range(N), seed)


def lost(policy: aug.Compose, plan: aug.Plan) -> np.ndarray:
    return np.any(list(Appearance.of(policy, PLAIN).broken(plan, LABELS, LOOKS).values()), axis=0)


def told_of(log: Log) -> set[str]:
    return {code for code, *_ in log.counts} & set(CODES)


def named(action: str) -> dict[str, str]:
    return {"AS301": action, "AS302": action}


@pytest.mark.parametrize("policy", [CURVES, RENDERED], ids=["curves", "rendered"])
@pytest.mark.parametrize("action", ["redraw", "clamp", "identity", "drop", "relabel"])
def test_no_action_leaves_lost_tone(policy, action):
    plan = plan_of(policy)
    before = lost(policy, plan)
    assert 0.2 * N < before.sum() < N, "negative control: without the enforcer tone is lost"
    made, labels, keep, log = Enforcer(policy, PLAIN, named(action)).enforce(plan, LABELS, looks=LOOKS)
    assert not (lost(policy, made) & keep).any() and (labels == LABELS).all()
    assert (~keep).sum() == (before.sum() if action == "drop" else 0)
    assert sum(count for (code, *_), count in log.counts.items() if code in CODES) >= before.sum()
    steps = {step for (code, acted, *_), _ in log.counts.items() if code in CODES for step in acted}
    assert "Brightness" in steps and not steps & {"Rotate", "HorizontalFlip"}


def test_what_is_not_named_is_not_touched():
    plan = plan_of(CURVES)
    made, _, _, log = Enforcer(CURVES, PLAIN, "redraw").enforce(plan, LABELS, looks=LOOKS)
    assert made is plan and not told_of(log)
    assert not set(CODES) & set(actions_of("redraw")) and actions_of({"AS303": "drop"})["AS303"] == "drop"
    _, _, _, told = Enforcer(CURVES, PLAIN, named("warn")).enforce(plan, LABELS, looks=LOOKS)
    assert told_of(told) == {"AS301", "AS302"} and not told.changed


def test_clamping_touches_what_lost_it_alone():
    plan = plan_of(CURVES)
    bad = lost(CURVES, plan)
    made = Enforcer(CURVES, PLAIN, named("clamp")).enforce(plan, LABELS, looks=LOOKS)[0]
    before, after = plan.draws, made.draws
    assert (before.values["Rotate"]["angle"] == after.values["Rotate"]["angle"]).all()
    assert (before.active["HorizontalFlip"] == after.active["HorizontalFlip"]).all()
    factors = before.values["Brightness"]["factor"], after.values["Brightness"]["factor"]
    assert (factors[1][bad] < factors[0][bad]).all() and (factors[1][~bad] == factors[0][~bad]).all()
    strict = aug.Contract(PLAIN.classes, {}, {"*": Limits(rotation=10)})
    turned = Enforcer(CURVES, strict, {**named("clamp"), "AS106": "clamp"}).enforce(plan, LABELS, looks=LOOKS)[0]
    assert np.abs(turned.draws.values["Rotate"]["angle"]).max() <= 10 + 1e-6
    assert (turned.draws.values["Brightness"]["factor"][~bad] == factors[0][~bad]).all()
    straight = np.abs(before.values["Rotate"]["angle"]) <= 10
    assert (turned.draws.values["Brightness"]["factor"] == factors[1])[straight].all()


def test_raise_names_the_code():
    with pytest.raises(ViolationError, match="breaks AS30"):
        Enforcer(CURVES, PLAIN, named("raise")).enforce(plan_of(CURVES), LABELS, looks=LOOKS)


def test_what_the_contract_accepts_is_left():
    wanted = Acceptance("AS301", ("Brightness",), PLAIN.classes, "bright scenes are wanted")
    accepting, policy = aug.Contract(PLAIN.classes, accept=(wanted,)), aug.Compose([BRIGHT])
    plan = plan_of(policy)
    made, _, _, log = Enforcer(policy, accepting, {"AS301": "redraw"}).enforce(plan, LABELS, looks=LOOKS)
    assert log.accepted > 0.1 * N and made is plan


def given(loader: aug.Loader) -> list[np.ndarray]:
    return [np.concatenate([batch.images for batch in loader]) for _ in range(2)]


@pytest.mark.parametrize("policy", [CURVES, RENDERED], ids=["curves", "rendered"])
def test_the_loader_gives_none_that_lost_its_tone(policy):
    source = (IMAGES, NAMES)
    on = {"contract": PLAIN, "on_violation": named("redraw"), "shuffle": False, "batch_size": 16}
    loaders = [aug.Loader(source, policy, **on, workers=workers) for workers in (0, 2)]
    first, second = map(given, loaders)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert loaders[0].report.guards.changed > 0.2 * N
    free = aug.Loader(source, policy, contract=PLAIN, shuffle=False, batch_size=16)
    assert (given(free)[0] != first[0]).any() and not free.report.guards.changed
    flat = [np.mean([(i.reshape(-1, 3) == 255).all(axis=1).mean() > 0.5 for i in x[0]]) for x in (given(free), first)]
    assert flat[0] > flat[1]


def test_the_loader_keeps_the_colour_that_defines_a_class():
    images, labels = lights()
    signals = aug.Contract(("red", "green"), {}, {"*": Limits(hue=30)})
    policy = aug.Compose([aug.Hue((-60, 60))])
    for named_code, changes in (({"AS303": "redraw"}, True), ("redraw", False)):
        loader = aug.Loader((images, labels), policy, contract=signals, on_violation=named_code, shuffle=False)
        plans = [batch.plan for batch in loader]
        angles = np.concatenate([p.draws.values["Hue"]["angle"] for p in plans])
        assert (np.abs(angles).max() < 45) == changes  # half of the colour counts, so not every pixel within 30
        assert (loader.report.guards.changed > 0.3 * len(images)) == changes


def test_only_steps_that_may_turn_a_colour_are_named_for_it():
    images, labels = lights()
    signals = aug.Contract(("red", "green"), {}, {"*": Limits(hue=30)})
    policy = aug.Compose([aug.Hue((90, 90)), aug.GaussianBlur((1, 1))])
    loader = aug.Loader((images, labels), policy, contract=signals, on_violation={"AS303": "warn"}, shuffle=False)
    assert len([batch.indices for batch in loader])
    assert {acted for (code, acted, *_) in loader.report.guards.counts if code == "AS303"} == {("Hue",)}


def test_looks_are_seen_once_and_are_the_same_from_the_cache():
    cache = LooksCache(N, None, True)
    rows = np.arange(0, N, 3)
    fresh = look(IMAGES[rows], None, np.ones(len(rows), bool))
    for _ in range(2):
        held = cache.find(rows, IMAGES[rows])
        for name in ("shares", "pixels", "coloured"):
            np.testing.assert_array_equal(getattr(held, name), getattr(fresh, name))
    blind = cache.find(rows, np.zeros_like(IMAGES[rows]))  # seen before, so not looked at again
    np.testing.assert_array_equal(blind.shares, fresh.shares)
