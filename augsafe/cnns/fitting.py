"""Checks before the first step: do the policy, the data and the batches fit the network?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from augsafe.cnns.data import Policy
from augsafe.cnns.specs import Network
from augsafe.errors import ArgumentError
from augsafe.planning import Output
from augsafe.policies import Compose, PerClass

FARTHEST = 10.0  # normalised levels beyond this are a mistake in the value range, such as 0-255 divided by a std of 0.2


def fitted(policy: Policy, net: Network, pretrained: bool = False, size: tuple[int, int] | int | None = None) -> Policy:
    """The policy with an output that the network accepts.

    Args:
        policy: The policy. If it has no output, it gets the network's own.
        net: The network.
        pretrained: Require the network's own normalisation.
        size: Another size of the images in pixels, if the policy has no output.

    Returns:
        The policy.

    Raises:
        ArgumentError: The policy has an output that does not fit.
    """
    if isinstance(policy, PerClass):
        made = {}
        for name, one in policy.policies.items():
            result = fitted(one, net, pretrained, size)
            assert isinstance(result, Compose)
            made[name] = result
        return PerClass(made)
    wanted = net.output(size)
    if policy.output is None:
        return replace(policy, output=wanted)
    if size is not None and policy.output.size not in (None, wanted.size):
        raise ArgumentError(
            f"size={size!r} differs from the policy's output size {policy.output.size}; remove one of them"
        )
    check_output(policy.output, net, pretrained)
    return policy


def check_output(output: Output, net: Network, pretrained: bool = False) -> None:
    """Raise ArgumentError if such images do not fit the network. The message says what to write instead."""
    where = f"the policy's output does not fit {net.name} ({net.framework})"
    instead = f"; end the policy with output=input_spec({net.name!r}, {net.framework!r})"
    if output.dtype != "float32":
        raise ArgumentError(f"{where}: dtype is {output.dtype!r}, but the network needs 'float32'{instead}")
    if output.layout != net.layout:
        raise ArgumentError(f"{where}: layout is {output.layout!r}, but {net.framework} needs {net.layout!r}{instead}")
    if output.size is None:
        raise ArgumentError(f"{where}: it has no size, and the network was made for {net.size}{instead}")
    try:
        net.output(output.size)
    except ArgumentError as error:
        raise ArgumentError(f"{where}: {error}{instead}") from error
    for name in ("mean", "std"):
        given = getattr(output, name)
        if given is not None and len(given) not in (1, net.channels):
            raise ArgumentError(
                f"{where}: {name} has {len(given)} channels, but the network has {net.channels}{instead}"
            )
    _check_levels(output, net, pretrained, where, instead)


def _check_levels(output: Output, net: Network, pretrained: bool, where: str, instead: str) -> None:
    """The normalised levels of black and white."""
    zero, one = (_ends(o, net.channels) for o in (output, net.output()))
    if pretrained and not np.allclose(zero, one, atol=1e-3 * np.abs(one).max()):
        raise ArgumentError(
            f"{where}: black and white become {_words(zero)}, but the pretrained weights expect {_words(one)}{instead}"
        )
    if net.value_range[1] <= 1 and np.abs(zero).max() > FARTHEST:
        raise ArgumentError(
            f"{where}: black and white become {_words(zero)}, far from the usual {_words(one)}; check value_range, "
            f"mean and std{instead}"
        )


def _ends(output: Output, channels: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(2, channels): what black and white become."""
    scale, offset = output.normalise(channels)
    return np.stack([offset, scale + offset])


def _words(ends: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> str:
    return f"{ends[0].min():.3g} and {ends[1].max():.3g}"


def check_batches(images: int, batch_size: int, world_size: int, learns_statistics: bool) -> None:
    """Whether every process has enough images in every batch of an epoch. Raises ArgumentError."""
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ArgumentError(f"batch_size must be a whole number of at least 1, got {batch_size!r}")
    if batch_size % world_size:
        raise ArgumentError(
            f"batch_size={batch_size} is divided among {world_size} processes; give a multiple of {world_size}"
        )
    if images < world_size:
        raise ArgumentError(f"{images} training images are fewer than the {world_size} processes")
    if learns_statistics and _least(images, batch_size, world_size) < 2:
        fits = (b for b in range(batch_size, batch_size + 64 * world_size) if b % world_size == 0)
        better = next((b for b in fits if _least(images, b, world_size) >= 2), None)
        hint = f"; use batch_size={better}" if better else ""
        raise ArgumentError(
            f"with batch_size={batch_size}, a process gets a batch of fewer than 2 of the {images} training images, "
            f"which is too few for batch norm{hint}"
        )


def _least(images: int, batch_size: int, world_size: int) -> int:
    """The fewest images that a process has in a batch of an epoch."""
    last = images % batch_size or batch_size
    return min(min(last, batch_size) // world_size, images)
