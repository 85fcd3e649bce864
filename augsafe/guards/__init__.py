"""Guards: rules that report, what measures for them, what acts on a violation, and what fixes a policy."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
