"""CNNs: what each takes in, how one is built and moved to other classes, and how it is trained with the guards on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
