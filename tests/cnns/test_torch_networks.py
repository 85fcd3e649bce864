"""The networks in PyTorch: their shapes, their heads, their weights, and what learns."""

from __future__ import annotations

import re

import numpy as np
import pytest

import augsafe as aug
from augsafe import ArgumentError, Compose, Loader, MissingExtraError
from augsafe.cnns import build, input_spec, names, network
from tests.conftest import needs

pytestmark = needs("torch", "torchvision", "lightning")
# Light enough to train here; the others take their two steps in benchmarks/cnns.py.
LIGHT = {"lenet5": 32, "resnet18": 32, "googlenet": 64, "densenet121": 32}
CLASSES = 5


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def two_steps(name: str, size: int) -> list[float]:
    """The losses of two steps on augmented batches."""
    from augsafe.cnns.learner import Feed, Learner, Rates

    net = network(name)
    colours = np.random.default_rng(0).integers(0, 256, (4, 48, 40, 3), dtype=np.uint8)
    images = colours if net.channels == 3 else colours[..., 0]
    policy = Compose((aug.Rotate((-20, 20)), aug.Brightness()), output=input_spec(name, size=size))
    loader = Loader((images, np.array([0, 4, 2, 1])), policy, batch_size=2, workers=0)
    model = build(name, CLASSES)
    learner = Learner(model, net, CLASSES, Rates(1e-4, 0.0, 2), None, 0).train()
    optimizer = __import__("torch").optim.SGD(model.parameters(), 1e-3)
    losses = []
    for batch in Feed(loader, 4):
        loss = (learner.losses(learner(batch[0]), batch[1]) * batch[2]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


# Shapes


@pytest.mark.parametrize("name", names("torch"))
def test_shapes_at_the_real_size(torch, name):
    from augsafe.cnns.torch_networks import logits_of, part_of

    net = network(name)
    with torch.device("meta"):
        model = build(name, CLASSES).train()
        logits, auxiliary = logits_of(model(torch.zeros(2, net.channels, *net.size)))
        assert logits.shape == (2, CLASSES)
        assert [tuple(a.shape) for a in auxiliary] == [(2, CLASSES)] * len(net.aux)
        plain, none = logits_of(model.eval()(torch.zeros(3, net.channels, *net.size)))
        assert plain.shape == (3, CLASSES) and none == ()
    kinds = {type(m).__name__ for m in model.modules()}
    assert net.batch_norm == any("BatchNorm" in k for k in kinds)
    assert net.dropout == any("Dropout" in k for k in kinds)
    # Every parameter is in one block, in the order in which the network has them, or in the head.
    parts = [part_of(net, key) for key, _ in model.named_parameters()]
    assert set(parts) == set(range(len(net.blocks) + 1))
    if not net.aux:
        assert parts == sorted(parts)


@pytest.mark.parametrize("name", LIGHT)
def test_two_steps_on_augmented_batches(name):
    losses = two_steps(name, LIGHT[name])
    assert len(losses) == 2 and np.isfinite(losses).all()
    # An untrained network with a loss of weight 1, and auxiliary ones, starts near that of a guess.
    guess = np.log(CLASSES) * (1 + sum(weight for _, weight in network(name).aux))
    assert losses[0] == pytest.approx(guess, rel=0.6)


def test_a_real_forward_at_the_real_size(torch):
    model = build("resnet18", CLASSES).eval()
    images = np.zeros((1, 300, 280, 3), np.uint8)
    batch = Compose((), output=input_spec("resnet18")).batch(images, indices=[0])
    assert model(torch.from_numpy(batch)).shape == (1, CLASSES)


# LeNet-5


def test_lenet_has_the_parameters_of_the_paper():
    from augsafe.cnns.lenet import LeNet5

    counts = {}
    model = LeNet5()
    for name in ("c1", "s2", "c3", "s4", "c5", "f6"):
        counts[name] = sum(p.numel() for p in model.get_submodule(name).parameters())
    counts["c3"] = int(model.c3.mask.sum()) * 25 + 16
    assert counts == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164}
    assert sum(counts.values()) == 60_000


def test_c3_does_not_look_where_it_has_no_connection(torch):
    from augsafe.cnns.lenet import LeNet5
    from augsafe.cnns.specs import C3_TABLE

    assert len(C3_TABLE) == 16 and sum(map(len, C3_TABLE)) == 60
    assert {len(set(row)) for row in C3_TABLE} == {3, 4, 6}
    layer = LeNet5().c3
    base = layer(torch.zeros(1, 6, 14, 14))
    for seen in range(6):
        x = torch.zeros(1, 6, 14, 14)
        x[0, seen] = 1.0
        changed = (layer(x) - base).abs().sum(dim=(0, 2, 3)) > 0
        assert [seen in row for row in C3_TABLE] == changed.tolist()


def test_the_squashing_function_is_one_at_one(torch):
    from augsafe.cnns.lenet import ScaledTanh

    x = torch.tensor([-1.0, 0.0, 1.0])
    torch.testing.assert_close(ScaledTanh()(x), x, atol=1e-4, rtol=0)


def test_the_rbf_output_is_the_distance_to_the_codes(torch):
    model = build("lenet5", 10, rbf=True).eval()
    x = torch.rand(3, 1, 32, 32)
    features, codes = model.features(x), model.output.codes
    wanted = -(torch.cdist(features, codes) ** 2)
    torch.testing.assert_close(model(x), wanted, atol=1e-3, rtol=1e-4)
    assert set(codes.unique().tolist()) == {-1.0, 1.0}
    assert "output.codes" not in dict(model.named_parameters())
    assert (build("lenet5", 10, rbf=True).output.codes == codes).all()


# Weights and heads


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "googlenet"])
def test_weights_of_a_file_get_a_new_head(torch, tmp_path, name):
    from augsafe.cnns.torch_networks import part_of

    net, old = network(name), build(name, 7)
    torch.save(old.state_dict(), tmp_path / "w.pt")
    new = build(name, 3, weights=tmp_path / "w.pt")
    before, after = old.state_dict(), new.state_dict()
    for key, value in after.items():
        if part_of(net, key) == len(net.blocks):
            assert value.shape[0] == 3, key
        else:
            assert torch.equal(value, before[key]), key
    kept = build(name, 7, weights=tmp_path / "w.pt", keep_head=True)
    assert all(torch.equal(v, before[k]) for k, v in kept.state_dict().items())
    with pytest.raises(ArgumentError, match="have 7 classes, not 3"):
        build(name, 3, weights=tmp_path / "w.pt", keep_head=True)


def test_the_rbf_head_is_replaced_too(torch, tmp_path):
    torch.save(build("lenet5", 10, rbf=True).state_dict(), tmp_path / "w.pt")
    assert build("lenet5", 4, weights=tmp_path / "w.pt").output.codes.shape == (4, 84)


def test_the_old_names_of_densenets_files_are_read(torch, tmp_path):
    state = build("densenet121", 2).state_dict()
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))([12])\.", r"\1.\2.", k): v for k, v in state.items()}
    old = {k: v for k, v in old.items() if "num_batches" not in k}  # younger than the files
    assert not set(old) <= set(state)
    torch.save(old, tmp_path / "w.pt")
    read = build("densenet121", 2, weights=tmp_path / "w.pt", keep_head=True).state_dict()
    assert all(torch.equal(read[k], v) for k, v in state.items() if "num_batches" not in k)


class Malicious:
    """What a pickle can do when it is read."""

    def __reduce__(self):
        return (open, ("read.txt", "w"))


def test_a_file_is_never_run(torch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"fc.weight": Malicious()}, "w.pt")
    torch.load("w.pt", weights_only=False)
    assert (tmp_path / "read.txt").exists()  # the file is harmful, read as pickles are
    (tmp_path / "read.txt").unlink()
    with pytest.raises(ArgumentError, match="cannot be read as weights"):
        build("resnet18", 2, weights="w.pt")
    assert not (tmp_path / "read.txt").exists()


def test_weights_that_do_not_fit(torch, tmp_path):
    torch.save(build("resnet18", 2).state_dict(), tmp_path / "w.pt")
    (tmp_path / "text.pt").write_text("no weights")
    torch.save([1, 2], tmp_path / "list.pt")
    for name, file, said in (
        ("resnet50", "w.pt", "do not fit resnet50"),
        ("vgg11", "w.pt", "have no classifier.6.weight"),
        ("resnet18", "text.pt", "cannot be read"),
        ("resnet18", "missing.pt", "missing.pt"),
        ("resnet18", "list.pt", "not a state dict"),
        ("lenet5", "hub", "no pretrained weights for lenet5"),
    ):
        with pytest.raises(ArgumentError, match=said):
            build(name, 2, weights=file if file == "hub" else tmp_path / file)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "resnet18", "classes": 1}, "at least 2"),
        ({"name": "resnet18", "classes": 3, "keep_head": True}, "needs weights"),
        ({"name": "resnet18", "classes": 3, "rbf": True}, "rbf=True"),
    ],
)
def test_wrong_arguments(arguments, said):
    with pytest.raises(ArgumentError, match=said):
        build(**arguments)


def test_a_missing_framework_names_the_extra(monkeypatch, tmp_path):
    import sys

    from augsafe.cnns import train

    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(MissingExtraError, match=r"augsafe\[torch\]"):
        build("resnet18", 2)
    with pytest.raises(MissingExtraError, match=r"augsafe\[tensorflow\]"):
        build("resnet50", 2, framework="keras")
    with pytest.raises(MissingExtraError, match=r"augsafe\[torch\]"):
        train(None, "resnet18", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


# What learns


@pytest.mark.parametrize(("blocks", "learns"), [(0, "fc."), (1, "fc. layer4."), (None, None)])
def test_what_is_frozen_stays(torch, blocks, learns):
    from augsafe.cnns import Transfer
    from augsafe.cnns.learner import Learner, Rates

    net, model = network("resnet18"), build("resnet18", 3)
    learner = Learner(model, net, 3, Rates(0.1, 0.1, 9), Transfer(blocks, head_epochs=0), 0).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], 0.1)
    for _ in range(2):
        learner.train()  # as a trainer does before each epoch
        learner(torch.randn(4, 3, 32, 32)).square().mean().backward()
        optimizer.step()
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    wanted = {k for k in before if learns is None or k.startswith(tuple(learns.split()))}
    assert moved == wanted  # running means and variances of batch norm among them


def test_forgetting_to_freeze_the_statistics_is_caught(torch):
    """The same with a network whose norms follow train(): the check above can fail."""
    from augsafe.cnns.torch_networks import freeze_norms, train_part

    model = build("resnet18", 3)
    train_part(model, network("resnet18"), 0)
    before = model.bn1.running_mean.clone()
    model.train()(torch.randn(4, 3, 32, 32))
    assert not torch.equal(model.bn1.running_mean, before)
    before = model.bn1.running_mean.clone()
    model.train()
    freeze_norms(model)
    model(torch.randn(4, 3, 32, 32))
    assert torch.equal(model.bn1.running_mean, before)


def test_the_head_learns_first_then_the_last_blocks(torch):
    from augsafe.cnns import Transfer
    from augsafe.cnns.learner import Learner, Rates

    model = build("resnet18", 3)
    learner = Learner(model, network("resnet18"), 3, Rates(0.1, 0.1, 9), Transfer(1, head_epochs=2), 0)
    seen = []
    for epoch in range(3):
        learner.let_learn(epoch)
        seen.append({k.split(".")[0] for k, p in model.named_parameters() if p.requires_grad})
    assert seen == [{"fc"}, {"fc"}, {"layer4", "fc"}]


def test_auxiliary_losses_have_their_weights(torch):
    from augsafe.cnns.learner import Learner, Rates

    net, model = network("googlenet"), build("googlenet", 3)
    learner = Learner(model, net, 3, Rates(0.1, 0.1, 9), None, 0).train()
    labels = torch.tensor([0, 2])
    given = learner(torch.randn(2, 3, 64, 64))
    loss = torch.nn.functional.cross_entropy
    alone = [loss(out, labels, reduction="none") for out in (given.logits, given.aux_logits1, given.aux_logits2)]
    torch.testing.assert_close(learner.losses(given, labels), alone[0] + 0.3 * (alone[1] + alone[2]))
    learner.eval()
    assert isinstance(learner(torch.randn(2, 3, 64, 64)), torch.Tensor)


def test_the_rate_rises_and_falls():
    from augsafe.cnns.learner import Rates

    rates = [Rates(1.0, 0.0, 100).at(step) for step in range(101)]
    top = int(np.argmax(rates))
    assert 3 <= top <= 6 and rates[top] == pytest.approx(1.0)
    assert (np.diff(rates[: top + 1]) > 0).all() and (np.diff(rates[top:]) < 0).all()
    assert rates[0] > 0 and rates[100] == pytest.approx(0.0, abs=1e-9)
    later = [Rates(1.0, 0.0, 100).at(step, start=40) for step in range(100)]
    assert later[:40] == [0.0] * 40 and max(later) == pytest.approx(1.0, abs=0.05)
