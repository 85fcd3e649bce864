"""All rules by their code."""

from __future__ import annotations

from augsafe.guards.base import Guard
from augsafe.guards.catalogue import CATALOGUE
from augsafe.guards.catalogue_measured import MEASURED
from augsafe.guards.content import CONTENT
from augsafe.guards.tone import TONE

GUARDS: dict[str, type[Guard]] = {
    guard.code: guard for guard in sorted((*CATALOGUE, *MEASURED, *CONTENT, *TONE), key=lambda g: g.code)
}
