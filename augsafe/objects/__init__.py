"""Where the meaning of an image lies: a coarse grid of weights from a mask, boxes, saliency or the centre.

Saliency needs no model. It blends contrast to the border (which finds a glyph on an even ground) with the spectral
residual (Hou and Zhang, "Saliency detection: a spectral residual approach", CVPR 2007), by how even the border is."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
