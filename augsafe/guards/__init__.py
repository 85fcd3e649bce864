"""The rules: what is looked at before pixels move, and what is done about it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
