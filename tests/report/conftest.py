"""Reports that several tests look at."""

from __future__ import annotations

import pytest

import augsafe as aug
from augsafe.contracts import Relation
from augsafe.demo import careless, digits

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="session")
def report():
    """The careless policy on 300 digits."""
    images, labels = digits()
    return aug.check(careless(), images[:300], labels[:300], contract="mnist", draws=4000)


@pytest.fixture(scope="session")
def page(report, tmp_path_factory):
    """Its page, as a file."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    report.to_html(path)
    return path


@pytest.fixture(scope="session")
def evil(tmp_path_factory):
    """A page whose classes and steps have names that try to be HTML."""
    names = (EVIL, '"><img src=x onerror=alert(2)>', "a & b 'c'")
    swap = {(names[0], "hflip"): Relation("to", names[1]), (names[1], "hflip"): Relation("to", names[0])}
    contract = aug.Contract(names, swap, name=EVIL)
    report = aug.check(aug.Compose([aug.HorizontalFlip(name="</style>")]), contract=contract)
    path = tmp_path_factory.mktemp("evil") / "report.html"
    report.to_html(path)
    return path
