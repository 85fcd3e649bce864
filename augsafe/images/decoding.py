"""Image files to arrays: JPEG, PNG, WebP, TIFF and BMP, upright, in RGB."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from augsafe.errors import ArgumentError, DecodeError
from augsafe.typing import PathLike

Mode = Literal["rgb", "grey", "unchanged"]
MODES = ("rgb", "grey", "unchanged")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
MAX_PIXELS = 178_956_970  # above this Pillow, too, refuses a file

_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262

# Pillow's readers by themselves: Image.open warns about sizes before ours is looked at, and such a warning can only
# be silenced for all threads at once.
_READERS: tuple[tuple[bytes, Callable[[io.BytesIO], Image.Image]], ...] = (
    (b"\xff\xd8\xff", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"RIFF", WebPImagePlugin.WebPImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    (b"II+\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0+", TiffImagePlugin.TiffImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
)


def decode(file: PathLike | bytes, *, mode: Mode = "rgb", max_pixels: int = MAX_PIXELS) -> NDArray[Any]:
    """Decode one image as it is meant to be seen: upright by its EXIF orientation, transparent parts on white.

    Args:
        file: The path of a JPEG, PNG, WebP, TIFF or BMP, or its bytes.
        mode: "rgb" gives (H, W, 3), "grey" gives (H, W), "unchanged" gives what the file has.
        max_pixels: Larger images are refused. The size is read from the header, before anything is decoded.

    Returns:
        uint8, or uint16 from a PNG or TIFF with 16 bits.

    Raises:
        DecodeError: The file is missing, broken, too large, of another format, of floats, or has several frames.
        ArgumentError: There is no such mode.
    """
    if mode not in MODES:
        raise ArgumentError(f"decode(mode=...) must be one of {', '.join(MODES)}, got {mode!r}")
    name, data = _bytes_of(file)
    with _errors_naming(name):
        picture, header = _open(name, data, max_pixels)
        with picture:
            array = _pixels(picture, data, header)
    return _as_mode(array, mode)


def decode_mask(file: PathLike | bytes, *, max_pixels: int = MAX_PIXELS) -> NDArray[Any]:
    """Decode a mask: the numbers in the file, not its colours. A palette gives its indices, one bit gives 0 and 1.

    Args:
        file: The path of an image file, or its bytes.
        max_pixels: Larger masks are refused.

    Returns:
        The number of a class or object for each pixel (H, W).

    Raises:
        DecodeError: As `decode`, and for a mask in colour, whose numbers cannot be known.
    """
    name, data = _bytes_of(file)
    with _errors_naming(name):
        picture, header = _open(name, data, max_pixels)
        with picture:
            if picture.mode in ("P", "1"):
                picture.load()
                ids = np.array(picture).astype(np.uint8)
                return np.ascontiguousarray(_upright(ids, _orientation(picture)))
            array = _pixels(picture, data, header)
    if array.ndim == 3:
        if (array != array[..., :1]).any():
            raise DecodeError(f"{name} is a mask in colour; save it as grey or palette, each value the id of a class")
        array = np.ascontiguousarray(array[..., 0])
    return array


def from_pillow(picture: Image.Image) -> NDArray[Any]:
    """The pixels of a Pillow image by the rules of `decode`, except that they are not turned: (H, W) or (H, W, 3)."""
    if picture.mode.startswith("I;16"):
        return np.array(picture).astype(np.uint16)
    if picture.mode in ("L", "F", "I") and "transparency" not in picture.info:
        return np.array(picture)
    if picture.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        array = _on_white(np.array(picture.convert("RGBA")))
        return np.ascontiguousarray(array[..., 0]) if picture.mode in ("1", "L", "LA") else array
    return np.array(picture.convert("L" if picture.mode == "1" else "RGB"))


def _bytes_of(file: PathLike | bytes) -> tuple[str, bytes]:
    if isinstance(file, bytes):
        name, data = "the image given as bytes", file
    elif isinstance(file, (str, os.PathLike)):
        name = repr(os.fspath(file))
        try:
            data = Path(file).read_bytes()
        except (OSError, ValueError) as error:  # ValueError: a null character in the name
            raise DecodeError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    else:
        raise ArgumentError(f"decode(file) must be a path or bytes, got {type(file).__name__}")
    if not data:
        raise DecodeError(f"{name} is empty: 0 bytes")
    return name, data


@contextmanager
def _errors_naming(name: str) -> Iterator[None]:
    """Turn what goes wrong inside a decoder into an error that names the file."""
    try:
        yield
    except (DecodeError, ArgumentError, MemoryError):
        raise
    except Exception as error:  # decoders raise some dozen kinds, from struct.error to ZeroDivisionError
        cause = str(error).strip() or type(error).__name__
        raise DecodeError(f"{name} is broken, or of a kind that is not read: {cause}") from error


def _open(name: str, data: bytes, max_pixels: int) -> tuple[Image.Image, int]:
    """The picture with its header read and nothing decoded, and where a JPEG's header ends."""
    reader = next((reader for magic, reader in _READERS if data.startswith(magic)), None)
    if reader is None or (data.startswith(b"RIFF") and data[8:12] != b"WEBP"):
        raise DecodeError(f"{name} is no JPEG, PNG, WebP, TIFF or BMP: it begins with {data[:8]!r}; convert it first")
    if reader is WebPImagePlugin.WebPImageFile:
        # Pillow's reader holds this size against a limit of its own, in words of its own.
        _check_size(name, *_webp_size(data), max_pixels)
    stream = io.BytesIO(data)
    picture = reader(stream)
    header = stream.tell()
    _check_size(name, picture.width, picture.height, max_pixels)
    pages = getattr(picture, "n_frames", 1)
    if pages != 1:
        raise DecodeError(f"{name} holds {pages} frames or pages; save the one that is meant as a file of its own")
    if picture.mode == "F" or (picture.mode == "I" and picture.format == "TIFF"):
        kind = "floats" if picture.mode == "F" else "signed or 32-bit numbers"
        raise DecodeError(f"{name} holds {kind}; save it with 8 or 16 bits, or pass it as an array")
    return picture, header


def _check_size(name: str, width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise DecodeError(
            f"{name} has {width} x {height} = {width * height:,} pixels, the limit is {max_pixels:,}; it was not "
            "decoded: make it smaller, or raise max_pixels"
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height from a WebP's first chunk."""
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


def _pixels(picture: Image.Image, data: bytes, header: int) -> NDArray[Any]:
    """Upright pixels, (H, W) or (H, W, 3). OpenCV is the faster, Pillow reads more kinds and says what is wrong."""
    if _is_deep(picture, data):
        picture.load()  # OpenCV 4 fills in what is missing from a file, Pillow refuses it
        array = _by_opencv(data)
        if array is None:
            raise ValueError("its 16-bit pixels cannot be decoded")
        if picture.format == "TIFF" and getattr(picture, "tag_v2", {}).get(_PHOTOMETRIC) == 0:
            array = ~array  # 0 is white
        return np.ascontiguousarray(_upright(array, _orientation(picture)))
    if _is_plain(picture, data, header):
        array = _by_opencv(data)
        if array is not None:
            turn = _orientation(picture) if picture.format == "JPEG" else 1
            return np.ascontiguousarray(_upright(array, turn))
    picture.load()
    return np.ascontiguousarray(_upright(from_pillow(picture), _orientation(picture)))


def _is_deep(picture: Image.Image, data: bytes) -> bool:
    """Whether it has 16 bits a channel, which Pillow cuts to 8 in colour."""
    if picture.format == "PNG":
        return data[24] == 16
    return picture.format == "TIFF" and max(getattr(picture, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))) == 16


def _is_plain(picture: Image.Image, data: bytes, header: int) -> bool:
    """Whether OpenCV gives what Pillow would: 8 bits, grey or RGB, and complete (OpenCV 4 fills in what is missing)."""
    if picture.mode not in ("L", "RGB"):
        return False
    if picture.format == "JPEG":
        return data.rfind(b"\xff\xd9", header) >= 0
    if picture.format != "PNG" or data[24] != 8 or "transparency" in picture.info or b"IEND" not in data[-64:]:
        return False
    return not any(word in data for word in (b"eXIf", b"Raw profile type", b"XML:com.adobe.xmp"))


def _by_opencv(data: bytes) -> NDArray[Any] | None:
    # IMREAD_UNCHANGED is what leaves EXIF orientation alone (not so in a TIFF).
    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.ndim == 2:
        return array
    if array.shape[2] == 4:
        return _on_white(cv2.cvtColor(array, cv2.COLOR_BGRA2RGBA, dst=array))
    return np.asarray(cv2.cvtColor(array, cv2.COLOR_BGR2RGB, dst=array))


def _orientation(picture: Image.Image) -> Any:
    """The turn that is left to do, 1 for none: so where the EXIF data cannot be read, as the pixels may be sound."""
    if picture.format == "TIFF":  # Pillow and OpenCV turn a TIFF themselves
        return 1
    try:
        return picture.getexif().get(_ORIENTATION, 1)
    except Exception:
        return 1


def _on_white(array: NDArray[Any]) -> NDArray[Any]:
    top = np.iinfo(array.dtype).max
    alpha = array[..., 3:]
    if (alpha == top).all():
        return np.ascontiguousarray(array[..., :3])
    share = alpha / float(top)
    return np.asarray(np.rint(array[..., :3] * share + top * (1.0 - share)).astype(array.dtype))


def _upright(array: NDArray[Any], orientation: Any) -> NDArray[Any]:
    """EXIF 2.32, tag 0x0112; a value that it does not know leaves the picture as it is."""
    turned = array.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else array
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    return turned


def _as_mode(array: NDArray[Any], mode: str) -> NDArray[Any]:
    if mode == "rgb" and array.ndim == 2:
        return np.asarray(cv2.cvtColor(array, cv2.COLOR_GRAY2RGB))
    if mode == "grey" and array.ndim == 3:
        return np.asarray(cv2.cvtColor(array, cv2.COLOR_RGB2GRAY))
    return array
