"""Image files of every kind, written for real and read back."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from augsafe.errors import ArgumentError, DecodeError
from augsafe.images import decoding as module
from augsafe.images.decoding import decode, decode_mask

tifffile = pytest.importorskip("tifffile")  # comes with scikit-image

Y, X = np.mgrid[:24, :40]
PICTURE = np.stack([X * 6, Y * 10, (X + Y) * 3], axis=2).astype(np.uint8)  # without symmetry
DEEP = np.random.default_rng(0).integers(0, 65536, (5, 7, 3)).astype(np.uint16)
TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, bits: int, kind: int, rows: bytes, *more: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def saved(array: np.ndarray, kind: str, mode: str | None = None, **options) -> bytes:
    image = Image.fromarray(array)
    stream = io.BytesIO()
    (image.convert(mode) if mode else image).save(stream, kind, **options)
    return stream.getvalue()


def tiff(array: np.ndarray, orientation: int = 1, photometric: str = "minisblack") -> bytes:
    stream = io.BytesIO()
    photometric = "rgb" if array.ndim == 3 else photometric
    tifffile.imwrite(stream, array, photometric=photometric, extratags=[(0x0112, "H", 1, orientation, True)])
    return stream.getvalue()


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("grey", [False, True])
def test_exif_orientation(tmp_path, orientation, suffix, grey):
    path = tmp_path / f"a.{suffix}"
    picture = PICTURE[..., 0] if grey else PICTURE
    options = {"quality": 100, "subsampling": 0} if suffix == "jpg" else {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(picture).save(path, exif=exif(orientation), **options)
    found = decode(path, mode="grey" if grey else "rgb")
    expected = TURNS[orientation](picture)
    assert found.shape == expected.shape
    # WebP holds no grey: as colour and back it is off by a rounding.
    assert np.abs(found.astype(int) - expected).max() <= (6 if suffix == "jpg" else 1 if grey else 0)


def test_a_missed_turn_would_be_seen():
    for k, turn in TURNS.items():
        others = [TURNS[j](PICTURE) for j in TURNS if j != k]
        assert not any(
            o.shape == turn(PICTURE).shape and np.abs(o.astype(int) - turn(PICTURE)).max() < 20 for o in others
        )


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("array", [DEEP, DEEP[..., 0]], ids=["rgb", "grey"])
def test_exif_orientation_of_sixteen_bits(orientation, array):
    expected = TURNS[orientation](array)
    found = decode(tiff(array, orientation), mode="unchanged")
    assert found.dtype == np.uint16
    assert np.array_equal(found, expected)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    tag = chunk(b"eXIf", exif(orientation).tobytes()[6:])
    data = png(7, 5, 16, 2 if array.ndim == 3 else 0, rows, tag)
    assert np.array_equal(decode(data, mode="unchanged"), expected)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_orientation_that_cannot_be_read_leaves_the_picture_as_it_is():
    plain = saved(PICTURE, "JPEG")
    for tags in (exif(9), b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0garbage"):
        assert np.array_equal(decode(saved(PICTURE, "JPEG", exif=tags)), decode(plain))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_opencv_and_pillow_agree(monkeypatch, kind, mode):
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    data = saved(PICTURE, kind, mode, **options)
    calls = []
    real = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda *a: (calls.append(1), real(*a))[1])
    fast = decode(data, mode="unchanged")
    assert calls == [1]
    monkeypatch.setattr(module, "_is_plain", lambda *a: False)
    slow = decode(data, mode="unchanged")
    assert calls == [1]
    assert fast.shape == slow.shape
    assert np.abs(fast.astype(int) - slow).max() <= (3 if kind == "JPEG" else 0)


def test_kinds_of_pixels():
    grey = PICTURE[..., 0]
    as_grey = np.repeat(grey[..., None], 3, axis=2)
    bits = np.where(grey > 100, 255, 0).astype(np.uint8)
    cases = {
        "grey png": (saved(grey, "PNG"), as_grey),
        "grey bmp": (saved(grey, "BMP"), as_grey),
        "bmp": (saved(PICTURE, "BMP"), PICTURE),
        "webp": (saved(PICTURE, "WEBP", lossless=True), PICTURE),
        "tiff": (saved(PICTURE, "TIFF", compression="tiff_lzw"), PICTURE),
        "palette": (saved(bits, "PNG", "P"), np.repeat(bits[..., None], 3, axis=2)),
        "one bit": (saved(grey > 100, "PNG"), np.repeat(bits[..., None], 3, axis=2)),
        "one bit tiff": (saved(grey > 100, "TIFF"), np.repeat(bits[..., None], 3, axis=2)),
        "two bit": (png(4, 1, 2, 0, b"\0\x1b"), np.repeat(np.array([[0, 85, 170, 255]])[..., None], 3, axis=2)),
        "opaque": (saved(np.dstack([PICTURE, np.full_like(grey, 255)]), "PNG"), PICTURE),
    }
    for name, (data, expected) in cases.items():
        found = decode(data)
        assert found.dtype == np.uint8, name
        assert np.array_equal(found, expected), name
        assert found.flags.c_contiguous and found.flags.writeable, name
    assert decode(cases["grey png"][0], mode="unchanged").shape == (24, 40)
    assert decode(cases["bmp"][0], mode="grey").shape == (24, 40)


def test_a_palette_keeps_its_colours():
    colours = np.array([[250, 10, 20], [30, 240, 50], [60, 70, 230]], dtype=np.uint8)
    ids = (X // 14).astype(np.uint8)
    image = Image.fromarray(ids, "L").convert("P")
    image.putpalette(colours.tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG")
    assert np.array_equal(decode(stream.getvalue()), colours[ids])


def test_transparent_is_laid_on_white():
    alpha = np.zeros((24, 40), np.uint8)
    alpha[:, 20:] = 255
    alpha[:, 30:] = 128
    half = np.rint(PICTURE * (128 / 255) + 255 * (127 / 255))
    expected = np.where((alpha == 0)[..., None], 255, np.where((alpha == 128)[..., None], half, PICTURE))
    rgba = np.dstack([PICTURE, alpha])
    for data in (saved(rgba, "PNG"), saved(rgba, "WEBP", lossless=True, exact=True), saved(rgba, "TIFF")):
        assert np.array_equal(decode(data), expected)
    found = decode(saved(np.dstack([PICTURE[..., 0], alpha]), "PNG"), mode="unchanged")
    assert np.array_equal(found, expected[..., 0])
    sixteen = np.dstack([PICTURE, alpha]).astype(np.uint16) * 257
    found = decode(cv2.imencode(".png", sixteen[..., [2, 1, 0, 3]])[1].tobytes())
    assert found.dtype == np.uint16
    assert np.abs(found / 257 - expected).max() < 1


def test_transparent_colour_of_a_palette_and_of_grey():
    palette = chunk(b"PLTE", bytes([200, 0, 0, 0, 200, 0]))
    data = png(2, 1, 8, 3, b"\0\0\1", palette, chunk(b"tRNS", b"\0\xff"))
    assert decode(data).tolist() == [[[255, 255, 255], [0, 200, 0]]]
    data = png(2, 1, 8, 0, b"\0\x07\x09", chunk(b"tRNS", b"\0\x07"))
    assert decode(data, mode="unchanged").tolist() == [[255, 9]]


def test_cmyk():
    full = np.zeros((16, 16, 4), np.uint8)
    full[:, :8, 0] = 255  # cyan beside white
    stream = io.BytesIO()
    Image.fromarray(full, "CMYK").save(stream, "JPEG", quality=100)
    assert b"Adobe" in stream.getvalue()  # whose numbers are stored inverted
    stream_tiff = io.BytesIO()
    Image.fromarray(full, "CMYK").save(stream_tiff, "TIFF")
    for data in (stream.getvalue(), stream_tiff.getvalue()):
        found = decode(data).astype(int)
        assert np.abs(found[:, :6] - (0, 255, 255)).max() <= 3
        assert np.abs(found[:, 10:] - 255).max() <= 3
    assert np.abs(decode(saved(PICTURE, "JPEG", "CMYK", quality=100)).astype(int) - PICTURE).mean() < 3


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("array", [DEEP, DEEP[..., 0]], ids=["rgb", "grey"])
def test_sixteen_bits_are_kept(suffix, array):
    data = cv2.imencode(suffix, array[..., ::-1] if array.ndim == 3 else array)[1].tobytes()
    found = decode(data, mode="unchanged")
    assert found.dtype == np.uint16
    assert np.array_equal(found, array)
    assert decode(data).shape == (5, 7, 3)
    assert decode(data, mode="grey").dtype == np.uint16


def test_sixteen_bits_of_which_zero_is_white():
    assert np.array_equal(decode(tiff(DEEP[..., 0], photometric="miniswhite"), mode="unchanged"), ~DEEP[..., 0])


def test_masks_are_ids():
    ids = (X // 10).astype(np.uint8)
    image = Image.fromarray(ids).convert("P")
    image.putpalette([9, 9, 9, 128, 0, 0, 0, 128, 0, 128, 128, 0])
    stream = io.BytesIO()
    image.save(stream, "PNG")
    assert np.array_equal(decode_mask(stream.getvalue()), ids)
    assert not np.array_equal(decode(stream.getvalue(), mode="grey"), ids)  # what colours would give
    assert np.array_equal(decode_mask(saved(ids, "PNG")), ids)
    assert np.array_equal(decode_mask(saved(np.dstack([ids] * 3), "PNG")), ids)
    assert np.array_equal(decode_mask(saved(ids > 1, "PNG")), ids > 1)
    assert np.array_equal(decode_mask(tiff(DEEP[..., 0])), DEEP[..., 0])
    for ones in (ids, ids > 1):  # palette-like and one bit, turned
        stream = io.BytesIO()
        Image.fromarray(ones).convert("P" if ones.dtype == np.uint8 else "1").save(stream, "TIFF", exif=exif(6))
        assert np.array_equal(decode_mask(stream.getvalue()), np.rot90(ones, -1))
    assert np.array_equal(decode_mask(saved(ids, "PNG", "P", exif=exif(6))), np.rot90(ids, -1))
    with pytest.raises(DecodeError, match="mask in colour"):
        decode_mask(saved(PICTURE, "PNG"))


def refused() -> dict[str, bytes]:
    first, second = Image.fromarray(PICTURE), Image.fromarray(255 - PICTURE)
    moving = {}
    for kind in ("WEBP", "GIF", "PNG", "TIFF"):
        stream = io.BytesIO()
        first.save(stream, kind, save_all=True, append_images=[second])
        moving[f"moving {kind}"] = stream.getvalue()
    whole = {kind: saved(PICTURE, kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF", "BMP")}
    broken = bytearray(saved(np.random.default_rng(1).integers(0, 256, (50, 50, 3)).astype(np.uint8), "PNG"))
    broken[len(broken) // 2] ^= 0x55
    return {
        **moving,
        **{f"half {kind}": data[: len(data) // 2] for kind, data in whole.items()},
        "half deep PNG": cv2.imencode(".png", DEEP)[1].tobytes()[:150],
        "half deep TIFF": tiff(DEEP)[:-100],
        "zeros": whole["JPEG"][: len(whole["JPEG"]) * 3 // 4] + bytes(500),
        "only header": whole["PNG"][:33],
        "bit flip": bytes(broken),
        "short stream": png(40, 24, 8, 2, b"\0" * 600),
        "float": saved(PICTURE[..., 0].astype(np.float32), "TIFF"),
        "float rgb": tiff(PICTURE.astype(np.float32)),
        "float16": tiff(PICTURE[..., 0].astype(np.float16)),
        "signed": tiff(PICTURE[..., 0].astype(np.int16)),
        "int32": tiff(PICTURE[..., 0].astype(np.int32)),
        "empty": b"",
        "text": b"no picture",
        "riff": b"RIFF\0\0\0\0WAVEfmt ",
    }


REFUSED = refused()


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused(tmp_path, kind):
    path = tmp_path / f"ünï {kind}.png"
    path.write_bytes(REFUSED[kind])
    with pytest.raises(DecodeError) as caught:
        decode(path)
    assert f"ünï {kind}.png" in str(caught.value)
    assert len(str(caught.value)) > len(repr(str(path))) + 10  # and a cause


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("empty", "is empty"),
        ("text", "begins with b'no pictu'"),
        ("moving GIF", "begins with b'GIF8"),
        ("moving WEBP", "2 frames"),
        ("riff", "begins with b'RIFF"),
        ("float", "floats"),
        ("int32", "32-bit"),
    ],
)
def test_the_cause_is_named(kind, cause):
    with pytest.raises(DecodeError, match=cause):
        decode(REFUSED[kind] or b"")


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(DecodeError, match=r"nowhere\.png.*No such file"):
        decode(tmp_path / "nowhere.png")
    with pytest.raises(DecodeError, match=r"directory"):
        decode(tmp_path)
    with pytest.raises(DecodeError, match="null"):
        decode("a\0b.png")


def test_a_jpeg_with_more_behind_it_gives_the_first_picture():
    stream = io.BytesIO()
    Image.fromarray(PICTURE).save(stream, "MPO", save_all=True, append_images=[Image.fromarray(255 - PICTURE)])
    assert np.abs(decode(stream.getvalue()).astype(int) - PICTURE).mean() < 8
    plain = saved(PICTURE, "JPEG")
    assert np.array_equal(decode(plain + b"what a camera adds" * 99), decode(plain))


def test_wrong_arguments():
    with pytest.raises(ArgumentError, match="'hsv'"):
        decode(saved(PICTURE, "PNG"), mode="hsv")
    with pytest.raises(ArgumentError, match="int"):
        decode(3)


BOMB = png(60000, 60000, 8, 2, b"")


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    (tmp_path / "bomb.png").write_bytes(BOMB)

    def decoded(*_):
        raise AssertionError("decoded")

    for kind in (Image.Image, ImageFile.ImageFile):
        monkeypatch.setattr(kind, "load", decoded)
    monkeypatch.setattr(cv2, "imdecode", decoded)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DecodeError, match=r"bomb\.png.*60000 x 60000.*178,956,970"):
            decode(tmp_path / "bomb.png")
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "BMP"):
        data = io.BytesIO()
        monkeypatch.undo()
        Image.fromarray(PICTURE).save(data, kind)
        assert decode(data.getvalue(), max_pixels=960).shape == (24, 40, 3)
        with pytest.raises(DecodeError, match=r"40 x 24 = 960 pixels.*959"):
            decode(data.getvalue(), max_pixels=959)


def webp(width: int, height: int) -> bytes:
    body = b"WEBPVP8X" + struct.pack("<I4x", 10) + struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_the_sizes_that_webp_may_state():
    with pytest.raises(DecodeError, match=r"65536 x 65535 .*178,956,970"):
        decode(webp(65536, 65535))
    for options in ({"lossless": True}, {"quality": 80}, {"exif": exif(1)}):
        assert module._webp_size(saved(PICTURE, "WEBP", **options)) == (40, 24)


def test_memory_stays_flat_on_a_bomb(tmp_path):
    (tmp_path / "bomb.png").write_bytes(BOMB)
    code = (
        "import resource, sys\nfrom augsafe.images.decoding import decode\nfrom augsafe.errors import DecodeError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: decode(sys.argv[1])\nexcept DecodeError: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    if sys.platform == "win32":
        pytest.skip("needs resource")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "bomb.png")], capture_output=True, check=True)
    assert int(done.stdout) < 50_000


def test_the_limit_is_ours_and_not_that_of_pillow(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("JPEG", "PNG", "BMP"):
            assert decode(saved(PICTURE, kind)).shape == (24, 40, 3)


def test_many_threads_and_nothing_global_is_changed():
    files = [saved(PICTURE, k) for k in ("JPEG", "PNG", "WEBP", "TIFF", "BMP")] + [REFUSED["half PNG"]]

    def once(i: int) -> bytes:
        try:
            return decode(files[i % len(files)]).tobytes()
        except DecodeError:
            return b"refused"

    settings = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    expected = [once(i) for i in range(len(files))]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(once, range(300)))
    assert found == [expected[i % len(files)] for i in range(300)]
    assert settings == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))


WHOLE = [saved(PICTURE, k) for k in ("JPEG", "PNG", "WEBP", "TIFF", "BMP")]


@given(st.sampled_from(WHOLE), st.data())
def test_damage_gives_pixels_or_a_decode_error(whole, data):
    damaged = bytearray(whole[: data.draw(st.integers(1, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = decode(bytes(damaged), max_pixels=1_000_000)
    except DecodeError:
        return
    assert found.dtype in (np.uint8, np.uint16)
    assert found.ndim == 3
