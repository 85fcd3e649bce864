"""Sources on real files and arrays."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from augsafe.errors import DecodeError, SourceError
from augsafe.sources import ArraySource, FolderSource, Item, ManifestSource, NpzSource, SequenceSource, open_source

DIGITS = load_digits()
IMAGES = (DIGITS.images * 15).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "my photos"
    for i in range(12):
        place = root / f"class {DIGITS.target[i]}" / ("deep" if i % 2 else "")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[i]).save(place / f"ünï {i}.png")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "a.png").write_bytes(b"")
    (root / "class 0" / "notes.txt").write_text("not an image")
    return root


def test_folder_per_class(folder):
    source = open_source(folder)
    assert isinstance(source, FolderSource)
    assert len(source) == 12
    assert source.classes == tuple(f"class {d}" for d in range(10))
    item = source[0]
    assert (item.image[..., 0] == IMAGES[0]).any()
    assert item.image.shape == (8, 8, 3)
    assert source.classes[item.label] in item.path
    again = pickle.loads(pickle.dumps(source))
    assert (again[-1].image == source[11].image).all()
    with pytest.raises(IndexError):
        source[12]


def test_folder_mistakes(tmp_path):
    with pytest.raises(SourceError, match="CLASS/IMAGE"):
        open_source(tmp_path)
    with pytest.raises(SourceError, match="does not exist"):
        open_source(tmp_path / "nowhere")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "broken.png").write_bytes(b"nothing")
    with pytest.raises(DecodeError, match=r"broken\.png"):
        open_source(tmp_path)[0]


def test_npz(tmp_path):
    path = tmp_path / "digits.npz"
    np.savez(path, x_train=IMAGES[:20], y_train=DIGITS.target[:20])
    source = open_source(path)
    assert isinstance(source, NpzSource)
    assert (source[3].image == IMAGES[3]).all()
    assert source[3].label == DIGITS.target[3]
    np.savez(path, pictures=IMAGES[:2])
    with pytest.raises(SourceError, match="pictures"):
        open_source(path)
    np.savez(path, images=np.array([{"a": 1}], dtype=object))
    with pytest.raises(SourceError, match="cannot be read"):
        open_source(path)


def test_manifest(tmp_path, folder):
    path = tmp_path / "table.csv"
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "mask.png")
    path.write_text(
        "path,label,mask,x1,y1,x2,y2\n"
        "my photos/class 0/ünï 0.png,zero,mask.png,1,2,3,4\n"
        "my photos/class 0/ünï 0.png,zero,mask.png,0,0,8,8\n"
        "my photos/class 2/ünï 2.png,two,,,,,\n",
        encoding="utf-8",
    )
    source = open_source(path)
    assert isinstance(source, ManifestSource)
    assert source.classes == ("two", "zero")
    assert source.labels.tolist() == [1, 0]
    assert source[0].boxes.tolist() == [[1, 2, 3, 4], [0, 0, 8, 8]]
    assert (source[0].mask == np.eye(8)).all()
    assert source[1].boxes is None
    assert source[1].mask is None
    path.write_text("file,label\na.png,b\n")
    with pytest.raises(SourceError, match="file, label"):
        open_source(path)


def test_arrays_and_names():
    source = open_source((IMAGES[:3], ["six", "nine", "six"]))
    assert isinstance(source, ArraySource)
    assert source.classes == ("nine", "six")
    assert [source[i].label for i in range(3)] == [1, 0, 1]
    with pytest.raises(SourceError, match="labels"):
        open_source((IMAGES[:3], [0, 1]))


def test_any_sequence():
    class Own:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return [IMAGES[i], (Image.fromarray(IMAGES[i]), 7), {"image": IMAGES[i], "label": 2}][i]

    source = open_source(Own())
    assert isinstance(source, SequenceSource)
    assert [source[i].label for i in range(3)] == [None, 7, 2]
    assert all((source[i].image == IMAGES[i]).all() for i in range(3))
    assert isinstance(SequenceSource([Item(IMAGES[0])])[0], Item)
    with pytest.raises(SourceError, match="item 0 is str"):
        open_source(["text"])[0]
    with pytest.raises(SourceError, match="__len__"):
        open_source(iter([]))
