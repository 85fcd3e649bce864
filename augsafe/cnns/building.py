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
    """A network for so many classes: a `torch.nn.Module` or a `keras.Model` that gives logits.

    weights: None for random ones, "hub" for the pretrained ones, or a file (a state dict, or what `train` wrote; for
    Keras a .weights.h5). The head is new, unless `keep_head` and the file's head has so many classes. rbf: LeNet-5's
    output as in the paper, in PyTorch. Raises ArgumentError and MissingExtraError.
    """
    net = network(name, framework)
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 2:
        raise ArgumentError(f"build(classes=...) must be a whole number of at least 2, got {classes!r}")
    if keep_head and weights is None:
        raise ArgumentError("build(keep_head=True) needs weights to keep a head of")
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
    """A trained network, in eval: `policy` brings images into its form, `classes` names its outputs."""

    model: Any
    net: Network
    classes: tuple[str, ...]
    policy: Compose


def load(path: str | Path) -> Trained:
    """Read the model.pt that `train` wrote; nothing in it is run. Raises ArgumentError and MissingExtraError."""
    needed("torchvision", f"loading {str(path)!r}")
    from augsafe.cnns import torch_networks

    held = torch_networks.read_file(path)
    wanted = {"network", "classes", "policy", "state_dict"}
    if not isinstance(held, dict) or not wanted <= set(held):
        raise ArgumentError(f"{str(path)!r} is no model that augsafe trained; build(weights=...) reads a state dict")
    net = network(held["network"])
    classes = tuple(str(c) for c in held["classes"])
    model = torch_networks.build(net, len(classes), path, keep_head=True)
    return Trained(model.eval(), net, classes, Compose.from_dict(held["policy"]))
