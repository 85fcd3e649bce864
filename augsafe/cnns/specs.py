"""One table of the networks: the input of each, its head, its blocks and its auxiliary outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from augsafe.errors import ArgumentError
from augsafe.planning import Output
from augsafe.policies import near

Framework = Literal["torch", "keras"]
FRAMEWORKS: tuple[Framework, ...] = ("torch", "keras")
Numbers = tuple[float, ...]
Blocks = tuple[tuple[str, ...], ...]

# Mean and deviation of the ImageNet training images, as the pretrained weights expect them.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# LeCun et al. 1998, section III-A: the background is -0.1 and the foreground 1.175. MNIST's ink is the highest level.
LENET_MEAN, LENET_STD = (0.1 / 1.275,), (1 / 1.275,)
# Table I of that paper: which maps of S2 each map of C3 looks at.
C3_TABLE = (
    *((i, (i + 1) % 6, (i + 2) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6) for i in range(6)),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)


@dataclass(frozen=True)
class Network:
    """The specification of a network.

    Attributes:
        name: Its name, such as "resnet18".
        framework: "torch" or "keras".
        family: The family, such as "resnet".
        size: The (height, width) it was made for, in pixels.
        smallest: The smallest side that it accepts, in pixels.
        head: The layers to replace for other classes, the main one first.
        blocks: For each block from the input to the head, prefixes of the names of its layers.
        channels: 1, or 3 for RGB (whatever order the weights were trained in).
        value_range: The value range that the pretrained weights expect, before normalisation.
        mean: The mean that they expect, for each channel.
        std: The standard deviation that they expect, for each channel.
        interpolation: The interpolation used to resize the training images.
        aux: The auxiliary classifiers, as pairs of layer and weight of its loss.
        batch_norm: Whether it has batch normalisation.
        dropout: Whether it has dropout.
        rate: A learning rate to start from, for AdamW and random weights.
    """

    name: str
    framework: Framework
    family: str
    size: tuple[int, int]
    smallest: int
    head: tuple[str, ...]
    blocks: Blocks
    channels: int = 3
    value_range: tuple[float, float] = (0.0, 1.0)
    mean: Numbers = IMAGENET_MEAN
    std: Numbers = IMAGENET_STD
    interpolation: str = "linear"
    aux: tuple[tuple[str, float], ...] = ()
    batch_norm: bool = True
    dropout: bool = False
    rate: float = 1e-3

    @property
    def layout(self) -> str:
        """The order of the axes of an image."""
        return "CHW" if self.framework == "torch" else "HWC"

    def output(self, size: tuple[int, int] | int | None = None) -> Output:
        """The `Output` for a policy of this network.

        Args:
            size: Another (height, width) or side, in pixels. Default: the network's own.

        Returns:
            Size, layout, value range and normalisation.

        Raises:
            ArgumentError: The network does not accept this size.
        """
        wanted = Output(size=self.size if size is None else size).size
        assert isinstance(wanted, tuple)
        if min(wanted) < self.smallest:
            raise ArgumentError(
                f"size={size!r} is too small: the sides of {self.name} must be at least {self.smallest}"
            )
        if self.family == "lenet5" and wanted != self.size:
            raise ArgumentError(f"size={size!r} does not fit: lenet5 needs 32 x 32")
        return Output(
            size=wanted,
            dtype="float32",
            layout=self.layout,
            mean=self.mean,
            std=self.std,
            value_range=self.value_range,
        )


def _vgg_blocks(*convolutions: int) -> Blocks:
    """A block ends in a pooling layer; each convolution is followed by a ReLU."""
    blocks, at = [], 0
    for count in convolutions:
        blocks.append(tuple(f"features.{at + 2 * k}" for k in range(count)))
        at += 2 * count + 1
    return (*blocks, ("classifier.0",), ("classifier.3",))


def _torch_vgg(depth: int, *convolutions: int) -> Network:
    blocks = _vgg_blocks(*convolutions)
    name = f"vgg{depth}"
    return Network(
        name, "torch", "vgg", (224, 224), 32, ("classifier.6",), blocks, batch_norm=False, dropout=True, rate=1e-4
    )


def _torch_resnet(depth: int) -> Network:
    blocks = (("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",))
    return Network(f"resnet{depth}", "torch", "resnet", (224, 224), 32, ("fc",), blocks)


def _torch_densenet(depth: int) -> Network:
    blocks = (
        ("features.conv0", "features.norm0"),
        ("features.denseblock1", "features.transition1"),
        ("features.denseblock2", "features.transition2"),
        ("features.denseblock3", "features.transition3"),
        ("features.denseblock4", "features.norm5"),
    )
    return Network(f"densenet{depth}", "torch", "densenet", (224, 224), 32, ("classifier",), blocks)


def _lenet(framework: Framework) -> Network:
    return Network(
        "lenet5",
        framework,
        "lenet5",
        (32, 32),
        32,
        ("output",),
        (("c1", "s2"), ("c3", "s4"), ("c5",), ("f6",)),
        channels=1,
        mean=LENET_MEAN,
        std=LENET_STD,
        batch_norm=False,
    )


def _keras(name: str, family: str, blocks: Blocks, batch_norm: bool = True, size: int = 224) -> Network:
    # VGG and ResNet keep the levels and subtract a mean; here in the order RGB, the network reverses it itself.
    value_range, mean, std = {
        "densenet": ((0.0, 1.0), IMAGENET_MEAN, IMAGENET_STD),
        "inception": ((0.0, 1.0), (0.5,) * 3, (0.5,) * 3),
    }.get(family, ((0.0, 255.0), (123.68, 116.779, 103.939), (1.0,) * 3))
    return Network(
        name,
        "keras",
        family,
        (size, size),
        75 if family == "inception" else 32,
        ("predictions",),
        blocks,
        value_range=value_range,
        mean=mean,
        std=std,
        batch_norm=batch_norm,
        rate=1e-3 if batch_norm else 1e-4,
    )


_ALEXNET = (*((f"features.{i}",) for i in (0, 3, 6, 8, 10)), ("classifier.1",), ("classifier.4",))
_GOOGLENET = (
    ("conv1",),
    ("conv2", "conv3"),
    ("inception3a", "inception3b"),
    ("inception4a", "inception4b", "inception4c", "inception4d", "inception4e", "aux1", "aux2"),
    ("inception5a", "inception5b"),
)
_INCEPTION = (
    ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3"),
    ("Conv2d_3b_1x1", "Conv2d_4a_3x3"),
    ("Mixed_5b", "Mixed_5c", "Mixed_5d"),
    ("Mixed_6a", "Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e", "AuxLogits"),
    ("Mixed_7a", "Mixed_7b", "Mixed_7c"),
)
_KERAS_VGG = (*((f"block{i}_",) for i in range(1, 6)), ("fc1",), ("fc2",))
_KERAS_RESNET = tuple((f"conv{i}_",) for i in range(1, 6))
_KERAS_DENSENET = (
    ("conv1_",),
    ("conv2_", "pool2_"),
    ("conv3_", "pool3_"),
    ("conv4_", "pool4_"),
    ("conv5_", "bn"),
)

_TABLE = (
    _lenet("torch"),
    Network(
        "alexnet",
        "torch",
        "alexnet",
        (224, 224),
        63,
        ("classifier.6",),
        _ALEXNET,
        batch_norm=False,
        dropout=True,
        rate=1e-4,
    ),
    _torch_vgg(11, 1, 1, 2, 2, 2),
    _torch_vgg(13, 2, 2, 2, 2, 2),
    _torch_vgg(16, 2, 2, 3, 3, 3),
    _torch_vgg(19, 2, 2, 4, 4, 4),
    # Weight 0.3 for each of the two: Szegedy et al., "Going deeper with convolutions", 2015, section 5.
    Network(
        "googlenet",
        "torch",
        "googlenet",
        (224, 224),
        32,
        ("fc", "aux1.fc2", "aux2.fc2"),
        _GOOGLENET,
        aux=(("aux1", 0.3), ("aux2", 0.3)),
        dropout=True,
    ),
    # Weight 0.4: the authors' own code; the paper gives none. The auxiliary classifier needs 299 pixels in training.
    Network(
        "inception_v3",
        "torch",
        "inception",
        (299, 299),
        299,
        ("fc", "AuxLogits.fc"),
        _INCEPTION,
        aux=(("AuxLogits", 0.4),),
        dropout=True,
    ),
    *(_torch_resnet(depth) for depth in (18, 34, 50, 101, 152)),
    *(_torch_densenet(depth) for depth in (121, 161, 169, 201)),
    _lenet("keras"),
    _keras("vgg16", "vgg", _KERAS_VGG, batch_norm=False),
    _keras("vgg19", "vgg", _KERAS_VGG, batch_norm=False),
    # Most of its layers have no names of their own; the blocks are what ends in the layers mixed0 to mixed10.
    _keras("inception_v3", "inception", tuple((f"mixed{i}",) for i in range(11)), size=299),
    *(_keras(f"resnet{depth}", "resnet", _KERAS_RESNET) for depth in (50, 101, 152)),
    *(_keras(f"densenet{depth}", "densenet", _KERAS_DENSENET) for depth in (121, 169, 201)),
)

NETWORKS: dict[tuple[str, Framework], Network] = {(n.name, n.framework): n for n in _TABLE}


def names(framework: str | None = None) -> tuple[str, ...]:
    """The names of the networks, in the order of the table.

    Args:
        framework: "torch" or "keras". Default: both.

    Returns:
        The names.
    """
    return tuple(dict.fromkeys(n.name for n in _TABLE if framework in (None, n.framework)))


def network(name: str, framework: str = "torch") -> Network:
    """Look up a network in the table.

    Args:
        name: Its name, such as "resnet18".
        framework: "torch" or "keras".

    Returns:
        Its specification.

    Raises:
        ArgumentError: There is no such network. The message names close matches.
    """
    if framework not in FRAMEWORKS:
        raise ArgumentError(f"framework must be one of {', '.join(FRAMEWORKS)}, got {framework!r}")
    key = str(name).lower().replace("-", "").replace(" ", "")
    key = "inception_v3" if key in ("inceptionv3", "inception_v3") else key
    for found in NETWORKS.values():
        if found.name == key and found.framework == framework:
            return found
    elsewhere = [f for f in FRAMEWORKS if (key, f) in NETWORKS]
    hint = f"; {elsewhere[0]} has this network" if elsewhere else near(key, names(framework))
    raise ArgumentError(
        f"there is no network {name!r} for {framework}{hint}; the networks are {', '.join(names(framework))}"
    )


def input_spec(name: str, framework: str = "torch", size: tuple[int, int] | int | None = None) -> Output:
    """The `Output` for a policy of a network, as in `Compose([...], output=input_spec("inception_v3"))`.

    Args:
        name: The network, such as "resnet18".
        framework: "torch" or "keras".
        size: Another (height, width) or side, in pixels. Default: the network's own.

    Returns:
        Size, layout, value range and normalisation.

    Raises:
        ArgumentError: There is no such network, or it does not accept this size.
    """
    return network(name, framework).output(size)


def table() -> str:
    """The table in Markdown, as it stands in docs/cnns.md."""
    rows = [
        "| network | framework | size | smallest size | channels | black and white | head | auxiliary | blocks |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for net in _TABLE:
        low, high = net.value_range
        ends = [f"{(v - net.mean[-1]) / net.std[-1]:.3g}" for v in (low, high)]
        auxiliary = ", ".join(f"`{name}` ({weight})" for name, weight in net.aux) or "-"
        rows.append(
            f"| `{net.name}` | {net.framework} | {net.size[0]} | {net.smallest} | {net.channels} | "
            f"{ends[0]} and {ends[1]} | `{net.head[0]}` | {auxiliary} | {len(net.blocks)} |"
        )
    return "\n".join(rows)
