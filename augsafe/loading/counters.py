"""What a loader did: the report that goes on over resumed runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from augsafe.guards import Log


@dataclass(eq=False)
class LoaderReport:
    """What a loader did, including resumed runs.

    Attributes:
        images: Number of images returned.
        guards: The counters of the guards.
        skipped: The errors of skipped images, by index.
    """

    images: int = 0
    guards: Log = field(default_factory=Log)
    skipped: dict[int, str] = field(default_factory=dict)

    @property
    def warnings(self) -> list[str]:
        """What you should know before you train on these images: dropping that shifts the class shares."""
        found = self.guards.shifted()
        if not found:
            return []
        said = ", ".join(f"{cls} from {before:.1%} to {after:.1%}" for cls, before, after in found[:5])
        return [
            f"on_violation='drop' shifts the class shares: {said}{' and others' if len(found) > 5 else ''}. "
            "Use 'redraw' or 'clamp', or give these classes a policy of their own (PerClass)."
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        listed = [{"index": index, "error": error} for index, error in sorted(self.skipped.items())]
        return {"images": self.images, "guards": self.guards.to_dict(), "skipped": listed, "warnings": self.warnings}

    def state(self) -> dict[str, Any]:
        """Plain values that `restored` reads back."""
        skipped = [[index, error] for index, error in sorted(self.skipped.items())]
        return {"images": self.images, "guards": self.guards.state(), "skipped": skipped}

    @staticmethod
    def restored(state: Mapping[str, Any]) -> LoaderReport:
        """The report of a state. Raises KeyError and TypeError where it is none."""
        skipped = {int(index): str(error) for index, error in state["skipped"]}
        return LoaderReport(int(state["images"]), Log.restored(state["guards"]), skipped)

    def __str__(self) -> str:
        guards = self.guards
        lines = [
            f"{self.images:,} images; the guards redrew or fixed {guards.changed:,}, relabelled "
            f"{guards.relabelled:,} and dropped {guards.dropped:,}; {len(self.skipped):,} files skipped"
        ]
        for (code, steps, cls, action), count in sorted(guards.counts.items(), key=lambda e: -e[1])[:20]:
            lines.append(f"  {code} class {cls}, {' + '.join(steps) or 'no step'}: {count:,} ({action})")
        shares = {c: guards.unaugmented[c] / count for c, count in guards.seen.items() if guards.unaugmented[c]}
        for cls, share in sorted(shares.items(), key=lambda e: -e[1])[:20]:
            lines.append(f"  class {cls}: {share:.1%} of the images were left unaugmented")
        lines += [f"  {words}" for words in self.warnings]
        lines += [f"  skipped image {index}: {error}" for index, error in sorted(self.skipped.items())[:20]]
        return "\n".join(lines)
