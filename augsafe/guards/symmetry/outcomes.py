"""The ways in which a drawn map can break a contract, each for the classes that it concerns alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import KINDS, SYMMETRIES, Contract
from augsafe.guards.base import Finding, Witness
from augsafe.guards.judging import Judged
from augsafe.guards.symmetry.bounds import Arc, Reach

BoolArray = NDArray[np.bool_]
_DOES = {
    "rot90": "rotates the image by 90 degrees (rot90)",
    "rot180": "rotates the image by 180 degrees (rot180)",
    "rot270": "rotates the image by 270 degrees (rot270)",
    "hflip": "mirrors the image (hflip)",
    "vflip": "mirrors the image upside down (vflip)",
    "transpose": "mirrors the image along its diagonal (transpose)",
    "antitranspose": "mirrors the image along its other diagonal (antitranspose)",
    "identity": "leaves the image as it is",
}


@dataclass(frozen=True)
class Outcome:
    """One way to break the contract. `kind` is "to", "invalid", "ambiguous", "unknown", "rotation" or "zoom"."""

    kind: str
    symmetries: tuple[int, ...]
    limit: float
    zoom: tuple[float, float]

    def happens(self, judged: Judged) -> BoolArray:
        """For which maps it happens (n,)."""
        if self.kind == "zoom":
            low, high = self.zoom
            return np.asarray((judged.zoom_min < low - 1e-9) | (judged.zoom_max > high + 1e-9))
        turned = np.abs(judged.residual) > self.limit + 1e-9
        if self.kind == "rotation":
            return np.asarray(turned)
        return np.asarray(np.isin(judged.symmetry, self.symmetries) & ~turned)

    def inside(self, judged: Judged) -> BoolArray:
        """For which maps it happens, and would with slightly other angles."""
        return np.asarray(self.happens(judged) & (np.abs(np.abs(judged.residual) - self.limit) > 1e-6))

    def same(self, judged: Judged, before: Judged) -> BoolArray:
        """For which maps it still happens; a change of class must still lead to the same class."""
        held = self.happens(judged)
        return held & (judged.symmetry == before.symmetry) if self.kind == "to" else held

    def impossible(self, bounds: Reach) -> bool:
        """Whether the bounds on a policy rule it out."""
        if not bounds.known:
            return False
        if self.kind == "zoom":
            return bounds.zoom[0] >= self.zoom[0] - 1e-9 and bounds.zoom[1] <= self.zoom[1] + 1e-9
        if self.kind == "rotation":
            return all(max(-low, high) <= self.limit + 1e-6 for low, high in bounds.rotation.values())
        return not any(arc.within(self.limit) for _, arc in self._arcs(bounds))

    def touched(self, bounds: Reach) -> tuple[str, ...]:
        """The symmetries that would bring it about, and lie at the very end of a range: their probability is zero."""
        if not bounds.known or not self.impossible(bounds):
            return ()
        return tuple(dict.fromkeys(name for name, arc in self._arcs(bounds) if arc.touches(self.limit)))

    def _arcs(self, bounds: Reach) -> Iterator[tuple[str, Arc]]:
        for name in (SYMMETRIES[s] for s in self.symmetries):
            yield from ((name, arc) for arc in bounds.arcs.get(name, ()))

    @property
    def harms(self) -> bool:
        """Whether it is an error."""
        return self.kind in ("to", "invalid", "rotation", "zoom")

    @property
    def words(self) -> str:
        """What it would mean, to complete a sentence."""
        return {
            "to": "the image turns into another class",
            "invalid": "the result is not a valid class",
            "ambiguous": "the image becomes ambiguous",
            "unknown": "the policy reaches a symmetry the contract does not mention",
            "rotation": f"the rotation exceeds the limit of {self.limit:g} degrees",
            "zoom": f"the zoom exceeds the limits {self.zoom[0]:g} to {self.zoom[1]:g}",
        }[self.kind]

    def finding(
        self,
        contract: Contract,
        classes: tuple[str, ...],
        steps: tuple[str, ...],
        symmetry: str,
        probability: float,
        interval: tuple[float, float],
        witness: Witness,
        how: str,
    ) -> Finding:
        """The finding that reports this outcome."""
        becomes = {c: str(contract.relation(c, symmetry).to) for c in classes} if self.kind == "to" else {}
        code, severity, verdict = {
            "to": ("AS101" if len(steps) < 2 else "AS102", "error", "changes"),
            "invalid": ("AS101" if len(steps) < 2 else "AS102", "error", "invalid"),
            "ambiguous": ("AS107", "warning", "ambiguous"),
            "unknown": ("AS103", "warning", "unknown"),
            "rotation": ("AS106", "error", "outside-limits"),
            "zoom": ("AS106", "error", "outside-limits"),
        }[self.kind]
        return Finding(
            code=code,
            severity=severity,
            how=how,
            evidence="stated",
            verdict=verdict,
            steps=steps,
            classes=classes,
            message=self._message(symmetry),
            help=self._help(steps),
            becomes=becomes,
            probability=probability,
            interval=interval,
            per_class=dict.fromkeys(classes, probability),
            witness=witness,
        )

    def _message(self, symmetry: str) -> str:
        does = _DOES[symmetry]
        return {
            "to": f"{does}; the result reads as another class",
            "invalid": f"{does}; the result is not a valid class",
            "ambiguous": f"{does}; the result may read as another class",
            "unknown": f"{does}; the contract does not mention this symmetry",
            "rotation": f"rotates the image by more than the limit of {self.limit:g} degrees",
            "zoom": f"scales the image beyond the limits {self.zoom[0]:g} to {self.zoom[1]:g}",
        }[self.kind]

    def _help(self, steps: tuple[str, ...]) -> str:
        named = " or ".join(steps) or "the steps"
        return {
            "to": f"Remove {named} for these classes (PerClass), or set on_violation='relabel' in the loader.",
            "invalid": f"Remove {named}, or give these classes a policy of their own (PerClass).",
            "ambiguous": f"Look at the images. Then state the relation in the contract, or remove {named}.",
            "unknown": "State in the contract what this symmetry does to the class: same, {to: class} or invalid.",
            "rotation": f"Narrow the range of {named}. The limit applies to all steps together.",
            "zoom": f"Narrow the range of {named}. The limit applies to all steps together.",
        }[self.kind]


def outcomes_for(contract: Contract) -> list[tuple[tuple[str, ...], Outcome]]:
    """All outcomes to look for, each with the classes that share it."""
    tables = contract.tables()
    groups: dict[tuple[object, ...], tuple[list[str], Outcome]] = {}
    for c, name in enumerate(contract.classes):
        limit = min(float(tables.rotation[c]), 45.0)
        zoom = (float(tables.zoom_lo[c]), float(tables.zoom_hi[c]))
        for kind in ("to", "invalid", "ambiguous", "unknown"):
            code = KINDS.index(kind)
            reached = tuple(int(s) for s in np.flatnonzero(tables.kind[c] == code))
            # each target is an outcome of its own: "reads as 9" and "reads as 2" are different things
            for target in sorted({int(tables.target[c, s]) for s in reached}):
                chosen = tuple(s for s in reached if int(tables.target[c, s]) == target)
                _add(groups, name, Outcome(kind, chosen, limit, zoom))
        if limit < 45:
            _add(groups, name, Outcome("rotation", (), limit, zoom))
        if zoom != (0.0, float("inf")):
            _add(groups, name, Outcome("zoom", (), limit, zoom))
    return [(tuple(names), outcome) for names, outcome in groups.values()]


def _add(groups: dict[tuple[object, ...], tuple[list[str], Outcome]], name: str, outcome: Outcome) -> None:
    key = (outcome.kind, outcome.symmetries, outcome.limit, outcome.zoom)
    groups.setdefault(key, ([], outcome))[0].append(name)
