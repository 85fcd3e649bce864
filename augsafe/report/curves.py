"""What is left of the object, and how often the class is lost, against the strength of a policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import KINDS, Contract
from augsafe.foreign import Foreign
from augsafe.guards import Judged, discrete, judge_plan, measure, scaled
from augsafe.objects import Objects
from augsafe.planning import Plan
from augsafe.policies import Compose
from augsafe.report.evidence import Evidence
from augsafe.transforms import Geometric

STRENGTHS = tuple(k / 8 for k in range(9))
DRAWS, SLOW_DRAWS = 1000, 24
WHOLE = "the whole policy"


@dataclass(frozen=True)
class Curve:
    """One step applied on its own, or the whole policy, from strength 0 (images as they are) to 1 (as given).

    `visible` is the mean share of the object inside the frame, `weakest` the share that 5% of the draws fall below;
    both are empty where there is no object to lose. `lost` is the share of draws that change the class, leave none or
    leave its limits, for the class `worst`; it is empty where the contract says nothing.
    """

    name: str
    visible: tuple[float, ...]
    weakest: tuple[float, ...]
    lost: tuple[float, ...]
    worst: str = ""


def curves(compose: Compose, contract: Contract, evidence: Evidence | None, size: tuple[int, int]) -> list[Curve]:
    """A curve for the whole policy, then one for each geometric step that has a strength."""
    slow = any(isinstance(leaf, Foreign) and leaf.moves_pixels for leaf in compose.leaves)
    draws = SLOW_DRAWS if slow else DRAWS
    shapes, objects = _subjects(evidence, size, draws)
    out = []
    for name, at in _policies(compose):
        plans = [policy.plan(shapes, np.arange(draws), seed=0) for policy in at]
        out.append(_curve(name, plans, objects, contract))
    return out


def _policies(compose: Compose) -> Iterator[tuple[str, list[Compose]]]:
    bare = replace(compose, output=None)
    yield WHOLE, [scaled(bare, s) for s in STRENGTHS]
    for leaf in compose.leaves:
        if isinstance(leaf, Geometric) and not discrete(leaf) and not leaf.never_acts:
            alone = replace(bare, steps=(replace(leaf, p=1.0),))
            yield leaf.label, [scaled(alone, s) for s in STRENGTHS]


def _subjects(evidence: Evidence | None, size: tuple[int, int], n: int) -> tuple[NDArray[np.int64], Objects | None]:
    """The shapes and objects of n images, evenly chosen and repeated; the middle of the frame where there are none."""
    if evidence is None:
        return np.tile(np.array(size, dtype=np.int64), (n, 1)), Objects.centre(1).rows(np.zeros(n, np.intp))
    sharp = np.flatnonzero(~evidence.objects.diffuse)
    rows = sharp if len(sharp) else np.arange(len(evidence.images))
    chosen = rows[np.linspace(0, len(rows) - 1, n).astype(np.intp)]
    shapes = np.array([evidence.images[int(i)].shape[:2] for i in chosen], dtype=np.int64)
    return shapes, evidence.objects.rows(chosen) if len(sharp) else None


def _curve(name: str, plans: list[Plan], objects: Objects | None, contract: Contract) -> Curve:
    shares = [] if objects is None else [measure(plan, objects).visible.clip(0, 1) for plan in plans]
    rates = np.stack([lost_rates(contract, judge_plan(plan)) for plan in plans])
    worst = int(rates[-1].argmax())
    known = (contract.tables().kind[:, 1:] != KINDS.index("unknown")).any() or bool(rates.any())
    return Curve(
        name,
        tuple(float(s.mean()) for s in shares),
        tuple(min(float(np.quantile(s, 0.05)), float(s.mean())) for s in shares),
        tuple(float(v) for v in rates[:, worst]) if known else (),
        contract.classes[worst],
    )


def lost_rates(contract: Contract, judged: Judged) -> NDArray[np.float64]:
    """The share of draws that change each class, leave none, or leave its limits (classes,)."""
    tables = contract.tables()
    limit = np.minimum(tables.rotation, 45.0)
    harmful = np.isin(tables.kind, (KINDS.index("to"), KINDS.index("invalid")))
    out = np.zeros(len(contract.classes))
    # classes that share their limits are counted together: a data set may have thousands
    key = np.stack([limit, tables.zoom_lo, tables.zoom_hi], axis=1)
    for values in np.unique(key, axis=0):
        same = (key == values).all(axis=1)
        beyond = (np.abs(judged.residual) > values[0] + 1e-9) & (values[0] < 45)
        beyond |= (judged.zoom_min < values[1] - 1e-9) | (judged.zoom_max > values[2] + 1e-9)
        inside = np.bincount(judged.symmetry[~beyond], minlength=harmful.shape[1]) / len(beyond)
        out[same] = beyond.mean() + harmful[same] @ inside
    return out
