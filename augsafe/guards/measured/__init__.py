"""Rules measured on labelled images: class change, realism, damage, leaks (AS104, AS105, AS4xx)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
