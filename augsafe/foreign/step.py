"""Foreign: another library's step, or any callable, as a step of a policy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from augsafe.errors import ArgumentError, ForeignStepError
from augsafe.foreign.albumentations import Albumentations
from augsafe.foreign.keras import Keras
from augsafe.foreign.kornia import Kornia
from augsafe.foreign.levels import Levels, Numbers
from augsafe.foreign.library import Callables, Image, Library
from augsafe.foreign.recover import Recovered, coordinates, fit, probe
from augsafe.foreign.seeding import Generators
from augsafe.foreign.torchvision import Torchvision
from augsafe.randomness import FloatArray
from augsafe.transforms import Opaque, Parameter, Sizes, Values

LIBRARIES: tuple[Library, ...] = (Albumentations(), Torchvision(), Keras(), Kornia(), Callables())
FORMS = ("array", "pil", "tensor")
KEPT = 100_000  # recovered draws that a step remembers


def library_of(item: object) -> Library:
    """The library that a step or pipeline belongs to. Raises ArgumentError."""
    for library in LIBRARIES:
        if library.owns(item):
            return library
    raise ArgumentError(
        f"{item!r} is neither a policy, nor a pipeline of albumentations, torchvision, Keras or kornia, nor callable"
    )


@dataclass(frozen=True)
class Foreign(Opaque):
    """A step of albumentations, torchvision, Keras or kornia, or any callable from image to image, as it is.

    Its random numbers follow the key like any other's: the generators it draws from are seeded from the draw and put
    back afterwards, so that the step is reproducible by index. Guards and targets learn what it does to places by
    sending coordinates through it (see `recover`). It runs in the main thread or in worker processes, never in threads.

    Args:
        step: The transform or callable.
        form: What it takes: "array" (H, W[, C], the library's own way), "pil" or "tensor" (C, H, W).
        levels: (mean, std) of each channel. The step is given floats (x / 255 - mean) / std, as a step after ToTensor
            and Normalize is, and its result is taken back and rounded.
        channels: Of the images that a callable is probed with; 0 for images without a channel axis.

    Raises:
        ArgumentError: The step is not callable, or a value cannot be used.
        ForeignStepError: When it is run: the step raises, returns no image like its input, or writes into its input.
    """

    step: Any = None
    form: str = "array"
    levels: tuple[Numbers, Numbers] | None = None
    channels: int = 3
    _kept: dict[Any, Recovered] = field(default_factory=dict, init=False, repr=False, compare=False)

    parameters: ClassVar = (Parameter("seed", free=True),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.step):
            raise ArgumentError(f"Foreign(step=...) must be a transform or a callable, got {self.step!r}")
        if self.form not in FORMS:
            raise ArgumentError(f"Foreign(form=...) must be one of {', '.join(FORMS)}, got {self.form!r}")

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("p", "name", "step", "form", "levels", "channels")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in {**state, "_kept": {}}.items():
            object.__setattr__(self, name, value)

    @property
    def label(self) -> str:
        return self.name or _kind(self.step)

    def said(self) -> str:
        words = repr(self.step) if not isinstance(self.step, type(lambda: 0)) else _kind(self.step)
        return re.sub(r" at 0x[0-9a-f]+", "", words)

    @cached_property
    def library(self) -> Library:
        """Whose step it is."""
        return library_of(self.step)

    @cached_property
    def moves_pixels(self) -> bool:
        return not self.library.still(self.step)

    @cached_property
    def _runs(self) -> Any:
        return self.library.prepare(self.step)

    @cached_property
    def _maps(self) -> Any:
        return self.library.prepare_map(self.step)

    @cached_property
    def seedable(self) -> bool:
        """Whether the same draw gives the same image twice; otherwise only its pixels can witness what it did."""
        noise = np.random.default_rng(0).integers(0, 256, (48, 48, self.channels or 1), dtype=np.uint8)
        noise = noise if self.channels else noise[..., 0]
        first = [self.apply(noise, {"seed": u}) for u in (0.125, 0.375, 0.625, 0.875)]
        again = [self.apply(noise, {"seed": u}) for u in (0.125, 0.375, 0.625, 0.875)]
        return all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))

    # Pixels

    def apply(self, image: Image, values: Mapping[str, float]) -> Image:
        with self._generators() as generators:
            return self._run(image, float(values["seed"]), generators)

    def apply_all(self, images: Sequence[Image], values: Values) -> list[Image]:
        with self._generators() as generators:
            return [self._run(image, u, generators) for image, u in zip(images, values["seed"].tolist(), strict=True)]

    def _generators(self) -> Generators:
        return Generators(self._drawn_from, self.label)

    @cached_property
    def _drawn_from(self) -> tuple[str, ...]:
        return self.library.generators(self.step)

    def _run(self, image: Image, u: float, generators: Generators) -> Image:
        levels = self._levels
        kept = image if levels is None else levels.into(image)
        given = kept.copy() if self.library.borrows(self.form) else kept
        result = self._guarded(generators, u, self._runs, lambda: self.library.run(self._runs, given, self.form))
        if given is not kept and not _same(given, kept):
            raise ForeignStepError(f"step {self.label!r} writes into its input; let it work on a copy")
        checked = self._checked(result, given)
        return checked if levels is None else levels.back(checked, image.dtype)

    @cached_property
    def _levels(self) -> Levels | None:
        return None if self.levels is None else Levels(*self.levels)

    def _guarded(self, generators: Generators, u: float, prepared: Any, work: Callable[[], Any]) -> Any:
        seed = int(u * 2.0**32)
        generators.seed(seed)
        try:
            self.library.seed(prepared, seed)
            result = work()
            if generators.missed():  # the step has only now imported torch, and may have drawn from it
                generators.seed(seed)
                self.library.seed(prepared, seed)
                result = work()
            return result
        except Exception as error:
            raise ForeignStepError(f"step {self.label!r} raised {type(error).__name__}: {error}") from error

    def _checked(self, result: Any, given: Image) -> Image:
        if not isinstance(result, np.ndarray):
            raise ForeignStepError(f"step {self.label!r} returned {type(result).__name__}, not an image")
        if result.dtype != given.dtype:
            raise ForeignStepError(
                f"step {self.label!r} turned {given.dtype} into {result.dtype}; it must keep the dtype"
            )
        if result.ndim != given.ndim or result.shape[2:] != given.shape[2:] or 0 in result.shape:
            raise ForeignStepError(
                f"step {self.label!r} turned an image of shape {given.shape} into {result.shape}; it may change height "
                "and width, not the channels"
            )
        if np.may_share_memory(result, given):
            return np.ascontiguousarray(result)
        return np.array(result, order="C")  # a step may write its next result into the same memory

    # Places

    def recovered(self, seed: float, size: tuple[int, int]) -> Recovered:
        """What one draw does to places.

        Args:
            seed: The number of the draw, in [0, 1).
            size: (height, width) of the image, pixels.

        Returns:
            The map, the frame after it, and how sure it is.
        """
        key = (seed, size)
        if key not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = self._recover(seed, size)
        return self._kept[key]

    def _recover(self, seed: float, size: tuple[int, int]) -> Recovered:
        with self._generators() as generators:
            if self._maps is not None:
                move = self.library.move
                return fit(
                    self._guarded(generators, seed, self._maps, lambda: move(self._maps, coordinates(*size))), size
                )
            sizes: set[tuple[int, ...]] = set()

            def run(image: Image) -> Image:
                result = self._run(image, seed, generators)
                sizes.add(result.shape[:2])
                if len(sizes) > 1:
                    raise ForeignStepError(
                        f"step {self.label!r} gave images of {' and '.join(f'{h} x {w}' for h, w in sorted(sizes))} "
                        "pixels from images that differ in their levels alone; targets and guards cannot follow it"
                    )
                return result

            return probe(run, size, self.channels)

    def matrices(self, values: Values, sizes: Sizes) -> FloatArray:
        return np.stack([r.matrix for r in self._all(values, sizes)]) if len(sizes) else np.zeros((0, 3, 3))

    def sizes_after(self, values: Values, sizes: Sizes) -> Sizes:
        return np.array([r.size for r in self._all(values, sizes)], dtype=np.int64).reshape(-1, 2)

    def _all(self, values: Values, sizes: Sizes) -> list[Recovered]:
        pairs = zip(values["seed"].tolist(), sizes.tolist(), strict=True)
        return [self.recovered(u, (height, width)) for u, (height, width) in pairs]

    def shape_factor(self, sizes: Sizes, after: Sizes) -> FloatArray:
        if "resiz" in _kind(self.step).lower():  # a part or the whole is stretched onto the frame
            return np.asarray(sizes[:, ::-1] / after[:, ::-1])
        return super().shape_factor(sizes, after)

    def surety(self) -> tuple[float, dict[str, int]]:
        """The largest residual (source pixels) of the draws recovered so far, and how many were of each kind."""
        found = [r for r in self._kept.values() if r.kind != "lost"]
        kinds: dict[str, int] = {}
        for r in self._kept.values():
            kinds[r.kind] = kinds.get(r.kind, 0) + 1
        return max((r.residual for r in found), default=0.0), kinds


def _same(one: Image, other: Image) -> bool:
    """Whether two images are equal bit for bit: a NaN equals itself."""
    if not (one.flags.c_contiguous and other.flags.c_contiguous):
        one, other = np.ascontiguousarray(one), np.ascontiguousarray(other)
    words = np.uint64 if one.nbytes % 8 == 0 else np.uint8
    return np.array_equal(one.reshape(-1).view(words), other.reshape(-1).view(words))


def _kind(step: Any) -> str:
    name = getattr(step, "__name__", None) or type(step).__name__
    return "callable" if name == "<lambda>" else str(name)
