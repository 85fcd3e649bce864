"""In PyTorch: data sets, tensors, Lightning; and on the device what the CPU path gives."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

import augsafe as aug
from tests.conftest import needs

pytestmark = needs("torch", "torchvision", "lightning")
if importlib.util.find_spec("torch") is None and not os.environ.get("CI"):
    pytest.skip("needs torch", allow_module_level=True)

import torch  # noqa: E402
from skimage import data as photos  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

from augsafe.adapters.device import DeviceAugment  # noqa: E402
from augsafe.adapters.torch import Dataset, TensorLoader  # noqa: E402

N = 24
OUTPUT = aug.Output(dtype="float32", layout="CHW", mean=(0.5,), std=(0.25,))
POLICY = aug.Compose([aug.Shift(), aug.Rotate(), aug.HorizontalFlip(), aug.Brightness()], output=OUTPUT)


def pictures(side: int = 20) -> tuple[np.ndarray, np.ndarray]:
    image = photos.astronaut()
    cut = [image[i * 9 : i * 9 + side, i * 11 : i * 11 + side] for i in range(N)]
    return np.stack(cut), np.arange(N) % 3


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
    loader = aug.Loader(pictures(), POLICY, batch_size=5, workers=0)
    first = TensorLoader(loader)
    given = []
    render = loader._worker.render
    loader._worker.render = lambda *a: given.append(render(*a)) or given[-1]
    batches = iter(first)
    image = next(batches)[0]
    assert np.shares_memory(image.numpy(), given[0].batch.images)
    kept = image.clone()
    state = first.state_dict()
    rest = [images for images, _ in batches]
    assert torch.equal(image, kept), "a later batch was written over one that was given"
    second = TensorLoader(aug.Loader(pictures(), POLICY, batch_size=5, workers=0))
    second.load_state_dict(state)
    assert len(second) == 5 and all(torch.equal(a, b) for a, (b, _) in zip(rest, second, strict=True))
    with pytest.raises(aug.errors.InputError, match="no labels"):
        next(iter(TensorLoader(aug.Loader(pictures()[0], POLICY, workers=0))))
    with pytest.raises(aug.errors.ArgumentError, match="list"):
        TensorLoader([])
    if not torch.cuda.is_available():
        with pytest.raises(aug.errors.ArgumentError, match="GPU"):
            TensorLoader(loader, pin=True)


@needs("torchdata")
@pytest.mark.parametrize(("mix", "workers"), [(aug.MixUp(), 0), (aug.CutMix(), 2)])
def test_a_data_set_mixes_the_batches_of_a_data_loader(mix, workers) -> None:
    options = {"batch_size": 7, "num_workers": workers, "multiprocessing_context": "fork" if workers else None}
    dataset = Dataset(pictures(), POLICY, seed=2, on_violation=None, mix=mix)
    plain = Dataset(pictures(), POLICY, seed=2, on_violation=None)
    ours = aug.Loader(pictures(), POLICY, batch_size=7, seed=2, workers=0, shuffle=False, on_violation=None, mix=mix)
    three = zip(DataLoader(dataset, **options), DataLoader(plain, **options), ours, strict=True)
    for (images, labels), (bare, _), wanted in three:
        assert torch.equal(images, torch.from_numpy(wanted.images))  # the same draws as everywhere
        assert torch.equal(labels, torch.from_numpy(wanted.labels)) and labels.shape == (len(images), 3)
        assert torch.allclose(labels.sum(dim=1), torch.ones(len(images))) and not torch.equal(images, bare)


def test_a_single_image_cannot_be_mixed() -> None:
    dataset = Dataset(pictures(), POLICY, mix=aug.MixUp())
    with pytest.raises(aug.ArgumentError, match="pass this data set directly"):
        dataset[0]
    with pytest.raises(aug.ArgumentError, match="batch_size"):
        next(iter(DataLoader(dataset, batch_size=None)))
    subset = torch.utils.data.Subset(dataset, [3, 5, 8])
    images, labels = next(iter(DataLoader(subset, batch_size=3)))
    assert images.shape[0] == 3 and labels.dtype == torch.float32


def test_mixed_batches_give_soft_labels() -> None:
    def made(mix: aug.MixUp | None) -> TensorLoader:
        return TensorLoader(aug.Loader(pictures(), POLICY, batch_size=7, seed=2, on_violation=None, mix=mix))

    for (images, labels), batch in zip(made(aug.MixUp(1.0)), made(aug.MixUp(1.0)).loader, strict=True):
        assert labels.dtype == torch.float32 and labels.shape[1] == 3
        assert (images.numpy() == batch.images).all() and (labels.numpy() == batch.labels).all()
        assert torch.isfinite(torch.nn.functional.cross_entropy(torch.zeros(labels.shape), labels))
    assert next(iter(made(None)))[1].dtype == torch.int64


def test_torchdata_resumes_in_the_middle_of_an_epoch() -> None:
    from torchdata.stateful_dataloader import StatefulDataLoader

    def loader() -> tuple[Dataset, StatefulDataLoader]:
        dataset = Dataset(pictures(), POLICY, seed=3)
        dataset.set_epoch(2)
        return dataset, StatefulDataLoader(dataset, batch_size=5, num_workers=0)

    _, first = loader()
    walk = iter(first)
    next(walk), next(walk)
    state = first.state_dict()
    rest = [images for images, _ in walk]
    assert len(rest) == 3
    _, second = loader()
    second.load_state_dict(state)
    assert all(torch.equal(a, b) for a, (b, _) in zip(rest, second, strict=True))


TONES = {"table": [aug.Contrast(), aug.Gamma()], "line": [aug.Brightness(p=0.5), aug.Contrast(), aug.Invert()]}


@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("border", ["reflect", "replicate", "constant"])
def test_the_device_gives_what_the_cpu_gives(border: str, tone: str) -> None:
    images = pictures(64)[0]
    steps = [aug.Shift(), aug.Zoom(), aug.Rotate(), aug.VerticalFlip(), *TONES[tone]]
    compose = aug.Compose(steps, border=border, fill=40, output=aug.Output(dtype="float32", layout="CHW"))
    cpu = compose.batch(images, indices=np.arange(N), seed=5, epoch=2)
    module = DeviceAugment(compose, seed=5)
    module.set_epoch(2)
    tensors = torch.from_numpy(images).permute(0, 3, 1, 2)
    apart = np.abs(module(tensors, torch.arange(N)).numpy() - cpu) * 255
    assert np.quantile(apart, 0.99) < 2, "two levels of 255 at nearly all pixels"
    other = np.abs(DeviceAugment(compose, seed=6)(tensors, torch.arange(N)).numpy() - cpu) * 255
    assert np.quantile(other, 0.99) > 20, "other draws must be told apart, or this test sees nothing"
    for dtype, most in ((torch.float16, 2), (torch.bfloat16, 5)):
        half = DeviceAugment(compose, seed=5, dtype=dtype)
        half.set_epoch(2)
        low = half(tensors, range(N))
        assert low.dtype == dtype
        assert np.quantile(np.abs(low.float().numpy() - cpu) * 255, 0.99) < most
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = np.abs(module(tensors, range(N)).numpy() - cpu) * 255
    assert np.quantile(cast, 0.99) < 2, "autocast must not touch positions"


def test_the_device_keeps_to_the_value_range_and_to_the_sizes() -> None:
    images = pictures(64)[0].astype(np.float32)
    steps = [aug.Rotate(), aug.Brightness(), aug.Resize((48, 40))]
    compose = aug.Compose(steps, value_range=(0, 255), output=aug.Output(dtype="float32", layout="CHW"))
    cpu = compose.batch(images, indices=np.arange(N), seed=1)
    tensors = torch.from_numpy(images).permute(0, 3, 1, 2)
    module = DeviceAugment(compose, seed=1)
    apart = np.abs(module(tensors, range(N)).numpy() - cpu) * 255
    assert np.quantile(apart, 0.99) < 2
    assert module.eval()(tensors, range(N)).shape == (N, 3, 48, 40), "evaluation has the size of training"
    small = DeviceAugment(aug.Compose([aug.RandomCrop((40, 40))])).eval()(tensors / 255, range(N))
    assert torch.allclose(small, tensors[:, :, 12:52, 12:52] / 255, atol=1e-5)
    for wrong in (tensors, tensors / 255 - 1, torch.full_like(tensors, float("nan"))):
        with pytest.raises(aug.errors.InputError, match="AS502"):
            DeviceAugment(aug.Compose([aug.Brightness()]))(wrong, range(N))


def test_the_device_passes_images_unchanged_in_eval_and_refuses_what_it_cannot_do() -> None:
    images = torch.from_numpy(pictures(32)[0]).permute(0, 3, 1, 2)
    module = DeviceAugment(aug.Compose([aug.Rotate(), aug.Brightness()])).eval()
    assert torch.allclose(module(images, range(N)), images / 255, atol=1e-5)
    with pytest.raises(aug.errors.ArgumentError, match="GaussianBlur"):
        DeviceAugment(aug.Compose([aug.GaussianBlur()]))
    for output in (aug.Output(dtype="uint8", layout="CHW"), aug.Output(dtype="float32")):
        with pytest.raises(aug.errors.ArgumentError, match="CHW"):
            DeviceAugment(aug.Compose([aug.Rotate()], output=output))
    with pytest.raises(aug.errors.InputError, match="aliases"):
        DeviceAugment(aug.Compose([aug.Zoom((0.2, 0.3))]))(images, range(N))
    for wrong in (images[0], images[:0], images.numpy()):
        with pytest.raises(aug.errors.InputError, match="tensor"):
            module(wrong, range(N))
    with pytest.raises(aug.errors.InputError, match="whole numbers"):
        module(images, torch.rand(N))
    with pytest.raises(aug.errors.ArgumentError, match="agree"):
        module(images, range(3))
    two = aug.Output(dtype="float32", layout="CHW", mean=(0.5, 0.5), std=(0.2, 0.2))
    with pytest.raises(aug.errors.ArgumentError, match="2 channels"):
        DeviceAugment(aug.Compose([], output=two))(images, range(N))


SQUARE = np.zeros((20, 20, 3), np.uint8)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ([(SQUARE, 0), (SQUARE[..., 0], 1)], "one shape"),
        ([(SQUARE, 0), (np.zeros((30, 20, 3), np.uint8), 1)], "one shape"),
        ([(SQUARE.astype(np.float32) + 200, 0)], "AS502"),
        ([(SQUARE.astype(np.int64), 0)], "int64"),
        ([(SQUARE, 12)], "12"),
        ([(SQUARE, -1)], "-1"),
    ],
)
def test_bad_input_is_a_typed_error(source, words) -> None:
    dataset = Dataset(source, aug.Compose([aug.Rotate()]), contract="mnist")
    with pytest.raises(aug.errors.AugsafeError, match=words):
        next(iter(DataLoader(dataset, batch_size=2)))


def test_a_missing_framework_names_the_extra() -> None:
    code = """
import sys
for name in ("torch", "lightning", "tensorflow", "keras"):
    sys.modules[name] = None
import augsafe
for adapter, extra in (("torch", "torch"), ("device", "torch"), ("tensorflow", "tensorflow"), ("keras", "tensorflow")):
    try:
        __import__("augsafe.adapters." + adapter)
    except augsafe.errors.MissingExtraError as error:
        assert f"augsafe[{extra}]" in str(error), error
    else:
        raise AssertionError(adapter)
"""
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 0


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

    cropped = DataModule(pictures(), aug.Compose([aug.RandomCrop((16, 16))]), pictures(), batch_size=8, workers=0)
    sizes = [next(iter(loader))[0].shape for loader in (cropped.train_dataloader(), cropped.val_dataloader())]
    assert sizes[0] == sizes[1], "validation images have the size of training images"
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
