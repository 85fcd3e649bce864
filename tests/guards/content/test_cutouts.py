"""With masks AS201 to AS205 agree with a count of pixels: cut-outs on photographs, anywhere and of any dtype."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

import augsafe as aug
from augsafe.guards import LimitTable, measure, violations
from augsafe.objects import inspect
from augsafe.pixels import project

N = 60  # draws of each policy
PLACES = {
    "centred": [(0.5, 0.5, 0.5)],
    "off centre": [(0.3, 0.65, 0.4)],
    "small": [(0.6, 0.4, 0.1)],
    "at the border": [(0.02, 0.5, 0.4)],
    "several": [(0.2, 0.2, 0.2), (0.8, 0.3, 0.25), (0.5, 0.8, 0.15)],
}
POLICIES = {
    "moved": aug.Compose([aug.Shift((-0.5, 0.5), (-0.5, 0.5)), aug.Zoom((0.5, 1.8)), aug.Rotate((-45, 45))]),
    "cropped": aug.Compose([aug.RandomResizedCrop((96, 96)), aug.HorizontalFlip()]),
    "shrunk": aug.Compose([aug.Zoom((0.02, 0.3)), aug.Rotate((-90, 90))]),
    "erased": aug.Compose([aug.Zoom((0.8, 1.4)), aug.Erase((0.2, 0.6))]),
}
KINDS = {
    "colour": lambda image: image,
    "grey": lambda image: image[..., 1],
    "uint16": lambda image: image.astype(np.uint16) * 257,
    "float": lambda image: image.astype(np.float32) / 255,
}


def cut_out(places: list[tuple[float, float, float]], kind: str) -> tuple[np.ndarray, np.ndarray]:
    """A photograph with silhouettes of a horse, filled from another photograph, and their mask."""
    photo, filling = data.astronaut()[::2, ::2], data.coffee()[:256, :256]
    horse = np.asarray(data.horse()).astype(float) < 0.5
    rows, columns = np.flatnonzero(horse.any(axis=1)), np.flatnonzero(horse.any(axis=0))
    horse = horse[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)
    mask = np.zeros((512, 512), bool)  # with room around the image, so that what is beyond it is cut off
    for x, y, size in places:
        factor = size * 256 / max(horse.shape)
        small = cv2.resize(horse, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) > 0.5
        top, left = round(128 + 256 * y - small.shape[0] / 2), round(128 + 256 * x - small.shape[1] / 2)
        mask[top : top + small.shape[0], left : left + small.shape[1]] |= small
    mask = mask[128:384, 128:384]
    return KINDS[kind](np.where(mask[..., None], filling, photo)), mask


def counted(plan: aug.Plan, row: int, mask: np.ndarray) -> dict[str, bool]:
    """Which rules a draw breaks, by counting pixels one by one."""
    (height, width), (high, wide) = mask.shape, plan.sizes[row]
    points = np.argwhere(mask)[:, ::-1].astype(float)
    matrix = plan.matrix[[row]]

    def inside(places: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        at = places + 0.5
        return np.asarray((at >= 0).all(axis=1) & (at[:, 0] < size[1]) & (at[:, 1] < size[0]))

    moved = project(matrix, points[None])[0]
    shown, doubled = inside(moved, (high, wide)), 0.0
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            if i or j:
                across = points[:, 0] if i == 0 else (2 * width if i > 0 else 0) - 1 - points[:, 0]
                down = points[:, 1] if j == 0 else (2 * height if j > 0 else 0) - 1 - points[:, 1]
                copy = project(matrix, np.stack([across, down], axis=1)[None])[0]
                doubled += inside(copy, (high, wide)).mean()
    grid = np.stack(np.meshgrid(np.arange(wide), np.arange(high)), axis=2).reshape(1, -1, 2).astype(float)
    beyond = 1 - inside(project(np.linalg.inv(matrix), grid)[0], (height, width)).mean()
    side = max(np.ptp(points, axis=0)) + 1
    hidden = np.zeros(len(points), bool)
    for part in plan.stages[-1].local:
        for x0, y0, x1, y1 in part.step.patches(part.values, plan.sizes)[row] if part.active[row] else ():
            hidden |= ((moved + 0.5 >= (x0, y0)) & (moved + 0.5 < (x1, y1))).all(axis=1)
    smallest = np.linalg.svd(matrix[0, :2, :2], compute_uv=False)[-1]
    return {
        "AS201": shown.mean() < 0.7,
        "AS202": side * smallest < 8 <= side * min(wide / width, high / height),
        "AS203": bool(shown.any()) and (hidden & shown).sum() / shown.sum() > 0.5,
        "AS204": beyond > 0.5,
        "AS205": doubled > 0.3,
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", POLICIES)
def test_rates_agree_with_a_count_of_pixels(name: str, kind: str) -> None:
    """Over all places of the object; each place gives a fifth of the draws."""
    policy, many = POLICIES[name], N if kind == "colour" else N // 4
    said, true = {}, {}
    for number, places in enumerate(PLACES.values()):
        image, mask = cut_out(places, kind)
        objects = inspect([image], [mask]).rows(np.zeros(many, np.intp))
        plan = policy.plan([image.shape] * many, range(many), number, objects=objects)
        limits = LimitTable.of(None).take(np.full(many, -1))
        for code, bad in violations(measure(plan, objects, limits), limits, objects).items():
            said.setdefault(code, []).extend(bad.tolist())
        for row in range(many):
            for code, bad in counted(plan, row, mask).items():
                true.setdefault(code, []).append(bool(bad))
    for code, bad in true.items():
        assert abs(np.mean(said[code]) - np.mean(bad)) <= 0.03, code
    assert max(np.mean(bad) for bad in true.values()) > 0.1, "the negative control: something is lost"
