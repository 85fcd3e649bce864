"""Guards on content: is the object still there, large enough, and alone? Judged on the plan, without pixels."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
