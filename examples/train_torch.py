"""A PyTorch training loop, twice: the data set in a DataLoader, and the loader itself."""

# needs: torch

import torch
from torch.utils.data import DataLoader

import augsafe as aug
from augsafe.adapters.torch import Dataset, TensorLoader, ranks
from augsafe.demo import digits

images, labels = digits()
train, test = (images[:600], labels[:600]), (images[600:900], labels[600:900])
output = aug.Output(dtype="float32", layout="CHW", mean=(0.5,), std=(0.5,))
policy = aug.Compose(
    [aug.Shift((-0.08, 0.08), (-0.08, 0.08)), aug.Rotate((-12, 12)), aug.HorizontalFlip()], output=output
)
plain = aug.Compose([], output=output)


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.LazyConv2d(16, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.LazyLinear(10),
    )


def fit(batches, set_epoch, epochs: int = 4) -> torch.nn.Module:
    model = network()
    model(next(iter(batches))[0])  # the lazy layers take their sizes
    optimizer = torch.optim.Adam(model.parameters(), 0.003)
    for epoch in range(epochs):
        set_epoch(epoch)
        for x, y in batches:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    return model


@torch.no_grad()
def accuracy(model: torch.nn.Module) -> float:
    x, y = next(iter(TensorLoader(aug.Loader(test, plain, batch_size=len(test[0]), shuffle=False))))
    return float((model(x).argmax(dim=1) == y).float().mean())


# 1. Your DataLoader, your sampler: only the data set is ours. set_epoch reaches the worker processes.
dataset = Dataset(train, policy, contract="mnist", seed=1)
loader = DataLoader(dataset, batch_size=32, shuffle=True, num_workers=2, persistent_workers=True)
first = accuracy(fit(loader, dataset.set_epoch))
print(f"DataLoader: {first:.1%} of 300 test images")

# 2. The loader's own threads: no copy between processes, a report of what the guards did, exact resume.
rank, world_size = ranks()  # (0, 1) unless torch.distributed runs
threads = aug.Loader(train, policy, batch_size=32, contract="mnist", seed=1, rank=rank, world_size=world_size)
second = accuracy(fit(TensorLoader(threads), threads.set_epoch))
print(f"Loader: {second:.1%} of 300 test images")
print(threads.report)
assert min(first, second) > 0.6  # guessing gives 0.1
