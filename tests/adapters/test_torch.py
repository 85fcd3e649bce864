"""The same bytes in every way that PyTorch reads data, and on the device what the CPU path gives."""

from __future__ import annotations

import numpy as np
import pytest

import augsafe as aug
from tests.conftest import needs

torch = pytest.importorskip("torch")
pytestmark = needs("torch", "torchvision", "lightning")

from skimage import data as photos  # noqa: E402
from torch.utils.data import DataLoader, DistributedSampler  # noqa: E402

from augsafe.adapters.device import DeviceAugment  # noqa: E402
from augsafe.adapters.torch import Dataset, TensorLoader, ranks  # noqa: E402

N = 24
OUTPUT = aug.Output(dtype="float32", layout="CHW", mean=(0.5,), std=(0.25,))
POLICY = aug.Compose([aug.Shift(), aug.Rotate(), aug.HorizontalFlip(), aug.Brightness()], output=OUTPUT)


def pictures(side: int = 20) -> tuple[np.ndarray, np.ndarray]:
    image = photos.astronaut()
    cut = [image[i * 9 : i * 9 + side, i * 11 : i * 11 + side] for i in range(N)]
    return np.stack(cut), np.arange(N) % 3


def bytes_by_index(epoch: int) -> np.ndarray:
    """What the plain loader gives, in the order of the data."""
    loader = aug.Loader(pictures(), POLICY, batch_size=5, workers=0, seed=3)
    loader.set_epoch(epoch)
    out = np.empty((N, 3, 20, 20), np.float32)
    for batch in loader:
        out[batch.indices] = batch.images
    return out


@pytest.mark.parametrize(("workers", "context"), [(0, None), (2, "fork"), (2, "spawn")])
def test_dataloader_gives_the_loaders_bytes_in_every_epoch(workers: int, context: str | None) -> None:
    dataset = Dataset(pictures(), POLICY, seed=3)
    loader = DataLoader(
        dataset,
        batch_size=7,
        num_workers=workers,
        multiprocessing_context=context,
        persistent_workers=workers > 0,
    )
    for epoch in (0, 1):
        dataset.set_epoch(epoch)
        images, labels = (torch.cat(parts).numpy() for parts in zip(*loader, strict=True))
        assert (images == bytes_by_index(epoch)).all()
        assert (labels == np.arange(N) % 3).all()
    assert (bytes_by_index(0) != bytes_by_index(1)).any()


def test_two_ranks_share_the_data_and_the_bytes() -> None:
    dataset = Dataset(pictures(), POLICY, seed=3)
    wanted, seen = bytes_by_index(0), []
    for rank in (0, 1):
        sampler = DistributedSampler(dataset, num_replicas=2, rank=rank, shuffle=True)
        order = list(sampler)
        images = torch.cat([batch for batch, _ in DataLoader(dataset, batch_size=4, sampler=sampler)]).numpy()
        assert (images == wanted[order]).all()
        seen += order
    assert sorted(seen) == list(range(N))
    assert ranks() == (0, 1)


def test_image_folder_and_single_items(tmp_path) -> None:
    import cv2
    from torchvision.datasets import ImageFolder

    images, labels = pictures()
    for k, image in enumerate(images):
        folder = tmp_path / f"class{labels[k]}"
        folder.mkdir(exist_ok=True)
        cv2.imwrite(str(folder / f"{k:03}.png"), image[..., ::-1])
    dataset = Dataset(ImageFolder(str(tmp_path)), POLICY, seed=3)
    image, label = dataset[4]
    assert image.shape == (3, 20, 20) and label == 0
    again = dataset.__getitems__([2, 4])
    assert torch.equal(again[1][0], image)
    with pytest.raises(IndexError, match="0 to 23"):
        dataset[N]


def test_the_guards_act_and_drop_is_refused() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images, labels = (digits.images * 15).astype(np.uint8)[:200], digits.target[:200]
    flips = aug.Compose([aug.HorizontalFlip(), aug.VerticalFlip()])
    kept = Dataset((images, labels), flips, contract="mnist")
    free = Dataset((images, labels), flips)
    six = np.flatnonzero(labels == 6)
    plain = torch.from_numpy(images[six])
    assert all(torch.equal(image, plain[k]) for k, (image, _) in enumerate(kept.__getitems__(six)))
    assert not all(torch.equal(image, plain[k]) for k, (image, _) in enumerate(free.__getitems__(six)))
    with pytest.raises(aug.errors.ArgumentError, match="drop"):
        Dataset((images, labels), flips, on_violation="drop")
    with pytest.raises(aug.errors.ArgumentError, match="-1"):
        kept.set_epoch(-1)


def test_tensor_loader_shares_memory_and_resumes() -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="needs torchdata")
    assert stateful is not None
    first = TensorLoader(aug.Loader(pictures(), POLICY, batch_size=5, workers=0))
    batches = iter(first)
    next(batches)
    state = first.state_dict()
    rest = [images for images, _ in batches]
    second = TensorLoader(aug.Loader(pictures(), POLICY, batch_size=5, workers=0))
    second.load_state_dict(state)
    assert len(second) == 5 and all(torch.equal(a, b) for a, (b, _) in zip(rest, second, strict=True))
    with pytest.raises(aug.errors.InputError, match="no labels"):
        next(iter(TensorLoader(aug.Loader(pictures()[0], POLICY, workers=0))))
    with pytest.raises(aug.errors.ArgumentError, match="list"):
        TensorLoader([])


@pytest.mark.parametrize("border", ["reflect", "replicate", "constant"])
def test_the_device_gives_what_the_cpu_gives(border: str) -> None:
    images = pictures(64)[0]
    steps = [aug.Shift(), aug.Zoom(), aug.Rotate(), aug.VerticalFlip(), aug.Contrast(), aug.Gamma()]
    compose = aug.Compose(steps, border=border, fill=40, output=aug.Output(dtype="float32", layout="CHW"))
    cpu = compose.batch(images, indices=np.arange(N), seed=5, epoch=2)
    module = DeviceAugment(compose, seed=5)
    module.set_epoch(2)
    tensors = torch.from_numpy(images).permute(0, 3, 1, 2)
    apart = np.abs(module(tensors, torch.arange(N)).numpy() - cpu) * 255
    assert np.quantile(apart, 0.99) < 2, "two levels of 255 at nearly all pixels"
    other = np.abs(DeviceAugment(compose, seed=6)(tensors, torch.arange(N)).numpy() - cpu) * 255
    assert np.quantile(other, 0.99) > 20, "other draws must be told apart, or this test sees nothing"
    half = DeviceAugment(compose, seed=5, dtype=torch.bfloat16)
    half.set_epoch(2)
    low = half(tensors, range(N))
    assert low.dtype == torch.bfloat16
    assert np.quantile(np.abs(low.float().numpy() - cpu) * 255, 0.99) < 5


def test_the_device_passes_images_unchanged_in_eval_and_refuses_what_it_cannot_do() -> None:
    images = torch.from_numpy(pictures(32)[0]).permute(0, 3, 1, 2)
    module = DeviceAugment(aug.Compose([aug.Rotate(), aug.Invert()])).eval()
    assert torch.allclose(module(images, range(N)), images / 255, atol=1e-5)
    with pytest.raises(aug.errors.ArgumentError, match="GaussianBlur"):
        DeviceAugment(aug.Compose([aug.GaussianBlur()]))
    with pytest.raises(aug.errors.InputError, match="aliases"):
        DeviceAugment(aug.Compose([aug.Zoom((0.2, 0.3))]))(images, range(N))
    with pytest.raises(aug.errors.InputError, match="shape"):
        module(images[0], range(N))


def test_lightning_fits_and_validation_is_never_augmented() -> None:
    import lightning

    from augsafe.adapters.lightning import DataModule

    class Net(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(3))
            self.seen: list[torch.Tensor] = []

        def training_step(self, batch, number):
            return torch.nn.functional.cross_entropy(self.body(batch[0]), batch[1])

        def validation_step(self, batch, number):
            self.seen.append(batch[0].clone())

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.01)

    module = DataModule(pictures(), POLICY, pictures(), batch_size=8, workers=0)
    net = Net()
    net.body(torch.zeros(1, 3, 20, 20))
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(net, module)
    plain = aug.Compose([], output=OUTPUT).batch(pictures()[0], indices=np.arange(N))
    assert (torch.cat(net.seen[:3]).numpy() == plain).all() and (torch.cat(net.seen[3:]).numpy() == plain).all()
