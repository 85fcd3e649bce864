"""Image files of every kind, written for real and read back."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from augsafe.decode import decode
from augsafe.errors import ArgumentError, DecodeError


@pytest.fixture
def picture():
    """A picture without symmetry."""
    y, x = np.mgrid[:24, :40]
    return np.stack([x * 6, y * 10, (x + y) * 3], axis=2).astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_exif_orientation(tmp_path, picture, orientation, suffix):
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if suffix == "jpg" else {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(picture).save(path, exif=exif, **options)
    turned = {
        1: picture,
        2: picture[:, ::-1],
        3: picture[::-1, ::-1],
        4: picture[::-1],
        5: picture.swapaxes(0, 1),
        6: np.rot90(picture, -1),
        7: picture[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(picture),
    }[orientation]
    assert np.abs(decode(path).astype(int) - turned).max() <= (6 if suffix == "jpg" else 0)


def test_modes_of_pillow(tmp_path, picture):
    grey = picture[..., 0]
    cases = {
        "grey.png": (Image.fromarray(grey), np.repeat(grey[..., None], 3, axis=2)),
        "bmp.bmp": (Image.fromarray(picture), picture),
        "palette.png": (Image.fromarray(grey).quantize(256), None),
        "bit.png": (Image.fromarray(grey > 100), np.repeat(((grey > 100) * 255)[..., None], 3, axis=2)),
        "rgba.png": (Image.fromarray(np.dstack([picture, np.full(grey.shape, 255, np.uint8)])), picture),
    }
    for name, (image, expected) in cases.items():
        image.save(tmp_path / name)
        found = decode(tmp_path / name)
        assert found.shape == (24, 40, 3)
        assert found.dtype == np.uint8
        if expected is not None:
            assert (found == expected).all(), name


def test_transparent_pixels_are_black(tmp_path, picture):
    alpha = np.zeros(picture.shape[:2], np.uint8)
    alpha[:, 20:] = 255
    Image.fromarray(np.dstack([picture, alpha])).save(tmp_path / "a.png")
    found = decode(tmp_path / "a.png")
    assert (found[:, :20] == 0).all()
    assert (found[:, 20:] == picture[:, 20:]).all()


def test_cmyk_is_close_to_what_it_was(tmp_path, picture):
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    assert np.abs(decode(tmp_path / "a.jpg").astype(int) - picture).mean() < 12


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("colour", [False, True])
def test_sixteen_bits_are_kept(tmp_path, suffix, colour):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 65536, (8, 9, 3) if colour else (8, 9)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), image[..., ::-1] if colour else image)
    found = decode(tmp_path / f"a.{suffix}", mode="unchanged")
    assert found.dtype == np.uint16
    assert (found == image).all()


def test_grey_mode(tmp_path, picture):
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png", mode="grey").shape == (24, 40)
    with pytest.raises(ArgumentError, match="mode"):
        decode(tmp_path / "a.png", mode="hsv")


def bomb() -> bytes:
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_what_is_refused(tmp_path, picture):
    whole = tmp_path / "whole.jpg"
    Image.fromarray(picture).save(whole)
    png = tmp_path / "whole.png"
    Image.fromarray(picture).save(png)
    frames = [Image.fromarray(picture), Image.fromarray(255 - picture)]
    frames[0].save(tmp_path / "moving.webp", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(picture[..., 0].astype(np.float32)).save(tmp_path / "float.tif")
    (tmp_path / "cut.jpg").write_bytes(whole.read_bytes()[:-200])
    (tmp_path / "cut.png").write_bytes(png.read_bytes()[:-40])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "bomb.png").write_bytes(bomb())
    names = [
        "moving.webp",
        "moving.gif",
        "float.tif",
        "cut.jpg",
        "cut.png",
        "empty.png",
        "text.png",
        "bomb.png",
        "no.png",
    ]
    for name in names:
        with pytest.raises(DecodeError, match=name):
            decode(tmp_path / name)
    with pytest.raises(DecodeError, match="40 x 24"):
        decode(whole, max_pixels=100)
