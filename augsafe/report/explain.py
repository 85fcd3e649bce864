"""What each code means, in words: the text of `augsafe explain CODE` and of the page on codes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from augsafe.errors import ArgumentError
from augsafe.guards import GUARDS, Example, Guard
from augsafe.policies import near

GROUPS: Mapping[str, str] = {
    "AS1": "The class",
    "AS2": "The content",
    "AS3": "The tone",
    "AS4": "Learning",
    "AS5": "Mistakes in pipelines",
}


def guard(code: str) -> type[Guard]:
    """The rule of a code. Raises ArgumentError."""
    wanted = code.strip().upper()
    if wanted not in GUARDS:
        raise ArgumentError(f"there is no code {code!r}{near(wanted, list(GUARDS))}; `augsafe explain` lists them all")
    return GUARDS[wanted]


def text_of(rule: type[Guard]) -> str:
    """The text of a rule, from its docstring."""
    return inspect.cleandoc(rule.__doc__ or "")


def codes_page() -> str:
    """The page docs/codes.md, whole."""
    lines = [
        "# Codes",
        "",
        "Every finding has a code. `augsafe explain CODE` prints the text below. With errors, `augsafe check`",
        "and `augsafe lint` exit with code 1. With `--strict`, warnings do so too. Remarks never do. This page is made",
        "from the rules themselves.",
        "",
        "| code | severity | title |",
        "| --- | --- | --- |",
        *(f"| [{code}](#{code.lower()}) | {g.severity} | {g.title} |" for code, g in GUARDS.items()),
    ]
    heading = ""
    for code, rule in GUARDS.items():
        if GROUPS[code[:3]] != heading:
            heading = GROUPS[code[:3]]
            lines += ["", f"## {heading}"]
        lines += ["", f'### <a id="{code.lower()}"></a>{code}: {rule.title}', "", text_of(rule)]
        lines += ["", *_example("Reported", rule.fires), *_example("Not reported", rule.silent)]
    return "\n".join(lines).rstrip() + "\n"


def _example(words: str, example: Example) -> list[str]:
    against = f", against `{example.contract}`" if example.contract else ", without a contract"
    on = f", on images of {example.data}" if example.data else ""
    if example.how == "words":
        return [f"- {words}: {example.policy}"]
    said = {"validation": ", for validation data", "torchvision": ", of torchvision"}.get(example.how, against)
    return [f"- {words}: `{example.policy}`{said}{on}"]
