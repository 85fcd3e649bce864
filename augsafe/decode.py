"""Image files to arrays: JPEG, PNG, WebP, TIFF and BMP, upright, in RGB."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from augsafe.errors import ArgumentError, DecodeError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
MODES = ("rgb", "grey", "unchanged")
MAX_PIXELS = 178_956_970  # what Pillow refuses as a decompression bomb
_ORIENTATION = 0x0112


def decode(file: str | Path | bytes, *, mode: str = "rgb", max_pixels: int = MAX_PIXELS) -> NDArray[Any]:
    """One image, as it is meant to be seen: EXIF orientation is honoured.

    mode: "rgb" gives (H, W, 3), "grey" (H, W), "unchanged" either as the file has it. uint8; uint16 from 16-bit PNG
    and TIFF. Transparent pixels are shown on black. Raises DecodeError for a file that is broken, missing, of another
    format, of floats, animated, or larger than `max_pixels` (refused before it is decoded).
    """
    if mode not in MODES:
        raise ArgumentError(f"decode(mode=...) must be one of {', '.join(MODES)}, got {mode!r}")
    name = "the bytes given" if isinstance(file, bytes) else str(file)
    try:
        data = file if isinstance(file, bytes) else Path(file).read_bytes()
    except OSError as error:
        raise DecodeError(f"{name} cannot be read: {error.strerror or error}") from error
    if not data:
        raise DecodeError(f"{name} is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as picture:
                _refuse(picture, name, max_pixels)
                array = _read(picture, data)
    except DecodeError:
        raise
    except Image.DecompressionBombError as error:
        raise DecodeError(f"{name} is too large to decode: {error}") from error
    except UnidentifiedImageError as error:
        raise DecodeError(f"{name} is not an image of a known format ({', '.join(FORMATS)})") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, cv2.error) as error:
        raise DecodeError(f"{name} is broken: {error}") from error
    return np.ascontiguousarray(_as_mode(array, mode))


def _refuse(picture: Image.Image, name: str, max_pixels: int) -> None:
    if picture.format not in FORMATS and picture.format != "MPO":
        raise DecodeError(f"{name} is {picture.format}; augsafe reads {', '.join(FORMATS)}: convert it first")
    if picture.width * picture.height > max_pixels:
        raise DecodeError(
            f"{name} is {picture.width} x {picture.height} pixels, more than the {max_pixels:,} allowed; "
            "refused before decoding"
        )
    if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
        raise DecodeError(f"{name} holds {getattr(picture, 'n_frames', 1)} pictures; split it first")
    if picture.mode in ("F", "I"):
        raise DecodeError(f"{name} holds {'floats' if picture.mode == 'F' else '32-bit numbers'}; convert it first")


def _read(picture: Image.Image, data: bytes) -> NDArray[Any]:
    orientation = picture.getexif().get(_ORIENTATION, 1)
    bits = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    plain = picture.format == "JPEG" and picture.mode in ("L", "RGB")
    deep = picture.format in ("PNG", "TIFF") and _deep(picture, data)
    if plain or deep:
        if picture.format == "JPEG":
            picture.load()  # OpenCV fills in what a truncated file lacks; Pillow refuses it
        array = cv2.imdecode(np.frombuffer(data, np.uint8), bits)
        if array is None:
            raise DecodeError("OpenCV cannot decode it")
        array = np.asarray(array)
        if array.ndim == 3:
            array = _on_black(array) if array.shape[2] == 4 else array
            array = np.asarray(cv2.cvtColor(array, cv2.COLOR_BGR2RGB))
        return _upright(array, orientation)
    upright = ImageOps.exif_transpose(picture)
    if upright.mode == "1":
        upright = upright.convert("L")
    if upright.mode in ("P", "PA", "LA", "RGBA") or "transparency" in upright.info:
        return _on_black(np.asarray(upright.convert("RGBA")))
    return np.asarray(upright if upright.mode == "L" else upright.convert("RGB"))


def _deep(picture: Image.Image, data: bytes) -> bool:
    """Whether a PNG or TIFF has 16 bits a channel, which Pillow would cut to 8 in colour."""
    if picture.format == "PNG":
        return data[24] == 16  # bit depth in the header
    bits = getattr(picture, "tag_v2", {}).get(258, (8,))
    return bool(max(bits if isinstance(bits, tuple) else (bits,)) == 16)


def _on_black(array: NDArray[Any]) -> NDArray[Any]:
    top = np.iinfo(array.dtype).max
    alpha = array[..., 3:].astype(np.float64) / top
    return np.asarray(np.rint(array[..., :3] * alpha).astype(array.dtype))


def _upright(array: NDArray[Any], orientation: int) -> NDArray[Any]:
    """EXIF 2.32, tag 0x0112."""
    turned = array.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else array
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    return turned


def _as_mode(array: NDArray[Any], mode: str) -> NDArray[Any]:
    if mode == "rgb" and array.ndim == 2:
        return np.repeat(array[..., None], 3, axis=2)
    if mode == "grey" and array.ndim == 3:
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_RGB2GRAY))
    return array
