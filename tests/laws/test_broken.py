"""The laws catch transforms that break them: without this, a law that can never fail would look like a pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import augsafe as aug
from augsafe.randomness import FloatArray
from augsafe.transforms import Geometric, Local, Parameter, Sizes, Values
from tests.laws.cases import (
    law_input_kept,
    law_keyed,
    law_kind_kept,
    law_targets_agree,
    law_within_moves,
    noise,
)


@dataclass(frozen=True)
class OffCentre(aug.Rotate):
    """Turns about a corner of the middle pixel."""

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return super().matrices(values, sizes + 3)


@dataclass(frozen=True)
class WrongWay(aug.Rotate):
    """Turns clockwise."""

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return super().matrices({"angle": -values["angle"]}, sizes)


@dataclass(frozen=True)
class WritesItsInput(Local):
    """Darkens the array that it was given, and gives it back."""

    def apply(self, image: NDArray[Any], values: Mapping[str, float]) -> NDArray[Any]:
        image //= 2
        return image


@dataclass(frozen=True)
class NotKeyed(Geometric):
    """Draws from a generator of its own."""

    parameters = (Parameter("angle", free=True),)

    def draw(self, u: FloatArray) -> dict[str, FloatArray]:
        return {"angle": np.random.default_rng().uniform(0, 360, u.shape[1])}

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return aug.Rotate().matrices(values, sizes)


@dataclass(frozen=True)
class DriftingMatrix(aug.Shift):
    """Gives other matrices each time it is asked, so that pixels and points part ways."""

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return super().matrices({k: v + 0.2 for k, v in values.items()}, sizes)


def test_a_sound_transform_passes_all() -> None:
    compose, image = aug.Compose([aug.Rotate((20, 40))]), noise((16, 16, 3))
    law_keyed(compose, [image] * 3, [0, 1, 2], 0)
    law_input_kept(compose, image, 0)
    law_kind_kept(compose, image, 0)
    law_targets_agree(aug.Rotate((20, 40)), 0)
    law_within_moves(aug.Rotate((20, 40)), compose.plan([(16, 16)] * 9, range(9)), (16, 16))


@pytest.mark.parametrize("broken", [OffCentre((20, 40)), WrongWay((20, 40)), DriftingMatrix()])
def test_wrong_matrices_are_caught(broken: Geometric) -> None:
    plan = aug.Compose([broken]).plan([(16, 16)] * 9, range(9))
    with pytest.raises(AssertionError):
        law_within_moves(broken, plan, (16, 16))


def test_points_that_leave_the_pixels_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from augsafe.pixels import targets

    moved = targets.move_keypoints
    monkeypatch.setattr(targets, "move_keypoints", lambda p, m, s: moved(p + 0.8, m, s))
    with pytest.raises(AssertionError):
        law_targets_agree(aug.Rotate((20, 40)), 0)


def test_draws_without_a_key_are_caught() -> None:
    with pytest.raises(AssertionError):
        law_keyed(aug.Compose([NotKeyed()]), [noise((16, 16, 3))] * 3, [0, 1, 2], 0)


def test_a_step_cannot_reach_the_callers_image() -> None:
    """A local step that writes into its array spoils a copy at most."""
    law_input_kept(aug.Compose([WritesItsInput()]), noise((8, 8, 3)), 0)
    image = noise((8, 8, 3))
    WritesItsInput().apply(image, {})
    assert not np.array_equal(image, noise((8, 8, 3)))


def test_input_that_is_written_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from augsafe.policies import applying

    def spoil(images: Any, plan: Any, out: Any = None) -> Any:
        images[0][...] //= 2
        return [images[0]]

    monkeypatch.setattr(applying, "render", spoil)
    with pytest.raises(AssertionError):
        law_input_kept(aug.Compose([]), noise((8, 8, 3)), 0)
