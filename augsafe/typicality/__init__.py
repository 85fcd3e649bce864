"""Is an image still typical of its class? Class-conditional conformal typicality against a fitted reference."""

from augsafe.typicality.outcomes import AMBIGUOUS, CHANGED, KEPT, OUTCOMES, UNDECIDED, UNFAMILIAR, Judged
from augsafe.typicality.reference import Reference, fit

__all__ = [
    "AMBIGUOUS",
    "CHANGED",
    "KEPT",
    "OUTCOMES",
    "UNDECIDED",
    "UNFAMILIAR",
    "Judged",
    "Reference",
    "fit",
]
