"""A calibration in words, for a terminal and for the head of a policy file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from augsafe.calibration.single import HARMFUL, OPEN, SAFE, STRANGE, Single
from augsafe.guards import GUARDS

if TYPE_CHECKING:
    from augsafe.calibration.result import Calibration

MOST = 8  # classes that are named
REASONS = {code: rule.title for code, rule in GUARDS.items()} | {"AS101": "class changed"}


def listed(names: Sequence[str]) -> str:
    """Names for a sentence."""
    if len(names) > MOST:
        return f"{', '.join(names[:MOST])} and {len(names) - MOST} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _percent(value: float) -> str:
    return f"{100 * value:.3g} %"


def promise(c: Calibration, per_class: bool = False) -> list[str]:
    """What the certificate says, one sentence a line."""
    confidence = _percent(1 - c.delta / 2)
    if per_class:
        scales = ", ".join(f"{name} {found.scale:g}" for name, found in c.by_class.items())
        out = [
            f"Scale for each class: {scales} (0: nothing is certified).",
            f"With confidence {confidence}, for all these classes together:",
        ]
    elif not c.certified:
        return ["Nothing is certified. This policy only sets the size of the images."]
    else:
        out = [f"Certified at scale {c.scale:g}. With confidence {confidence}, in every class:"]
    return [
        *out,
        f"at most {_percent(c.bar.epsilon)} of augmented images change the class or lose content or tone, and at most "
        f"{_percent(c.bar.unfamiliar)} become unfamiliar.",
        f"This holds according to {_according(c)}, for images like those given.",
        *_unjudged(c),
    ]


def _unjudged(c: Calibration) -> list[str]:
    """What the certificate does not say."""
    if c.known == 1:
        return []
    where = f"in {_percent(1 - c.known)} of the images" if c.known else "in any image"
    return [f"Whether the object was lost is not known {where}: there were no masks or boxes (or objects='saliency')."]


def _according(c: Calibration) -> str:
    named = f"the contract {c.contract.name!r}" if c.contract.name else "a contract"
    has = bool(c.contract.relations or c.contract.limits)
    said = [
        named if has else "",
        "the guards on content and tone",
        "a reference learned from the images" if c.measured else "",
    ]
    return listed([s for s in said if s])


def words(c: Calibration) -> list[str]:
    """Sentences: the verdict, what was left out, what would decide, what is not certified."""
    out = [_verdict(c)]
    if c.left_out:
        steps = [f"{step} (not shown to be safe for {listed(classes)})" for step, classes in c.left_out.items()]
        out.append(f"Removed from the policy for all classes: {listed(steps)}.")
    if c.short:
        need = [f"{name} ({2 * n})" if n else name for name, n in c.short.items()]
        out.append(f"Too few images for some classes (in brackets: how many are needed): {listed(need)}.")
    elif c.certificate.needed is not None:
        at = "the weakest scale" if not c.certified else "the next scale"
        out.append(f"About {c.certificate.needed:,} independent images of each class would certify {at}.")
    elif c.certified and c.scale < 1:
        row = c.walk.scales.index(c.scale) + 1
        over = _over(c, row)
        if over:
            scale = c.walk.scales[row]
            out.append(f"At scale {scale:g} the limits are exceeded for {over}, so more images would not help.")
    out.append(_by_class(c))
    if c.look_alikes:
        pairs = [f"{a} and {b}" for a, b in c.look_alikes]
        out.append(f"The images of {listed(pairs)} look alike, so a change between them cannot be seen.")
    out.append("The limits of single steps are a first look. Neither they nor their combination are certified.")
    return out


def _by_class(c: Calibration) -> str:
    """Which classes have a certified policy of their own, which not, and what would decide."""
    scales: dict[float, list[str]] = {}
    rest: dict[str, list[str]] = {}
    for name, f in c.by_class.items():
        if f.verdict == "certified":
            scales.setdefault(f.scale, []).append(name)
        else:
            rest.setdefault(f.verdict, []).append(name)
    said = [f"{listed(names)} certified at scale {scale:g}" for scale, names in sorted(scales.items(), reverse=True)]
    for verdict, names in rest.items():
        more = [c.by_class[n].needed or 0 for n in names]
        ask = f" (about {max(more):,} images of the class would settle it)" if any(more) else ""
        said.append(f"{listed(names)} {verdict}{ask}")
    return f"Policies for each class: {'; '.join(said)}."


def _verdict(c: Calibration) -> str:
    found = c.certificate
    confidence = _percent(1 - found.level)
    limits = f"{_percent(c.bar.epsilon)} lost, {_percent(c.bar.unfamiliar)} unfamiliar"
    if found.verdict == "certified":
        cls, rate = found.worst or ("", 0.0)
        whole = "the whole policy" if found.scale == 1 else f"scale {found.scale:g} of the policy"
        return (
            f"Certified: {whole}, for all {len(c.by_class)} classes, with confidence {confidence} (at most {limits}; "
            f"measured: {_percent(rate)} lost in class {cls})."
        )
    first = c.walk.scales[0]
    if not c.base.steps:
        return "Nothing is certified, because no step is left."
    if found.verdict == "undecided":
        return (
            f"Undecided: too few images to certify even scale {first:g}. The smallest class has {found.n} test images."
        )
    return f"Not certified: even at scale {first:g}, the limits ({limits}) are exceeded for {_over(c, 0)}."


def _over(c: Calibration, row: int) -> str:
    """The classes whose rates at a scale are at or over their limits, with the reason that is most frequent."""
    reasons: dict[str, list[str]] = {}
    for j, cls in enumerate(c.walk.classes):
        said = []
        if c.walk.lost[row, j] >= c.bar.epsilon:
            codes = c.walk.codes[row][cls]
            code = max(codes, key=lambda k: codes[k])
            said.append(f"{REASONS[code]}, {code}")
        if c.walk.unfamiliar[row, j] >= c.bar.unfamiliar:
            said.append("unfamiliar, AS402")
        if said:
            reasons.setdefault("; ".join(said), []).append(c.contract.classes[cls])
    return "; ".join(f"{listed(names)} ({reason})" for reason, names in reasons.items())


def render(c: Calibration) -> Any:
    """The verdict, the policy and the limits of single steps, for the console."""
    from rich.console import Group
    from rich.text import Text

    style = {"certified": "bold green", "undecided": "bold yellow", "unsafe": "bold red"}[c.certificate.verdict]
    said = words(c)
    parts: list[Any] = [Text(said[0], style=style), Text()]
    steps = [_step(step) for step in c.compose.steps]
    parts.append(Text("The certified policy: " + ("; ".join(steps) or "no step") + ".")) if c.certified else None
    parts += [Text(" ".join(said[1:-1])), Text(), _table(c), Text(said[-1])]
    return Group(*[p for p in parts if p is not None])


def _step(step: Any) -> str:
    ranges = [f"{q.name} {_range(*step.bounds(q))}" for q in step.parameters if not q.free]
    inner = [_step(child) for child in getattr(step, "children", ())]
    chance = "" if step.p == 1 else f" p={step.p:g}"
    return f"{step.label} {', '.join(ranges) or ''}{' or '.join(inner)}{chance}".replace("  ", " ").strip()


def _range(low: float, high: float) -> str:
    return f"{low:g} to {high:g}"


def _table(c: Calibration) -> Any:
    """For each step and direction the limit of the worst class, and how the classes divide."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Single limits (not certified)", title_justify="left", box=None, pad_edge=False)
    for name in ("step", "range given", "limit", "worst class", "at the strongest"):
        table.add_column(name, justify="right" if name == "limit" else "left", overflow="fold")
    rows: dict[tuple[str, str, str], list[Single]] = {}
    for row in c.singles:
        rows.setdefault((row.step, row.parameter, row.side), []).append(row)
    for (step, parameter, side), group in rows.items():
        end = "acts" if side == "acts" else f"to {group[0].end:.3g}"
        worst = min(group, key=lambda r: (-1 if r.limit is None else r.values.index(r.limit), -r.rates[-1]))
        limit = "-" if worst.limit is None else "any" if side == "acts" else f"{worst.limit:.3g}"
        alike = len({r.limit for r in group}) == 1
        named = "all the same" if alike and len(group) > 1 else worst.cls
        table.add_row(f"{step} {parameter}".strip(), end, limit, Text(named), Text(_divided(group)))
    return table


def _divided(group: Sequence[Single]) -> str:
    parts = []
    for verdict in (HARMFUL, STRANGE, OPEN, SAFE):
        some = [r for r in group if r.verdict == verdict]
        if not some:
            continue
        asked = [r.needed for r in some if r.needed is not None]
        more = f", try {max(asked):,} a class" if verdict == OPEN and asked else ""
        names = "all classes" if len(some) == len(group) and len(group) > 1 else listed([r.cls for r in some])
        parts.append(f"{verdict}: {names}{more}")
    return "; ".join(parts)
