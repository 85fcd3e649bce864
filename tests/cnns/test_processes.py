"""Many processes: the same command under torchrun gives what one process gives, also when it was killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import augsafe as aug
from augsafe import Compose
from augsafe.cnns import Options, train
from augsafe.demo import digits
from tests.conftest import needs

pytestmark = needs("torch", "torchvision", "lightning")
ROOT = Path(__file__).resolve().parents[2]
# 101 images, of which 20 are held back: 81 leave a last batch of one image for two processes.
IMAGES, EPOCHS, BATCH = 101, 10, 20
POLICY = Compose((aug.Shift((-0.05, 0.05), (-0.05, 0.05)), aug.HorizontalFlip()), border="constant")


def data():
    """Some digits."""
    images, labels = digits()
    return images[:IMAGES], labels[:IMAGES]


def torchrun(folder: Path, *more: str) -> list[str]:
    """The command with two processes."""
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "augsafe", "train", "d.npz"]
    words += ["--model", "lenet5", "--policy", "p.yaml", "--contract", "mnist", "--out", str(folder), "--workers", "0"]
    words += ["--epochs", str(EPOCHS), "--batch-size", str(BATCH), "--rate", "0.003", "--device", "cpu", *more]
    return [sys.executable, *words]


def epochs_done(folder: Path) -> int:
    """How many epochs are written down."""
    path = folder / "results.json"
    return len(json.loads(path.read_text())["history"]) if path.exists() else 0


def test_two_processes_one_of_them_killed_give_what_one_gives(tmp_path):
    torch = pytest.importorskip("torch")
    images, labels = data()
    np.savez(tmp_path / "d.npz", images=images, labels=labels)
    POLICY.save(tmp_path / "p.yaml")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    folder = tmp_path / "two"
    with (tmp_path / "log.txt").open("w") as log:
        first = subprocess.Popen(
            torchrun(folder), cwd=tmp_path, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        while first.poll() is None and epochs_done(folder) < 2:
            time.sleep(0.01)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    assert 2 <= epochs_done(folder) < EPOCHS, (tmp_path / "log.txt").read_text()
    done = subprocess.run(
        torchrun(folder, "--resume", "--json"),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    two = json.loads(done.stdout)

    options = Options(epochs=EPOCHS, batch_size=BATCH, rate=0.003, workers=0, device="cpu")
    one = train((images, labels), "lenet5", POLICY, out=tmp_path / "one", options=options, contract="mnist")
    assert two["complete"] and len(two["history"]) == EPOCHS
    assert [e["images"] for e in two["history"]] == [81] * EPOCHS
    assert [e["loss"] for e in two["history"]] == pytest.approx([e.loss for e in one.history], rel=1e-3)
    assert two["guards"]["images"] == 81 * EPOCHS
    assert two["guards"]["changed"] == one.guards["changed"]
    weights = torch.load(folder / "model.pt", weights_only=True)["state_dict"]
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(weights[name], value, atol=2e-3, rtol=1e-2)


def test_each_image_is_in_one_process_once_an_epoch():
    from augsafe.cnns import network
    from augsafe.cnns.task import prepare

    options = Options(batch_size=20, workers=0)
    task = prepare(
        network("lenet5"),
        POLICY,
        Path("out"),
        options,
        (data(), None, None, None),
        None,
        "mnist",
        "redraw",
        None,
        None,
        2,
    )
    alone = list(task.training_loader())
    ranks = [list(task.training_loader(rank, 2)) for rank in (0, 1)]
    seen = [np.concatenate([b.indices for b in batches]) for batches in ranks]
    assert sorted(np.concatenate(seen)) == list(range(81))
    for k, whole in enumerate(alone):  # the same images together in a step, with the same draws
        parts = [batches[k] for batches in ranks if k < len(batches)]
        together = np.concatenate([b.indices for b in parts])
        assert sorted(together) == sorted(whole.indices)
        pixels = np.concatenate([b.images for b in parts])
        assert (pixels[np.argsort(together)] == whole.images[np.argsort(whole.indices)]).all()


def test_the_weights_of_a_step_make_one_mean_of_all_processes():
    from augsafe.cnns.learner import Feed
    from augsafe.loading import Loader

    images, labels = data()
    for n, batch, world in ((81, 20, 2), (80, 20, 2), (7, 6, 3), (100, 30, 1)):
        feeds = [
            Feed(
                Loader((images[:n], labels[:n]), None, batch_size=batch // world, rank=r, world_size=world,
                       even="none", workers=0),
                n,
            )
            for r in range(world)
        ]  # fmt: skip
        steps = [list(f) for f in feeds]
        assert len({len(s) for s in steps}) == 1 and len(steps[0]) == len(feeds[0])  # or the processes would wait
        for together in zip(*steps, strict=True):
            assert sum(float(w.sum()) for _, _, w in together) == pytest.approx(world, rel=1e-5)


def _norms(rank: int, port: int, folder: str) -> None:
    """One of two processes: a batch norm over both against PyTorch's own over the whole batch."""
    import torch
    from torch import nn

    from augsafe.cnns.shared_norm import SharedBatchNorm2d, share_norms

    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    torch.manual_seed(0)
    whole = torch.randn(5, 3, 4, 4)
    mine = whole[:3] if rank == 0 else whole[3:]
    alone, shared = nn.BatchNorm2d(3), nn.Sequential(nn.BatchNorm2d(3))
    share_norms(shared)
    assert isinstance(shared[0], SharedBatchNorm2d)
    x, y = whole.clone().requires_grad_(), mine.clone().requires_grad_()
    target = torch.randn(5, 3, 4, 4)
    (alone(x) * target).sum().backward()
    (shared(y) * (target[:3] if rank == 0 else target[3:])).sum().backward()
    assert x.grad is not None and y.grad is not None
    gradient = shared[0].weight.grad.clone()
    torch.distributed.all_reduce(gradient)
    for got, wanted in (
        (y.grad, x.grad[:3] if rank == 0 else x.grad[3:]),
        (shared[0].running_mean, alone.running_mean),
        (shared[0].running_var, alone.running_var),
        (gradient, alone.weight.grad),
    ):
        torch.testing.assert_close(got, wanted)
    torch.testing.assert_close(shared.eval()(whole), alone.eval()(whole))
    Path(folder, str(rank)).write_text("agrees")
    torch.distributed.destroy_process_group()


def test_batch_norm_over_processes_is_that_of_the_whole_batch(tmp_path):
    import socket

    torch = pytest.importorskip("torch")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(_norms, args=(port, str(tmp_path)), nprocs=2)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0", "1"]
