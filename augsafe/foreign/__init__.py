"""Pipelines of other libraries: translated where a step has an exact equal, carried as they are where not."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
