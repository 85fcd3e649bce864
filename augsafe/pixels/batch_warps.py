"""The warps of a plan's images, 8-bit and of one output shape, prepared for all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from augsafe.pixels.blocks import reduced
from augsafe.pixels.extent import from_part, parts
from augsafe.pixels.permutation import BORDERS, is_permutation, permute
from augsafe.pixels.warping import INTERPOLATIONS, endless, paddings, reductions, squashes, tilted, warp
from augsafe.planning import Plan
from augsafe.randomness import FloatArray

Bytes = NDArray[np.uint8]
_LARGE = 1 << 14  # pixels; of smaller images, whole chunks are made ready in fewer calls
_SHARE = 0.25  # of an image, above which to read a part of each row takes as long as to read all of it


class Warps:
    """What each warp needs. `chunk` images at most are warped in one call of `run`.

    Of a large image only the part that its map shows is taken (see `shown`). Colour comes with four channels, but for
    the rows that are `late`: large images that are cropped or reduced first, so that fewer pixels need a fourth.

    Sources are widened by the border rule first (see `paddings`). Where a chunk is one array, all its images are
    widened together by the most that any of the plan needs, and each warp is shown just its own part of that: the
    result does not depend on the company that an image keeps.
    """

    def __init__(self, plan: Plan, planes: int, chunk: int) -> None:
        stage, settings = plan.stages[0], plan.settings
        self.settings = settings
        self.flags, self.rule = INTERPOLATIONS[settings.interpolation], BORDERS[settings.border]
        self.fill = (settings.fill,) * 4
        self.frame = (int(stage.size_out[0, 0]), int(stage.size_out[0, 1]))
        self.exact, self.reduce = is_permutation(stage.matrix), reductions(stage.matrix, stage.size_in)
        self.squash = squashes(stage.matrix, stage.size_in, self.reduce)
        affine, reduced = ~tilted(stage.matrix) & ~self.exact, (self.reduce > 1).any(axis=1)
        if settings.interpolation == "nearest":
            reduced, self.squash = np.zeros_like(reduced), np.zeros_like(reduced)
        plain = affine & ~reduced & ~self.squash & ~endless(stage.size_in, settings.border, settings.interpolation)
        blocks = affine & reduced & ~self.squash
        pads = np.where(plain[:, None], paddings(stage.matrix, stage.size_in, self.frame), 0)
        large = stage.size_in.prod(axis=1) >= _LARGE
        cut = self._cut(stage.matrix, stage.size_in, blocks, plain & ~pads.any(axis=1) & (planes == 4))
        whole = np.rint(np.where(self.exact[:, None, None], stage.matrix, 0))
        self.moves: list[list[list[int]]] = whole.astype(np.int64).tolist()
        self.early: list[bool] = (cut & large).tolist()
        halved = (self.reduce == 2).all(axis=1)  # OpenCV does that faster in four channels
        self.late: list[bool] = ((self.exact | blocks & ~halved) & large).tolist()
        self.plain: list[bool] = plain.tolist()
        self.blocks: list[bool] = blocks.tolist()
        left, right, top, bottom = pads.T
        self.pads: list[list[int]] = pads.tolist()
        self.affine = list(from_part(self.matrix, -pads[:, [0, 2]])[:, :2].copy())
        self.most: list[int] = pads.max(axis=0).tolist()
        height, width = stage.size_in[:, 0] + top + bottom, stage.size_in[:, 1] + left + right
        self.room = np.empty(int((height * width).max()) * planes, np.uint8)
        self.together = chunk > 1 and bool((stage.size_in == stage.size_in[0]).all()) and any(self.most)
        if self.together:
            self._prepare(int(stage.size_in[0, 0]), int(stage.size_in[0, 1]), planes, chunk)

    def _cut(
        self, matrix: FloatArray, sizes: NDArray[np.int64], blocks: NDArray[np.bool_], plain: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Set the part of each image and the map from it; which images (n,) have a part that is not the whole."""
        self.matrix, self.parts = matrix, [[0, 0, 0, 0]] * len(matrix)
        det = np.abs(matrix[:, 0, 0] * matrix[:, 1, 1] - matrix[:, 0, 1] * matrix[:, 1, 0])
        area = sizes.prod(axis=1)
        small = self.frame[0] * self.frame[1] <= _SHARE * det * area  # what is seen; a part of whole rows is larger
        cut: NDArray[np.bool_] = blocks | plain & (area >= _LARGE) & small
        if cut.any():
            part = parts(matrix, sizes, self.frame, np.where(blocks[:, None], self.reduce, 1))
            cut &= blocks | ((part[:, 2:] - part[:, :2]).prod(axis=1) <= _SHARE * area)
            self.parts = part.tolist()
            self.matrix = np.where(cut[:, None, None], from_part(matrix, part[:, :2]), matrix)
        return cut

    def shown(self, images: Bytes | Sequence[Bytes], start: int, stop: int) -> Bytes | list[Bytes]:
        """The images that `run` takes for those from `start` to `stop`: one array where all are shown as they are."""
        if isinstance(images, np.ndarray) and not any(self.early[start:stop]):
            return images[start:stop]
        return [self._part(images[i], i) if self.early[i] else images[i] for i in range(start, stop)]

    def _part(self, image: Bytes, i: int) -> Bytes:
        x0, y0, x1, y1 = self.parts[i]
        return image[y0:y1, x0:x1]

    def _prepare(self, height: int, width: int, planes: int, chunk: int) -> None:
        """Room for a chunk widened together, and the source row of each of its rows."""
        left, right, top, bottom = self.most
        channels = () if planes == 1 else (planes,)
        self.broad = np.empty((chunk, height, left + width + right, *channels), np.uint8)
        self.grown = np.empty((chunk, top + height + bottom, left + width + right, *channels), np.uint8)
        rows = [cv2.borderInterpolate(row, height, self.rule) for row in range(-top, height + bottom)]
        self.rows = np.asarray(rows)

    def run(self, sources: Bytes | Sequence[Bytes], start: int, warped: Bytes) -> None:
        """Warp the images from number `start` on into `warped` (chunk, height, width, planes)."""
        shape = (self.frame[1], self.frame[0])
        targets = list(warped[..., 0] if warped.shape[3] == 1 else warped)
        grown = self._grown(sources) if self.together and isinstance(sources, np.ndarray) else None
        plain, pads, affine, warp_affine = self.plain, self.pads, self.affine, cv2.warpAffine
        for k, source in enumerate(sources):
            i = start + k
            if not plain[i]:
                self._otherwise(source, i, targets[k])
                continue
            if grown is not None:
                left, right, top, bottom = pads[i]
                height, width = source.shape[:2]
                x, y = self.most[0] - left, self.most[2] - top
                source = grown[k, y : y + top + height + bottom, x : x + left + width + right]
            elif any(pads[i]):
                source = self._widened(source, i)
            warp_affine(source, affine[i], shape, targets[k], self.flags, self.rule, self.fill)

    def _grown(self, sources: Bytes) -> Bytes:
        """All images of a chunk (n, H, W[, C]), widened by the most that any needs."""
        (left, right, top, _), (n, height) = self.most, sources.shape[:2]
        broad, grown = self.broad[:n], self.grown[:n]
        tall, wide = sources.reshape(n * height, *sources.shape[2:]), broad.reshape(n * height, *broad.shape[2:])
        cv2.copyMakeBorder(tall, 0, 0, left, right, self.rule, wide, self.fill)
        np.take(broad, self.rows, axis=1, out=grown, mode="clip")
        if self.settings.border == "constant":
            grown[:, :top] = grown[:, top + height :] = np.clip(np.rint(self.settings.fill), 0, 255)
        return grown

    def _widened(self, source: Bytes, i: int) -> Bytes:
        left, right, top, bottom = self.pads[i]
        height, width = source.shape[0] + top + bottom, source.shape[1] + left + right
        wide = self.room[: height * width * source[0, 0].size].reshape(height, width, *source.shape[2:])
        cv2.copyMakeBorder(source, top, bottom, left, right, self.rule, wide, self.fill)
        return wide

    def _otherwise(self, source: Bytes, i: int, target: Bytes) -> None:
        s, narrow = self.settings, source.shape[2:] == (3,)
        if self.exact[i]:
            moved = permute(source, self.moves[i], self.frame, s.border, s.fill, None if narrow else target)
            if narrow:
                cv2.cvtColor(moved, cv2.COLOR_RGB2RGBA, target)
            return
        matrix, factors, squash = self.matrix[i], (int(self.reduce[i, 0]), int(self.reduce[i, 1])), bool(self.squash[i])
        if self.blocks[i]:
            part = source if self.early[i] else self._part(source, i)
            source, matrix = reduced(part, matrix, factors)
            source, factors = np.asarray(cv2.cvtColor(source, cv2.COLOR_RGB2RGBA)) if narrow else source, (1, 1)
        warp(source, matrix, self.frame, s.border, s.fill, s.interpolation, False, factors, squash, target)
