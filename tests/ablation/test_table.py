"""The table of an ablation in a terminal: at 80 columns names and numbers stay whole."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from augsafe.ablation.analysis import HELPS, OPEN, Row
from augsafe.ablation.design import Question
from augsafe.ablation.result import _table

NAMES = ("HorizontalFlip", "Rotate + VerticalFlip", "Brightness x HorizontalFlip")


def rows(seeds: tuple[int, ...] = (8, 8, 8), failed: int = 0) -> tuple[Row, ...]:
    out = []
    for name, count in zip(NAMES, seeds, strict=True):
        question = Question(name, "step", (name,), (), name)
        worst = {"class 12": (-0.125, -0.2, -0.01)}
        verdict = (OPEN, 617) if name != NAMES[0] else (HELPS, None)
        out.append(
            Row(question, -0.026, (-0.132, 0.12), 0.01, 0.062, verdict[0], count, failed, verdict[1], worst,
                "invalid (AS101)")
        )  # fmt: skip
    return tuple(out)


def printed(given: tuple[Row, ...], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(_table(given, "Ablation: pairs"))
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_names_and_numbers_are_whole(width):
    text = printed(rows(), width)
    words = text.split()
    for whole in ("HorizontalFlip", "VerticalFlip", "Brightness", "+12.0", "-13.2", "0.062", "(AS101)", "effect"):
        assert whole in words, text
    assert max(map(len, text.splitlines())) <= width
    assert "-13.2 to +12.0" in text


def test_seeds_are_said_once_where_they_are_alike():
    text = printed(rows())
    assert "Ablation: pairs, 8 seeds each, p by Holm" in text and text.count("seeds") == 2
    assert "(try N): about N seeds would settle it" in text and "(try 617)" in " ".join(text.split())
    uneven = " ".join(printed(rows((8, 8, 5), failed=3), 200).split())
    assert "5 seeds, 3 failed" in uneven and "seeds each" not in uneven
