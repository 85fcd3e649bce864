"""Ablation: designs, runs, honest statistics. `ablate` is the way in."""

from augsafe.ablation.ablate import SEARCHES, ablate
from augsafe.ablation.damage import Damage, damage
from augsafe.ablation.design import DESIGNS
from augsafe.ablation.light import Light
from augsafe.ablation.result import Result
from augsafe.ablation.split import Split

__all__ = ["DESIGNS", "SEARCHES", "Damage", "Light", "Result", "Split", "ablate", "damage"]
