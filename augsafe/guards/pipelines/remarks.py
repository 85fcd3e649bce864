"""Guards on how a policy is put together."""

from __future__ import annotations

from collections import Counter

from augsafe.guards.base import Finding
from augsafe.policies import Compose
from augsafe.transforms import Distortion, Geometric, HorizontalFlip, Repeat, Transform, VerticalFlip


def mistakes(compose: Compose) -> list[Finding]:
    """AS505, AS506 and AS507 for one policy."""
    return [*_same_flip(compose), *_repeated_interpolation(compose), *_never_acts(compose)]


def _remark(code: str, severity: str, steps: tuple[str, ...], message: str, fix: str) -> Finding:
    return Finding(code, severity, "proven", "stated", "safe", steps, (), message, fix)


def _same_flip(compose: Compose) -> list[Finding]:
    flips = [s for step in compose.steps for s in _in_a_row(step) if isinstance(s, (HorizontalFlip, VerticalFlip))]
    kinds = Counter(type(s) for s in flips)
    out = []
    for kind, count in kinds.items():
        if count > 1:
            steps = tuple(s.label for s in flips if isinstance(s, kind))
            out.append(
                _remark(
                    "AS505",
                    "warning",
                    steps,
                    f"{kind.__name__} is applied {count} times; two equal flips cancel",
                    f"Keep one {kind.__name__}.",
                )
            )
    return out


def _in_a_row(step: Transform) -> tuple[Transform, ...]:
    return step.parts if isinstance(step, Repeat) else (step,)


def _repeated_interpolation(compose: Compose) -> list[Finding]:
    moving = [
        (leaf.label, k)
        for leaf, k in zip(compose.leaves, compose.stage_of, strict=True)
        if isinstance(leaf, (Geometric, Distortion))
    ]
    later = sorted({k for _, k in moving})[1:]
    if not later:
        return []
    steps = tuple(name for name, k in moving if k in later)
    return [
        _remark(
            "AS506",
            "info",
            steps,
            f"these steps cannot be fused with earlier ones, so the image is resampled {len(later) + 1} times",
            "Put the geometric steps next to each other, before blur and other local steps.",
        )
    ]


def _never_acts(compose: Compose) -> list[Finding]:
    return [
        _remark(
            "AS507",
            "warning",
            (step.label,),
            f"{step.label} never changes an image",
            "Raise its p, widen its range, or remove it.",
        )
        for step in compose.steps
        if step.never_acts
    ]
