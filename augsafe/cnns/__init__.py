"""CNNs: what each takes in, how one is built and moved to other classes, and how it is trained with the guards on."""

from augsafe.cnns.advice import Transfer, suggest
from augsafe.cnns.building import build, load
from augsafe.cnns.results import ClassScore, Epoch, Result
from augsafe.cnns.specs import NETWORKS, Network, input_spec, names, network
from augsafe.cnns.task import Options
from augsafe.cnns.training import train

__all__ = [
    "NETWORKS",
    "ClassScore",
    "Epoch",
    "Network",
    "Options",
    "Result",
    "Transfer",
    "build",
    "input_spec",
    "load",
    "names",
    "network",
    "suggest",
    "train",
]
