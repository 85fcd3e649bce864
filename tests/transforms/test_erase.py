"""Erasing: the plan's patches are the pixels', the object is spared, and AS203 says where it is not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import ArgumentError
from augsafe.guards import Enforcer, content_findings
from augsafe.guards.content.rules import COVERED
from augsafe.images import ArraySource
from augsafe.objects import Objects, inspect
from augsafe.pixels import render
from augsafe.policies import covered

SIDE = 64
GEOMETRY = [aug.Rotate((-40, 40)), aug.Zoom((0.7, 1.4)), aug.Shift((-0.2, 0.2), (-0.2, 0.2))]
MODES = {
    "random": aug.Erase((0.05, 0.4), count=2),
    "cutout": aug.Erase((0.1, 0.3), ratio=(1, 1), mode="cutout"),
    "grid": aug.Erase((0.2, 0.5), mode="grid", count=4),
}


def planted(n: int, seed: int = 0) -> np.ndarray:
    """Masks of one ellipse each."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    y, x = rng.uniform(20, 44, (2, n, 1, 1))
    a, b = rng.uniform(5, 16, (2, n, 1, 1))
    return ((rows - y) / a) ** 2 + ((columns - x) / b) ** 2 <= 1


def hidden(compose: aug.Compose, plan: aug.Plan, masks: np.ndarray) -> np.ndarray:
    """The share of the moved mask's pixels that patches lie on, by rendering each mask."""
    shown = [m.astype(np.float32) for m in masks]
    plain = compose.assemble(plan.shapes, plan.draws)
    for name in [s.label for s in compose.steps if isinstance(s, aug.Erase)]:
        plain = compose.assemble(plain.shapes, plain.draws.without(compose.step(name)))
    whole, left = (render(shown, p).sum(axis=(1, 2)) for p in (plain, plan))
    return np.where(whole > 0, 1 - left / np.maximum(whole, 1e-9), 0)


def plan_of(compose: aug.Compose, masks: np.ndarray, objects: Objects | None) -> aug.Plan:
    return compose.plan(np.full((len(masks), 2), SIDE), range(len(masks)), seed=1, objects=objects)


@pytest.mark.parametrize("mode", MODES)
def test_the_patches_of_the_plan_are_those_of_the_pixels(mode: str) -> None:
    step = MODES[mode]
    compose = aug.Compose([step])
    plan = compose.plan(np.tile([40, 56], (20, 1)), range(20))
    patches = compose.step("Erase").patches(plan.draws.values["Erase"], plan.sizes).astype(int)
    out = render([np.full((40, 56), 9, np.uint8)] * 20, plan)
    for image, some in zip(out, patches, strict=True):
        wanted = np.full((40, 56), 9, np.uint8)
        for x0, y0, x1, y1 in some:
            wanted[y0:y1, x0:x1] = 0
        np.testing.assert_array_equal(image, wanted)


def test_the_modes_cover_what_they_say() -> None:
    def shares(step: aug.Erase) -> np.ndarray:
        return (aug.Compose([step]).batch(np.ones((400, 64, 64), np.uint8), indices=range(400)) == 0).mean(axis=(1, 2))

    inside = shares(aug.Erase((0.1, 0.1)))
    assert np.abs(inside - 0.1).max() < 0.02
    cut = shares(aug.Erase((0.25, 0.25), ratio=(1, 1), mode="cutout"))
    assert cut.max() < 0.27 and cut.min() < 0.1 and abs(cut.mean() - 0.25 * 0.75**2 - 0.05) < 0.05
    grid = shares(aug.Erase((0.3, 0.3), mode="grid", ratio=(1, 1), count=4))
    assert np.abs(grid - 0.3).max() < 0.06
    drawn = shares(aug.Erase((0.0, 0.5), ratio=(1, 1)))
    assert 0.22 < drawn.mean() < 0.28 and drawn.max() > 0.45


def test_the_fills() -> None:
    image = np.random.default_rng(0).integers(100, 200, (40, 40, 3)).astype(np.uint8)
    run = {f: aug.Compose([aug.Erase((0.3, 0.3), fill=f, value=1.0)])(image, seed=0).image for f in aug_fills()}
    erased = (run["value"] == 255).all(axis=2)
    assert 0.25 < erased.mean() < 0.35
    assert (run["mean"][erased] == np.rint(image.mean(axis=(0, 1)))).all()
    noise = run["noise"][erased]
    assert noise.min() < 20 and noise.max() > 235 and abs(noise.mean() - 127) < 6
    for other in run.values():
        np.testing.assert_array_equal(other[~erased], image[~erased])


def aug_fills() -> tuple[str, ...]:
    from augsafe.transforms.erase import FILLS

    return FILLS


@pytest.mark.parametrize("mode", MODES)
def test_what_is_covered_agrees_with_pixels(mode: str) -> None:
    masks = planted(300)
    compose = aug.Compose([*GEOMETRY, MODES[mode]], border="constant")
    plan = plan_of(compose, masks, None)
    objects = inspect(masks.astype(np.uint8) * 200, masks)
    measured, truth = covered(plan, objects), hidden(compose, plan, masks)
    assert np.abs(measured - truth).mean() < 0.03 and np.quantile(np.abs(measured - truth), 0.99) < 0.2
    assert truth.max() > 0.6 or mode == "grid"


@pytest.mark.parametrize("most", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("mode", MODES)
def test_the_object_is_spared(mode: str, most: float) -> None:
    from dataclasses import replace

    masks = planted(300, 1)
    objects = inspect(masks.astype(np.uint8) * 200, masks)
    compose = aug.Compose([*GEOMETRY, replace(MODES[mode], max_object_share=most)], border="constant")
    plan = plan_of(compose, masks, objects)
    assert covered(plan, objects).max() <= most + 1e-6
    truth = hidden(compose, plan, masks)
    assert truth.max() <= most + 0.12 and np.quantile(truth, 0.99) <= most + 0.05
    keep = plan.draws.values["Erase"]["keep"]
    careless = plan_of(aug.Compose([*GEOMETRY, MODES[mode]], border="constant"), masks, objects)
    free = covered(careless, objects) <= most
    assert (keep[free] == 1).all(), "where nothing is at stake nothing changes"
    if most < 0.5:
        assert (hidden(compose, careless, masks) > most + 0.12).mean() > 0.05, "without the limit it happens"


def test_the_object_comes_from_the_targets_that_are_given() -> None:
    image = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE), np.uint8)
    compose = aug.Compose([aug.Erase((0.4, 0.6), max_object_share=0.05, count=3)], box_format="coco")
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[5:20, 5:20] = 1
    for index in range(20):
        by_mask = compose(image, mask=mask, seed=0, index=index).image != image
        by_boxes = compose(image, boxes=[[5, 5, 15, 15]], seed=0, index=index).image != image
        assert by_mask[5:20, 5:20].mean() < 0.12 and by_boxes[5:20, 5:20].mean() < 0.12
    without = np.mean([(compose(image, seed=0, index=k).image != image)[5:20, 5:20].mean() for k in range(20)])
    assert without > 0.15, "noise has no object to be spared"
    batch = compose.batch(image[None], indices=[3], masks=mask[None])
    np.testing.assert_array_equal(batch.images[0], compose(image, mask=mask, seed=0, index=3).image)


def test_a_record_replays_without_the_object() -> None:
    masks = planted(5)
    compose = aug.Compose([aug.Rotate(), aug.Erase((0.3, 0.5), max_object_share=0.1)])
    images = masks.astype(np.uint8) * 200 + 20
    plan = plan_of(compose, masks, inspect(images, masks))
    again = compose.replay(json.loads(json.dumps(plan.record())))
    np.testing.assert_array_equal(render(images, again), render(images, plan))


# The guard


def test_as203_fires_and_is_silent_and_names_the_step() -> None:
    masks = planted(40)
    images = masks.astype(np.uint8) * 200
    objects, labels = inspect(images, masks), np.full(40, -1)

    def codes(*steps: Any) -> dict[str, Any]:
        found = content_findings(aug.Compose(steps, border="constant"), images, labels, objects, None, draws=400)
        return {f.code: f for f in found}

    heavy = codes(aug.Rotate(), aug.Erase((0.4, 0.6)), aug.Invert())
    assert heavy["AS203"].severity == "error" and heavy["AS203"].steps == ("Erase",)
    record = heavy["AS203"].witness.record
    again = aug.Compose.from_dict(record["policy"]).replay(record)
    assert covered(again, objects.rows(np.array([heavy["AS203"].witness.index])))[0] > COVERED
    assert "AS203" not in codes(aug.Rotate(), aug.Erase((0.4, 0.6), max_object_share=0.3))
    assert "AS203" not in codes(aug.Rotate(), aug.Erase((0.01, 0.02)))


def test_a_guard_that_looks_away_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("augsafe.guards.content.measures.covered", lambda plan, objects: np.zeros(len(plan)))
    with pytest.raises(KeyError):
        test_as203_fires_and_is_silent_and_names_the_step()


@pytest.mark.parametrize("action", ["redraw", "clamp", "identity", "drop"])
def test_the_loader_mends_covered_objects(action: str) -> None:
    masks = planted(60)
    images = masks.astype(np.uint8) * 200
    objects = inspect(images, masks)
    compose = aug.Compose([aug.Rotate(), aug.Erase((0.1, 0.6))])
    plan = plan_of(compose, masks, objects)
    bad = covered(plan, objects) > COVERED
    assert 5 < bad.sum() < 55
    fixed, _, keep, _ = Enforcer(compose, None, action).enforce(plan, np.full(60, -1), objects)
    assert (covered(fixed, objects)[keep] <= COVERED + 1e-6).all()
    for name in ("area", "keep"):
        np.testing.assert_array_equal(fixed.draws.values["Erase"][name][~bad], plan.draws.values["Erase"][name][~bad])
    if action == "clamp":
        assert (fixed.draws.values["Erase"]["keep"][bad] > 0).mean() > 0.9, "patches shrink rather than go"


def test_the_loader_knows_the_object_without_guards() -> None:
    masks = planted(32)
    images = masks.astype(np.uint8) * 200
    compose = aug.Compose([aug.Erase((0.3, 0.6), max_object_share=0.1)])
    labels = np.zeros(32, int)

    def least(source: object, **more: object) -> float:
        loader = aug.Loader(source, compose, batch_size=8, on_violation="warn", workers=1, **more)
        left = [(b.images.sum(axis=(1, 2)) / images[b.indices].sum(axis=(1, 2))).min() for b in loader]
        return float(min(left))

    assert least(ArraySource(list(images), labels, list(masks.astype(np.uint8)))) > 0.75
    assert least((images, labels), objects="saliency") > 0.75
    assert least((images, labels)) < 0.3, "nobody says where the object is, and nobody looks"


def test_arguments_are_checked() -> None:
    for bad, match in (
        ({"count": 0}, "count"),
        ({"mode": "hide"}, "mode"),
        ({"fill": 3}, "fill"),
        ({"value": 2}, "value"),
        ({"max_object_share": -0.1}, "max_object_share"),
        ({"area": (0.5, 1.5)}, "area"),
    ):
        with pytest.raises(ArgumentError, match=match):
            aug.Erase(**bad)
    with pytest.raises(ArgumentError, match="objects has 3 entries"):
        aug.Compose([aug.Erase(max_object_share=0.5)]).plan([(8, 8)] * 2, [0, 1], objects=Objects.centre(3))


def test_the_mended_policy_spares_the_object_and_keeps_the_area() -> None:
    policy, masks = aug.Compose([aug.Rotate(), aug.Erase((0.4, 0.6))]), planted(40)
    images = masks.astype(np.uint8) * 200
    report = aug.check(policy, images, contract="cifar10", masks=masks, draws=2000)
    assert "AS203" in {f.code for f in report.findings} and report.fixed is not None
    erase = report.fixed.step("Erase")
    assert erase.max_object_share == COVERED and erase.area == (0.4, 0.6)
    assert any("max_object_share from 1 to 0.5" in words for words in report.changes)
    for given in (None, images):  # the object is a guess, and nothing needs a fix
        report = aug.check(policy, given, contract="cifar10", draws=2000)
        assert ("AS203", "info") in {(f.code, f.severity) for f in report.findings} and report.fixed is None
