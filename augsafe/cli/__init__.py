"""The command `augsafe`. Exit codes: 0 nothing found, 1 findings, 2 wrong use."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
