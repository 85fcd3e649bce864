"""Guards in the loader: plans that break a rule are redrawn, clamped, dropped or relabelled before pixels move."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
