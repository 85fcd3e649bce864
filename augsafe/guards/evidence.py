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
    """The images whose objects decide, and those whose objects are guessed, of the classes where none decides.

    asked: guesses decide, too, since the user asked for it.
    """
    decides = objects.stated | asked
    spoken_for = np.isin(labels, labels[decides])
    found = []
    if decides.any():
        whole = decides[spoken_for].all()
        evidence = "guessed" if (decides & ~objects.stated).any() else "stated" if whole else "measured"
        found.append(Tier(decides, evidence))
    if not spoken_for.all():
        found.append(Tier(~spoken_for, "guessed", decides=False))
    return tuple(found)


def trust_words(objects: Objects) -> str:
    """How far the guesses among some objects are to be trusted, in a sentence; empty where nothing was guessed."""
    guessed = ~objects.stated
    count = int(guessed.sum())
    if not count:
        return ""
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
