"""The networks in PyTorch: built, with weights from the hub or a file, with a head for other classes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from augsafe.cnns.lenet import LeNet5, RadialBasis
from augsafe.cnns.specs import Network
from augsafe.errors import ArgumentError

HUB = "hub"
# The hub's files of DenseNet date from a time when a layer's name could hold a dot.
_OLD_DENSENET = re.compile(
    r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.(?:weight|bias|running_mean|running_var|num_batches_tracked))$"
)


def build(net: Network, classes: int, weights: str | Path | None, keep_head: bool, rbf: bool = False) -> nn.Module:
    """A network for so many classes: random weights, those of the hub, or those of a file. Raises ArgumentError."""
    model: nn.Module
    if weights is None:
        model = _made(net, classes, rbf)
        return model
    if weights == HUB:
        model, known = _from_hub(net), 1000
    else:
        state = read_weights(weights)
        known = _classes_in(net, state, weights)
        model = _made(net, known, rbf or f"{net.head[0]}.codes" in state)
        try:
            model.load_state_dict(dict(state))
        except RuntimeError as error:
            raise ArgumentError(f"weights={str(weights)!r} do not fit {net.name}: {_short(error)}") from error
    if not keep_head:
        replace_head(model, net, classes)
    elif known != classes:
        raise ArgumentError(f"weights={str(weights)!r} have {known} classes, not {classes}; remove keep_head")
    return model


def _made(net: Network, classes: int, rbf: bool = False) -> Any:
    if net.family == "lenet5":
        return LeNet5(classes, "rbf" if rbf else "linear")
    if net.aux:  # transform_input takes ImageNet's normalisation, as the pretrained weights do
        return models.get_model(
            net.name, weights=None, num_classes=classes, aux_logits=True, transform_input=True, init_weights=True
        )
    return models.get_model(net.name, weights=None, num_classes=classes)


def _from_hub(net: Network) -> Any:
    if net.family == "lenet5":
        raise ArgumentError("weights='hub': there are no pretrained weights for lenet5; train it (this takes a minute)")
    if net.aux:
        return models.get_model(net.name, weights="DEFAULT", aux_logits=True)
    return models.get_model(net.name, weights="DEFAULT")


def read_file(path: str | Path) -> Any:
    """What a file of `torch.save` holds, tensors and plain values only: nothing in it is run. Raises ArgumentError."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that is no archive fails in many ways
        said = str(error).split("\n")[0][:200]
        raise ArgumentError(f"weights={str(path)!r} cannot be read as weights of PyTorch: {said}") from error


def read_weights(path: str | Path) -> Mapping[str, Tensor]:
    """The tensors of a file by name: a state dict, or a file that `train` wrote. Raises ArgumentError."""
    held = read_file(path)
    state = held.get("state_dict", held) if isinstance(held, Mapping) else held
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ArgumentError(f"weights={str(path)!r} contains {type(held).__name__}, not a state dict of tensors")
    return {_OLD_DENSENET.sub(r"\1\2", str(name)): tensor for name, tensor in state.items()}


def _short(error: Exception) -> str:
    """PyTorch lists every name."""
    words = " ".join(str(error).split())
    return words if len(words) <= 300 else words[:297] + "..."


def _classes_in(net: Network, state: Mapping[str, Tensor], path: str | Path) -> int:
    for name in (f"{net.head[0]}.weight", f"{net.head[0]}.codes"):
        if name in state:
            return int(state[name].shape[0])
    raise ArgumentError(f"weights={str(path)!r} do not fit {net.name}: they have no {net.head[0]}.weight")


# Heads and blocks


def replace_head(model: nn.Module, net: Network, classes: int) -> None:
    """New last layers, of the auxiliary classifiers too, for so many classes; in place."""
    for path in net.head:
        parent, _, name = path.rpartition(".")
        owner = model.get_submodule(parent)
        old = owner.get_submodule(name)
        if isinstance(old, RadialBasis):
            new: nn.Module = RadialBasis(old.codes.shape[1], classes)
        else:
            assert isinstance(old, nn.Linear)
            new = nn.Linear(old.in_features, classes)
        setattr(owner, name, new)


def part_of(net: Network, name: str) -> int:
    """The block that a parameter or layer belongs to, counted from the input; that of the head is len(net.blocks)."""
    for number, prefixes in ((len(net.blocks), net.head), *enumerate(net.blocks)):
        if any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes):
            return number
    raise ArgumentError(f"{net.name} has no block for {name!r}")


def train_part(model: nn.Module, net: Network, blocks: int | None) -> None:
    """Let the head and the last so many blocks learn, and freeze the rest; None lets all learn. In place.

    Auxiliary classifiers inside a frozen block keep their new last layer trained. After each `model.train()` call
    `freeze_norms`: Learner does.
    """
    if blocks is not None and not 0 <= blocks <= len(net.blocks):
        raise ArgumentError(f"blocks must be from 0 to {len(net.blocks)} for {net.name}, got {blocks!r}")
    first = 0 if blocks is None else len(net.blocks) - blocks
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(part_of(net, name) >= first)


def freeze_norms(model: nn.Module) -> None:
    """Put batch norms whose parameters are frozen into eval: their running statistics are weights too."""
    for module in norms(model):
        if not any(p.requires_grad for p in module.parameters()):
            module.eval()


def norms(model: nn.Module) -> Iterator[nn.Module]:
    """The batch-norm layers."""
    return (m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm))


def logits_of(given: Any) -> tuple[Tensor, tuple[Tensor, ...]]:
    """(n, classes) logits, and those of the auxiliary classifiers that a network gives while it trains."""
    if isinstance(given, Tensor):
        return given, ()
    auxiliary = [getattr(given, name, None) for name in ("aux_logits1", "aux_logits2", "aux_logits")]
    return given.logits, tuple(a for a in auxiliary if a is not None)
