"""Ablation: designs, runs, honest statistics. `ablate` is the way in."""

from augsafe.ablation.ablate import ablate
from augsafe.ablation.damage import Damage, damage
from augsafe.ablation.light import Light
from augsafe.ablation.result import Result
from augsafe.ablation.split import Split

__all__ = ["Damage", "Light", "Result", "Split", "ablate", "damage"]
