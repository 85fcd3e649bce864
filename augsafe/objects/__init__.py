"""Where the object is: a coarse grid of weights from a mask, boxes, saliency or the centre."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
