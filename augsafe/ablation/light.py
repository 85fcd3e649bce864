"""A classifier that trains in a fraction of a second, for ablations where no framework is installed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.ablation.split import Split
from augsafe.policies import Compose

SIDE = 12


@dataclass(frozen=True)
class Light:
    """A classifier that trains in a fraction of a second: ridge regression on random kernel features of small grey
    images (Rahimi and Recht 2007).

    The seed sets the features, the training images and the random values. `Light()(policy, seed, split)` returns class
    indices.

    Attributes:
        copies: Augmented copies of each training image, in addition to the original.
        features: Number of random features.
        bag: Share of the training images to use, above 0 and at most 1.
    """

    copies: int = 3
    features: int = 400
    bag: float = 0.8

    def __call__(self, policy: Compose, seed: int, split: Split) -> NDArray[np.int64]:
        from sklearn.kernel_approximation import RBFSampler
        from sklearn.linear_model import RidgeClassifier

        rng = np.random.default_rng(seed)
        kept = np.sort(rng.permutation(len(split.labels))[: max(2, round(self.bag * len(split.labels)))])
        images = split.images[kept] if isinstance(split.images, np.ndarray) else [split.images[i] for i in kept]
        x, y = [small(images)], [split.labels[kept]]
        for epoch in range(
            self.copies
        ):  # without steps too: plain copies, so that all policies learn from as many images
            x.append(small(policy.batch(images, split.indices[kept], seed=seed, epoch=epoch)))
            y.append(split.labels[kept])
        known = np.concatenate(x)
        centre, spread = known.mean(axis=0), known.std()
        # The usual scale: the squared distance of two images is about 2 in these units.
        sampler = RBFSampler(gamma=0.5 / known.shape[1], n_components=self.features, random_state=seed)
        model = RidgeClassifier(alpha=1.0)
        model.fit(sampler.fit_transform((known - centre) / (spread + 1e-9)), np.concatenate(y))
        return np.asarray(model.predict(sampler.transform((small(split.targets) - centre) / (spread + 1e-9))), np.int64)


def small(images: Any) -> NDArray[np.float64]:
    """(n, H, W[, C]) or a list, to (n, 144): grey, 12 x 12, each averaged over an area."""
    import cv2

    out = np.empty((len(images), SIDE * SIDE))
    for row, image in zip(out, images, strict=True):
        grey = np.asarray(image, dtype=np.float32)
        grey = grey if grey.ndim == 2 else grey.mean(axis=2)
        smaller = min(grey.shape) >= SIDE
        row[:] = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR).ravel()
    return out
