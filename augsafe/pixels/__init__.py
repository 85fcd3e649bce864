"""Everything that touches pixels: one warp, one table, then local steps; and the targets that follow."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
