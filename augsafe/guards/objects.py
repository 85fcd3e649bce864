"""Where the meaning of an image lies: see `augsafe.objects`."""

from augsafe.objects import GRID, METHODS, Cache, Objects, inspect, saliency, to_grid

__all__ = ["GRID", "METHODS", "Cache", "Objects", "inspect", "saliency", "to_grid"]
