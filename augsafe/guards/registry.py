"""All rules by their code."""

from __future__ import annotations

from augsafe.guards.base import Guard
from augsafe.guards.content import CONTENT_RULES
from augsafe.guards.measured import MEASURED_RULES
from augsafe.guards.pipelines import PIPELINE_RULES
from augsafe.guards.symmetry import SYMMETRY_RULES
from augsafe.guards.tone import HUE_RULES, TONE_RULES

_RULES = (*SYMMETRY_RULES, *CONTENT_RULES, *TONE_RULES, *HUE_RULES, *MEASURED_RULES, *PIPELINE_RULES)

GUARDS: dict[str, type[Guard]] = {rule.code: rule for rule in sorted(_RULES, key=lambda rule: rule.code)}
