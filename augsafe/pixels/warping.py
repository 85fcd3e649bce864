"""Moving the pixels of one image: the single place that resamples."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.pixels.blocks import reduced
from augsafe.pixels.extent import from_part, parts, seen
from augsafe.pixels.permutation import BORDERS, permute
from augsafe.randomness import FloatArray

Image = NDArray[Any]
LARGEST_SIDE = 32766  # OpenCV's warps address pixels with 16 bits

INTERPOLATIONS = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


# Arrays below are taken apart by columns: numpy reduces over an axis of two or three at a hundred times the cost.


def tilted(matrices: FloatArray) -> NDArray[np.bool_]:
    """Which maps (n, 3, 3) are projective (n,)."""
    return np.asarray((matrices[:, 2, 0] != 0) | (matrices[:, 2, 1] != 0))


def reductions(matrices: FloatArray, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """By how much each source is reduced first, so that the warp does not alias.

    Args:
        matrices: Forward maps (n, 3, 3); a projective one is judged at the source's centre.
        sizes: Height and width of each source (n, 2), pixels.

    Returns:
        Whole factors (n, 2), for x and y.
    """
    linear = _linear(matrices, sizes)
    scale = np.sqrt(linear[:, 0] ** 2 + linear[:, 1] ** 2)
    if not (scale <= 0.5).any():
        return np.ones(scale.shape, np.int64)
    return np.where(scale <= 0.5, np.floor(1 / np.maximum(scale, 1e-6) + 1e-9), 1).astype(np.int64)


def squashes(matrices: FloatArray, sizes: NDArray[np.int64], reduce: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which maps shrink below one half along a direction that whole factors for x and y do not reach.

    Args:
        matrices: Forward maps (n, 3, 3).
        sizes: Height and width of each source (n, 2), pixels.
        reduce: What `reductions` gives for them (n, 2).

    Returns:
        (n,).
    """
    linear = _linear(matrices, sizes)
    a, c = linear[:, 0, 0] * reduce[:, 0], linear[:, 1, 0] * reduce[:, 0]
    b, d = linear[:, 0, 1] * reduce[:, 1], linear[:, 1, 1] * reduce[:, 1]
    # a singular value is one half or less: (1 - 4 s1^2)(1 - 4 s2^2) is not above 0, or both are
    total, det = a * a + b * b + c * c + d * d, a * d - b * c
    return np.asarray((1 - 4 * total + 16 * det * det < 1e-9) | (total < 0.25))


def _linear(matrices: FloatArray, sizes: NDArray[np.int64]) -> FloatArray:
    """The linear parts (n, 2, 2) of maps, at the source's centre where they are projective."""
    linear, oblique = matrices[:, :2, :2], tilted(matrices)
    if oblique.any():
        point = np.concatenate([(sizes[:, ::-1] - 1) / 2.0, np.ones((len(sizes), 1))], axis=1)
        image = np.einsum("nij,nj->ni", matrices, point)
        weight = np.where(np.abs(image[:, 2]) < 1e-12, 1e-12, image[:, 2])
        drift = image[:, :2, None] * matrices[:, None, 2, :2] / weight[:, None, None]
        linear = np.where(oblique[:, None, None], (linear - drift) / weight[:, None, None], linear)
    return linear


def _smeared(image: Image, matrix: FloatArray, border: str) -> Image:
    """The image averaged along the direction in which a map squashes it, over as many pixels as become one.

    Whole factors cannot do so along a diagonal. The kernel is a line, each of its points shared by four pixels.
    """
    size = np.array([image.shape[:2]], dtype=np.int64)
    linear = _linear(matrix[None], size)[0]
    _, scales, directions = np.linalg.svd(linear)
    length = min(1 / max(float(scales[1]), 1e-6), float(max(image.shape[:2])))
    steps = np.linspace(-0.5, 0.5, 4 * math.ceil(length) + 1) * length
    reach = math.ceil(length / 2) + 1
    x, y = steps * directions[1, 0] + reach, steps * directions[1, 1] + reach
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    x0, y0 = np.floor(x).astype(int), np.floor(y).astype(int)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        np.add.at(kernel, (y0 + dy, x0 + dx), np.abs(1 - dx - (x - x0)) * np.abs(1 - dy - (y - y0)))
    rule = cv2.BORDER_REPLICATE if border == "constant" else BORDERS[border]  # a fill would bleed into the image
    out = cv2.filter2D(image, -1, (kernel / kernel.sum()).astype(np.float32), borderType=rule)
    return np.asarray(out).reshape(image.shape)


def paddings(matrices: FloatArray, sizes: NDArray[np.int64], frame: tuple[int, int]) -> NDArray[np.int64]:
    """Pixels (n, 4) left, right, top, bottom by which to widen each source, so that an affine map stays inside it.

    OpenCV takes three times as long over a pixel that it must fetch by the border rule as over one inside; to apply
    the rule beforehand costs little. All 0 where nothing lies outside, or too much for this to pay.
    """
    pays, touches = np.ones(len(matrices), bool), np.zeros(len(matrices), bool)
    area, pads = np.ones(len(matrices)), []
    lows, highs = seen(matrices, frame, 0.0)
    with np.errstate(invalid="ignore"):
        for k in (0, 1):
            low, high, side = lows[:, k], highs[:, k], sizes[:, 1 - k]
            before, after = np.maximum(1 - np.floor(low), 0), np.maximum(np.ceil(high) + 2 - side, 0)
            pays &= side + before + after < LARGEST_SIDE
            touches |= (low < 0) | (high > side - 1)
            area *= side + before + after
            pads += [before, after]
    wanted = pays & touches & (area < 4.0 * sizes[:, 0] * sizes[:, 1])
    return np.stack([np.where(wanted, pad, 0) for pad in pads], axis=1).astype(np.int64)


def warp(
    image: Image,
    matrix: FloatArray,
    size: tuple[int, int],
    border: str,
    fill: float,
    interpolation: str,
    exact: bool,
    reduce: tuple[int, int],
    squash: bool = False,
    dst: Image | None = None,
) -> Image:
    """Resample one image (H, W[, C]) through a forward map onto a frame of `size` (height, width).

    `exact` maps permute pixels; `reduce` > 1 averages whole blocks first, and `squash` along a slanted line. The result
    never shares memory with the input; it is `dst` where that is given.
    """
    if exact:
        return permute(image, np.rint(matrix).astype(np.int64).tolist(), size, border, fill, dst)
    if max(reduce) > 1 and interpolation != "nearest":
        if not squash:
            sizes, factors = np.array([image.shape[:2]]), np.array([reduce])
            x0, y0, x1, y1 = parts(matrix[None], sizes, size, factors)[0].tolist()
            image, matrix = image[y0:y1, x0:x1], from_part(matrix[None], np.array([[x0, y0]]))[0]
        image, matrix = reduced(image, matrix, reduce)
    if squash and interpolation != "nearest":
        image = _smeared(image, matrix, border)
    if image.ndim == 3 and image.shape[2] > 4:
        fours = [np.ascontiguousarray(image[..., c : c + 4]) for c in range(0, image.shape[2], 4)]
        warped = [_resample(four, matrix, size, border, fill, interpolation, None) for four in fours]
        out = np.concatenate([part.reshape(*size, -1) for part in warped], axis=2)
    else:
        out = _resample(image, matrix, size, border, fill, interpolation, dst)
        out = out if out.ndim == image.ndim else out[..., None]
    if dst is None:
        return out
    if out is not dst and not np.may_share_memory(out, dst):
        dst[...] = out
    return dst


def endless(sizes: NDArray[np.int64], border: str, interpolation: str) -> NDArray[np.bool_]:
    """Of which sizes (n, 2) OpenCV's cubic interpolation never ends: where it must reflect a single pixel."""
    risky = border == "reflect" and interpolation == "cubic"
    return np.asarray((sizes == 1).any(axis=1) & risky)


def _thick(image: Image, border: str, interpolation: str) -> Image:
    """The image, with sides of one pixel doubled where they are `endless`: two equal pixels reflect to the same."""
    if endless(np.array([image.shape[:2]]), border, interpolation)[0]:
        for axis in (0, 1):
            image = image if image.shape[axis] > 1 else np.repeat(image, 2, axis=axis)
    return image


def _resample(
    image: Image,
    matrix: FloatArray,
    size: tuple[int, int],
    border: str,
    fill: float,
    interpolation: str,
    dst: Image | None,
) -> Image:
    flags, rule = INTERPOLATIONS[interpolation], BORDERS[border]
    shape, image = (size[1], size[0]), _thick(image, border, interpolation)
    if matrix[2, 0] == 0 and matrix[2, 1] == 0:
        return np.asarray(
            cv2.warpAffine(image, matrix[:2], shape, dst=dst, flags=flags, borderMode=rule, borderValue=(fill,) * 4)
        )
    return np.asarray(
        cv2.warpPerspective(image, matrix, shape, dst=dst, flags=flags, borderMode=rule, borderValue=(fill,) * 4)
    )


def displace(image: Image, field: NDArray[np.float32], border: str, fill: float, interpolation: str) -> Image:
    """Resample one image (H, W[, C]): each pixel comes from where it is plus its field (H, W, 2)."""
    height, width = field.shape[:2]
    columns = np.arange(width, dtype=np.float32)[None, :] + field[..., 0]
    rows = np.arange(height, dtype=np.float32)[:, None] + field[..., 1]
    planes = _thick(image if image.ndim == 3 else image[..., None], border, interpolation)
    parts = [
        cv2.remap(
            np.ascontiguousarray(planes[..., c : c + 4]),
            columns,
            rows,
            INTERPOLATIONS[interpolation],
            borderMode=BORDERS[border],
            borderValue=(fill,) * 4,
        ).reshape(height, width, -1)
        for c in range(0, planes.shape[2], 4)
    ]
    out: Image = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    return out if image.ndim == 3 else out[..., 0]
