"""One finding a cause: the findings of one code together, what each set of steps does listed below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from augsafe.guards.base import SEVERITIES, Finding
from augsafe.guards.symmetry import PRECEDENCE


def by_code(findings: Sequence[Finding], classes: Sequence[str], steps: Sequence[str]) -> list[Finding]:
    """Merge the findings of each code.

    What a contract accepts stays apart from what it does not, and a guess from a fact: it must not become an error.

    Args:
        findings: One for each set of steps, as guards report them.
        classes: The classes in their order.
        steps: The names of the steps in their order.

    Returns:
        One finding for each code; what is accepted, and what is guessed, is one of its own.
    """
    groups: dict[tuple[str, bool, bool], list[Finding]] = {}
    for f in findings:
        groups.setdefault((f.code, f.accepted is not None, f.remark), []).append(f)
    partly = {code for code, accepted, _ in groups if accepted}
    return [_merged(group, classes, steps, code not in partly) for (code, _, _), group in groups.items()]


def rank(f: Finding) -> tuple[object, ...]:
    """Worst first: severity, then verdict, then probability; accepted ones last."""
    return (
        f.accepted is not None,
        SEVERITIES.index(f.severity),
        PRECEDENCE.index(f.verdict),
        -len(f.becomes),
        -(f.probability or 0.0),
        f.code,
        f.steps,
    )


def _merged(group: list[Finding], classes: Sequence[str], steps: Sequence[str], complete: bool) -> Finding:
    """The finding of a group; complete: whether these are all findings of their code."""
    parts = sorted(group, key=rank)
    lead = parts[0]
    rates = _rates(parts, complete)
    named = dict.fromkeys(name for f in parts for name in (*f.classes, *f.per_class))
    ordered = [c for c in classes if c in named] + [c for c in named if c not in classes]
    worst = max(rates, key=lambda c: rates[c][0], default=None)
    told = {name for f in parts for name in f.steps}
    return replace(
        lead,
        steps=tuple(s for s in steps if s in told) + tuple(s for s in lead.steps if s not in steps),
        classes=tuple(ordered),
        becomes={a: b for f in reversed(parts) for a, b in f.becomes.items()},
        help=_help(parts),
        probability=lead.probability if worst is None else rates[worst][0],
        interval=lead.interval if worst is None else rates[worst][1:],
        per_class={c: rates[c][0] for c in ordered if c in rates},
        parts=tuple(parts) if len(parts) > 1 else (),
        whole=None,
    )


def _help(parts: Sequence[Finding]) -> str:
    """What to do about all parts: said once where it is the same but for the steps."""
    if len({f.message for f in parts}) == 1:
        return parts[0].help
    named = [" or ".join(f.steps) for f in parts]
    asked = {f.help.replace(name, "{}", 1) if name else f.help for f, name in zip(parts, named, strict=True)}
    if len(asked) == 1:
        return asked.pop().replace("{}", " and ".join(dict.fromkeys(named)), 1)
    return " ".join(dict.fromkeys(f.help for f in parts))


def _rates(parts: Sequence[Finding], complete: bool) -> dict[str, tuple[float, float, float]]:
    """By class the rate of the whole and its interval: as the guard counted it, else what the parts add up to.

    Sets of steps are read off one draw each, so their rates add up; ends of intervals add up to a wider interval.
    """
    if complete and all(f.whole is not None for f in parts):
        return {name: rate for f in parts for name, rate in (f.whole or {}).items()}
    out: dict[str, tuple[float, float, float]] = {}
    for f in parts:
        low, high = f.interval or (f.probability or 0.0,) * 2
        for name, rate in f.per_class.items():
            scale = rate / f.probability if f.probability else 1.0
            before = out.get(name, (0.0, 0.0, 0.0))
            added = (before[0] + rate, before[1] + low * scale, before[2] + high * scale)
            out[name] = (min(added[0], 1.0), min(added[1], 1.0), min(added[2], 1.0))
    return out
