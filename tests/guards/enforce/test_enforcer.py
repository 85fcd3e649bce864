"""The enforcer: after any action no acting rule is broken; a safe policy costs nothing; counters add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import augsafe as aug
from augsafe.contracts import SYMMETRIES, Contract
from augsafe.errors import ArgumentError, ViolationError
from augsafe.guards import Enforcer, LimitTable, Log, actions_of, judge, measure, violations
from augsafe.guards.enforce import rules
from augsafe.guards.enforce.enforcer import ATTEMPTS, CODES
from augsafe.guards.enforce.rules import Rules, Seen
from augsafe.images import ArraySource
from augsafe.objects import Objects, inspect
from augsafe.planning import Plan

DIGITS = load_digits()
IMAGES = np.rint(DIGITS.images[:400] * 255 / 16).astype(np.uint8)
LABELS = DIGITS.target[:400].astype(np.int64)
OBJECTS = inspect(IMAGES)
MNIST = Contract.builtin("mnist")
CARELESS = aug.Compose(
    [
        aug.Shift(x=(-0.3, 0.3), y=(-0.3, 0.3)),
        aug.Zoom((0.6, 1.6)),
        aug.Rotate((-60, 60)),
        aug.HorizontalFlip(),
        aug.VerticalFlip(),
        aug.Brightness((0.8, 1.2)),
    ]
)


def plan_of(compose: aug.Compose, n: int = 400, seed: int = 0) -> Plan:
    return compose.plan(np.full((n, 2), 8), range(n), seed)


def broken(plan: Plan, labels: np.ndarray, objects: Objects, old: np.ndarray | None = None) -> np.ndarray:
    """Which images break a rule, judged one by one from the contract; `old` labels where images were relabelled."""
    judged = judge(plan.jacobian)
    limits = LimitTable.of(MNIST).take(labels)
    out = np.any(list(violations(measure(plan, objects), limits, objects).values()), axis=0)
    for k, label in enumerate(labels if old is None else old):
        relation = MNIST.relation(int(label), SYMMETRIES[judged.symmetry[k]])
        reached = relation.to if relation.kind == "to" else str(label)
        wrong = relation.kind == "invalid" or reached != str(labels[k])
        limit = MNIST.limits_for(int(labels[k]))
        outside = judged.zoom_min[k] < limit.zoom[0] - 1e-9 or judged.zoom_max[k] > limit.zoom[1] + 1e-9
        out[k] |= wrong or outside or abs(judged.residual[k]) > limit.rotation + 1e-9
    return out


@pytest.mark.parametrize("action", ["redraw", "clamp", "identity", "drop", "relabel"])
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 1000))
def test_no_action_leaves_a_violation(action: str, seed: int) -> None:
    plan = plan_of(CARELESS, seed=seed)
    before = broken(plan, LABELS, OBJECTS)
    assert before.sum() > 100, "negative control: without the enforcer rules are broken"
    made, labels, keep, log = Enforcer(CARELESS, MNIST, action).enforce(plan, LABELS, OBJECTS)
    assert not broken(made, labels, OBJECTS, LABELS)[keep].any()
    assert (keep == ~before).all() if action == "drop" else keep.all()
    assert action == "relabel" or (labels == LABELS).all()
    fine = np.flatnonzero(~before)
    assert (made.matrix[fine] == plan.matrix[fine]).all() and (labels[fine] == LABELS[fine]).all()
    assert log.images == 400 and log.counts.total() >= before.sum()


def test_warn_changes_nothing_and_counts() -> None:
    plan = plan_of(CARELESS)
    made, labels, keep, log = Enforcer(CARELESS, MNIST, "warn").enforce(plan, LABELS, OBJECTS)
    assert made is plan and labels is LABELS and keep.all() and not log.changed
    assert {code for code, *_ in log.counts} >= {"AS101", "AS102", "AS106", "AS107", "AS201"}
    assert {action for *_, action in log.counts} == {"warn"}


def test_raise_names_the_image_the_class_and_the_draw() -> None:
    turn = aug.Compose([aug.HorizontalFlip(p=1), aug.VerticalFlip(p=1)])
    sixes = np.full(3, 6)
    with pytest.raises(
        ViolationError, match=r"image 0 of class '6'.*HorizontalFlip, VerticalFlip.*AS101.*reads as '9'"
    ):
        Enforcer(turn, MNIST, "raise").enforce(plan_of(turn, 3), sixes)
    Enforcer(turn, MNIST, "raise").enforce(plan_of(turn, 3), np.full(3, 8))


def test_relabel_takes_the_target_only_where_there_is_one() -> None:
    turn = aug.Compose([aug.HorizontalFlip(p=0.5), aug.VerticalFlip(p=0.5)])
    labels = np.repeat([6, 9, 8, 4], 100)
    plan = plan_of(turn)
    _, new, _, log = Enforcer(turn, MNIST, "relabel").enforce(plan, labels)
    both = plan.draws.active["HorizontalFlip"] & plan.draws.active["VerticalFlip"]
    assert (new[both & (labels == 6)] == 9).all() and (new[both & (labels == 9)] == 6).all()
    assert (new[~both] == labels[~both]).all() and (new[labels == 4] == 4).all()
    assert log.relabelled == int((both & np.isin(labels, (6, 9))).sum()) > 20
    shift = log.to_dict()["class_shift"]
    assert shift.get("6", 0) == -shift.get("9", 0) == (new == 6).sum() - (labels == 6).sum()


def test_redraws_stand_in_the_key_and_end_in_a_clamp() -> None:
    sure = aug.Compose([aug.HorizontalFlip(p=1), aug.Rotate((5, 10))])
    first = plan_of(sure, 5)
    plan, _, _, log = Enforcer(sure, MNIST, "redraw").enforce(first, np.full(5, 6))
    assert not plan.draws.active["HorizontalFlip"].any() and log.changed == 5
    assert (plan.draws.values["Rotate"]["angle"] == first.draws.values["Rotate"]["angle"]).all(), "as much as may stay"
    often = aug.Compose([aug.HorizontalFlip(p=0.5)])
    first = plan_of(often)
    plan, _, _, _ = Enforcer(often, MNIST, "redraw").enforce(first, np.full(400, 6))
    attempts = plan.draws.key.attempts
    assert ((attempts > 0) <= first.draws.active["HorizontalFlip"]).all()
    assert 1 < attempts.max() <= ATTEMPTS and not plan.draws.active["HorizontalFlip"].any()
    assert (often.replay(plan.record()).matrix == plan.matrix).all()


@pytest.mark.parametrize(
    "frame",
    [aug.CenterCrop((2, 2)), aug.Pad(3, 3, 3, 3), aug.Letterbox((30, 5)), aug.Resize(3), aug.RandomResizedCrop(5)],
    ids=lambda step: type(step).__name__,
)
def test_the_identity_never_violates(frame: aug.Transform) -> None:
    """What every image loses alike is no draw's fault; what a draw adds to it is."""
    alone, bare = aug.Compose([frame]), plan_of(aug.Compose([frame])).plain(np.arange(400))
    found = Rules(alone, MNIST, CODES).verdicts(bare, LABELS, Seen(OBJECTS))
    assert not any(bad.any() for bad in found.codes.values())
    wild = aug.Compose([frame, aug.Shift((0.8, 0.9), (0, 0)), aug.Rotate((60, 70))])
    rules, first = Rules(wild, MNIST, CODES), plan_of(wild)
    wrong = np.any(list(rules.verdicts(first, LABELS, Seen(OBJECTS)).codes.values()), axis=0)
    assert wrong.mean() > 0.8
    made, *_ = Enforcer(wild, MNIST, "identity").enforce(first, LABELS, OBJECTS)
    assert (made.matrix == first.plain(np.arange(400)).matrix)[wrong].all()
    assert not any(bad.any() for bad in rules.verdicts(made, LABELS, Seen(OBJECTS)).codes.values())


def test_clamp_keeps_as_much_as_it_may() -> None:
    turn = aug.Compose([aug.Rotate((40, 44))])
    plan, _, _, _ = Enforcer(turn, MNIST, "clamp").enforce(plan_of(turn), LABELS)
    angles = plan.draws.values["Rotate"]["angle"]
    assert (angles <= 30).all() and (angles > 23).all()
    mixed = aug.Compose([aug.Rotate((10, 20)), aug.HorizontalFlip(p=1)])
    plan, _, _, _ = Enforcer(mixed, MNIST, "clamp").enforce(plan_of(mixed), np.full(400, 6))
    assert not plan.draws.active["HorizontalFlip"].any() and (plan.draws.values["Rotate"]["angle"] >= 10).all()


def test_actions_by_code() -> None:
    actions = actions_of({"AS102": "relabel", "AS107": "drop"})
    assert actions["AS101"] == "relabel" and actions["AS201"] == "redraw"
    assert actions["AS103"] == "warn" and actions["AS107"] == "drop"
    assert actions_of("drop")["AS107"] == "warn"
    for wrong in ("explode", {"AS101": "explode"}, {"AS999": "drop"}, {"AS101": "drop", "AS102": "redraw"}):
        with pytest.raises(ArgumentError):
            actions_of(wrong)
    plan = plan_of(CARELESS)
    _, _, keep, log = Enforcer(CARELESS, MNIST, {"AS107": "drop"}).enforce(plan, LABELS, OBJECTS)
    assert 0 < (~keep).sum() == log.dropped


def test_images_without_a_label_follow_no_class_rule() -> None:
    flip = aug.Compose([aug.HorizontalFlip(p=1)])
    plan, _, _, log = Enforcer(flip, MNIST, "raise").enforce(plan_of(flip), np.full(400, -1))
    assert plan.draws.active["HorizontalFlip"].all() and not log.counts


def test_a_proven_policy_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    safe = aug.Compose([aug.Rotate((-20, 20)), aug.Zoom((0.8, 1.2)), aug.Brightness()])

    def refuse(jacobian: np.ndarray) -> None:
        raise AssertionError("judged")

    monkeypatch.setattr(rules, "judge", refuse)
    Enforcer(safe, MNIST).enforce(plan_of(safe), LABELS)
    with pytest.raises(AssertionError, match="judged"):
        Enforcer(CARELESS, MNIST).enforce(plan_of(CARELESS), LABELS)


def test_the_shift_of_draws_is_reported() -> None:
    turn = aug.Compose([aug.Rotate((40, 44)), aug.Brightness()])
    first = plan_of(turn)
    _, _, _, log = Enforcer(turn, MNIST, "identity").enforce(first, LABELS)
    wanted = {
        "Rotate.angle": float(first.draws.values["Rotate"]["angle"].mean()),
        "Brightness.factor": float(np.abs(first.draws.values["Brightness"]["factor"] - 1).mean()),
    }
    assert log.to_dict()["moved"] == pytest.approx(wanted)


def test_logs_add_up() -> None:
    parts = [Enforcer(CARELESS, MNIST).enforce(plan_of(CARELESS, seed=s), LABELS, OBJECTS)[3] for s in (0, 1)]
    total = Log()
    for part in parts:
        total.add(part)
    assert total.images == 800 and total.changed == sum(p.changed for p in parts)
    assert total.counts.total() == sum(p.counts.total() for p in parts)
    entry = total.to_dict()["counts"][0]
    assert entry["code"] in CODES and entry["class"] in MNIST.classes and entry["count"] > 0


def test_a_change_by_several_steps_counts_as_as102() -> None:
    flips = aug.Compose([aug.HorizontalFlip(), aug.VerticalFlip(), aug.Rotate((-5, 5)), aug.Brightness()])
    plan, labels = plan_of(flips), np.full(400, 6)
    _, _, _, log = Enforcer(flips, MNIST, "warn").enforce(plan, labels)
    both = plan.draws.active["HorizontalFlip"] & plan.draws.active["VerticalFlip"]
    one = plan.draws.active["HorizontalFlip"] ^ plan.draws.active["VerticalFlip"]
    counts = {code: sum(n for (c, *_), n in log.counts.items() if c == code) for code in ("AS101", "AS102")}
    assert counts == {"AS101": int(one.sum()), "AS102": int(both.sum())}
    assert all({"HorizontalFlip", "VerticalFlip"} <= set(steps) for (code, steps, *_) in log.counts if code == "AS102")
    turns = aug.Compose([aug.Rotate((80, 100), p=0.5), aug.Rotate((80, 100), p=0.5)])
    _, _, _, log = Enforcer(turns, MNIST, "warn").enforce(plan_of(turns), np.full(400, 6))
    assert {code for code, *_ in log.counts} >= {"AS102"}


def accepting(*entries: dict[str, object]) -> Contract:
    return Contract.from_dict({**MNIST.to_dict(), "accept": list(entries)})


def test_what_the_contract_accepts_is_left_alone() -> None:
    flips = aug.Compose([aug.HorizontalFlip(), aug.VerticalFlip()])
    both = {
        "code": "AS102",
        "steps": ["HorizontalFlip", "VerticalFlip"],
        "classes": ["6"],
        "reason": "seen, and wanted",
    }
    plan, labels = plan_of(flips), np.arange(400) % 10
    turned = plan.draws.active["HorizontalFlip"] & plan.draws.active["VerticalFlip"]
    enforcer = Enforcer(flips, accepting(both), "redraw")
    fixed, _, _, log = enforcer.enforce(plan, labels)
    still = fixed.draws.active["HorizontalFlip"] & fixed.draws.active["VerticalFlip"]
    assert still[(labels == 6) & turned].all() and not still[labels == 9].any()
    one = plan.draws.active["HorizontalFlip"] ^ plan.draws.active["VerticalFlip"]
    now = fixed.draws.active["HorizontalFlip"] ^ fixed.draws.active["VerticalFlip"]
    assert (one & (labels == 6)).any() and not now[labels == 6].any(), "one flip alone is not accepted"
    assert log.accepted == int((turned & (labels == 6)).sum()) > 0
    assert not any(code == "AS102" and cls == "6" for code, _, cls, _ in log.counts)
    _, _, _, strict = Enforcer(flips, MNIST, "redraw").enforce(plan, labels)
    assert strict.accepted == 0 and any(code == "AS102" and cls == "6" for code, _, cls, _ in strict.counts)


def test_accepting_a_limit_does_not_accept_other_steps() -> None:
    turns = aug.Compose([aug.Rotate((35, 40), p=0.5), aug.Rotate((35, 40), p=0.5, name="other")])
    entry = {"code": "AS106", "steps": ["Rotate"], "classes": ["*"], "reason": "the camera is turned"}
    plan, labels = plan_of(turns), np.full(400, 8)
    on = plan.draws.active
    _, _, _, log = Enforcer(turns, accepting(entry), "warn").enforce(plan, labels)
    assert log.accepted == int((on["Rotate"] & ~on["other"]).sum())
    assert sum(n for (code, *_), n in log.counts.items() if code == "AS106") >= int((on["other"] & ~on["Rotate"]).sum())


def test_a_draw_that_doubles_the_object_says_which_border_does_not():
    image, mask = np.full((20, 20), 40, np.uint8), np.zeros((20, 20), np.uint8)
    image[4:16, :5], mask[4:16, :5] = 220, 1

    policy = aug.Compose([aug.Shift((0.2, 0.2), (0, 0))])
    with pytest.raises(aug.ViolationError, match=r"AS205; give the policy border='constant'"):
        list(aug.Loader(ArraySource([image], [0], [mask]), policy, workers=0, on_violation="raise"))
    still = replace(policy, border="constant")
    list(aug.Loader(ArraySource([image], [0], [mask]), still, workers=0, on_violation="raise"))
    padded = aug.Compose([aug.Pad(left=4)])  # doubles it in every image alike
    list(aug.Loader(ArraySource([image], [0], [mask]), padded, workers=0, on_violation="raise"))
