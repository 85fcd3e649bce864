"""A Hugging Face data set whose images are augmented as they are read, by `set_transform`."""

# needs: datasets torch

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # all is in memory

import datasets
import numpy as np
from torch.utils.data import DataLoader

import augsafe as aug
from augsafe.demo import digits

images, labels = digits()
images, labels = images[:128], labels[:128]
policy = aug.Compose(
    [aug.Shift((-0.08, 0.08), (-0.08, 0.08)), aug.Rotate((-12, 12))], output=aug.Output(dtype="float32", layout="CHW")
)
report = aug.check(policy, images, labels, contract="mnist")
print(report.ok, len(report.findings), "findings")

# A draw is keyed by the image's number, so the number is a column.
columns = {"image": list(images), "label": labels.tolist(), "index": range(len(images))}
data = datasets.Dataset.from_dict(columns)
epoch = 0


def augment(rows):
    arrays = [np.asarray(image, np.uint8) for image in rows["image"]]
    return {"image": policy.batch(arrays, indices=rows["index"], seed=1, epoch=epoch), "label": rows["label"]}


data.set_transform(augment)
first = []
for epoch in range(2):  # augment reads it; with worker processes use augsafe.adapters.torch.Dataset, which shares it
    for batch in DataLoader(data, batch_size=32, shuffle=True):
        assert batch["image"].shape[1:] == (1, *images.shape[1:3])
    first.append(np.asarray(data[0]["image"]))
    assert (first[epoch] == data[0]["image"]).all()  # read again: the same
assert (first[0] != first[1]).any()  # another epoch: another draw
print(f"{(first[0] != first[1]).mean():.0%} of the first image's pixels differ between epochs 0 and 1")
