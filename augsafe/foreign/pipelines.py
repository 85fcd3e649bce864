"""Pipelines of other libraries: translated where a step has an exact equal, carried as they are where not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from augsafe.errors import ArgumentError
from augsafe.foreign import albumentations_table, torchvision_table
from augsafe.foreign.step import Foreign, library_of
from augsafe.foreign.translation import Builder, Form, Piece, Translation
from augsafe.policies import Compose, PerClass
from augsafe.transforms import Transform
from augsafe.typing import ImagesLike, PipelineLike, PolicyLike

Equal = Callable[[Any], Piece | Form | str]
_TABLES: dict[str, Equal] = {"albumentations": albumentations_table.equal, "torchvision": torchvision_table.equal}


def translate(
    pipeline: PipelineLike | Sequence[PipelineLike], *, fuse: str = "exact", native: bool = True
) -> Translation:
    """Make a policy that does what a pipeline of another library does.

    Steps with an exact equal become steps of augsafe. The others stay in place as `Foreign` steps.

    Args:
        pipeline: A pipeline or transform of albumentations, torchvision, Keras or kornia, a function from image to
            image, or a list of these.
        fuse: "exact" ends a stage where an intermediate frame cuts off what a later step would show. "approximate"
            lets later steps show it, which is faster and keeps more of the image.
        native: False keeps every step as it is, so that its effect is recovered rather than translated.

    Returns:
        The policy, and what became of each step.

    Raises:
        ArgumentError: The pipeline is empty or of no library that is known.
    """
    parts: list[Any] = list(pipeline) if isinstance(pipeline, (list, tuple)) else [pipeline]
    if not parts:
        raise ArgumentError("the pipeline is empty")
    builder = Builder(fuse)
    steps = [(step, library) for part in parts for library in (library_of(part),) for step in library.steps(part)]
    pictures = _pictures(step for step, _ in steps)
    for place, (step, library) in enumerate(steps):
        table = _TABLES.get(library.name, _kept)
        found = _keras_form(step) or (table(step) if native or isinstance(table(step), Form) else "asked for as it is")
        form: str | None = "array"
        if library.name == "torchvision":
            own = type(step).__module__.startswith(library.name) and type(step).__name__ != "Lambda"
            form = "pil" if place < pictures or (not own and builder.form != "tensor") else None
        builder.add(step, found, form)
    return builder.done(pipeline)


def _pictures(steps: Iterable[Any]) -> int:
    """How many steps of torchvision come before one that makes tensors: they are given pictures of Pillow."""
    return next((k for k, step in enumerate(steps) if type(step).__name__ in ("ToTensor", "PILToTensor", "ToImage")), 0)


def _kept(step: Any) -> Piece | Form | str:
    return "its effect is recovered from what it does to coordinates"


def _keras_form(step: Any) -> Form | None:
    """Rescaling, the way Keras models normalise."""
    if type(step).__name__ != "Rescaling" or not type(step).__module__.startswith("keras."):
        return None
    scale, offset = (np.atleast_1d(np.asarray(v, dtype=float)) for v in (step.scale, step.offset))
    mean, std = -offset / (255 * scale), 1 / (255 * scale) * np.ones_like(offset)
    return Form(mean=tuple(mean.tolist()), std=tuple(std.tolist()), floats=True)


def from_albumentations(
    pipeline: PipelineLike, *, fuse: str = "exact", verbose: bool = True, images: ImagesLike | None = None
) -> Compose:
    """Translate a pipeline of albumentations.

    Args:
        pipeline: An `albumentations.Compose`, or one transform.
        fuse: "exact" or "approximate"; see `translate`.
        verbose: Print what became of each step.
        images: Images of uint8 to time both on, and print how much faster the policy is.

    Returns:
        The policy.

    Raises:
        ArgumentError: The pipeline is not of albumentations.
    """
    return _from("albumentations", pipeline, fuse, verbose, images)


def from_torchvision(
    pipeline: PipelineLike, *, fuse: str = "exact", verbose: bool = True, images: ImagesLike | None = None
) -> Compose:
    """Translate a pipeline of torchvision, v1 or v2.

    Args:
        pipeline: A `Compose`, a `Sequential`, or one transform.
        fuse: "exact" or "approximate"; see `translate`.
        verbose: Print what became of each step.
        images: Images of uint8 to time both on, and print how much faster the policy is.

    Returns:
        The policy.

    Raises:
        ArgumentError: The pipeline is not of torchvision.
    """
    return _from("torchvision", pipeline, fuse, verbose, images)


def _from(name: str, pipeline: PipelineLike, fuse: str, verbose: bool, images: ImagesLike | None) -> Compose:
    library = library_of(pipeline)
    if library.name != name:
        raise ArgumentError(
            f"from_{name} needs a pipeline of {name}, got {type(pipeline).__module__}.{type(pipeline).__name__}"
        )
    made = translate(pipeline, fuse=fuse)
    if verbose:
        print(made)
    if images is not None:
        from augsafe.foreign.speed import speed

        print(speed(made, images))
    return made.policy


def as_policy(given: PolicyLike) -> tuple[Compose, Translation | None]:
    """A policy from a policy, one step, a list of steps, or a pipeline of another library. Raises ArgumentError."""
    if isinstance(given, Compose):
        return given, None
    if isinstance(given, Transform):
        return Compose((given,)), None
    if isinstance(given, (list, tuple)) and any(isinstance(part, Transform) for part in given):
        others = [part for part in given if not isinstance(part, Transform)]
        if others:
            raise ArgumentError(
                f"a list with steps of augsafe holds {type(others[0]).__name__} too; wrap what is another library's in "
                "Foreign(step)"
            )
        return Compose(tuple(given)), None
    if isinstance(given, PerClass):
        raise ArgumentError(
            "one policy is needed, got a PerClass; take `given.policies[name]` for the images of each class, and ask "
            "label_leak(given) whether their traces tell the classes apart"
        )
    theirs: Any = given  # a transform that is none of augsafe's is refused there
    made = translate(theirs)
    return made.policy, made


__all__ = ["Foreign", "Translation", "as_policy", "from_albumentations", "from_torchvision", "translate"]
