"""Contracts: what is true of the classes of a data set."""

from augsafe.contracts.contract import Acceptance, Contract, Limits
from augsafe.contracts.relations import KINDS, Relation
from augsafe.contracts.symmetry import SYMMETRIES

__all__ = ["KINDS", "SYMMETRIES", "Acceptance", "Contract", "Limits", "Relation"]
