"""Relations of classes under symmetries, and what follows from them by composition."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from augsafe.contracts.symmetry import SYMMETRIES, inverse, then
from augsafe.errors import ContractError

KINDS = ("same", "to", "ambiguous", "invalid", "unknown")

Key = tuple[str, str]
"""A class and a symmetry."""


@dataclass(frozen=True)
class Relation:
    """What a symmetry does to a class: "same", "to" another class, "ambiguous", "invalid" or "unknown".

    `derived` marks what follows from other relations by composition.
    """

    kind: str = "unknown"
    to: str | None = None
    derived: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ContractError(f"kind of a relation must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if (self.to is not None) != (self.kind == "to"):
            raise ContractError(
                f"a relation names a class if and only if it is of kind 'to', got kind={self.kind!r}, to={self.to!r}"
            )

    def __str__(self) -> str:
        return f"to {self.to}" if self.kind == "to" else self.kind


@dataclass(frozen=True)
class _Reached:
    """Where a class ends under a symmetry, and the stated relations that say so."""

    cls: str
    because: tuple[Key, ...] = ()

    def relation(self, start: str) -> Relation:
        return Relation("same", derived=True) if self.cls == start else Relation("to", self.cls, derived=True)


@dataclass(frozen=True)
class _Clash:
    """Two relations of a class under one symmetry that cannot both hold, each with its reasons."""

    cls: str
    symmetry: str
    one: Relation
    one_because: tuple[Key, ...]
    other: Relation
    other_because: tuple[Key, ...]

    def effort(self) -> tuple[int, bool]:
        """How hard it is to follow: the easiest is shown."""
        return len(self.one_because) + len(self.other_because), self.symmetry == "identity"

    def message(self, place: Place) -> str:
        one, other = (
            " with ".join(place(key) for key in because) or "the identity changes nothing"
            for because in (self.one_because, self.other_because)
        )
        return (
            f"class {self.cls!r} under {self.symmetry} is {self.one} ({one}), but is also {self.other} ({other}); "
            "correct one of them"
        )


Stated = Mapping[Key, Relation]
Place = Callable[[Key], str]
_Moves = Mapping[str, list[tuple[str, str, Key]]]


def close(classes: tuple[str, ...], stated: Stated, place: Place = ".".join) -> dict[Key, Relation]:
    """All relations that are stated or follow, as a partial group action.

    g: a -> b and h: b -> c give (g then h): a -> c, and g: a -> b gives inverse(g): b -> a. g: a -> b and h: b
    ambiguous give (g then h): a ambiguous, where nothing else is stated or follows. "invalid" is never composed: a 6
    mirrored once is not a digit, mirrored both ways it is a 9. `place`: where a relation stands. Raises ContractError
    for a contradiction.
    """
    moves = _moves(classes, stated)
    closed = {key: relation for key, relation in stated.items() if relation.kind != "unknown"}
    ambiguous: dict[Key, Relation] = {}
    clashes: list[_Clash] = []
    for cls in classes:
        reached, disagreeing = _reach(cls, moves)
        clashes += disagreeing
        for symmetry, end in reached.items():
            given = stated.get((cls, symmetry), Relation())
            if given.kind in ("ambiguous", "invalid"):
                clashes.append(_Clash(cls, symmetry, given, ((cls, symmetry),), end.relation(cls), end.because))
            closed.setdefault((cls, symmetry), end.relation(cls))
            for after in SYMMETRIES:
                if stated.get((end.cls, after), Relation()).kind == "ambiguous":
                    ambiguous[cls, then(symmetry, after)] = Relation("ambiguous", derived=True)
    if clashes:
        raise ContractError(min(clashes, key=_Clash.effort).message(place))
    return {**ambiguous, **closed}


def _moves(classes: tuple[str, ...], stated: Stated) -> _Moves:
    """The steps that leave each class, forwards and backwards: symmetry, what it becomes, the relation that says so."""
    moves: dict[str, list[tuple[str, str, Key]]] = {cls: [] for cls in classes}
    for (cls, symmetry), relation in stated.items():
        if relation.kind in ("same", "to"):
            target = relation.to or cls
            moves[cls].append((symmetry, target, (cls, symmetry)))
            moves[target].append((inverse(symmetry), cls, (cls, symmetry)))
    return moves


def _reach(start: str, moves: _Moves) -> tuple[dict[str, _Reached], list[_Clash]]:
    """Where a class ends under each symmetry that some sequence of moves makes up, and where sequences disagree.

    Every move out of every place reached is compared, so without a clash all sequences agree. Shortest reasons first.
    """
    found = {"identity": _Reached(start)}
    clashes = []
    queue = deque(["identity"])
    while queue:
        before = queue.popleft()
        here = found[before]
        for symmetry, target, key in moves[here.cls]:
            reached = then(before, symmetry)
            new = _Reached(target, tuple(dict.fromkeys((*here.because, key))))
            if reached not in found:
                found[reached] = new
                queue.append(reached)
            elif (old := found[reached]).cls != target:
                one, other = old.relation(start), new.relation(start)
                clashes.append(_Clash(start, reached, one, old.because, other, new.because))
    return found, clashes
