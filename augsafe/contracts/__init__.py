"""Contracts: what is true of the classes of a data set."""

from augsafe.contracts.contract import Contract
from augsafe.contracts.limits import Limits
from augsafe.contracts.reading import Acceptance
from augsafe.contracts.relations import KINDS, Relation
from augsafe.contracts.symmetry import SYMMETRIES
from augsafe.contracts.tables import Tables

__all__ = ["KINDS", "SYMMETRIES", "Acceptance", "Contract", "Limits", "Relation", "Tables"]
