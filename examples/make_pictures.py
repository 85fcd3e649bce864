"""Draw the pictures of the README and the documents; run it in the root of the repository."""

import sys
from pathlib import Path

import numpy as np

import augsafe as aug
from augsafe.demo import digits

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
folder.mkdir(parents=True, exist_ok=True)
images, labels = digits()
policy = aug.Compose(
    [
        aug.Shift((-0.25, 0.25), (-0.25, 0.25)),
        aug.Zoom((0.8, 1.6)),
        aug.Rotate((-30, 30)),
        aug.HorizontalFlip(),
        aug.VerticalFlip(),
    ],
    border="constant",
)
chosen = np.isin(labels, [3, 4, 6, 8, 9])
numbers = np.flatnonzero(chosen)
grid = aug.preview(
    policy, images[chosen], labels[chosen], contract="mnist", rows=5, columns=7, indices=numbers, cell=104
)
grid.save(folder / "preview.png")
print(grid.note)

turned = aug.Compose([aug.Rotate((-45, 45))], border="constant")
aug.preview(turned, images, labels, contract="mnist", rows=3, columns=7, mode="strength").save(folder / "strength.png")
aug.preview(policy, images, labels, contract="mnist", rows=4, mode="pairs").save(folder / "pairs.png")
