"""How far the object of an image is known, and what may be built on it: a guess informs, a fact acts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from augsafe.objects import Objects

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tier:
    """Images (n,) whose rates are counted together. Those of a tier that does not decide are remarks."""

    rows: BoolArray = field(repr=False)
    evidence: str
    decides: bool = True


def tiers(objects: Objects, labels: NDArray[np.int64], asked: bool) -> tuple[Tier, ...]:
    """The images that decide, and those that only inform.

    Where a few images of a class have a mask or boxes, these measure the rate of all of them. Of classes that no stated
    object speaks for, the guess speaks.

    Args:
        objects: One for each image (n,).
        labels: Class indices (n,), -1 where unknown.
        asked: The user asked by name that the guess decides.

    Returns:
        The groups of images, each with its evidence.
    """
    stated = objects.stated
    spoken_for = _spoken_for(stated, labels)
    found = []
    if stated.any():
        found.append(Tier(stated, "stated" if stated[spoken_for].all() else "measured"))
    if not spoken_for.all():
        found.append(Tier(~spoken_for, "guessed", decides=asked))
    return tuple(found)


def _spoken_for(stated: BoolArray, labels: NDArray[np.int64]) -> BoolArray:
    """The images of which a sample of stated ones says something (n,): those of its classes.

    Where no class has more than one, the sample is smaller than the number of classes, and the classes themselves are a
    random choice: then it speaks for all.
    """
    classes, counts = np.unique(labels[stated], return_counts=True)
    if len(counts) and counts.max() == 1:
        return np.ones(len(labels), bool)
    return np.isin(labels, classes)


def trust_words(objects: Objects) -> str:
    """How far what is not stated is to be trusted, in a sentence; empty where all is stated."""
    guessed = ~objects.stated
    count = int(guessed.sum())
    if not count:
        return ""
    if 0 < count < len(objects):
        return (
            f"{len(objects) - count:,} of {len(objects):,} images have a mask or boxes. They measure how often content "
            "is lost in all of them, provided that they are a random choice (`augsafe masks`)."
        )
    finders = [name for name in np.unique(objects.method[guessed]).tolist() if name.startswith("finder ")]
    if finders or not objects.known.all():
        seen = int((guessed & objects.known).sum())
        by = f"the {finders[0]}" if finders else "the finder"
        return f"In {count:,} images the object was guessed by {by}, which saw one in {seen:,} of them."
    none = guessed & (objects.method == "centre")
    kinds = {
        "on an even ground, where it is mostly right": guessed & ~objects.textured & ~none,
        "on a textured ground, where half of its weight lies beside the object": objects.textured & ~objects.diffuse,
        "spread over the whole image, where it says nothing and nothing is judged": guessed & objects.diffuse,
        "nowhere, so that the middle half of the frame stands for it": none,
    }
    said = [f"{int(rows.sum()):,} {words}" for words, rows in kinds.items() if rows.any()]
    return f"In {count:,} images the object was guessed by saliency: {'; '.join(said)}."


NEXT = "Give masks or boxes: without them the object is guessed, and this is no more than a remark."
