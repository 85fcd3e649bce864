"""albumentations: how its steps run, and how a map of coordinates goes through its mask path."""

from __future__ import annotations

import copy
import random
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.foreign.library import Image, Library
from augsafe.foreign.seeding import EVERY
from augsafe.typing import PipelineLike

_SEQUENCES = ("Compose", "ReplayCompose", "Sequential")


class Albumentations(Library):
    """Steps and compositions of albumentations 1.4 and 2.0."""

    name = "albumentations"

    def steps(self, pipeline: PipelineLike) -> list[PipelineLike]:
        theirs: Any = pipeline
        if type(theirs).__name__ not in _SEQUENCES or theirs.p < 1:
            return [theirs]
        return [step for part in theirs.transforms for step in self.steps(part)]

    def still(self, step: PipelineLike) -> bool:
        from albumentations import ImageOnlyTransform, NoOp

        if parts := _parts(step):
            return all(self.still(part) for part in parts)
        # a class written elsewhere may promise to move nothing and yet do it
        known = type(step).__module__.startswith("albumentations.")
        return known and isinstance(step, (ImageOnlyTransform, NoOp))

    def prepare(self, step: PipelineLike) -> PipelineLike:
        from albumentations import Compose

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = copy.deepcopy(step)
            _without_replay(made)
            alone: PipelineLike = Compose([made], is_check_shapes=False)
            return alone

    def prepare_map(self, step: PipelineLike) -> PipelineLike | None:
        if not _all_known(step):
            return None
        made = self.prepare(step)
        _plain_borders(made)
        return made

    def generators(self, step: PipelineLike) -> tuple[str, ...]:
        return () if _draws_by_itself(step) else EVERY

    def borrows(self, form: str) -> bool:
        return True

    def seed(self, prepared: PipelineLike, seed: int) -> None:
        theirs: Any = prepared
        (step,) = theirs.transforms
        # one stream for all parts: from seeds that are equal, a part would draw the very numbers that chose it
        step.set_random_state(np.random.default_rng(seed), random.Random(seed))

    def run(self, prepared: PipelineLike, image: Image, form: str) -> object:
        return prepared(image=image)["image"]

    def move(self, prepared: PipelineLike, planes: NDArray[np.float32]) -> Image:
        image = np.zeros((*planes.shape[:2], 3), np.uint8)
        return np.asarray(prepared(image=image, mask=planes)["mask"])


def _parts(step: Any) -> list[Any]:
    """The steps of a composition; ColorJitter has functions under the same name."""
    from albumentations import BaseCompose

    return list(step.transforms) if isinstance(step, BaseCompose) else []


def _all_known(step: Any) -> bool:
    if parts := _parts(step):
        return all(_all_known(part) for part in parts)
    return type(step).__module__.startswith("albumentations.") and type(step).__name__ != "Lambda"


def _draws_by_itself(step: Any) -> bool:
    """Whether all random numbers come from the generators that albumentations gives its steps."""
    if parts := _parts(step):
        return all(_draws_by_itself(part) for part in parts)
    given = (getattr(v, "__module__", None) or "" for v in vars(step).values() if callable(v))
    return _all_known(step) and all(module.startswith("albumentations.") for module in given)


def _without_replay(step: Any) -> None:
    """ReplayCompose marks its steps to record their draws, which they then do everywhere."""
    if getattr(step, "deterministic", False):
        step.deterministic = False
    for part in _parts(step):
        _without_replay(part)


def _plain_borders(step: Any) -> None:
    """Zeros beyond the image, and linear interpolation: the draws do not depend on either."""
    import cv2

    for name, value in (("border_mode", cv2.BORDER_CONSTANT), ("fill", 0), ("fill_mask", 0), ("mask_fill", None)):
        if hasattr(step, name) and not (name == "fill_mask" and getattr(step, name) is None):
            setattr(step, name, value)
    for name in ("interpolation", "mask_interpolation"):
        if hasattr(step, name):
            setattr(step, name, cv2.INTER_LINEAR)
    if getattr(step, "area_for_downscale", None):
        step.area_for_downscale = None
    for part in _parts(step):
        _plain_borders(part)
