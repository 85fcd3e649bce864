"""The images of which a policy leaves least."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from augsafe.foreign import Foreign
from augsafe.guards import ContentMeasures, LimitTable, measure, violations
from augsafe.pixels import render
from augsafe.policies import Compose
from augsafe.randomness import FloatArray
from augsafe.report.evidence import Evidence, visible
from augsafe.report.pictures import Album, Picture

IMAGES, DRAWS, SHOWN = 1000, 16, 8
SLOW_IMAGES = 12  # where each draw runs another library


@dataclass(frozen=True)
class Weak:
    """An image, the draw that leaves least of it, and the share of its draws that lose the object."""

    index: int
    cls: str
    original: Picture
    augmented: Picture
    visible: float
    lost: float


def weakest(compose: Compose, evidence: Evidence | None, album: Album, seed: int = 0) -> list[Weak]:
    """The images whose object is lost most often, worst first; none where there is no object, or nothing is lost."""
    if evidence is None or any(isinstance(leaf, Foreign) and not leaf.seedable for leaf in compose.leaves):
        return []
    slow = any(isinstance(leaf, Foreign) and leaf.moves_pixels for leaf in compose.leaves)
    sharp = np.flatnonzero(~evidence.objects.diffuse)
    if not len(sharp):
        return []
    most = SLOW_IMAGES if slow else IMAGES
    rows = sharp[np.unique(np.linspace(0, len(sharp) - 1, min(len(sharp), most)).astype(np.intp))]
    shapes = np.array([evidence.images[int(i)].shape[:2] for i in rows], dtype=np.int64)
    objects, labels = evidence.objects.rows(rows), evidence.labels[rows]
    limits = LimitTable.of(evidence.contract).take(labels)
    lost, least, acting = [], [], objects.acting(evidence.asked)
    for epoch in range(DRAWS):
        found = measure(compose.plan(shapes, rows, seed, epoch, objects=acting), objects)
        lost.append(np.any(list(violations(found, limits, objects).values()), axis=0))
        least.append(_left(found))
    share, left = np.mean(lost, axis=0), np.stack(least)
    # the worst draw of an image that still shows something says more than an empty frame
    worst = np.where(left > 0.1, left, left + 1).argmin(axis=0)
    out = []
    for k in np.lexsort((left.mean(axis=0), -share))[:SHOWN]:
        if share[k] > 0:
            weak = _shown(compose, evidence, album, int(rows[k]), int(worst[k]), seed, float(share[k]))
            out += [] if weak is None else [weak]
    return out


def _shown(
    compose: Compose, evidence: Evidence, album: Album, index: int, epoch: int, seed: int, lost: float
) -> Weak | None:
    image = evidence.images[index]
    objects = evidence.objects.rows(np.array([index]))
    plan = visible(compose).plan([image.shape[:2]], [index], seed, epoch, objects=objects.acting(evidence.asked))
    made = render([image], plan)[0]
    left = float(_left(measure(plan, objects))[0])
    before, after = album.add(image, evidence.value_range), album.add(made, evidence.value_range)
    if before is None or after is None:
        return None
    number = int(evidence.labels[index])
    name = evidence.contract.classes[number] if number >= 0 else ""
    return Weak(index, name, before, after, left, lost)


def _left(found: ContentMeasures) -> FloatArray:
    """The share of each object that is in the frame and not covered (n,)."""
    return np.asarray(found.visible.clip(0, 1) * (1 - found.covered.clip(0, 1)))
