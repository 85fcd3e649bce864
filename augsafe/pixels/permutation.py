"""Maps that only flip, rotate by multiples of 90 degrees and shift by whole pixels: no level changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.randomness import FloatArray

Image = NDArray[Any]
Span = tuple[int, int, int, int]  # first and last + 1 pixel that is seen, and how many lie outside before and after

BORDERS = {
    "reflect": cv2.BORDER_REFLECT_101,
    "constant": cv2.BORDER_CONSTANT,
    "replicate": cv2.BORDER_REPLICATE,
}
_FLIPS = {(True, False): 1, (False, True): 0, (True, True): -1}  # (along x, along y): OpenCV's code
_KNOWN = frozenset(map(np.dtype, ("uint8", "int16", "uint16", "int32", "float32", "float64")))  # to OpenCV


def is_permutation(matrices: FloatArray) -> NDArray[np.bool_]:
    """Which maps (n, 3, 3) only flip, rotate by multiples of 90 degrees and shift by whole pixels (n,)."""
    first = matrices[:, 0, 0]
    candidates = np.flatnonzero(np.abs(first - np.rint(first)) < 1e-9)
    out = np.zeros(len(matrices), bool)
    if not candidates.size:
        return out
    m = matrices[candidates]
    whole = (np.abs(m - np.rint(m)) < 1e-9).all(axis=(1, 2))
    linear = np.abs(np.rint(m[:, :2, :2]))
    straight = (linear.sum(axis=1) == 1).all(axis=1) & (linear.sum(axis=2) == 1).all(axis=1)
    flat = (m[:, 2, 0] == 0) & (m[:, 2, 1] == 0) & (m[:, 2, 2] == 1)
    out[candidates] = whole & straight & flat
    return out


def permute(
    image: Image,
    matrix: Sequence[Sequence[int]],
    size: tuple[int, int],
    border: str,
    fill: float,
    dst: Image | None = None,
) -> Image:
    """One image (H, W[, C]) through such a map, as whole numbers, onto a frame of `size` (height, width).

    The result never shares memory with the input; it is `dst` where that is given, which must be contiguous. OpenCV
    turns and flips tens of times as fast as numpy gathers.
    """
    (a, b, left), (c, d, top) = matrix[0], matrix[1]
    turned = a == 0
    if turned:  # the output's rows are the image's columns
        (from_x, to_x, wide), (from_y, to_y, high) = (c, top, size[0]), (b, left, size[1])
    else:
        (from_x, to_x, wide), (from_y, to_y, high) = (a, left, size[1]), (d, top, size[0])
    rows, columns = _span(from_y, to_y, high, image.shape[0]), _span(from_x, to_x, wide, image.shape[1])
    backwards = (from_y < 0, from_x < 0) if turned else (from_x < 0, from_y < 0)
    code = _FLIPS.get(backwards)
    if image.dtype not in _KNOWN or image[0, 0].size > 4:
        out = _gathered(image, rows, columns, border, fill)
        out = np.flip(out.swapaxes(0, 1) if turned else out, tuple(k for k in (0, 1) if backwards[1 - k]))
    else:
        out = _bordered(image, rows, columns, border, fill, None if turned or code is not None else dst)
        if turned:
            out = cv2.transpose(out, dst if code is None else None)
        if code is not None:
            out = cv2.flip(out, code, dst)
    if dst is None:
        out = out.reshape(*size, *image.shape[2:])
        return out.copy() if np.may_share_memory(out, image) else np.ascontiguousarray(out)
    if not np.may_share_memory(out, dst):
        dst[...] = out.reshape(dst.shape)
    return dst


def _span(sign: int, offset: int, out: int, side: int) -> Span:
    """The part of a side of the image that `out` pixels show."""
    low = -offset if sign > 0 else offset - out + 1
    high = low + out
    return max(low, 0), min(high, side), max(-low, 0), max(high - side, 0)


def _bordered(image: Image, rows: Span, columns: Span, border: str, fill: float, dst: Image | None) -> Image:
    """The part of the image, a view where nothing lies outside, and else widened by the border rule."""
    (y0, y1, above, below), (x0, x1, before, after) = rows, columns
    if not (above or below or before or after):
        return image[y0:y1, x0:x1]
    reach = 1 if border != "reflect" else max(above, below) + 1, 1 if border != "reflect" else max(before, after) + 1
    if y1 - y0 < reach[0] or x1 - x0 < reach[1]:  # the rule needs more of the image than is seen
        return _gathered(image, rows, columns, border, fill)
    seen = image[y0:y1, x0:x1]
    return np.asarray(cv2.copyMakeBorder(seen, above, below, before, after, BORDERS[border], dst, (fill,) * 4))


def _gathered(image: Image, rows: Span, columns: Span, border: str, fill: float) -> Image:
    """The same for any dtype, number of channels and distance from the image, pixel by pixel."""
    spans = (rows, columns)
    places = [np.arange(s[0] - s[2], s[1] + s[3]) for s in spans]
    outside = [(p < 0) | (p >= side) for p, side in zip(places, image.shape[:2], strict=True)]
    for k, side in enumerate(image.shape[:2]):
        if border == "reflect" and side > 1:
            folded = np.abs(places[k]) % (2 * (side - 1))
            places[k] = np.minimum(folded, 2 * (side - 1) - folded)
        places[k] = np.clip(places[k], 0, side - 1)
    out: Image = image[places[0][:, None], places[1][None]]
    if border == "constant":
        if image.dtype.kind in "iu":
            limits = np.iinfo(image.dtype)
            fill = min(max(round(fill), limits.min), limits.max)
        out[outside[0]] = fill
        out[:, outside[1]] = fill
    return out
