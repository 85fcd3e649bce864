"""Contracts: what is true of the classes of a data set, stated for people and checked for contradictions."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from augsafe.contracts.limits import Limits
from augsafe.contracts.reading import Acceptance, Lines, at, parse, read
from augsafe.contracts.relations import Key, Relation, close
from augsafe.contracts.symmetry import SYMMETRIES
from augsafe.contracts.tables import Tables, tabulate
from augsafe.errors import ContractError

ANY = "*"


@dataclass(frozen=True)
class Contract:
    """Classes, their relations under the symmetries of the square, limits, and accepted findings.

    `relations` maps (class, symmetry) to what is stated, "*" standing for every class that says nothing of that
    symmetry; `Contract.relation` also knows what follows. A contract without classes holds for any (`with_classes`).
    `sources` holds the line of a file on which each entry stands, `notes` what to write beside an entry, such as the
    evidence for it. Raises ContractError when it contradicts itself.
    """

    classes: tuple[str, ...] = ()
    relations: Mapping[Key, Relation] = field(default_factory=dict)
    limits: Mapping[str, Limits] = field(default_factory=dict)
    accept: tuple[Acceptance, ...] = ()
    name: str = ""
    sources: Lines = field(default_factory=dict, compare=False, repr=False)
    notes: Mapping[tuple[str, ...], str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("classes", "accept"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in (
            "relations",
            "limits",
            "sources",
            "notes",
        ):  # later changes to what was passed in must not reach here
            object.__setattr__(self, name, dict(getattr(self, name)))
        self._check_classes()
        self._check_names()
        _ = self._closed

    def _check_classes(self) -> None:
        where = at(self.sources, ("classes",))
        for cls in self.classes:
            if not isinstance(cls, str):
                raise ContractError(f"{where}classes must hold texts (put numbers in quotes), got {cls!r}")
        if ANY in self.classes:
            raise ContractError(f"{where}'*' stands for all classes and cannot be the name of one; leave it out")
        if len(set(self.classes)) != len(self.classes):
            twice = sorted({c for c in self.classes if self.classes.count(c) > 1})
            raise ContractError(f"{where}classes holds {', '.join(map(repr, twice))} more than once")

    def _check_names(self) -> None:
        for (cls, symmetry), relation in self.relations.items():
            path = ("relations", cls, symmetry)
            self._known(cls, path[:2])
            if symmetry not in SYMMETRIES:
                where = f"{at(self.sources, path)}relations.{cls}"
                raise ContractError(f"{where}: there is no symmetry {symmetry!r}{_near(symmetry, SYMMETRIES)}")
            if relation.to is not None:
                if cls == ANY:
                    where = f"{at(self.sources, path)}relations.*.{symmetry}"
                    raise ContractError(f"{where}: all classes cannot become {relation.to!r}; state it class by class")
                self._known(relation.to, path)
        for cls, limits in self.limits.items():
            self._known(cls, ("limits", cls))
            if not isinstance(limits, Limits):
                raise ContractError(f"limits[{cls!r}] must be Limits, got {limits!r}; give Limits(...)")
        for i, entry in enumerate(self.accept if self.classes else ()):
            for cls in entry.classes:
                self._known(cls, ("accept", str(i), "classes"))

    def _known(self, cls: str, path: tuple[str, ...]) -> None:
        if cls == ANY or cls in self.classes:
            return
        where = f"{at(self.sources, path)}{'.'.join(path)}"
        if not self.classes:
            raise ContractError(f"{where}: classes is empty, so only '*' can be used; list {cls!r} in classes")
        raise ContractError(f"{where}: there is no class {cls!r}{_near(cls, self.classes)}")

    @cached_property
    def _closed(self) -> dict[Key, Relation]:
        everywhere = {symmetry: r for (cls, symmetry), r in self.relations.items() if cls == ANY}
        classes = self.classes or (ANY,)
        stated = {(cls, symmetry): r for cls in classes for symmetry, r in everywhere.items()}
        stated.update({key: r for key, r in self.relations.items() if key[0] in classes})
        return close(classes, stated, self._place)

    def _place(self, key: Key) -> str:
        """Where a relation is stated, for messages."""
        cls, symmetry = key if key in self.relations else (ANY, key[1])
        line = self.sources.get(("relations", cls, symmetry))
        return f"relations.{cls}.{symmetry}" + ("" if line is None else f" in line {line}")

    # Questions

    def relation(self, cls: str | int, symmetry: str) -> Relation:
        """What a symmetry does to a class. Raises ContractError for an unknown class or symmetry."""
        if symmetry not in SYMMETRIES:
            raise ContractError(f"there is no symmetry {symmetry!r}{_near(str(symmetry), SYMMETRIES)}")
        name = self.classes[self.index(cls)] if self.classes else ANY
        return self._closed.get((name, symmetry), Relation())

    def limits_for(self, cls: str | int) -> Limits:
        """The limits of a class, those of "*" where it has none of its own."""
        name = self.classes[self.index(cls)] if self.classes else ANY
        return self.limits.get(name, Limits()).over(self.limits.get(ANY, Limits()))

    def tables(self) -> Tables:
        """The contract as read-only arrays over its classes."""
        return self._tables

    @cached_property
    def _tables(self) -> Tables:
        closed = self._closed if self.classes else {}
        return tabulate(self.classes, closed, [self.limits_for(cls) for cls in self.classes])

    def accepts(self, code: str, steps: Iterable[str], cls: str) -> str | None:
        """The reason for which a finding is accepted, or None."""
        acting = set(steps)
        for entry in self.accept:
            if entry.code == code and set(entry.steps) == acting and (cls in entry.classes or ANY in entry.classes):
                return entry.reason
        return None

    # Labels

    @cached_property
    def _position(self) -> dict[str, int]:
        return {cls: i for i, cls in enumerate(self.classes)}

    def index(self, label: Any) -> int:
        """The class index of a name or an index. Raises ContractError."""
        if isinstance(label, (bool, np.bool_)) or not isinstance(label, (str, int, np.integer)):
            raise ContractError(f"a label must be a class name or an index, got {label!r}")
        if not self.classes:
            raise ContractError(f"label {label!r}: this contract holds for any class; call with_classes(names) first")
        if isinstance(label, str):
            if label in self._position:
                return self._position[label]
            raise ContractError(f"the contract has no class {str(label)!r}{_near(label, self.classes)}")
        if 0 <= label < len(self.classes):
            return int(label)
        raise ContractError(
            f"label {int(label)} is out of range: the contract has {len(self.classes)} classes, "
            f"so an index is from 0 to {len(self.classes) - 1}"
        )

    def indices(self, labels: Iterable[Any]) -> NDArray[np.int64]:
        """Class indices (n,) of names or indices. Raises ContractError that names the position."""
        if isinstance(labels, (str, bytes)) or not isinstance(labels, Iterable):
            raise ContractError(f"labels must be a sequence of names or indices, got {labels!r}")
        if isinstance(labels, np.ndarray):
            if labels.ndim != 1:
                raise ContractError(f"labels must have one axis, got an array of shape {labels.shape}")
            if labels.dtype.kind in "iu" and ((labels >= 0) & (labels < len(self.classes))).all():
                return labels.astype(np.int64)
        out = []
        for position, label in enumerate(labels):
            try:
                out.append(self.index(label))
            except ContractError as error:
                raise ContractError(f"labels[{position}]: {error}") from error
        return np.asarray(out, dtype=np.int64)

    def with_classes(self, names: Sequence[str]) -> Contract:
        """This contract for a data set with these classes: bound to them if it has none, else itself.

        Raises ContractError for a class that the contract does not have.
        """
        if not self.classes:
            return replace(self, classes=tuple(str(n) for n in names))
        missing = [str(n) for n in names if n not in self.classes]
        if missing:
            raise ContractError(
                f"the contract {self.name!r} has no class {', '.join(map(repr, missing[:5]))}"
                f"{' and others' if len(missing) > 5 else ''}{_near(missing[0], self.classes)}"
            )
        return self

    def for_classes(self, names: Sequence[str]) -> Contract:
        """This contract with the classes of a data set first, in their order, so that the indices of both agree.

        Classes that the data set lacks follow: a 6 becomes a 9 where no 9 was collected, too. Raises ContractError.
        """
        bound = self.with_classes(names)
        first = tuple(str(n) for n in names)
        rest = tuple(cls for cls in bound.classes if cls not in first)
        return bound if bound.classes == first + rest else replace(bound, classes=first + rest)

    # Learning

    @staticmethod
    def learn(
        images: Any,
        labels: Any,
        *,
        classes: Sequence[str] | None = None,
        groups: Any = None,
        reference: Callable[[Any], Any] | None = None,
        limits: bool = True,
        seed: int = 0,
        jobs: int = 1,
    ) -> Contract:
        """Propose a contract from images, for a person to confirm: `save` writes the evidence beside each line.

        images (n, H, W[, C]) or a list; labels (n,): names or indices into `classes`. groups (n,): images of one group
        (patient, video, font) are not independent. reference: a callable from images to class probabilities or
        embeddings, else built-in features. limits: also propose limits on rotation and zoom. jobs: threads; the result
        is the same for any number. What the images leave open is "unknown", what they only suggest "ambiguous"; notes
        say how many images would decide. Raises ArgumentError and InputError.
        """
        from augsafe.contracts.learn import learn

        found = learn(
            images, labels, classes=classes, groups=groups, reference=reference, limits=limits, seed=seed, jobs=jobs
        )
        return Contract(found.evidence.classes, found.relations, found.limits, notes=found.notes)

    # Files

    @staticmethod
    def builtin(name: str) -> Contract:
        """A contract that comes with augsafe. Raises ContractError."""
        if name not in Contract.builtin_names():
            raise ContractError(f"there is no built-in contract {name!r}{_near(str(name), Contract.builtin_names())}")
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
            text = Path(path).read_text(encoding="utf-8-sig")
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
        body, lines = parse(text)
        return Contract._from(body, lines)

    @staticmethod
    def from_dict(body: Mapping[str, Any]) -> Contract:
        """A contract from plain values. Raises ContractError."""
        return Contract._from(body, {})

    @staticmethod
    def _from(body: Any, lines: Lines) -> Contract:
        parts = read(body, lines)
        return Contract(parts.classes, parts.relations, parts.limits, parts.accept, parts.name, lines)

    def to_dict(self) -> dict[str, Any]:
        """What is stated, as plain values."""
        relations: dict[str, dict[str, Any]] = {}
        for (cls, symmetry), relation in self.relations.items():
            relations.setdefault(cls, {})[symmetry] = {"to": relation.to} if relation.to is not None else relation.kind
        accept = [
            {"code": a.code, "steps": list(a.steps), "classes": list(a.classes), "reason": a.reason}
            for a in self.accept
        ]
        limits = {cls: given.to_dict() for cls, given in self.limits.items()}
        body = {"classes": list(self.classes), "relations": relations, "limits": limits, "accept": accept}
        return {"name": self.name, **body} if self.name else body

    def to_yaml(self) -> str:
        """What is stated, as YAML, with the notes as comments."""
        if self.notes:
            from augsafe.contracts.commented import commented

            return commented(self.to_dict(), self.notes)
        return str(yaml.safe_dump(self.to_dict(), sort_keys=False, default_flow_style=None, allow_unicode=True))

    def save(self, path: str | Path) -> None:
        """Write the contract as YAML."""
        Path(path).write_text(self.to_yaml(), encoding="utf-8")


def _near(word: str, known: Iterable[str]) -> str:
    """The end of a message: names that a person may have meant."""
    known = list(known)
    close_ones = difflib.get_close_matches(word, known, n=2, cutoff=0.5)
    if close_ones:
        return f"; did you mean {' or '.join(map(repr, close_ones))}?"
    return f"; known are {', '.join(known[:20])}{' ...' if len(known) > 20 else ''}" if known else ""
