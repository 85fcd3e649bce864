"""Transforms and outputs to and from plain values; nothing that a file names is ever executed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np

from augsafe.errors import ArgumentError, PolicyError
from augsafe.planning import Output
from augsafe.transforms import TRANSFORMS, Choice, Opaque, Transform

FORMAT = 1
OPTIONS = (
    "border",
    "fill",
    "interpolation",
    "value_range",
    "box_format",
    "min_visible",
    "keypoint_swaps",
    "mask_swaps",
)


def plain(value: object) -> object:
    """Tuples to lists, numpy numbers to Python's."""
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    return value.item() if isinstance(value, (np.generic, np.ndarray)) else value


def encode(step: Transform) -> dict[str, Any] | str:
    """One step as {class name: {field: value}}, or the class name alone where there is nothing to say.

    Fields at their defaults are left out, and so is a name that is the class's: that is what a step without a name gets
    when the policy is read, whatever the others are called. Other automatic names, such as Rotate-2, are kept, so that
    a step keeps its draws where another one is taken out of the file.
    """
    kind = type(step).__name__
    if isinstance(step, Opaque):
        return {kind: {"step": step.said(), "p": step.p, "name": step.name}}
    body: dict[str, Any] = {}
    for item in sorted(fields(step), key=lambda item: _ORDER.get(item.name, 1)):
        value = getattr(step, item.name)
        if item.name == "name" and value == kind:
            continue
        if isinstance(step, Choice) and item.name in ("child", "children"):
            body[item.name] = encode(value) if isinstance(value, Transform) else [encode(child) for child in value]
        elif value is not None and (item.name == "name" or item.default is MISSING or value != item.default):
            body[item.name] = plain(value)
    return {kind: body} if body else kind


_ORDER = {"name": 0, "p": 2}  # what a step is called, what it does, how often


def decode(entry: object, where: str) -> Transform:
    """Read one step, the reverse of `encode`.

    Args:
        entry: What the file holds for it.
        where: Its place in the file, for messages.

    Returns:
        The transform.

    Raises:
        PolicyError: It is no transform that a file may hold, or its arguments cannot be used.
    """
    if isinstance(entry, str):
        entry = {entry: {}}
    if not isinstance(entry, Mapping) or len(entry) != 1:
        raise PolicyError(f"{where} must be one transform, such as 'Rotate: {{angle: [-15, 15]}}', got {entry!r}")
    ((name, body),) = entry.items()
    if name == "Foreign":
        raise PolicyError(
            f"{where}: Foreign holds another library's step, which is code; a policy file never runs code. Build this "
            "policy in Python, or name the pipeline to the command line as module:attribute"
        )
    if name not in TRANSFORMS:
        raise PolicyError(f"{where}: there is no transform {name!r}{near(name, TRANSFORMS)}")
    kind = TRANSFORMS[name]
    body = {} if body is None else body
    if not isinstance(body, Mapping):
        raise PolicyError(f"{where}: the arguments of {name} must be 'name: value' pairs, got {body!r}")
    known = [f.name for f in fields(kind)]
    refuse_unknown(body, known, f"{where}: {name}")
    arguments = dict(body)
    if issubclass(kind, Choice) and "child" in known:
        if "child" not in arguments:
            raise PolicyError(f"{where}: {name} needs a child, one transform")
        arguments["child"] = decode(arguments["child"], f"{where}.child")
    elif issubclass(kind, Choice):
        children = arguments.get("children")
        if not isinstance(children, list):
            raise PolicyError(f"{where}: {name} needs a list of children, got {children!r}")
        arguments["children"] = tuple(decode(c, f"{where}.children[{i}]") for i, c in enumerate(children))
    try:
        return kind(**arguments)
    except (ArgumentError, TypeError) as error:
        raise PolicyError(f"{where}: {error}") from error


def near(word: object, known: Iterable[object]) -> str:
    """A hint for a word that is not known.

    Args:
        word: What was given.
        known: What could have been.

    Returns:
        Text to put at the end of a message: the words that are close, else all that are known.
    """
    known = list(known)
    close = difflib.get_close_matches(str(word), [str(k) for k in known], n=2, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known are {', '.join(map(str, known))}"


def refuse_unknown(body: Mapping[Any, Any], known: list[str], where: str) -> None:
    """Raise PolicyError for a key that is not known."""
    for key in body:
        if key not in known:
            raise PolicyError(f"{where} has an unknown key {key!r}{near(key, known)}")


def write_body(steps: Sequence[Transform], output: Output | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """A policy as plain values; options are (value, default), and stand there only where they differ."""
    body: dict[str, Any] = {"augsafe": FORMAT, "steps": [encode(s) for s in steps]}
    body |= {name: plain(value) for name, (value, default) in options.items() if value != default}
    if output is not None:
        base = Output()
        body["output"] = {k: plain(v) for k, v in vars(output).items() if v != getattr(base, k)}
    return body


def read_body(given: object) -> tuple[tuple[Transform, ...], Output | None, dict[str, Any]]:
    """The steps, the output and the options of a policy from plain values. Raises PolicyError."""
    body = _with_steps(given)
    refuse_unknown(body, ["augsafe", "steps", "output", *OPTIONS], "the policy")
    if body.get("augsafe", FORMAT) != FORMAT:
        raise PolicyError(f"this policy has format {body['augsafe']!r}; this version reads {FORMAT}")
    if not isinstance(body["steps"], Sequence) or isinstance(body["steps"], str):
        raise PolicyError(f"'steps' must be a list of transforms, got {body['steps']!r}")
    steps = tuple(decode(entry, f"steps[{i}]") for i, entry in enumerate(body["steps"]))
    form, output = body.get("output"), None
    if form is not None:
        if not isinstance(form, Mapping):
            raise PolicyError(f"output must be 'name: value' pairs, got {form!r}")
        refuse_unknown(form, list(Output.__dataclass_fields__), "output")
        try:
            output = Output(**{k: _tuples(v) for k, v in form.items()})
        except (ArgumentError, TypeError) as error:
            raise PolicyError(f"output: {error}") from error
    return steps, output, {k: _tuples(body[k]) for k in OPTIONS if k in body}


def same(body: object, own: Mapping[str, Any]) -> bool:
    """Whether plain values are those of a policy, though they may name each step, as earlier versions wrote them.

    Args:
        body: What was read.
        own: The policy as plain values.

    Returns:
        Whether they say the same.
    """
    if body == own or not isinstance(body, Mapping) or not isinstance(body.get("steps"), list):
        return bool(body == own)
    return {**body, "steps": [_brief(entry) for entry in body["steps"]]} == own


def _brief(entry: object) -> object:
    """An entry without the names that `encode` leaves out; a foreign step, which cannot be read, always has its own."""
    if not isinstance(entry, Mapping) or len(entry) != 1 or "Foreign" in entry:
        return entry
    ((kind, body),) = entry.items()
    if not isinstance(body, Mapping):
        return entry
    short = {k: v for k, v in body.items() if (k, v) != ("name", kind)}
    if "child" in short:
        short["child"] = _brief(short["child"])
    if isinstance(short.get("children"), list):
        short["children"] = [_brief(child) for child in short["children"]]
    return {kind: short} if short else kind


def with_names(body: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values of a policy, or of a policy for each class, with the name of each step, as digests are taken of."""
    if "per_class" in body:
        return {**body, "per_class": {name: with_names(own) for name, own in body["per_class"].items()}}
    return {**body, "steps": [_named(entry) for entry in body["steps"]]}


def _named(entry: Mapping[str, Any] | str) -> dict[str, Any]:
    kind, body = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
    long = {"name": kind, **body}
    if "child" in long:
        long["child"] = _named(long["child"])
    if "children" in long:
        long["children"] = [_named(child) for child in long["children"]]
    return {kind: long}


def _tuples(value: object) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value


def to_yaml(body: Mapping[str, Any]) -> str:
    """Plain values as YAML."""
    from augsafe.policies.yaml_text import write_yaml  # slow to import

    return write_yaml(body)


def from_yaml(text: str) -> Mapping[str, Any]:
    """A policy as plain values from YAML or JSON text. Raises PolicyError."""
    from augsafe.policies.yaml_text import read_yaml  # slow to import

    return _with_steps(read_yaml(text))


def _with_steps(body: object) -> Mapping[str, Any]:
    if not isinstance(body, Mapping) or "steps" not in body:
        raise PolicyError(f"a policy is a mapping with a list 'steps', got {body!r}"[:300])
    return body


def write_file(path: Path, body: Mapping[str, Any]) -> None:
    """Write YAML, or JSON where the name ends so."""
    text = json.dumps(body, indent=2) if path.suffix == ".json" else to_yaml(body)
    path.write_text(text, encoding="utf-8")


def read_file(path: Path) -> str:
    """The text of a policy file. Raises PolicyError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"it cannot be read: {error}") from error


@contextmanager
def errors_naming(path: str | Path) -> Iterator[None]:
    """Let errors begin with the name of the file."""
    try:
        yield
    except PolicyError as error:
        raise PolicyError(f"{path}: {error}") from error
