"""Guards on how a policy is used: on which images, in which order with normalisation (AS501 to AS503)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
