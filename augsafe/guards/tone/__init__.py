"""Guards on tone: what brightness, contrast, gamma and the like leave of an image's levels (AS301, AS302)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
