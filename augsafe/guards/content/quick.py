"""How often draws lose content, quickly: for whoever asks of many policies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.guards.content.measures import measure
from augsafe.guards.content.rules import CODES, LimitTable, violations
from augsafe.guards.evidence import tiers
from augsafe.objects import Objects
from augsafe.pixels import Images
from augsafe.policies import Compose
from augsafe.randomness import Key
from augsafe.statistics import rates_by_class

TOGETHER = 4096  # draws that are planned at once


def content_rates(
    compose: Compose,
    images: Images,
    labels: NDArray[np.int64],
    objects: Objects,
    contract: Contract | None,
    *,
    asked: bool = False,
    seed: int = 0,
    draws: int = 20_000,
) -> dict[str, dict[int, float]]:
    """How often draws lose content, by code and class index, without intervals and without the steps that do it.

    The draws of all epochs are planned together, so that few images cost little. Where some objects are known, images
    of guessed ones are left out, and a sample with masks speaks for all classes together (-1); where none is known only
    the padding counts. asked: the user wants guesses to decide.
    """
    table, n, decides = LimitTable.of(contract), len(images), objects.stated | asked
    known = np.flatnonzero(decides) if decides.any() else np.arange(n)
    rows = known[np.unique(np.linspace(0, len(known) - 1, min(len(known), draws)).astype(np.intp))]
    shapes = np.array([images[i].shape[:2] for i in rows], dtype=np.int64)
    times, acting = max(1, draws // len(rows)), objects.acting(asked)
    bad, drawn = {code: np.zeros(n, np.int64) for code in CODES}, np.bincount(rows, minlength=n) * times
    for start in range(0, len(rows) * times, TOGETHER):
        place, attempt = np.divmod(np.arange(start, min(start + TOGETHER, len(rows) * times)), times)
        some = rows[place]
        key = Key(seed, 0, some, 0, attempt)
        plan = compose.planned(key, shapes[place], None if acting is None else acting.rows(some))
        limits, seen = table.take(labels[some]), objects.rows(some)
        for code, hit in violations(measure(plan, seen, limits), limits, seen).items():
            bad[code] += np.bincount(some[hit], minlength=n)
    sampled = any(tier.evidence == "measured" for tier in tiers(objects, labels, asked))
    own = np.full(n, -1) if sampled else labels
    return {code: rates_by_class(bad[code], drawn, own) for code in CODES if code == "AS204" or decides.any()}
