"""The loader: the same images whatever the workers, batches, ranks and resume points; errors named; guards at work."""

from __future__ import annotations

import json
import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import augsafe as aug
from augsafe.contracts import Contract
from augsafe.loading import Loader
from augsafe.loading.counters import LoaderReport
from augsafe.policies import PerClass

DIGITS = load_digits()
IMAGES = np.rint(DIGITS.images[:97] * 255 / 16).astype(np.uint8)
LABELS = DIGITS.target[:97].astype(np.int64)
POLICY = aug.Compose(
    [aug.Shift(x=(-0.1, 0.1)), aug.Rotate((-20, 20)), aug.HorizontalFlip(), aug.Brightness((0.8, 1.2))],
    output=aug.Output(size=(12, 12), dtype="float32", layout="CHW"),
)
CARELESS = aug.Compose([aug.Shift(x=(-0.3, 0.3)), aug.HorizontalFlip(), aug.VerticalFlip()])


class Planted:
    """Digits of which some cannot be read."""

    classes = tuple("0123456789")

    def __init__(self, broken: tuple[int, ...] = (), n: int = 40) -> None:
        self.broken, self.n = broken, n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        if index in self.broken:
            raise OSError(f"cannot read file-{index}.png")
        return IMAGES[index], int(LABELS[index])


def everything(loader: Loader) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    batches = list(loader)
    return tuple(np.concatenate([getattr(b, k) for b in batches]) for k in ("images", "labels", "indices"))


def same(a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...]) -> bool:
    return all(x.shape == y.shape and (x == y).all() for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("action", ["redraw", "drop", "relabel", "clamp"])
@pytest.mark.parametrize("workers", [1, 3])
def test_workers_and_batch_sizes_give_the_same_bytes(workers: int, action: str) -> None:
    def run(threads: int, size: int, seed: int = 5) -> tuple[np.ndarray, ...]:
        loader = Loader(
            (IMAGES, LABELS),
            CARELESS,
            batch_size=size,
            workers=threads,
            seed=seed,
            contract="mnist",
            on_violation=action,
        )
        return everything(loader)

    first = run(0, 16)
    assert len(first[0]) == len(IMAGES)
    assert same(first, run(workers, 16))
    assert same(first, run(workers, 7))
    assert not same(first, run(workers, 16, seed=6)), "negative control: another seed must differ"


def test_batches_agree_with_the_policy_called_directly() -> None:
    for batch in Loader((IMAGES, LABELS), POLICY, batch_size=10, seed=3, on_violation=None):
        direct = POLICY.batch(IMAGES[batch.indices], batch.indices, seed=3)
        assert (batch.images == direct).all()
        assert (batch.labels == LABELS[batch.indices]).all()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 97), st.integers(1, 5), st.sampled_from(["pad", "drop", "none"]), st.booleans(), st.integers(0, 3)
)
def test_ranks_share_the_order(n: int, world: int, even: str, shuffle: bool, epoch: int) -> None:
    ranks = [
        Loader((IMAGES[:n], LABELS[:n]), rank=r, world_size=world, even=even, shuffle=shuffle, workers=0)
        for r in range(world)
    ]
    orders = [loader.order(epoch) for loader in ranks]
    counts = np.bincount(np.concatenate(orders), minlength=n)
    assert [len(o) for o in orders] == [loader.images_per_epoch for loader in ranks]
    if even == "none":
        assert (counts == 1).all()
    else:
        assert len({len(o) for o in orders}) == 1
        assert (counts >= 1).all() if even == "pad" else (counts <= 1).all()


def test_ranks_together_give_what_one_gives() -> None:
    whole = everything(Loader((IMAGES[:96], LABELS[:96]), POLICY, workers=0))
    for rank in range(3):
        part = everything(Loader((IMAGES[:96], LABELS[:96]), POLICY, workers=2, rank=rank, world_size=3))
        assert same(part, tuple(column[rank::3] for column in whole))


def test_a_state_from_before_policies_left_names_out_is_taken() -> None:
    policy = aug.Compose([aug.HorizontalFlip(), aug.Rotate((-20, 20)), aug.OneOf([aug.GaussianBlur(), aug.Gamma()])])
    by_class = aug.PerClass({"*": policy})
    for made, digest in ((policy, "b9e10dd65c27c60b"), (by_class, "2a59fd00968bccfc")):
        loader = Loader((IMAGES[:8], LABELS[:8]), made, contract="mnist")
        loader.load_state_dict({**loader.state_dict(), "loader": {**loader.state_dict()["loader"], "policy": digest}})


@pytest.mark.parametrize("action", ["redraw", "drop"])
@pytest.mark.parametrize("size", [8, 12])
def test_resume_at_every_step(action: str, size: int) -> None:
    def make(seed: int = 0) -> Loader:
        return Loader(
            (IMAGES[:50], LABELS[:50]), CARELESS, batch_size=8, contract="mnist", on_violation=action, seed=seed
        )

    loader = make()
    full, states = [], [loader.state_dict()]
    for _ in range(2):
        for batch in loader:
            full.append(batch)
            states.append(loader.state_dict())
    images, indices = (np.concatenate([getattr(b, k) for b in full]) for k in ("images", "indices"))
    for step, state in enumerate(states[:9]):
        resumed = make()
        resumed.batch_size = size
        resumed.load_state_dict(state)
        rest = list(resumed) if step == 7 else [*resumed, *resumed]
        done = sum(len(b) for b in full[:step])
        assert (np.concatenate([b.indices for b in rest])[: 100 - done] == indices[done:]).all()
        assert (np.concatenate([b.images for b in rest])[: 100 - done] == images[done:]).all()
    with pytest.raises(aug.ArgumentError, match="seed was 0 and is 1"):
        make(seed=1).load_state_dict(states[2])
    with pytest.raises(aug.ArgumentError, match="needs what state_dict gave"):
        make().load_state_dict({"epoch": 0})


@pytest.mark.parametrize("action", ["redraw", "drop"])
@pytest.mark.parametrize("workers", [0, 2])
def test_counters_go_on_where_a_run_was_resumed(action: str, workers: int) -> None:
    """Every candidate counts once, also where blocks were planned further than images were given."""

    def make() -> Loader:
        return Loader((IMAGES, LABELS), CARELESS, batch_size=8, contract="mnist", on_violation=action, workers=workers)

    loader = make()
    states = [loader.state_dict()]
    states += [loader.state_dict() for _ in range(2) for _ in loader]
    wanted = loader.report.to_dict()
    assert wanted["guards"]["counts"] and wanted["images"] == 2 * len(IMAGES)
    for state in states[:: 3 if workers else 1]:
        resumed = make()
        resumed.load_state_dict(json.loads(json.dumps(state)))
        while resumed.report.images < 2 * len(IMAGES):
            list(resumed)
        found = resumed.report.to_dict()
        moved, expected = found["guards"].pop("moved"), dict(wanted["guards"])
        assert moved == pytest.approx(expected.pop("moved"))
        assert found["guards"] == expected and found["skipped"] == wanted["skipped"]
    fresh = make()
    fresh.load_state_dict({**states[3], "report": make().state_dict()["report"]})
    assert fresh.report.images == 0, "negative control: without its report a state starts at nought"


def test_epochs_advance_and_can_be_set() -> None:
    loader = Loader((IMAGES, LABELS), POLICY)
    first, second = everything(loader), everything(loader)
    assert not same(first, second)
    loader.set_epoch(0)
    assert same(first, everything(loader))
    assert same(second, everything(loader))


def test_set_epoch_after_loading_a_state_keeps_the_position() -> None:
    loader = Loader((IMAGES, LABELS), POLICY, batch_size=10)
    loader.set_epoch(4)
    walk = iter(loader)
    for _ in range(3):
        next(walk)
    state = loader.state_dict()
    rest = list(walk)
    other = Loader((IMAGES, LABELS), POLICY, batch_size=10)
    other.load_state_dict(state)
    other.set_epoch(4)
    again = list(other)
    assert [b.indices.tolist() for b in again] == [b.indices.tolist() for b in rest]


def test_length_and_drop_last() -> None:
    for drop_last, batches, images in ((False, 10, 97), (True, 9, 90)):
        loader = Loader((IMAGES, LABELS), batch_size=10, drop_last=drop_last)
        made = list(loader)
        assert len(loader) == len(made) == batches
        assert sum(len(b) for b in made) == images == loader.images_per_epoch


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_image_is_named(workers: int) -> None:
    with pytest.raises(aug.AugsafeError, match=r"image 13\b.*file-13\.png"):
        list(Loader(Planted((13,)), POLICY, workers=workers))


@pytest.mark.parametrize("workers", [0, 3])
def test_skipped_images_are_listed_and_replaced(workers: int) -> None:
    loader = Loader(Planted((3, 13, 39)), POLICY, workers=workers, on_error="skip", batch_size=8)
    _, _, indices = everything(loader)
    assert sorted(loader.report.skipped) == [3, 13, 39]
    assert len(indices) == 40 and not set(indices.tolist()) & {3, 13, 39}
    assert loader.report.to_dict()["skipped"][1]["index"] == 13
    assert "file-13.png" in str(loader.report)


def test_an_epoch_that_cannot_be_filled_says_so() -> None:
    with pytest.raises(aug.SourceError, match="skipped or dropped"):
        list(Loader(Planted(tuple(range(40))), POLICY, on_error="skip"))


def test_closing_early_leaves_no_threads() -> None:
    before = threading.active_count()
    walk = iter(Loader((IMAGES, LABELS), POLICY, workers=3, batch_size=4))
    next(walk)
    assert threading.active_count() > before, "negative control: the threads are seen while they run"
    walk.close()
    assert threading.active_count() == before


def test_dropped_places_are_refilled() -> None:
    flips = aug.Compose([aug.HorizontalFlip(p=0.5)])
    loader = Loader((IMAGES, LABELS), flips, contract="mnist", on_violation="drop", batch_size=16)
    images, _, indices = everything(loader)
    assert len(images) == len(IMAGES) and loader.report.guards.dropped > 0
    assert len(set(indices.tolist())) < len(IMAGES)


def test_relabelling_gives_the_new_label() -> None:
    turn = aug.Compose([aug.HorizontalFlip(p=1), aug.VerticalFlip(p=1)])
    chosen = np.isin(LABELS, (6, 9, 8))
    loader = Loader((IMAGES[chosen], LABELS[chosen]), turn, contract="mnist", on_violation="relabel", shuffle=False)
    _, labels, indices = everything(loader)
    swapped = {6: 9, 9: 6, 8: 8}
    assert labels.tolist() == [swapped[int(v)] for v in LABELS[chosen][indices]]
    assert loader.report.guards.relabelled == int(np.isin(LABELS[chosen], (6, 9)).sum())


def test_per_class_policies() -> None:
    invert = PerClass({"3": aug.Invert(), "*": aug.Compose([])})
    loader = Loader(Planted(), invert, shuffle=False, batch_size=9)
    images, labels, indices = everything(loader)
    wanted = np.where((labels == 3)[:, None, None], 255 - IMAGES[indices], IMAGES[indices])
    assert (images == wanted).all() and (labels == 3).any()
    with pytest.raises(aug.ArgumentError, match="no policy for class"):
        list(Loader(Planted(), PerClass({"3": aug.Invert()})))
    assert PerClass.from_dict(invert.to_dict()) == invert


def test_targets_travel_with_the_images() -> None:
    class Marked(Planted):
        def __getitem__(self, index: int) -> dict:
            mask = (IMAGES[index] > 100).astype(np.uint8)
            marks = {"boxes": np.array([[1.0, 2, 5, 6]]), "box_labels": ["a"], "keypoints": np.array([[2.0, 3]])}
            return {"image": IMAGES[index], "label": int(LABELS[index]), "mask": mask, **marks}

    flip = aug.Compose([aug.HorizontalFlip(p=1)])
    for batch in Loader(Marked(), flip, batch_size=16, on_violation=None):
        assert (batch.images == IMAGES[batch.indices][:, :, ::-1]).all()
        assert (batch.masks == (batch.images > 100)).all()
        sample = batch.samples[0]
        assert sample.boxes.tolist() == [[3, 2, 7, 6]] and sample.box_labels == ["a"]
        assert sample.keypoints.tolist() == [[5, 3]] and sample.inside.all()


def test_output_replaces_the_policys() -> None:
    loader = Loader((IMAGES, LABELS), POLICY, output=aug.Output(size=(9, 5)))
    assert next(iter(loader)).images.shape == (32, 9, 5)


def test_images_of_different_sizes() -> None:
    class Mixed(Planted):
        def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
            return np.full((8 + index % 3, 9), 7, np.uint8), 0

    assert next(iter(Loader(Mixed(), aug.Compose([aug.Resize((6, 6))])))).images.shape == (32, 6, 6)
    with pytest.raises(aug.InputError, match="Resize"):
        list(Loader(Mixed(), aug.Compose([])))


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([(9, 12), (8, 12)], r"\(8, 12\).*\(9, 12\).*Resize.*Output\(size"),
        ([(9, 12, 3), (9, 12)], "some are grey and some in colour"),
        ([(9, 12, 3), (9, 12, 1)], "some are grey and some in colour"),
        ([(9, 12), (9, 12, "float32")], "of float32 and uint8; say Output"),
    ],
)
def test_what_to_do_about_images_of_several_kinds(kinds: list, words: str) -> None:
    def made(kind: tuple) -> np.ndarray:
        dtype = kind[-1] if isinstance(kind[-1], str) else "uint8"
        return np.zeros([side for side in kind if not isinstance(side, str)], dtype)

    for size in (2, 4):  # within a chunk, and between two
        source = [(made(kinds[i // 2 % 2]), 0) for i in range(8)]
        with pytest.raises(aug.InputError, match=words):
            list(Loader(source, None, batch_size=4, workers=0, shuffle=False, prefetch=size))


def test_no_transform_gives_the_images() -> None:
    images, _, indices = everything(Loader((IMAGES, LABELS), shuffle=False))
    assert (images == IMAGES).all() and indices.tolist() == list(range(97))


def test_float_images_outside_the_range_are_refused() -> None:
    with pytest.raises(aug.InputError, match="image 0: AS502"):
        list(Loader((IMAGES.astype(np.float32), LABELS), shuffle=False))


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"workers": -1},
        {"rank": 2, "world_size": 2},
        {"on_error": "ignore"},
        {"even": "yes"},
        {"on_violation": "explode"},
        {"on_violation": {"AS999": "drop"}},
        {"seed": 1.5},
        {"prefetch": 0},
    ],
)
def test_arguments_are_checked(wrong: dict) -> None:
    with pytest.raises(aug.ArgumentError):
        Loader((IMAGES, LABELS), POLICY, **wrong)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("action", ["redraw", "drop"])
def test_blocks_of_several_pieces_give_the_same_bytes(
    workers: int, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many large images: blocks are planned for several pieces, which are rendered one by one."""
    monkeypatch.setattr("augsafe.loading.ahead.BLOCK_BYTES", 64 * 64 * 60)
    images = np.rint(np.kron(DIGITS.images[:700], np.ones((8, 8))) * 255 / 16).astype(np.uint8)
    policies = PerClass({"6": aug.Compose([aug.Rotate((-20, 20))]), "*": CARELESS})
    calls: list[str] = []

    def run(threads: int, size: int, shift: int = 0) -> tuple[np.ndarray, ...]:
        source = (images, DIGITS.target[:700])
        loader = Loader(source, policies, batch_size=size, workers=threads, contract="mnist", on_violation=action)
        for name in ("plan", "render"):
            work = getattr(loader._worker, name)
            monkeypatch.setattr(loader._worker, name, lambda *a, w=work, n=name: calls.append(n) or w(*a))
        loader.set_epoch(shift)
        return everything(loader)

    found = run(workers, 8)
    assert calls.count("render") > 1.5 * calls.count("plan"), "the blocks must hold several pieces"
    whole = run(0, 700)
    assert len(found[0]) == 700 and same(found, whole)
    assert not same(found, run(workers, 8, shift=1)), "negative control: another epoch must differ"


@pytest.mark.parametrize("workers", [0, 2])
def test_what_went_before_an_error_is_given_first(workers: int) -> None:
    loader = Loader(Planted((25,)), POLICY, workers=workers, batch_size=8, shuffle=False)
    given: list[int] = []
    with pytest.raises(aug.SourceError, match="file-25"):
        given.extend(int(index) for batch in loader for index in batch.indices)
    assert given == list(range(len(given))) and 8 <= len(given) <= 24


def test_the_report_does_not_depend_on_the_workers() -> None:
    reports = []
    for workers in (0, 3):
        loader = Loader((IMAGES, LABELS), CARELESS, contract=Contract.builtin("mnist"), workers=workers, batch_size=8)
        everything(loader)
        reports.append(loader.report.to_dict())
    assert reports[0] == reports[1]
    assert reports[0]["guards"]["changed"] > 0 and reports[0]["images"] == 97
    assert replace(POLICY) == POLICY


LEFT = aug.Compose([aug.HorizontalFlip(p=1), aug.Shift(x=(-0.01, 0.01), p=0.5)])


def test_the_report_says_for_each_class_how_often_it_was_left_unaugmented() -> None:
    loader = Loader((IMAGES, LABELS), LEFT, contract="mnist", on_violation="redraw", workers=2, batch_size=16)
    left = 0
    for batch in loader:
        assert batch.plan is not None
        on = np.any([batch.plan.draws.active["HorizontalFlip"], batch.plan.draws.active["Shift"]], axis=0)
        left += int((~on).sum())
    rows = loader.report.to_dict()["guards"]["by_class"]
    assert {name: row["seen"] for name, row in rows.items()} == {str(c): int((c == LABELS).sum()) for c in range(10)}
    assert sum(row["unaugmented"] for row in rows.values()) == left > 10
    assert rows["8"]["unaugmented"] == rows["0"]["unaugmented"] == 0, "a mirrored 8 is an 8"
    assert rows["6"]["unaugmented"] > 0 and "class 6: " in str(loader.report)
    again = LoaderReport.restored(json.loads(json.dumps(loader.report.state())))
    assert again.to_dict() == loader.report.to_dict()


def test_dropping_warns_when_it_shifts_the_class_shares() -> None:
    flips = aug.Compose([aug.HorizontalFlip(p=0.5)])
    loader = Loader((IMAGES, LABELS), flips, contract="mnist", on_violation="drop", workers=0)
    with pytest.warns(UserWarning, match="shifts the class shares: "):
        everything(loader)
    assert loader.report.warnings and loader.report.warnings[0] in str(loader.report)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for action in ("redraw", "warn"):
            everything(Loader((IMAGES, LABELS), flips, contract="mnist", on_violation=action, workers=0))
        evenly = aug.Compose([aug.Rotate((-60, 60))])  # every class loses as much
        everything(Loader((IMAGES, LABELS), evenly, contract="mnist", on_violation="drop", workers=0))
