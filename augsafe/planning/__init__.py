"""Plans: what was sampled for a batch and what it will do, before any pixel moves."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
