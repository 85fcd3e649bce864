"""The table of networks says what the frameworks themselves say."""

from __future__ import annotations

import numpy as np
import pytest

from augsafe import ArgumentError, Compose, Output
from augsafe.cnns import NETWORKS, input_spec, names, network
from tests.conftest import needs

LISTED = (
    "lenet5 alexnet vgg11 vgg13 vgg16 vgg19 googlenet inception_v3 resnet18 resnet34 resnet50 resnet101 resnet152 "
    "densenet121 densenet161 densenet169 densenet201"
)
IN_KERAS = "lenet5 vgg16 vgg19 inception_v3 resnet50 resnet101 resnet152 densenet121 densenet169 densenet201"


def test_every_network_is_in_the_table():
    assert names("torch") == tuple(LISTED.split())
    assert names("keras") == tuple(IN_KERAS.split())


def test_a_policy_ends_in_what_the_network_takes():
    spec = input_spec("inception_v3")
    assert (spec.size, spec.layout, spec.dtype) == ((299, 299), "CHW", "float32")
    batch = Compose((), output=spec).batch(np.zeros((2, 40, 50, 3), np.uint8), indices=[0, 1])
    assert batch.shape == (2, 3, 299, 299)
    assert batch[0, :, 0, 0] == pytest.approx([-2.1179, -2.0357, -1.8044], abs=1e-3)
    assert input_spec("resnet18", size=64).size == (64, 64)
    assert input_spec("resnet50", "keras").layout == "HWC"


def test_lenet_sees_the_levels_of_the_paper():
    images = np.stack([np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)])
    batch = Compose((), output=input_spec("lenet5")).batch(images, indices=[0, 1])
    assert batch.shape == (2, 1, 32, 32)
    assert batch[0].max() == pytest.approx(-0.1)
    assert batch[1].min() == pytest.approx(1.175)


@pytest.mark.parametrize("name", ["ResNet-18", "Inception v3", "InceptionV3", "LeNet-5", "VGG-16"])
def test_names_may_be_written_as_people_do(name):
    assert network(name).name in LISTED.split()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: network("resnet"), "did you mean"),
        (lambda: network("alexnet", "keras"), "torch has this network"),
        (lambda: network("alexnet", "jax"), "'jax'"),
        (lambda: input_spec("inception_v3", size=224), "299"),
        (lambda: input_spec("lenet5", size=28), "32"),
        (lambda: input_spec("lenet5", size=64), "needs 32 x 32"),
        (lambda: input_spec("vgg16", size=0), "0"),
    ],
)
def test_what_there_is_not_is_an_error(call, said):
    with pytest.raises(ArgumentError, match=said):
        call()


@needs("torchvision")
@pytest.mark.parametrize("name", [n for n in LISTED.split() if n != "lenet5"])
def test_torchvision_says_the_same_of_its_weights(name):
    from torchvision.models import get_model_weights

    preset = get_model_weights(name).IMAGENET1K_V1.transforms()
    net = network(name)
    assert (preset.crop_size[0],) * 2 == net.size
    assert (tuple(preset.mean), tuple(preset.std)) == (net.mean, net.std)
    assert preset.interpolation.value == {"linear": "bilinear"}[net.interpolation]


@needs("keras", "tensorflow")
@pytest.mark.parametrize("name", [n for n in IN_KERAS.split() if n != "lenet5"])
def test_keras_says_the_same_of_its_weights(name):
    import keras

    family = {"resnet152": "resnet", "resnet101": "resnet", "densenet121": "densenet"}.get(name, network(name).family)
    module = {"vgg": name, "inception": "inception_v3", "resnet": "resnet", "densenet": "densenet"}[family]
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    wanted = getattr(keras.applications, module).preprocess_input(images.astype(np.float32))
    size = network(name, "keras").smallest
    ours = Compose((), output=input_spec(name, "keras", size=size))
    given = ours.batch(np.ascontiguousarray(np.resize(images, (2, size, size, 3))), indices=[0, 1])
    wanted = getattr(keras.applications, module).preprocess_input(np.resize(images, given.shape).astype(np.float32))
    blue_first = network(name).family in ("vgg", "resnet")  # the network reverses the channels itself
    np.testing.assert_allclose(given[..., ::-1] if blue_first else given, wanted, atol=2e-4)


def test_the_table_is_whole():
    for (name, framework), net in NETWORKS.items():
        assert (net.name, net.framework) == (name, framework)
        assert isinstance(net.output(), Output)
        assert net.blocks and net.head
        assert len(net.mean) == len(net.std) == net.channels


def test_the_page_shows_the_table():
    from pathlib import Path

    from augsafe.cnns.specs import table

    page = Path(__file__).resolve().parents[2] / "docs" / "cnns.md"
    assert table() in page.read_text(encoding="utf-8"), "put augsafe.cnns.specs.table() into docs/cnns.md"
