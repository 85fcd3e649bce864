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
    """How strong a policy may be with a certificate, for one class or for all together.

    Attributes:
        cls: The class, None for all together.
        scale: The largest certified scale, 0 if none is certified.
        compose: The policy at this scale.
        verdict: "certified", "undecided" (too few images for even the weakest scale) or "unsafe" (its rates exceed the
            limits).
        level: The error level of the certificate.
        n: Independent groups of the class with the fewest.
        needed: How many of each class, over both halves, would certify the next scale at the measured rates. None if no
            number would, or if the whole policy is certified.
        worst: The worst class and its rate at the certified scale.
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
        """Read the certificate from measured rates.

        Args:
            walk: The rates at each scale.
            bar: The limits.
            level: The error level.
            cls: The class, None for all together.
            names: The names of the classes.
            unknown: Whether steps were removed about which nothing can be said.

        Returns:
            The certificate.
        """
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
    """The result of `calibrate`.

    Attributes:
        policy: The policy that was given.
        base: The policy that was tested, at scale 1.
        contract: The contract.
        singles: The limits of single steps, which are not certified.
        certificate: The certificate of the policy for all classes.
        by_class: The certificates of the policies for each class.
        walk: The rates of the policy for all classes at each scale.
        bar: The limits `epsilon` and `unfamiliar`.
        delta: The error that both certificates share.
        left_out: Steps without a strength that are not safe, and for which classes.
        short: Classes with too few images, and how many are needed in each half.
        measured: Whether class changes were measured on the images.
        look_alikes: Pairs of classes that the images cannot separate.
        narrowed: Whether it started from the limits of single steps.
        known: Share of the images whose object is known, from a mask, boxes or a guess that was asked for.
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
        """The certified scale for all classes together, 0 if none is."""
        return self.certificate.scale

    @property
    def compose(self) -> Compose:
        """The policy at the certified scale. If nothing is certified, only steps that set the frame are left."""
        return self.certificate.compose

    @property
    def per_class(self) -> PerClass:
        """The certified policy of each class. The augmentation may reveal the label: check AS404 before you use it."""
        return PerClass({name: found.compose for name, found in self.by_class.items()})

    @property
    def certified(self) -> bool:
        """Whether a strength is certified for all classes together."""
        return self.certificate.verdict == CERTIFIED

    @property
    def table(self) -> list[dict[str, Any]]:
        """The limits of single steps as plain values: a row for each step, direction and class. Not certified."""
        return [row.to_dict() for row in self.singles]

    def figure(self, cell: int = 300) -> Grid:
        """A chart of rate against strength: the whole policy first, then each step in each direction.

        Args:
            cell: Side of each panel in pixels.

        Returns:
            The chart.
        """
        from augsafe.calibration.figure import figure

        return figure(self, cell)

    def to_dict(self) -> dict[str, Any]:
        """All results as plain values."""
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
        """All results as JSON.

        Args:
            path: Also save it to this file.

        Returns:
            The text.
        """
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def save(self, path: str | Path, *, per_class: bool = False) -> None:
        """Save by the ending of the name: .yaml the certified policy, .json all results, .png the chart.

        Args:
            path: The file.
            per_class: Save the policies for each class, not the one for all classes.

        Raises:
            ArgumentError: The name has another ending.
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
