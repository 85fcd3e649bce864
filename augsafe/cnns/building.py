"""Build a network of the table, or read one that was trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from augsafe.cnns.specs import Network, network
from augsafe.errors import ArgumentError
from augsafe.frameworks import framework as needed
from augsafe.policies import Compose


def build(
    name: str,
    classes: int,
    *,
    framework: str = "torch",
    weights: str | Path | None = None,
    keep_head: bool = False,
    rbf: bool = False,
) -> Any:
    """Build a network that returns logits.

    Args:
        name: The network, such as "resnet18"; see `names()`.
        classes: Number of classes, at least 2.
        framework: "torch" or "keras".
        weights: None for random weights, "hub" for pretrained ones, or a file: a state dict, what `train` saved, or for
            Keras a .weights.h5 file.
        keep_head: Keep the head of the file, which must have this number of classes. Default: a new head.
        rbf: Use the output of the LeNet-5 paper (PyTorch only).

    Returns:
        A `torch.nn.Module` or a `keras.Model`.

    Raises:
        ArgumentError: An argument is not valid, or the weights do not fit.
        MissingExtraError: The framework is not installed.
    """
    net = network(name, framework)
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 2:
        raise ArgumentError(f"build(classes=...) must be a whole number of at least 2, got {classes!r}")
    if keep_head and weights is None:
        raise ArgumentError("build(keep_head=True) needs weights=")
    if rbf and (net.family != "lenet5" or framework != "torch"):
        raise ArgumentError(f"build(rbf=True) is for lenet5 in PyTorch, not for {name} in {framework}")
    if framework == "torch":
        needed("torchvision", f"building {name}")
        from augsafe.cnns import torch_networks

        return torch_networks.build(net, classes, weights, keep_head, rbf)
    needed("keras", f"building {name} in Keras")
    from augsafe.cnns import keras_networks

    return keras_networks.build(net, classes, weights, keep_head)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network in evaluation mode.

    Attributes:
        model: The `torch.nn.Module`.
        net: Its entry in the table of networks.
        classes: The names of its outputs, in order.
        policy: The policy that prepares images for it.
    """

    model: Any
    net: Network
    classes: tuple[str, ...]
    policy: Compose


def load(path: str | Path) -> Trained:
    """Load a network that `train` saved. No code in the file is run.

    Args:
        path: The file model.pt.

    Returns:
        The network, its classes, and the policy that prepares images for it.

    Raises:
        ArgumentError: The file cannot be read, or `train` did not save it.
        MissingExtraError: PyTorch or torchvision is not installed.
    """
    needed("torchvision", f"loading {str(path)!r}")
    from augsafe.cnns import torch_networks

    held = torch_networks.read_file(path)
    wanted = {"network", "classes", "policy", "state_dict"}
    if not isinstance(held, dict) or not wanted <= set(held):
        raise ArgumentError(f"{str(path)!r} was not saved by augsafe; to read a state dict, use build(weights=...)")
    net = network(held["network"])
    classes = tuple(str(c) for c in held["classes"])
    model = torch_networks.build(net, len(classes), path, keep_head=True)
    return Trained(model.eval(), net, classes, Compose.from_dict(held["policy"]))
