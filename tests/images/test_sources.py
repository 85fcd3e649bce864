"""Sources on real files and arrays."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from augsafe.errors import ArgumentError, DecodeError, MissingExtraError, SourceError
from augsafe.images import (
    ArraySource,
    FolderSource,
    Item,
    ManifestSource,
    NpzSource,
    SequenceSource,
    Source,
    open_source,
)

DIGITS = load_digits()
IMAGES = (DIGITS.images * 15).astype(np.uint8)
TARGETS = DIGITS.target.astype(np.int64)


class Own:
    """What a user may have."""

    def __init__(self, items, **attributes):
        self.items = items
        self.reads = 0
        self.__dict__.update(attributes)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        self.reads += 1
        return self.items[i]


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "my photos"
    for i in range(12):
        place = root / f"class {TARGETS[i]}" / ("deep" if i % 2 else "")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[i]).save(place / f"ünï {i}.{'PNG' if i % 3 else 'bmp'}")
    for hidden in (root / ".hidden", root / "class 0" / ".thumbnails"):
        hidden.mkdir()
        (hidden / "a.png").write_bytes(b"")
    (root / "class 0" / "notes.txt").write_text("not an image")
    (root / "class 0" / "._ünï 0.png").write_bytes(b"what a Mac leaves")
    return root


@pytest.fixture
def sources(tmp_path, folder):
    """One of each, all of them with three images or more and the labels of the digits."""
    np.savez(tmp_path / "a.npz", images=IMAGES[:3], labels=TARGETS[:3])
    rows = [
        f"my photos/class {TARGETS[i]}/{'deep/' if i % 2 else ''}ünï {i}.{'PNG' if i % 3 else 'bmp'}" for i in range(3)
    ]
    lines = [f"{row},{TARGETS[i]}" for i, row in enumerate(rows)]
    (tmp_path / "a.csv").write_text("\n".join(["path,label", *lines]), encoding="utf-8")
    return [
        ArraySource(IMAGES[:3], TARGETS[:3]),
        NpzSource(tmp_path / "a.npz"),
        FolderSource(folder),
        ManifestSource(tmp_path / "a.csv"),
        SequenceSource(list(zip(IMAGES[:3], TARGETS[:3], strict=True))),
    ]


def test_what_holds_for_every_source(sources):
    for source in sources:
        n = len(source)
        assert isinstance(source, Source)
        assert open_source(source) is source
        assert source.labels.dtype == np.int64
        assert [source[i].label for i in range(n)] == source.labels.tolist()
        assert np.array_equal(source[-1].image, source[n - 1].image)
        assert np.array_equal(source[np.int64(0)].image, source[0].image)
        assert len(list(iter(source))) == n
        for wrong in (n, -n - 1):
            with pytest.raises(IndexError, match=str(wrong)):
                source[wrong]
        with pytest.raises(TypeError):
            source[1.0]
        again = pickle.loads(pickle.dumps(source))
        assert again.classes == source.classes
        assert np.array_equal(again.labels, source.labels)
        assert np.array_equal(again[-1].image, source[-1].image)


def test_the_same_images_whatever_holds_them(sources):
    for source in (*sources[:2], *sources[3:]):
        for i in range(3):
            image = source[i].image
            assert np.array_equal(image if image.ndim == 2 else image[..., 0], IMAGES[i])
            assert source[i].label == TARGETS[i]


# A folder for each class


def test_folder_per_class(folder):
    source = open_source(str(folder))
    assert isinstance(source, FolderSource)
    assert len(source) == 12
    assert source.classes == tuple(f"class {d}" for d in range(10))
    assert source.labels.tolist() == [0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    for i in range(12):
        item = source[i]
        number = int(item.path.rsplit(" ", 1)[1].split(".")[0])
        assert np.array_equal(item.image, np.repeat(IMAGES[number][..., None], 3, axis=2))
        assert source.classes[item.label] == f"class {TARGETS[number]}"
    assert FolderSource(folder, mode="grey")[0].image.shape == (8, 8)


def test_folder_mistakes(tmp_path):
    with pytest.raises(SourceError, match=r"cat/\n +1\.jpg"):
        open_source(tmp_path)
    with pytest.raises(SourceError, match="nowhere' does not exist"):
        open_source(tmp_path / "nowhere")
    Image.fromarray(IMAGES[0]).save(tmp_path / "loose.png")
    with pytest.raises(SourceError, match="1 images lie right in it"):
        open_source(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "broken.png").write_bytes(b"nothing")
    with pytest.raises(DecodeError, match=r"broken\.png"):
        open_source(tmp_path)[0]
    with pytest.raises(SourceError, match="is no folder"):
        open_source(tmp_path / "loose.png")


def test_parts_of_a_data_set_are_no_classes(tmp_path):
    for part in ("train", "Val"):
        (tmp_path / part / "cat").mkdir(parents=True)
        Image.fromarray(IMAGES[0]).save(tmp_path / part / "cat" / "1.png")
    with pytest.raises(SourceError, match=r"Val, train.*train'"):
        open_source(tmp_path)
    assert open_source(tmp_path / "train").classes == ("cat",)
    Image.fromarray(IMAGES[0]).save(tmp_path / "train" / "1.png")
    assert open_source(tmp_path).classes == ("Val", "train")  # with images right in them they may be classes


# Archives


@pytest.mark.parametrize("keys", [("images", "labels"), ("x", "y"), ("x_train", "y_train")])
def test_npz(tmp_path, keys):
    path = tmp_path / "digits.npz"
    np.savez_compressed(path, **{keys[0]: IMAGES[:20], keys[1]: TARGETS[:20, None], "masks": IMAGES[:20] > 0, "z": [1]})
    source = open_source(path)
    assert isinstance(source, NpzSource)
    assert np.array_equal(source[3].image, IMAGES[3])
    assert np.array_equal(source[3].mask, IMAGES[3] > 0)
    assert source.labels.tolist() == TARGETS[:20].tolist()


def test_npz_mistakes(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, pictures=IMAGES[:2], target=TARGETS[:2])
    with pytest.raises(SourceError, match="holds pictures, target"):
        open_source(path)
    np.savez(path, images=np.array([{"a": 1}], dtype=object))
    with pytest.raises(SourceError, match="not of objects"):
        open_source(path)
    np.savez(path, images=IMAGES[:2], labels=TARGETS[:3])
    with pytest.raises(SourceError, match=r"a\.npz.*2 images"):
        open_source(path)
    whole = path.read_bytes()
    np.save(tmp_path / "b.npy", IMAGES[:2])
    for broken in (b"", b"nothing", whole[:-30], pickle.dumps([1]), (tmp_path / "b.npy").read_bytes()):
        path.write_bytes(broken)
        with pytest.raises(SourceError, match=r"a\.npz' cannot be read"):
            open_source(path)


# Tables


def test_manifest(tmp_path, folder):
    path = tmp_path / "table.CSV"
    Image.fromarray(np.eye(8, dtype=np.uint8)).save(tmp_path / "mask.png")
    path.write_text(
        "\ufeffpath,label,mask,x1,y1,x2,y2,box_label\n"
        "my photos/class 0/ünï 0.bmp,zero,mask.png,1,2,3,4,hole\n"
        "my photos/class 2/ünï 2.PNG,two,,,,,,\n"
        "my photos/class 0/ünï 0.bmp,zero,mask.png,0,0,8,8.5,\n"
        f'"{folder}/class 4/ünï 4.PNG",four,,,,,,\n',
        encoding="utf-8",
    )
    source = open_source(path)
    assert isinstance(source, ManifestSource)
    assert source.classes == ("four", "two", "zero")
    assert source.labels.tolist() == [2, 1, 0]
    assert source[0].boxes.tolist() == [[1, 2, 3, 4], [0, 0, 8, 8.5]]
    assert source[0].box_labels == ["hole", "zero"]
    assert np.array_equal(source[0].mask, np.eye(8))
    assert source[1].boxes is source[1].mask is source[1].box_labels is None
    assert [np.array_equal(source[k].image[..., 0], IMAGES[i]) for k, i in enumerate((0, 2, 4))] == [True] * 3


def test_numbers_in_a_manifest_stay_as_they_are(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("path,label\na.png,10\nb.png,2\n")
    assert open_source(path).labels.tolist() == [10, 2]
    assert open_source(path).classes is None
    path.write_text("path,label\na.png,10\nb.png,02\n")
    assert open_source(path).classes == ("02", "10")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na.png,b\n", "no column 'path'; its columns are: file, label"),
        ("path;label\na.png;b\n", "path;label"),
        ("", "its columns are: none"),
        ("path,label\n", "no rows"),
        ("path,label,x1,y1\na.png,b,1,2\n", "no column 'x2'"),
        ("path,label\na.png,b\nc.png,\n", "row 2: label is empty"),
        ("path,label\n,b\n", "row 1: path is empty"),
        ("path,label\na, b.png,c\n", "row 1: it has more cells"),
        ("path,label\na.png,b\na.png,c\n", "row 2.*the label 'c', and 'b'"),
        ("path,label,x1,y1,x2,y2\na.png,b,1,2,3,four\n", "row 1.*x2='3', y2='four'"),
        ("path,label,x1,y1,x2,y2\na.png,b,1,2,3,\n", "row 1.*y2=''"),
        ('path,label\n"a.png,b\n', "cannot be read as a table"),
    ],
)
def test_manifest_mistakes(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=message) as caught:
        open_source(path)
    assert "a.csv" in str(caught.value)


def test_broken_images_of_a_manifest_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("path,label,mask\nno.png,1,\nyes.png,1,nomask.png\n")
    Image.fromarray(IMAGES[0]).save(tmp_path / "yes.png")
    source = open_source(tmp_path / "a.csv")
    with pytest.raises(DecodeError, match=r"no\.png"):
        source[0]
    with pytest.raises(DecodeError, match=r"nomask\.png"):
        source[1]


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    Image.fromarray(IMAGES[0]).save(tmp_path / "a.png")
    numbers = {"x1": [1.0, float("nan")], "y1": [2, None], "x2": [3, None], "y2": [4, None]}
    table = {"path": ["a.png", "b.png"], "label": [7, 3], "mask": [None, None], **numbers}
    parquet.write_table(pyarrow.table(table), tmp_path / "a.parquet")
    source = open_source(tmp_path / "a.parquet")
    assert source.labels.tolist() == [7, 3]
    assert source[0].boxes.tolist() == [[1, 2, 3, 4]]
    assert source.boxes[1] == []
    (tmp_path / "b.parquet").write_bytes(b"nothing")
    with pytest.raises(SourceError, match=r"b\.parquet"):
        open_source(tmp_path / "b.parquet")


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(MissingExtraError, match="pip install pyarrow"):
        open_source(tmp_path / "a.parquet")


# In memory


def test_arrays_and_names():
    for names in (["six", "nine", "six"], np.array(["six", "nine", "six"]), np.array(["six", "nine", "six"], object)):
        source = open_source((IMAGES[:3], names))
        assert isinstance(source, ArraySource)
        assert source.classes == ("nine", "six")
        assert [source[i].label for i in range(3)] == [1, 0, 1]
    source = ArraySource(IMAGES[:3], ["six", "nine", "six"], classes=["six", "eight", "nine"])
    assert source.labels.tolist() == [0, 2, 0]
    assert open_source(IMAGES[:3]).labels is None


def test_masks_and_boxes_go_with_arrays():
    boxes = [[[0, 0, 3, 4]], None, []]
    source = open_source(list(IMAGES[:3]), labels=TARGETS[:3], masks=IMAGES[:3] > 0, boxes=boxes)
    assert source[0].boxes.tolist() == [[0, 0, 3, 4]]
    assert source[1].boxes is None
    assert source[2].boxes.shape == (0, 4)
    assert np.array_equal(source[1].mask, IMAGES[1] > 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"labels": [0, 1]}, r"shape \(2,\), there are 3"),
        ({"labels": np.eye(3, 10)}, "argmax"),
        ({"labels": [0.5, 1, 2]}, "float64"),
        ({"labels": np.array(["a", 1, None], object)}, "got 1 of type int"),
        ({"labels": [[1], [2, 3], [4]]}, "labels"),
        ({"masks": IMAGES[:2]}, "masks has 2"),
        ({"boxes": [[]]}, "boxes has 1"),
    ],
)
def test_array_mistakes(given, message):
    with pytest.raises(SourceError, match=message):
        open_source(IMAGES[:3], **given)


def test_more_array_mistakes():
    with pytest.raises(SourceError, match=r"shape \(8, 8\)"):
        open_source(IMAGES[0])
    with pytest.raises(SourceError, match="holds 2, there are 2 classes"):
        ArraySource(IMAGES[:3], [0, 1, 2], classes=["a", "b"])
    with pytest.raises(SourceError, match="'c', which is not among the classes a, b"):
        ArraySource(IMAGES[:1], ["c"], classes=["a", "b"])
    with pytest.raises(SourceError, match="boxes of item 0"):
        open_source(IMAGES[:1], boxes=[[["a", 1, 2, 3]]])[0]


# Any sequence


def test_what_an_item_may_be(tmp_path):
    Image.fromarray(IMAGES[5]).save(tmp_path / "five.png")
    boxes, points = [[1, 2, 3, 4]], [[1, 2]]
    full = {"image": IMAGES[2], "label": np.int64(2), "mask": Image.fromarray(IMAGES[2]), "boxes": boxes}
    source = open_source(
        Own(
            [
                IMAGES[0],
                (Image.fromarray(IMAGES[1]), 7),
                {**full, "box_labels": ["a"], "keypoints": points, "more": 1},
                Item(IMAGES[3], "three", path="x"),
                Image.fromarray(np.dstack([IMAGES[4]] * 3)),
                str(tmp_path / "five.png"),
                (tmp_path / "five.png", 5),
            ]
        )
    )
    assert isinstance(source, SequenceSource)
    assert source.labels is None
    assert [source[i].label for i in range(7)] == [None, 7, 2, "three", None, None, 5]
    for i, k in enumerate((0, 1, 2, 3, 4, 5, 5)):
        image = source[i].image
        assert np.array_equal(image if image.ndim == 2 else image[..., 0], IMAGES[k])
    item = source[2]
    assert (item.boxes.tolist(), item.box_labels, item.keypoints.tolist()) == (boxes, ["a"], points)
    assert np.array_equal(item.mask, IMAGES[2])
    assert source[3].path == "x"


def test_labels_are_known_without_reading_an_image():
    held = Own([(IMAGES[i], int(TARGETS[i])) for i in range(3)], targets=TARGETS[:3].tolist(), classes=["a", "b", "c"])
    source = open_source(held)
    assert (source.labels.tolist(), source.classes, held.reads) == ([0, 1, 2], ("a", "b", "c"), 0)
    assert open_source(Own([IMAGES[0]], labels=np.array([4]))).labels.tolist() == [4]
    # Not labels: what a transform changes, names of files, boxes of detection.
    assert open_source(Own([IMAGES[0]], targets=[4], target_transform=str)).labels is None
    assert open_source(Own([IMAGES[0]], targets=["a.xml"])).labels is None
    assert open_source(Own([IMAGES[0]], targets=[[1, 2]])).labels is None
    assert open_source(Own([IMAGES[0]], targets=[4, 5])).labels is None
    assert open_source([(IMAGES[0], "b"), (IMAGES[1], "a")]).classes == ("a", "b")
    assert open_source([Item(IMAGES[0], 3), {"image": IMAGES[0], "label": 4}]).labels.tolist() == [3, 4]
    assert open_source([(IMAGES[0], 3), (IMAGES[0], "a")]).labels is None


def test_paths_with_labels(tmp_path):
    paths = []
    for i in range(3):
        paths.append(tmp_path / f"{i} ü.png")
        Image.fromarray(IMAGES[i]).save(paths[-1])
    for source in (open_source((paths, ["a", "b", "a"])), open_source(paths, labels=["a", "b", "a"])):
        assert source.classes == ("a", "b")
        assert np.array_equal(source[2].image[..., 0], IMAGES[2])
        assert source[2].label == 0


def test_tensors():
    class Tensor:
        shape = (8, 8)

        def __init__(self, array, works=True):
            self.array, self.works = array, works

        def numpy(self):
            if not self.works:
                raise RuntimeError("it is on a device")
            return self.array

    assert np.array_equal(SequenceSource([Tensor(IMAGES[0])])[0].image, IMAGES[0])
    assert SequenceSource([Tensor(np.zeros((8, 8, 3)))])[0].image.shape == (8, 8, 3)
    with pytest.raises(SourceError, match=r"detach\(\)\.cpu"):
        SequenceSource([Tensor(IMAGES[0], works=False)])[0]
    with pytest.raises(SourceError, match=r"\(3, 8, 8\), channels first.*permute"):
        SequenceSource([Tensor(np.zeros((3, 8, 8)))])[0]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (3, "item 0 is int"),
        ((IMAGES[0], 1, 2), "item 0 is tuple"),
        ({"picture": IMAGES[0]}, "without the key image; it has picture"),
        ({"image": IMAGES[0], "boxes": "abc"}, "boxes of item 0"),
        (None, "item 0 is NoneType"),
    ],
)
def test_wrong_items(entry, message):
    with pytest.raises(SourceError, match=message):
        SequenceSource([entry])[0]


def test_what_is_no_source():
    with pytest.raises(SourceError, match="__len__"):
        open_source(iter([]))
    with pytest.raises(SourceError, match="'images'"):
        open_source({"images": IMAGES})
    with pytest.raises(DecodeError, match=r"no\.png"):
        open_source(["no.png"])[0]


def test_what_cannot_go_together(folder):
    with pytest.raises(ArgumentError, match=r"labels=.*a path"):
        open_source(folder, labels=[1])
    with pytest.raises(ArgumentError, match=r"labels="):
        open_source((IMAGES[:3], TARGETS[:3]), labels=TARGETS[:3])
    with pytest.raises(ArgumentError, match=r"masks=.*Own"):
        open_source(Own([IMAGES[0]]), masks=IMAGES[:1])
    with pytest.raises(ArgumentError, match=r"masks=.*not a path"):
        open_source(IMAGES[:3], masks="masks")
    with pytest.raises(ArgumentError, match=r"boxes=.*a source"):
        open_source(ArraySource(IMAGES[:3]), boxes=[1])
