"""Contracts: what is true of the classes of a data set, stated for people and checked for contradictions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from augsafe.contracts.reading import locate, read
from augsafe.contracts.relations import KINDS, Relation, close
from augsafe.contracts.symmetry import SYMMETRIES
from augsafe.errors import ContractError

ANY = "*"


@dataclass(frozen=True)
class Limits:
    """How far a draw may go: None where there is no limit.

    rotation: degrees left over after the nearest symmetry. zoom: least and largest, in fractions of the frame.
    visible: share of the object inside the frame. min_pixels: the object's shorter side in the output.
    """

    rotation: float | None = None
    zoom: tuple[float, float] | None = None
    visible: float | None = None
    min_pixels: float | None = None

    def over(self, base: Limits) -> Limits:
        """These limits, with those of `base` where there is none."""
        return Limits(*(a if a is not None else b for a, b in zip(_values(self), _values(base), strict=True)))


def _values(limits: Limits) -> list[Any]:
    return [getattr(limits, f.name) for f in fields(limits)]


@dataclass(frozen=True)
class Acceptance:
    """A finding that a team has looked at and lives with."""

    code: str
    steps: tuple[str, ...]
    classes: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Tables:
    """The contract as arrays over its classes: `kind` (n, 8) as indices into KINDS, `target` (n, 8) or -1."""

    kind: NDArray[np.int8]
    target: NDArray[np.int64]
    rotation: NDArray[np.float64]
    zoom_lo: NDArray[np.float64]
    zoom_hi: NDArray[np.float64]
    visible: NDArray[np.float64]
    min_pixels: NDArray[np.float64]


@dataclass(frozen=True)
class Contract:
    """Classes, their relations under the symmetries of the square, limits, and accepted findings.

    `relations` maps (class, symmetry) to what is stated; `Contract.relation` also knows what follows. A contract
    without classes holds for any (`with_classes`). Raises ContractError when it contradicts itself.
    """

    classes: tuple[str, ...] = ()
    relations: Mapping[tuple[str, str], Relation] = field(default_factory=dict)
    limits: Mapping[str, Limits] = field(default_factory=dict)
    accept: tuple[Acceptance, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        if len(set(self.classes)) != len(self.classes):
            twice = sorted({c for c in self.classes if self.classes.count(c) > 1})
            raise ContractError(f"classes holds {', '.join(twice)} more than once")
        for cls, symmetry in self.relations:
            self._known(cls, f"relations of {cls!r}")
            if symmetry not in SYMMETRIES:
                raise ContractError(f"class {cls!r}: there is no symmetry {symmetry!r}{_near(symmetry, SYMMETRIES)}")
        for (cls, _), relation in self.relations.items():
            if relation.to is not None:
                self._known(relation.to, f"relations of {cls!r}")
        for cls in self.limits:
            self._known(cls, "limits")
        _ = self._closed

    def _known(self, cls: str, where: str) -> None:
        if self.classes and cls != ANY and cls not in self.classes:
            raise ContractError(f"{where}: there is no class {cls!r}{_near(cls, self.classes)}")

    @cached_property
    def _closed(self) -> dict[tuple[str, str], Relation]:
        stated = dict(self.relations)
        for (cls, symmetry), relation in self.relations.items():
            if cls == ANY:
                for each in self.classes:
                    stated.setdefault((each, symmetry), relation)
        if self.classes:
            stated = {k: v for k, v in stated.items() if k[0] != ANY}
        return close(self.classes or (ANY,), stated)

    def relation(self, cls: str | int, symmetry: str) -> Relation:
        """What a symmetry does to a class. Raises ContractError for an unknown class or symmetry."""
        if symmetry not in SYMMETRIES:
            raise ContractError(f"there is no symmetry {symmetry!r}{_near(symmetry, SYMMETRIES)}")
        name = self.classes[self.index(cls)] if self.classes else ANY
        return self._closed.get((name, symmetry), Relation())

    def limits_for(self, cls: str | int) -> Limits:
        """The limits of a class, those of "*" where it has none of its own."""
        name = self.classes[self.index(cls)] if self.classes else ANY
        return self.limits.get(name, Limits()).over(self.limits.get(ANY, Limits()))

    def index(self, label: Any) -> int:
        """The class index of a name or an index. Raises ContractError."""
        if isinstance(label, (str, np.str_)):
            if str(label) in self.classes:
                return self.classes.index(str(label))
            raise ContractError(f"the contract has no class {str(label)!r}{_near(str(label), self.classes)}")
        if isinstance(label, (int, np.integer)) and not isinstance(label, (bool, np.bool_)):
            if 0 <= int(label) < len(self.classes):
                return int(label)
            raise ContractError(f"label {int(label)} is out of range: the contract has {len(self.classes)} classes")
        raise ContractError(f"a label must be a class name or an index, got {label!r}")

    def indices(self, labels: Iterable[Any]) -> NDArray[np.int64]:
        """Class indices (n,). Raises ContractError that names the position."""
        out = []
        for position, label in enumerate(labels):
            try:
                out.append(self.index(label))
            except ContractError as error:
                raise ContractError(f"labels[{position}]: {error}") from error
        return np.asarray(out, dtype=np.int64)

    def with_classes(self, names: Sequence[str]) -> Contract:
        """This contract for the classes of a data set; one without classes holds for all of them."""
        if self.classes:
            missing = [n for n in names if n not in self.classes]
            if missing:
                raise ContractError(
                    f"the contract {self.name!r} has no class {missing[0]!r}{_near(missing[0], self.classes)}"
                )
            return self
        return replace(self, classes=tuple(str(n) for n in names))

    @cached_property
    def _tables(self) -> Tables:
        n = len(self.classes)
        kind = np.full((n, 8), KINDS.index("unknown"), np.int8)
        target = np.full((n, 8), -1, np.int64)
        position = {c: i for i, c in enumerate(self.classes)}
        for (cls, symmetry), relation in self._closed.items():
            kind[position[cls], SYMMETRIES.index(symmetry)] = KINDS.index(relation.kind)
            if relation.to is not None:
                target[position[cls], SYMMETRIES.index(symmetry)] = position[relation.to]
        limits = [self.limits_for(c) for c in self.classes]
        return Tables(
            kind,
            target,
            np.array([np.inf if x.rotation is None else x.rotation for x in limits]),
            np.array([0.0 if x.zoom is None else x.zoom[0] for x in limits]),
            np.array([np.inf if x.zoom is None else x.zoom[1] for x in limits]),
            np.array([0.0 if x.visible is None else x.visible for x in limits]),
            np.array([0.0 if x.min_pixels is None else x.min_pixels for x in limits]),
        )

    def tables(self) -> Tables:
        """The contract as arrays."""
        return self._tables

    def accepts(self, code: str, steps: Iterable[str], cls: str) -> str | None:
        """The reason for which a finding is accepted, or None."""
        for entry in self.accept:
            if entry.code == code and set(entry.steps) == set(steps) and (cls in entry.classes or ANY in entry.classes):
                return entry.reason
        return None

    # Files

    @staticmethod
    def builtin(name: str) -> Contract:
        """A contract that comes with augsafe. Raises ContractError."""
        if name not in Contract.builtin_names():
            raise ContractError(f"there is no built-in contract {name!r}{_near(name, Contract.builtin_names())}")
        path = resources.files("augsafe.contracts") / "builtin" / f"{name}.yaml"
        return replace(Contract.from_yaml(path.read_text(encoding="utf-8")), name=name)

    @staticmethod
    def builtin_names() -> tuple[str, ...]:
        """The names of the built-in contracts."""
        folder = resources.files("augsafe.contracts") / "builtin"
        return tuple(sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml")))

    @staticmethod
    def load(path: str | Path) -> Contract:
        """Read a contract file. Raises ContractError."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ContractError(f"the contract file {str(path)!r} cannot be read: {error}") from error
        try:
            contract = Contract.from_yaml(text)
        except ContractError as error:
            raise ContractError(f"{path}: {error}") from error
        return contract if contract.name else replace(contract, name=Path(path).stem)

    @staticmethod
    def from_yaml(text: str) -> Contract:
        """A contract from YAML text. Raises ContractError that names the line."""
        return Contract._from(*locate(text))

    @staticmethod
    def from_dict(body: Mapping[str, Any]) -> Contract:
        """A contract from plain values. Raises ContractError."""
        return Contract._from(body, {})

    @staticmethod
    def _from(body: Any, lines: Mapping[tuple[str, str], int]) -> Contract:
        classes, relations, limits, accept, name = read(body, lines)
        return Contract(
            classes,
            {key: Relation(kind, to, lines=(lines[key],) if key in lines else ()) for key, (kind, to) in relations.items()},
            {cls: Limits(**given) for cls, given in limits.items()},
            tuple(Acceptance(**entry) for entry in accept),
            name,
        )

    def to_dict(self) -> dict[str, Any]:
        """What is stated, as plain values."""
        relations: dict[str, dict[str, Any]] = {}
        for (cls, symmetry), relation in self.relations.items():
            relations.setdefault(cls, {})[symmetry] = {"to": relation.to} if relation.to else relation.kind
        limits = {
            cls: {
                f.name: list(v) if isinstance(v, tuple) else v
                for f, v in zip(fields(given), _values(given), strict=True)
                if v is not None
            }
            for cls, given in self.limits.items()
        }
        accept = [
            {"code": a.code, "steps": list(a.steps), "classes": list(a.classes), "reason": a.reason}
            for a in self.accept
        ]
        body = {"classes": list(self.classes), "relations": relations, "limits": limits, "accept": accept}
        return {"name": self.name, **body} if self.name else body

    def to_yaml(self) -> str:
        """What is stated, as YAML."""
        return str(yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None, allow_unicode=True))

    def save(self, path: str | Path) -> None:
        """Write the contract as YAML."""
        Path(path).write_text(self.to_yaml(), encoding="utf-8")


def _near(word: str, known: Iterable[str]) -> str:
    known = list(known)
    close_ones = difflib.get_close_matches(word, known, n=2, cutoff=0.5)
    if close_ones:
        return f"; did you mean {' or '.join(map(repr, close_ones))}?"
    return f"; known are {', '.join(known[:20])}" if known else ""
