"""Policies: `Compose`, its files, its names, and what of it holds for each class and for validation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
