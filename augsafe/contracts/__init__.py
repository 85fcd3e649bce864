"""Contracts: what is true of the classes of a data set."""

from augsafe.contracts.contract import Acceptance, Contract, Limits, Relation
from augsafe.contracts.symmetry import SYMMETRIES

__all__ = ["SYMMETRIES", "Acceptance", "Contract", "Limits", "Relation"]
