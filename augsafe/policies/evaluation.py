"""The policy of validation and test images, which are never augmented."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from augsafe.errors import ArgumentError, ForeignStepError
from augsafe.policies.compose import Compose
from augsafe.policies.per_class import PerClass
from augsafe.transforms import CenterCrop, Choice, Opaque, RandomCrop, RandomResizedCrop, Resize, Transform


def is_random(step: Transform) -> bool:
    """Whether two draws of a step can differ; a step of another library is run to find out."""
    if isinstance(step, Choice):
        whole = step.p == 1.0 and step.counts == (len(step.parts),) * 2
        return not step.never_acts and (not whole or any(is_random(part) for part in step.parts))
    if isinstance(step, Opaque) and step.p in (0.0, 1.0):
        return step.p == 1.0 and _differs(step)
    if step.p in (0.0, 1.0):
        low, high = (step.draw(np.full((len(step.parameters), 1), u)) for u in (0.0, 1 - 1e-9))
        return step.p == 1.0 and any((low[name] != high[name]).any() for name in low)
    return True


def _differs(step: Opaque) -> bool:
    """Whether draws give different images of noise; also where the step takes none like it, and nothing is known."""
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    for image in (noise, noise[..., 0]):
        try:
            seen = [step.apply(image, {"seed": u}) for u in np.linspace(0.05, 0.95, 10).tolist()]
        except ForeignStepError:
            continue
        return any(not np.array_equal(seen[0], other) for other in seen[1:])
    return True


def random_steps(policy: Compose) -> tuple[str, ...]:
    """The names of the random steps."""
    return tuple(step.label for step in policy.steps if is_random(step))


def evaluation_policy(policy: Compose | PerClass) -> Compose:
    """What of a policy also holds for validation and test images: the steps that are not random.

    A random crop becomes a crop in the middle. The policies of a `PerClass` must agree, since a label must not decide
    how its image is evaluated; else this raises ArgumentError.
    """
    if isinstance(policy, PerClass):
        made = [evaluation_policy(p) for p in policy.policies.values()]
        if any(p.to_dict() != made[0].to_dict() for p in made):
            raise ArgumentError("the policies of the classes differ in more than random steps; give validation_policy=")
        return made[0]
    steps: list[Transform] = []
    for step in policy.steps:
        if not is_random(step):
            steps.append(step)
        elif isinstance(step, RandomCrop):
            steps.append(CenterCrop(step.size, name=step.name))
        elif isinstance(step, RandomResizedCrop):
            steps.append(Resize(step.size, name=step.name))
    return replace(policy, steps=tuple(steps))


def check_evaluation_policy(policy: Compose | PerClass, name: str = "validation_policy") -> Compose:
    """Check that a policy is not random (AS501).

    Args:
        policy: The policy for validation or test images.
        name: What to call it in the message.

    Returns:
        The same policy.

    Raises:
        ArgumentError: It is no `Compose`, or holds random steps.
    """
    if not isinstance(policy, Compose):
        raise ArgumentError(f"{name} must be a Compose, got {type(policy).__name__}")
    if names := random_steps(policy):
        raise ArgumentError(
            f"AS501: {name} holds random steps ({', '.join(names)}); validation images must be the same in "
            "every epoch: leave them out"
        )
    return policy
