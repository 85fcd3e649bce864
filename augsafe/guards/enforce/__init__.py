"""Guards in the loader: plans that break the contract are redrawn, clamped, dropped, ... before a pixel moves.

Codes are those of `check`, with three differences. AS101 and AS102 are one rule with one action (a mapping may name
either); which of them it is, is found by taking one draw apart for each set of acting steps. And the visible share is
held against the contract by AS201, on the object, so that AS106 is about rotation, zoom and displacement. And what
tone and colour steps leave of levels and colours (AS301, AS302, AS303) is judged only where a mapping names these
codes: it takes a look at each image, and more time a draw than all other rules together."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
