"""Guards that render draws of a policy and measure what they do to labelled images."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
