"""A policy file changed where the policy changed, so that comments, order and spelling stay as a person wrote them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import yaml

from augsafe.errors import PolicyError
from augsafe.policies.compose import Compose
from augsafe.policies.files import plain
from augsafe.transforms import Choice, Repeat, Transform

Edit = tuple[int, int, str | None]  # from where to where the text is replaced, and by what; None takes its lines away


class _Unclear(Exception):
    """The text is written in a way that is not edited here."""


def edited_text(text: str, policy: Compose, new: Compose) -> str:
    """The text of a policy file, changed so that it reads as another policy with fewer steps or other arguments.

    Where that cannot be done in place, the new policy is written out afresh, without the comments.

    Args:
        text: YAML or JSON, which reads as `policy`.
        policy: The policy as it was.
        new: The policy as it shall be; its steps are some of those of `policy`, by name.

    Returns:
        Text that reads as `new`.
    """
    try:
        made = _applied(text, _of_steps(_value(yaml.compose(text, yaml.SafeLoader), "steps"), policy.steps, new.steps))
        if Compose.from_yaml(made) == new:
            return made
    except (_Unclear, PolicyError, yaml.YAMLError):
        pass
    return json.dumps(new.to_dict(), indent=2) + "\n" if text.lstrip().startswith("{") else new.to_yaml()


def _applied(text: str, edits: Sequence[Edit]) -> str:
    for start, end, new in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        if new is None:
            line = text.rfind("\n", 0, start) + 1
            if text[line:start].strip() != "-":
                raise _Unclear
            after = text.find("\n", end)
            text = text[:line] + (text[after + 1 :] if after >= 0 else "")
        else:
            text = text[:start] + new + text[end:]
    return text


def _of_steps(node: yaml.Node | None, old: Sequence[Transform], new: Sequence[Transform]) -> list[Edit]:
    if not isinstance(node, yaml.SequenceNode) or len(node.value) != len(old):
        raise _Unclear
    kept = {step.label: step for step in new}
    edits = _without(node, [step.label not in kept for step in old])
    for entry, step in zip(node.value, old, strict=True):
        if step.label in kept:
            edits += _of_step(entry, step, kept[step.label])
    return edits


def _without(node: yaml.SequenceNode, gone: Sequence[bool]) -> list[Edit]:
    """Take some entries of a list away."""
    entries = node.value
    edits: list[Edit] = []
    if all(gone):
        raise _Unclear
    if not node.flow_style:
        return [(e.start_mark.index, _end(e), None) for e, out in zip(entries, gone, strict=True) if out]
    last = max(i for i, out in enumerate(gone) if not out)
    for i, out in enumerate(gone):
        if out and i < last:
            edits.append((entries[i].start_mark.index, entries[i + 1].start_mark.index, ""))
    return edits if last == len(gone) - 1 else [*edits, (_end(entries[last]), _end(entries[-1]), "")]


def _of_step(node: yaml.Node, old: Transform, new: Transform) -> list[Edit]:
    if old == new:
        return []
    if type(old) is not type(new):
        raise _Unclear
    held = {"children": (old.inside, _inside(new))} if isinstance(old, Choice) and not isinstance(old, Repeat) else {}
    if isinstance(old, Repeat) and isinstance(new, Repeat):
        held = {"child": ((old.child,), (new.child,))}
    changed = {
        f.name: plain(getattr(new, f.name))
        for f in fields(new)
        if f.name not in held and getattr(new, f.name) != getattr(old, f.name)
    }
    body = _body(node)
    edits = _with_arguments(node, body, changed) if changed else []
    for key, (before, after) in held.items():
        found = _value(body, key)
        if key == "child":
            edits += _of_step(found, before[0], after[0]) if found is not None else []
        else:
            edits += _of_steps(found, before, after)
    return edits


def _inside(step: Transform) -> Sequence[Transform]:
    return step.inside if isinstance(step, Choice) else ()


def _body(node: yaml.Node) -> yaml.Node | None:
    """The arguments of an entry such as `Rotate: {angle: [-15, 15]}`; None where it is the name alone."""
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1:
        return node.value[0][1]  # type: ignore[no-any-return]
    if isinstance(node, yaml.ScalarNode):
        return None
    raise _Unclear


def _with_arguments(node: yaml.Node, body: yaml.Node | None, changed: dict[str, Any]) -> list[Edit]:
    if any(value is None for value in changed.values()):
        raise _Unclear
    written = {key: _number(value) for key, value in changed.items()}
    if body is None and isinstance(node, yaml.ScalarNode):
        quoted = node.style == '"'
        inner = ", ".join(f"{json.dumps(k) if quoted else k}: {v}" for k, v in written.items())
        name = json.dumps(node.value) if quoted else node.value
        return [(node.start_mark.index, node.end_mark.index, f"{{{name}: {{{inner}}}}}")]
    if not isinstance(body, yaml.MappingNode) or not body.value:
        raise _Unclear
    edits: list[Edit] = []
    found = {key.value: value for key, value in body.value}
    for key, value in written.items():
        if key in found:
            edits.append((found[key].start_mark.index, _end(found[key]), value))
        else:
            first, last = body.value[0][0], body.value[-1][1]
            name = json.dumps(key) if first.style == '"' else key
            gap = ", " if body.flow_style else "\n" + " " * first.start_mark.column
            edits.append((_end(last), _end(last), f"{gap}{name}: {value}"))
    return edits


def _number(value: Any) -> str:
    """A number or a list of numbers, whole ones without a point."""
    if isinstance(value, list):
        return f"[{', '.join(map(_number, value))}]"
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _end(node: yaml.Node) -> int:
    """Where what is written of a node ends; the marks of a block reach to what comes next."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)
