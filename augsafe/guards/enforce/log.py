"""What the guards of a loader did: counters, and how far their actions moved labels and draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.planning import Plan
from augsafe.statistics import rates_differ

# code, steps that acted in the draw, class, action
Entry = tuple[str, tuple[str, ...], str, str]


MOST_SHIFT = 0.1  # of a class's share, by dropping
_BY_CLASS = ("seen", "lost", "unaugmented")


def kinds_of(columns: Sequence[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """A number (n,) for each combination of whole numbers in n rows, and a row that shows it (kinds,).

    Counted rather than sorted, which np.unique does; the numbers have no gaps.
    """
    word = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        numbers = np.asarray(column, np.int64)
        word = word * (int(numbers.max()) - int(numbers.min()) + 1) + (numbers - numbers.min())
        if word.max() >> 16:
            word = np.unique(word, return_inverse=True)[1]
    example = np.full(int(word.max()) + 1, -1, np.intp)
    example[word] = np.arange(len(word))
    there = example >= 0
    return (np.cumsum(there) - 1)[word], example[there]


@dataclass(eq=False)
class Log:
    """Counters over `images` planned images.

    `counts`: by (code, steps that acted, class, action). `changed` images got other draws, `dropped` none, `relabelled`
    another label, `accepted` broke a rule in a way that the contract accepts. `classes` is the change of each class's
    count (by name). By class (by name): `seen`, the images planned; `lost`, those dropped; `unaugmented`, those that
    the guards left without any augmentation. `moved` is the summed absolute change of each parameter ("Rotate.angle")
    over the changed images.
    """

    images: int = 0
    names: tuple[str, ...] = ()
    counts: Counter[Entry] = field(default_factory=Counter)
    changed: int = 0
    dropped: int = 0
    relabelled: int = 0
    accepted: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    moved: dict[str, float] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    unaugmented: Counter[str] = field(default_factory=Counter)

    def name(self, label: int) -> str:
        """The class's name, or its number where classes have none; "?" for images without a label."""
        if label < 0 or (self.names and label >= len(self.names)):
            return "?"
        return self.names[label] if self.names else str(label)

    def by_class(self, labels: NDArray[np.int64]) -> Counter[str]:
        """How many of these images are of each class (by name)."""
        numbers, counts = np.unique(labels, return_counts=True)
        out: Counter[str] = Counter()
        for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            out[self.name(number)] += count
        return out

    def count(
        self,
        broken: Mapping[str, NDArray[np.bool_]],
        plan: Plan,
        labels: NDArray[np.int64],
        actions: Mapping[str, str],
        steps: Sequence[str] | None = None,
    ) -> None:
        """Count the violations of a plan, by those of these steps that acted: default: all that move pixels."""
        if steps is None:
            steps = [part.step.label for part in plan.geometry]
            active = [part.active for part in plan.geometry]
        else:
            active = [plan.draws.active[step] for step in steps]
        acting = np.array(active).reshape(len(steps), len(plan))
        kind, example = kinds_of([labels, *acting])
        for code, bad in broken.items():
            numbers = np.bincount(kind[bad])
            for k in np.flatnonzero(numbers):
                row, number = example[k], numbers[k]
                acted = tuple(s for s, on in zip(steps, acting[:, row], strict=True) if on)
                self.counts[code, acted, self.name(int(labels[row])), actions[code]] += int(number)

    def shift(
        self,
        before: Plan,
        after: Plan,
        old: NDArray[np.int64],
        new: NDArray[np.int64],
        keep: NDArray[np.bool_],
        neutral: Mapping[str, Mapping[str, float]],
    ) -> None:
        """Note what the actions changed; a step that does not act counts at its `neutral` values."""
        self.dropped += int((~keep).sum())
        self.lost.update(self.by_class(old[~keep]))
        moved = (old != new) & keep
        self.relabelled += int(moved.sum())
        gone = np.concatenate([old[~keep], old[moved]])
        for label in gone.tolist():
            self.classes[self.name(label)] -= 1
        for label in new[moved].tolist():
            self.classes[self.name(label)] += 1
        if after is before:
            return
        different = np.zeros(len(before), bool)
        for name, columns in before.draws.values.items():
            was, now = before.draws.active[name], after.draws.active[name]
            different |= was != now
            for key, column in columns.items():
                rest = neutral[name][key]
                delta = np.abs(np.where(was, column, rest) - np.where(now, after.draws.values[name][key], rest))
                different |= delta > 0
                total = float(delta.sum())
                if total:
                    self.moved[f"{name}.{key}"] = self.moved.get(f"{name}.{key}", 0.0) + total
        self.changed += int(different.sum())

    def add(self, other: Log) -> None:
        """Take another log's counts in."""
        self.names = self.names or other.names
        for attribute in ("images", "changed", "dropped", "relabelled", "accepted"):
            setattr(self, attribute, getattr(self, attribute) + getattr(other, attribute))
        for attribute in ("counts", "classes", *_BY_CLASS):
            getattr(self, attribute).update(getattr(other, attribute))
        for key, total in other.moved.items():
            self.moved[key] = self.moved.get(key, 0.0) + total

    def state(self) -> dict[str, Any]:
        """Plain values that `restored` reads back; `moved` as sums."""
        return {
            **self.to_dict(),
            "names": list(self.names),
            "class_shift": dict(self.classes),
            "moved": dict(self.moved),
        }

    @staticmethod
    def restored(state: Mapping[str, Any]) -> Log:
        """The log of a state. Raises KeyError and TypeError where it is none."""
        counts = Counter({(e["code"], tuple(e["steps"]), e["class"], e["action"]): e["count"] for e in state["counts"]})
        whole = {name: int(state[name]) for name in ("images", "changed", "dropped", "relabelled", "accepted")}
        by_class = (Counter({c: int(row[name]) for c, row in state["by_class"].items()}) for name in _BY_CLASS)
        seen, lost, unaugmented = by_class
        return Log(
            names=tuple(state["names"]),
            counts=counts,
            classes=Counter(state["class_shift"]),
            moved=dict(state["moved"]),
            seen=seen,
            lost=lost,
            unaugmented=unaugmented,
            **whole,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `moved` as the mean change over all images."""
        entries = [
            {"code": code, "steps": list(steps), "class": cls, "action": action, "count": count}
            for (code, steps, cls, action), count in sorted(self.counts.items())
        ]
        return {
            "images": self.images,
            "changed": self.changed,
            "dropped": self.dropped,
            "relabelled": self.relabelled,
            "accepted": self.accepted,
            "counts": entries,
            "class_shift": {k: v for k, v in sorted(self.classes.items()) if v},
            "by_class": {c: {name: getattr(self, name)[c] for name in _BY_CLASS} for c in sorted(self.seen)},
            # sums differ in the last bits by the order in which workers finish
            "moved": {k: float(f"{v / max(self.images, 1):.9g}") for k, v in sorted(self.moved.items())},
        }

    def shifted(self) -> list[tuple[str, float, float]]:
        """Classes whose share of the images dropping changed by more than a tenth: name, share before, share after.

        None where chance explains it: a chi-squared test of the classes' rates of dropping, at 1 %.
        """
        names = [name for name, count in self.seen.items() if count]
        seen, lost = (np.array([counter[name] for name in names], float) for counter in (self.seen, self.lost))
        if len(names) < 2 or not 0 < lost.sum() < seen.sum() or not rates_differ(lost, seen):
            return []
        before, after = seen / seen.sum(), (seen - lost) / (seen - lost).sum()
        rows = zip(names, before.tolist(), after.tolist(), strict=True)
        return sorted((row for row in rows if abs(row[2] / row[1] - 1) > MOST_SHIFT), key=lambda row: row[2] / row[1])
