"""Where the meaning of an image lies: see `augsafe.objects`."""

from augsafe.grid import GRID, to_grid
from augsafe.objects import METHODS, Cache, Objects, inspect, saliency

__all__ = ["GRID", "METHODS", "Cache", "Objects", "inspect", "saliency", "to_grid"]
