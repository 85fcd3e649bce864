"""Content rules: is the object in the frame, large enough, uncovered, and alone? (AS201 to AS205)"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
