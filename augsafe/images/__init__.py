"""Images and where they come from: files, arrays, npz, folders, manifests, or any sequence."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
