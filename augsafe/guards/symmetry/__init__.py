"""Class rules: bounds over all compositions of a policy, held against the contract (AS101 to AS108)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
