"""What a calibration found: as words, a table, a picture, JSON and a policy file."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from augsafe.calibration.certify import Bar, Walk
from augsafe.calibration.single import Single
from augsafe.contracts import Contract
from augsafe.errors import ArgumentError
from augsafe.guards import scaled
from augsafe.policies import Compose, PerClass, write_yaml

if TYPE_CHECKING:
    from augsafe.report import Grid

CERTIFIED, OPEN, UNSAFE = "certified", "undecided", "unsafe"


@dataclass(frozen=True, eq=False)
class Certificate:
    """How far a policy is certified, for one class (`cls`) or for all together (None).

    scale: the largest certified one, 0 where none is. verdict: "certified"; "undecided" where too few images were
    given to certify even the weakest scale; "unsafe" where its rates are over their limits. n: independent groups, of
    the class with the fewest. needed: how many of each class, over both halves, would certify the next scale at the
    rates seen (None: none would, or the whole policy is certified). worst: class and its rate at the certified scale.
    """

    cls: str | None
    scale: float
    compose: Compose = field(repr=False)
    verdict: str
    level: float
    n: int
    needed: int | None
    worst: tuple[str, float] | None

    @staticmethod
    def of(
        walk: Walk, bar: Bar, level: float, cls: int | None, names: tuple[str, ...], unknown: bool = False
    ) -> Certificate:
        """Read it from a walk, at a level; unknown: steps were left out of which nothing can be said."""
        members = walk.classes if cls is None else (cls,)
        # a policy without steps is safe, and says nothing of the one that was given
        empty = all(leaf.never_acts for leaf in walk.base.leaves)
        reached = 0 if empty else walk.reached(level, cls)
        asked = [walk.needed(bar, level, c, reached) for c in members]
        open_ones = bool(walk.unjudged & set(members)) or (empty and unknown)
        final = empty or open_ones or reached == len(walk.scales) or None in asked
        more = None if final else 2 * max(v for v in asked if v is not None)
        columns = [walk.classes.index(c) for c in members]
        worst = None
        if reached:
            j = max(columns, key=lambda j: walk.lost[reached - 1, j])
            worst = (names[walk.classes[j]], float(walk.lost[reached - 1, j]))
        return Certificate(
            None if cls is None else names[cls],
            scale := walk.scales[reached - 1] if reached else 0.0,
            scaled(walk.base, scale),
            CERTIFIED if reached else OPEN if more is not None or open_ones else UNSAFE,
            level,
            min(walk.n[j] for j in columns),
            more,
            worst,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "class": self.cls,
            "scale": self.scale,
            "verdict": self.verdict,
            "level": self.level,
            "n": self.n,
            "needed": self.needed,
            "worst": None if self.worst is None else {"class": self.worst[0], "rate": round(self.worst[1], 6)},
            "policy": self.compose.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class Calibration:
    """What `calibrate` found.

    policy: what was given. base: what was walked, at scale 1. singles: the limits of single steps, shown and not
    certified. certificate: of the policy for all classes; by_class: of the policies by class. walk: rates of the
    former at each scale. left_out: steps without a strength that are not safe, and the classes. short: classes with
    too few images to say anything, and how many are needed in each half. measured: whether the images had to be asked
    what a draw does to the class. look_alikes: classes that they cannot tell apart. known: the share of the images
    whose object is known, in which content and tone were judged.
    """

    policy: Compose = field(repr=False)
    base: Compose = field(repr=False)
    contract: Contract = field(repr=False)
    singles: tuple[Single, ...] = field(repr=False)
    certificate: Certificate
    by_class: Mapping[str, Certificate]
    walk: Walk = field(repr=False)
    bar: Bar
    delta: float
    left_out: Mapping[str, tuple[str, ...]]
    short: Mapping[str, int]
    measured: bool
    look_alikes: tuple[tuple[str, str], ...]
    narrowed: bool
    known: float

    @property
    def scale(self) -> float:
        """The scale that is certified for all classes together; 0 where none is."""
        return self.certificate.scale

    @property
    def compose(self) -> Compose:
        """The policy at the certified scale; with nothing certified, only what sets the frame is left."""
        return self.certificate.compose

    @property
    def per_class(self) -> PerClass:
        """The certified policy of each class. Its traces can give the label away: see AS404 before using it."""
        return PerClass({name: found.compose for name, found in self.by_class.items()})

    @property
    def certified(self) -> bool:
        """Whether any strength is certified for all classes together."""
        return self.certificate.verdict == CERTIFIED

    @property
    def table(self) -> list[dict[str, Any]]:
        """The limits of single steps as plain values: one row for each step, direction and class. Not certified."""
        return [row.to_dict() for row in self.singles]

    def figure(self, cell: int = 300) -> Grid:
        """Rate against strength, with the limit: the whole policy first, then each step in each direction."""
        from augsafe.calibration.figure import figure

        return figure(self, cell)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        names = self.contract.classes
        curve = [
            {
                "scale": scale,
                "classes": {
                    names[c]: {
                        "lost": _plain(self.walk.lost[k, j]),
                        "unfamiliar": _plain(self.walk.unfamiliar[k, j]),
                        "p": float(self.walk.p[k, j]),
                    }
                    for j, c in enumerate(self.walk.classes)
                },
            }
            for k, scale in enumerate(self.walk.scales)
            if not np.isnan(self.walk.p[k]).any()
        ]
        return {
            "epsilon": self.bar.epsilon,
            "delta": self.delta,
            "unfamiliar": self.bar.unfamiliar,
            "scale": self.scale,
            "certificate": self.certificate.to_dict(),
            "per_class": {name: found.to_dict() for name, found in self.by_class.items()},
            "curve": curve,
            "singles": self.table,
            "left_out": {step: list(classes) for step, classes in self.left_out.items()},
            "too_few": dict(self.short),
            "measured": self.measured,
            "look_alikes": [list(pair) for pair in self.look_alikes],
            "base": self.base.to_dict(),
            "words": self.words(),
        }

    def to_json(self, path: str | Path | None = None) -> str:
        """Everything as JSON; written to `path` where one is given."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def save(self, path: str | Path, *, per_class: bool = False) -> None:
        """Write by the name's ending: .yaml the certified policy, .json everything, .png the figure.

        per_class: the policies by class in place of the one for all. Raises ArgumentError.
        """
        from augsafe.calibration.words import promise

        target = Path(path)
        kind = target.suffix.lower()
        if kind == ".png":
            self.figure().save(target)
        elif kind == ".json":
            self.to_json(target)
        elif kind in (".yaml", ".yml"):
            body = self.per_class.to_dict() if per_class else self.compose.to_dict()
            said = "".join(f"# {line}\n" for line in promise(self, per_class))
            target.write_text(said + write_yaml(body), encoding="utf-8")
        else:
            raise ArgumentError(f"save(path={str(path)!r}): the name must end in .yaml, .json or .png")

    def words(self) -> str:
        """A summary in sentences: what is certified, what is not, and how many more images would settle it."""
        from augsafe.calibration.words import words

        return " ".join(words(self))

    def __str__(self) -> str:
        from rich.console import Console

        from augsafe.calibration.words import render

        out = io.StringIO()
        Console(file=out, width=120, color_system=None).print(render(self))
        return out.getvalue()


def _plain(rate: float) -> float | None:
    """A rate for JSON: none where the class has no images in this half."""
    return None if np.isnan(rate) else round(float(rate), 6)
