"""Steps that choose among others: how often, in which order, and what the guards say of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

import augsafe as aug
from augsafe.errors import ArgumentError, PolicyError
from augsafe.guards import mistakes, static_check
from augsafe.guards.symmetry.bounds import reach
from augsafe.policies.evaluation import is_random
from augsafe.transforms import Transform

N = 6000
FOUR = (aug.Rotate(), aug.Zoom(), aug.Shift(), aug.Invert())
MNIST = aug.Contract.builtin("mnist")


def active(*steps: Transform, n: int = N) -> dict[str, Any]:
    return dict(aug.Compose(steps).plan(np.full((n, 2), 8), range(n)).draws.active)


def test_some_of_takes_every_count_and_set_as_often() -> None:
    sets = Counter(zip(*(column.tolist() for column in active(aug.SomeOf(FOUR, n=(1, 2))).values()), strict=True))
    counts = Counter(sum(chosen) for chosen in sets.elements())
    assert set(counts) == {1, 2} and counts[1] == pytest.approx(N / 2, abs=5 * np.sqrt(N / 4))
    assert len(sets) == 4 + 6
    for chosen, seen in sets.items():
        wanted = N / 2 / (4 if sum(chosen) == 1 else 6)
        assert seen == pytest.approx(wanted, abs=5 * np.sqrt(wanted))


def test_some_of_all_is_all_of_them_in_their_order() -> None:
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    some = aug.Compose([aug.SomeOf((aug.HorizontalFlip(), aug.Rotate90(turns=(1,))), n=2)])
    np.testing.assert_array_equal(some(image, seed=1).image, np.rot90(image[:, ::-1]))


def test_leaving_a_child_out_keeps_the_order_of_the_others() -> None:
    """The choice of one of two is the same whether or not a third, that is not chosen, was there."""
    names = ("a", "b", "c")
    three = active(aug.SomeOf([aug.Rotate(name=n) for n in names], name="s"))
    two = active(aug.SomeOf([aug.Rotate(name=n) for n in names[:2]], name="s"))
    rest = ~three["c"]
    np.testing.assert_array_equal(three["a"][rest], two["a"][rest])
    assert 0.5 < rest.mean() < 0.8


def test_repeat_draws_anew_each_time_and_keeps_p() -> None:
    compose = aug.Compose([aug.Repeat(aug.Rotate((-90, 90), p=0.3), times=3, p=0.5)])
    draws = compose.plan(np.full((N, 2), 8), range(N)).draws
    assert list(draws.active) == ["Rotate/1", "Rotate/2", "Rotate/3"]
    on = np.stack(list(draws.active.values()))
    assert on.mean() == pytest.approx(0.15, abs=0.015)
    assert on.any(axis=0).mean() == pytest.approx(0.5 * (1 - 0.7**3), abs=0.03)
    first, second = (draws.values[name]["angle"] for name in ("Rotate/1", "Rotate/2"))
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(N)


def test_repeat_of_a_choice_chooses_anew() -> None:
    found = active(aug.Repeat(aug.OneOf((aug.HorizontalFlip(), aug.Invert())), times=2))
    assert list(found) == ["HorizontalFlip/1", "Invert/1", "HorizontalFlip/2", "Invert/2"]
    assert (found["HorizontalFlip/1"] ^ found["Invert/1"]).all() and (
        found["HorizontalFlip/2"] ^ found["Invert/2"]
    ).all()
    assert (found["HorizontalFlip/1"] & found["Invert/2"]).mean() == pytest.approx(0.25, abs=0.03)


def test_repeat_is_the_step_that_often() -> None:
    image = np.arange(60, dtype=np.uint8).reshape(6, 10)
    turn = aug.Rotate90(turns=(1,))
    for times in (1, 2, 3):
        np.testing.assert_array_equal(
            aug.Compose([aug.Repeat(turn, times)])(image, seed=0).image, np.rot90(image, times)
        )


@pytest.mark.parametrize(
    "make",
    [
        lambda: aug.SomeOf(()),
        lambda: aug.SomeOf(FOUR, n=5),
        lambda: aug.SomeOf(FOUR, n=0),
        lambda: aug.SomeOf(FOUR, n=(2, 1)),
        lambda: aug.SomeOf(FOUR, n=(1, 2.5)),  # type: ignore[arg-type]
        lambda: aug.SomeOf((aug.Rotate(p=0.3),)),
        lambda: aug.SomeOf((aug.OneOf(FOUR),)),
        lambda: aug.Repeat("Rotate"),  # type: ignore[arg-type]
        lambda: aug.Repeat(aug.Rotate(), times=0),
        lambda: aug.Repeat(aug.Rotate(), times=True),
        lambda: aug.Repeat(aug.Repeat(aug.Rotate())),
        lambda: aug.Compose([aug.Repeat(aug.Rotate()), aug.Zoom(name="Rotate/2")]),
    ],
)
def test_wrong_choices_are_refused(make: Any) -> None:
    with pytest.raises(ArgumentError):
        make()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: [{SomeOf: {n: 2}}]", "needs a list of children"),
        ("steps: [{Repeat: {times: 2}}]", "needs a child"),
        ("steps: [{Repeat: {child: {Rotat: {}}}}]", "child: there is no transform"),
        ("steps: [{SomeOf: {children: [Rotate], n: [1, 3]}}]", "from 0 to its 1 children"),
    ],
)
def test_files_say_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        aug.Compose.from_yaml(text)


# What the guards say


def verdict(*steps: Transform) -> tuple[str, list[tuple[str, tuple[str, ...], float]]]:
    result = static_check(aug.Compose(steps), MNIST, content=False, draws=4000)
    six = [f for f in result.findings if f.becomes.get("6") == "9"]
    return result.verdicts["8"], [(f.code, f.steps, round(f.probability or 0, 2)) for f in six]


def test_two_flips_chosen_together_turn_a_six_into_a_nine() -> None:
    flips = (aug.HorizontalFlip(), aug.VerticalFlip())
    safe, six = verdict(aug.SomeOf(flips, n=2))
    assert six == [("AS102", ("HorizontalFlip", "VerticalFlip"), 1.0)] and safe == "safe"
    (often,) = verdict(aug.SomeOf((*flips, aug.Invert()), n=2))[1]
    assert often[:2] == ("AS102", ("HorizontalFlip", "VerticalFlip")) and often[2] == pytest.approx(1 / 3, abs=0.05)


def test_one_flip_at_a_time_is_never_a_half_turn() -> None:
    flips = (aug.HorizontalFlip(), aug.VerticalFlip())
    for step in (aug.SomeOf(flips, n=1), aug.SomeOf(flips, n=(0, 1)), aug.OneOf(flips)):
        assert verdict(step)[1] == []
        bounds = reach(aug.Compose([step]))
        assert bounds.symmetries is not None and bounds.symmetries <= {"identity", "hflip", "vflip"}


def test_repeated_steps_add_up() -> None:
    (found,) = verdict(aug.Repeat(aug.Rotate((80, 100)), times=2))[1]
    assert found[:2] == ("AS102", ("Rotate/1", "Rotate/2"))
    assert verdict(aug.Repeat(aug.Rotate((2, 10)), times=2)) == ("safe", [])
    assert reach(aug.Compose([aug.Repeat(aug.Rotate((2, 10)), times=3)])).rotation == {"identity": (6.0, 30.0)}


def test_the_loaders_guard_mends_them() -> None:
    from augsafe.guards import Enforcer

    compose = aug.Compose([aug.SomeOf((aug.HorizontalFlip(), aug.VerticalFlip(), aug.Invert()), n=(1, 3))])
    plan, labels = compose.plan(np.full((300, 2), 28), range(300)), np.full(300, 6)
    fixed, _, _, log = Enforcer(compose, MNIST).enforce(plan, labels)
    on = fixed.draws.active
    assert not (on["HorizontalFlip"] | on["VerticalFlip"]).any() and on["Invert"].any() and log.changed > 100


def test_the_same_flip_repeated_is_a_mistake() -> None:
    def codes(step: Transform) -> list[str]:
        return [f.code for f in mistakes(aug.Compose([step]))]

    assert codes(aug.Repeat(aug.HorizontalFlip())) == ["AS505"]
    assert codes(aug.Repeat(aug.Rotate())) == [] and codes(aug.SomeOf((aug.HorizontalFlip(), aug.Rotate()))) == []
    assert codes(aug.Repeat(aug.Rotate((0, 0)))) == ["AS507"]


def test_what_is_random() -> None:
    fixed, free = aug.Rotate((5, 5)), aug.Rotate((0, 5))
    assert not is_random(aug.Repeat(fixed)) and is_random(aug.Repeat(free))
    assert not is_random(aug.SomeOf((fixed, aug.Invert()), n=2)) and is_random(aug.SomeOf((fixed, aug.Invert())))


def test_all_of_keeps_the_chance_of_each_child() -> None:
    on = active(aug.AllOf([aug.Rotate(p=0.3), aug.Zoom(), aug.OneOf((aug.Invert(), aug.Shift()), p=0.4)], p=0.5))
    for name, chance in (("Rotate", 0.15), ("Zoom", 0.5), ("Invert", 0.1), ("Shift", 0.1)):
        assert on[name].mean() == pytest.approx(chance, abs=0.03)
    assert not (on["Invert"] & on["Shift"]).any()
    assert not (on["Rotate"] & ~on["Zoom"]).any(), "where the group does not act, none of it does"


def test_one_of_groups_takes_one_group() -> None:
    on = active(aug.OneOf((aug.AllOf((aug.Rotate(), aug.Zoom())), aug.AllOf((aug.Shift(), aug.Invert()))), (3, 1)))
    np.testing.assert_array_equal(on["Rotate"], on["Zoom"])
    np.testing.assert_array_equal(on["Rotate"], ~on["Shift"])
    assert on["Rotate"].mean() == pytest.approx(0.75, abs=0.03)


def test_children_of_one_of_do_not_follow_each_other() -> None:
    """So they share a stage, and the pixels are those of the child alone."""
    blur, turn = aug.GaussianBlur((2, 2), name="blur"), aug.Rotate((30, 30), name="turn")
    compose = aug.Compose([aug.OneOf((blur, turn))])
    assert compose.stages == (("blur", "turn"),)
    assert len(aug.Compose([aug.OneOf((blur, turn)), aug.Zoom()]).stages) == 2
    assert len(aug.Compose([aug.SomeOf((blur, turn), n=2)]).stages) == 2, "here both act"
    image = np.random.default_rng(0).integers(0, 255, (24, 24, 3), np.uint8)
    plan = compose.plan([image.shape] * 20, range(20))
    alone = {"blur": aug.Compose([blur])(image, seed=0).image, "turn": aug.Compose([turn])(image, seed=0).image}
    for row in range(20):
        name = "blur" if plan.draws.active["blur"][row] else "turn"
        np.testing.assert_array_equal(compose(image, seed=0, index=row).image, alone[name])


def test_an_output_size_comes_after_a_local_step_that_may_have_acted() -> None:
    steps = [aug.OneOf((aug.GaussianBlur((3, 3)), aug.Rotate((0, 0))), (1, 0))]
    image = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    output = aug.Output(size=(16, 16))
    wanted = aug.Compose([aug.GaussianBlur((3, 3))], output=output)(image, seed=0).image
    np.testing.assert_array_equal(aug.Compose(steps, output=output)(image, seed=0).image, wanted)


def test_groups_are_judged_together() -> None:
    both = aug.AllOf((aug.HorizontalFlip(p=1), aug.VerticalFlip(p=1)))
    other = aug.AllOf((aug.Rotate((-5, 5)), aug.Zoom((0.9, 1.1))))
    result = static_check(aug.Compose([aug.OneOf((both, other))]), MNIST, draws=2000, content=False)
    (swap,) = [f for f in result.findings if f.becomes]
    assert swap.steps == ("HorizontalFlip", "VerticalFlip") and swap.becomes == {"6": "9", "9": "6"}
    assert swap.probability == pytest.approx(0.5, abs=0.05) and swap.how == "proven"
    apart = aug.OneOf((aug.AllOf((aug.HorizontalFlip(p=1),)), aug.AllOf((aug.VerticalFlip(p=1),))))
    assert not [f for f in static_check(aug.Compose([apart]), MNIST, draws=2000, content=False).findings if f.becomes]


def test_a_foreign_child_that_moves_pixels_keeps_its_place() -> None:
    """It changes the frame after the warp, so a geometric sibling must not share its stage."""

    def halved(image: np.ndarray) -> np.ndarray:
        return image[::2, ::2].copy()

    image = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    compose = aug.Compose([aug.OneOf((aug.Foreign(halved, name="halved"), aug.Rotate((20, 20), name="turn")))])
    plan = compose.plan([image.shape] * 12, range(12))
    turned = aug.Compose([aug.Rotate((20, 20))])(image, seed=0).image
    for row in range(12):
        out = compose(image, seed=0, index=row).image
        np.testing.assert_array_equal(out, image[::2, ::2] if plan.draws.active["halved"][row] else turned)
