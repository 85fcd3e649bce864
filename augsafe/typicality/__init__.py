"""Is an image still typical of its class? Class-conditional conformal typicality against a fitted reference."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
