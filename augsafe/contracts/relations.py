"""Relations of classes under symmetries, and what follows from them by composition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from augsafe.contracts.symmetry import SYMMETRIES, inverse, then
from augsafe.errors import ContractError

KINDS = ("same", "to", "ambiguous", "invalid", "unknown")


@dataclass(frozen=True)
class Relation:
    """What a symmetry does to a class: "same", "to" another class, "ambiguous", "invalid" or "unknown".

    `derived` marks what follows from other relations by composition; `lines` are those of the file that say it.
    """

    kind: str = "unknown"
    to: str | None = None
    derived: bool = False
    lines: tuple[int, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"to {self.to}" if self.kind == "to" else self.kind

    @property
    def where(self) -> str:
        """Where it comes from, for messages."""
        numbers = " and ".join(map(str, self.lines))
        stated = f"line{'s' * (len(self.lines) > 1)} {numbers}" if self.lines else ""
        if self.derived:
            return f"which follows from {stated or 'the others'}"
        return stated or "stated"


Table = Mapping[tuple[str, str], Relation]


def close(classes: tuple[str, ...], stated: Table) -> dict[tuple[str, str], Relation]:
    """All relations that follow, as a partial group action; stated ones are kept.

    g: a -> b and h: b -> c give (g then h): a -> c, and g: a -> b gives inverse(g): b -> a. g: a -> b and h: b ambiguous
    give (g then h): a ambiguous, where nothing firmer is known. "invalid" is never composed: a 6 mirrored once is no
    digit, mirrored both ways it is a 9. Raises ContractError for a contradiction.
    """
    images: dict[tuple[str, str], Relation] = {(c, "identity"): Relation("same", derived=True) for c in classes}
    pending = [(c, g, r) for (c, g), r in stated.items() if r.kind in ("same", "to")]
    for c, g, r in pending:
        _add(images, stated, c, g, _target(c, r), r)
    changed = True
    while changed:
        changed = False
        known = [(c, g, r) for (c, g), r in images.items()]
        leaving: dict[str, list[tuple[str, Relation]]] = {}
        for a, g, r in known:
            leaving.setdefault(a, []).append((g, r))
        for a, g, r in known:
            b = _target(a, r)
            changed |= _add(images, stated, b, inverse(g), a, None, r.lines)
            for h, s in leaving.get(b, []):
                changed |= _add(images, stated, a, then(g, h), _target(b, s), None, r.lines + s.lines)
    closed = {**stated, **images}
    for a, g, b in [(c, g, _target(c, r)) for (c, g), r in images.items()]:
        for h in SYMMETRIES:
            reached = (a, then(g, h))
            if stated.get((b, h), Relation()).kind == "ambiguous" and reached not in closed:
                closed[reached] = Relation("ambiguous", derived=True)
    return closed


def _target(cls: str, relation: Relation) -> str:
    return relation.to or cls


def _add(
    images: dict[tuple[str, str], Relation],
    stated: Table,
    a: str,
    g: str,
    b: str,
    given: Relation | None,
    lines: tuple[int, ...] = (),
) -> bool:
    because = tuple(sorted(set(lines)))
    new = given or Relation("same" if a == b else "to", None if a == b else b, derived=True, lines=because)
    old = images.get((a, g)) or stated.get((a, g))
    if old is None or (old is given and (a, g) not in images):
        images[a, g] = new
        return True
    target = _target(a, old) if old.kind in ("same", "to") else None
    if target == b:
        images.setdefault((a, g), old)
        return False
    raise ContractError(
        f"class {a!r} under {g} is {old} ({old.where}), and it is {new} ({new.where}); "
        "correct one of them"
    )
