"""All rules by their code."""

from __future__ import annotations

from augsafe.guards.base import Guard
from augsafe.guards.catalogue import CATALOGUE
from augsafe.guards.catalogue_measured import MEASURED
from augsafe.guards.catalogue_pipelines import PIPELINES
from augsafe.guards.content import CONTENT
from augsafe.guards.hue import HUE
from augsafe.guards.tone import TONE

GUARDS: dict[str, type[Guard]] = {
    guard.code: guard
    for guard in sorted((*CATALOGUE, *MEASURED, *CONTENT, *TONE, *HUE, *PIPELINES), key=lambda g: g.code)
}
