"""Tone rules: what is left of levels, contrast and colour (AS301 to AS303)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
