"""Tables from level to output value, for images of whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.output import Output
from augsafe.randomness import FloatArray


def levels_of(dtype: np.dtype[Any]) -> FloatArray:
    """All levels of an integer dtype, scaled to [0, 1]."""
    top = np.iinfo(dtype).max
    return np.arange(top + 1) / top


def tables(curves: FloatArray, channels: int, dtype: np.dtype[Any], output: Output | None) -> NDArray[Any]:
    """Levels in [0, 1] (n, k) to output values (n, channels, k)."""
    if dtype.kind == "u":
        top = np.iinfo(dtype).max
        return np.repeat(np.rint(curves * top).astype(dtype)[:, None], channels, axis=1)
    scale, offset = (output or Output()).normalise(channels)
    out = np.empty((len(curves), channels, curves.shape[-1]), np.float32)
    scratch = np.empty(curves.shape)
    for c in range(channels):
        np.multiply(curves, scale[c], out=scratch)
        np.add(scratch, offset[c], out=out[:, c], casting="same_kind")
    return out
