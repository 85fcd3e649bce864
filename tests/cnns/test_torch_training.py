"""Training in PyTorch, for real and small: what is written down, what is kept, and that a run can go on."""

from __future__ import annotations

import json

import numpy as np
import pytest

import augsafe as aug
from augsafe import ArgumentError, Compose
from augsafe.cnns import Options, Transfer, load, train
from augsafe.demo import digits
from tests.conftest import needs

pytestmark = needs("torch", "torchvision", "lightning")
POLICY = Compose(
    (aug.Shift((-0.05, 0.05), (-0.05, 0.05)), aug.Rotate((-10, 10)), aug.HorizontalFlip()), border="constant"
)
FOUR = Options(epochs=4, batch_size=16, rate=0.003, seed=1, workers=0, device="cpu")


def some(n: int, start: int = 0):
    """Some digits."""
    images, labels = digits()
    return images[start : start + n], labels[start : start + n]


def weights_of(result):
    """The weights of a trained network, as arrays."""
    return {k: v.numpy() for k, v in result.model.state_dict().items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of four epochs on 200 digits, with 100 to test on."""
    folder = tmp_path_factory.mktemp("training") / "run"
    result = train(some(200), "lenet5", POLICY, out=folder, options=FOUR, contract="mnist", test=some(100, 1000))
    return result


def test_it_learns(run):
    losses = [e.loss for e in run.history]
    assert losses[-1] < 0.8 * losses[0]
    assert run.accuracy > 0.3  # of ten classes
    assert int(run.test.sum()) == 100
    assert [e.images for e in run.history] == [160] * 4  # each image once an epoch


def test_what_is_written_is_what_was_returned(run):
    body = json.loads((run.folder / "results.json").read_text())
    assert body["complete"] is True
    assert body == json.loads(json.dumps(run.to_dict()))
    assert len(body["history"]) == 4
    assert body["images_per_second"] > 0
    assert body["test"]["accuracy"] == run.accuracy


def test_per_class_results_add_up(run):
    scores = run.per_class()
    assert [s.name for s in scores] == [str(d) for d in range(10)]
    assert sum(s.images for s in scores) == 100
    assert sum(round(s.recall * s.images) for s in scores) == round(run.accuracy * 100)
    for i, s in enumerate(scores):
        assert s.taken == max(n for j, n in enumerate(run.test[i].tolist()) if j != i)


def test_guards_worked_and_were_counted(run):
    assert any(f["code"] == "AS101" and "6" in f["classes"] for f in run.before)  # said before
    assert run.guards["images"] == 4 * 160
    assert run.guards["changed"] == sum(e.guarded for e in run.history) > 50
    assert {c["class"] for c in run.guards["counts"] if c["code"] == "AS101"} <= set("345679")


def test_the_best_weights_are_kept(run):
    torch = pytest.importorskip("torch")
    best = torch.load(run.folder / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["epoch"] == run.best.epoch
    for key, value in weights_of(run).items():
        assert (best["state_dict"]["model." + key].numpy() == value).all()


def test_a_trained_network_is_loaded_with_its_policy_and_classes(run):
    torch = pytest.importorskip("torch")
    trained = load(run.folder / "model.pt")
    images, labels = some(100, 1000)
    with torch.inference_mode():
        logits = trained.model(torch.from_numpy(trained.policy.batch(images, indices=range(100))))
    assert (logits.argmax(dim=1).numpy() == labels).mean() == pytest.approx(run.accuracy)
    assert trained.classes == run.classes


def test_loading_something_else_is_an_error(tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pt")
    with pytest.raises(ArgumentError, match="was not saved by augsafe"):
        load(tmp_path / "a.pt")


def test_validation_images_are_never_augmented(run):
    from augsafe.cnns import network
    from augsafe.cnns.task import prepare

    task = prepare(
        network("lenet5"),
        POLICY,
        run.folder,
        FOUR,
        (some(200), None, None, None),
        None,
        "mnist",
        "redraw",
        None,
        None,
        1,
    )
    loader = task.judging_loader(task.split.validation)
    first, second = ([b.images.copy() for b in loader] for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    raw = np.stack([task.split.validation[i].image for i in range(len(task.split.validation))])
    plain = Compose((), border="constant", output=task.evaluation.output).batch(raw, indices=range(len(raw)))
    assert (np.concatenate(first) == plain).all()
    drawn = task.training_loader()
    first, second = (np.concatenate([b.images[np.argsort(b.indices)] for b in drawn]) for _ in range(2))
    assert (first != second).any()  # the same test sees augmentation where there is some


def test_a_run_that_was_cut_off_goes_on_to_the_same_weights(run, tmp_path):
    """Stopped by an error in the third epoch; resumed, it ends as if nothing had been."""

    class Cut(Exception):
        pass

    class Failing:
        labels, classes = digits()[1][:200], None
        fail = True

        def __init__(self):
            self.images, self.reads = some(200)[0], 0

        def __len__(self):
            return 200

        def __getitem__(self, i):
            self.reads += 1
            # 16 looks at the data and 400 of the check come first, then 200 reads an epoch.
            if self.fail and self.reads > 32 + 160 + 2.5 * 200:
                raise Cut
            return self.images[i]

    source, folder = Failing(), tmp_path / "run"
    with pytest.raises(aug.SourceError):
        train(source, "lenet5", POLICY, out=folder, options=FOUR, contract="mnist")
    left = json.loads((folder / "results.json").read_text())
    assert not left["complete"] and 1 <= len(left["history"]) < 4
    source.fail = False
    with pytest.raises(ArgumentError, match="resume"):
        train(source, "lenet5", POLICY, out=folder, options=FOUR, contract="mnist")
    again = train(source, "lenet5", POLICY, out=folder, options=FOUR, contract="mnist", resume=True)
    for key, value in weights_of(run).items():
        assert (weights_of(again)[key] == value).all(), key
    assert [e.loss for e in again.history] == [e.loss for e in run.history]
    assert again.guards.pop("moved") == pytest.approx(run.guards["moved"])  # a mean, added up in another order
    assert again.guards == {k: v for k, v in run.guards.items() if k != "moved"}


def test_resuming_with_something_else_is_refused(run):
    other = Options(epochs=4, batch_size=32, rate=0.003, seed=1, workers=0, device="cpu")
    with pytest.raises(ArgumentError, match="options"):
        train(some(200), "lenet5", POLICY, out=run.folder, options=other, contract="mnist", resume=True)
    with pytest.raises(ArgumentError, match="policy"):
        train(some(200), "lenet5", aug.Rotate(), out=run.folder, options=FOUR, contract="mnist", resume=True)


def test_resuming_a_run_that_is_done_changes_nothing(run):
    again = train(
        some(200), "lenet5", POLICY, out=run.folder, options=FOUR, contract="mnist", test=some(100, 1000), resume=True
    )
    assert again.to_dict() == run.to_dict()


def test_it_stops_when_it_does_not_get_better(tmp_path):
    still = Options(epochs=9, batch_size=32, rate=0.0, patience=2, workers=0, device="cpu")
    result = train(some(60), "lenet5", None, out=tmp_path / "run", options=still)
    assert len(result.history) == 3
    assert result.complete
    assert result.guards["changed"] == 0


def test_a_head_is_trained_then_the_rest(run, tmp_path):
    """Two phases on weights of a file: the trunk stays in the first, and moves in the second."""
    torch = pytest.importorskip("torch")
    options = Options(epochs=3, batch_size=16, rate=0.003, workers=0, device="cpu")
    moved = {}
    for name, transfer in (("head", Transfer(0)), ("all", Transfer(None, head_epochs=1))):
        data = some(100, 300)
        result = train(
            data,
            "lenet5",
            POLICY,
            out=tmp_path / name,
            options=options,
            weights=run.folder / "model.pt",
            transfer=transfer,
        )
        old = torch.load(run.folder / "model.pt", weights_only=True)["state_dict"]
        moved[name] = {k.split(".")[0] for k, v in weights_of(result).items() if (old[k].numpy() != v).any()}
    assert moved["head"] == {"output"}
    assert moved["all"] >= {"c1", "c3", "c5", "f6", "output"}


def test_a_loss_that_is_no_number_ends_it(run, tmp_path):
    torch = pytest.importorskip("torch")
    state = torch.load(run.folder / "model.pt", weights_only=True)["state_dict"]
    state["f6.bias"][:] = float("nan")
    torch.save(state, tmp_path / "w.pt")
    options = Options(epochs=2, workers=0, device="cpu")
    with pytest.raises(ArgumentError, match="nan in epoch 1: lower rate"):
        train(some(60), "lenet5", None, out=tmp_path / "run", options=options, weights=tmp_path / "w.pt")


def test_the_result_reads_well(run):
    from rich.console import Console

    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    run.show(console)
    text = console.export_text()
    assert "Accuracy on 100 test images" in text
    assert "most often confused with" in text
    assert "Guards checked 640 images" in text
