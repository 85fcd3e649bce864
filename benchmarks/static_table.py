"""The static guard on policies whose truth is stated by hand: `python -m benchmarks.static_table`.

Each row is a policy and what it does to each class of a built-in contract. Unsafe combinations stand beside a harmless
twin. Truth is written from what the symmetries do to the glyphs and signs, not read off the guard.
"""

from __future__ import annotations

from dataclasses import dataclass

from augsafe.contracts import Contract
from augsafe.guards import StaticResult, judge, static_check
from augsafe.guards.symmetry.outcomes import outcomes_for
from augsafe.policies import Compose
from augsafe.statistics import clopper_pearson

HARM = ("changes", "invalid", "outside-limits")


@dataclass(frozen=True)
class Row:
    """A policy (steps as YAML), the contract, and the classes of each verdict; the rest is `others`."""

    name: str
    steps: str
    contract: str
    truth: dict[str, str]
    others: str = "safe"

    def expected(self, cls: str) -> str:
        """The verdict that is true for a class."""
        for verdict, classes in self.truth.items():
            if cls in classes.split():
                return verdict
        return self.others


H = "{HorizontalFlip: {p: 1}}"
V = "{VerticalFlip: {p: 1}}"
MIRRORED = {"invalid": "3 4 6 7 9", "ambiguous": "2 5"}
UPSIDE_DOWN = {"invalid": "4 6 7 9", "ambiguous": "2 5"}
HALF_TURN = {"changes": "6 9", "invalid": "3 4 7", "ambiguous": "2"}
QUARTER = {"safe": "0"}

ROWS = (
    Row("flip left-right", H, "mnist", MIRRORED),
    Row("twin: that flip undone", f"{H}, {H}", "mnist", {}),
    Row("flip left-right, sometimes", "HorizontalFlip", "mnist", MIRRORED),
    Row("flip top-bottom", V, "mnist", UPSIDE_DOWN),
    Row("twin: that flip undone too", f"{V}, Brightness, {V}", "mnist", {}),
    Row("both flips", f"{H}, {V}", "mnist", HALF_TURN),
    Row("twin: both flips and a half turn", f"{H}, {V}, {{Rotate: {{angle: [180, 180]}}}}", "mnist", {}),
    Row("both flips, each sometimes", "HorizontalFlip, VerticalFlip", "mnist", {**HALF_TURN, "ambiguous": "2 5"}),
    Row("half turn", "{Rotate: {angle: [170, 190]}}", "mnist", HALF_TURN),
    Row("twin: small turn", "{Rotate: {angle: [-10, 10]}}", "mnist", {}),
    Row("rare half turn", "{Rotate: {angle: [170, 190], p: 0.001}}", "mnist", HALF_TURN),
    Row("two quarter turns", "{Rotate: {angle: [85, 95]}}, {Rotate: {angle: [85, 95]}}", "mnist", HALF_TURN),
    Row("twin: there and back", "{Rotate: {angle: [85, 95]}}, {Rotate: {angle: [-95, -85]}}", "mnist", {}),
    Row("quarter turn", "{Rotate: {angle: [85, 95]}}", "mnist", QUARTER, "invalid"),
    Row("quarter turn, exact", "{Rotate90: {turns: [1]}}", "mnist", QUARTER, "invalid"),
    Row("twin: four quarters", "{Rotate90: {turns: [1]}}, {Rotate90: {turns: [3]}}", "mnist", {}),
    Row("none or two quarters", "{Rotate90: {turns: [0, 2]}}", "mnist", HALF_TURN),
    Row("two rotations beyond the limit", "{Rotate: {angle: [-20, 20]}}, {Rotate: {angle: [-20, 20]}}", "mnist", {},
        "outside-limits"),
    Row("twin: two within it", "{Rotate: {angle: [-15, 15]}}, {Rotate: {angle: [-15, 15]}}", "mnist", {}),
    Row("rare rotation beyond the limit", "{Rotate: {angle: [-30.01, 30]}}", "mnist", {}, "outside-limits"),
    Row("twin: up to the limit", "{Rotate: {angle: [-30, 30]}}", "mnist", {}),
    Row("zoom twice", "{Zoom: {factor: [1, 1.3]}}, {Zoom: {factor: [1, 1.3]}}", "mnist", {}, "outside-limits"),
    Row("twin: zoom twice, less", "{Zoom: {factor: [1, 1.18]}}, {Zoom: {factor: [1, 1.18]}}", "mnist", {}),
    Row("too small", "{Zoom: {factor: [0.6, 0.6]}}", "mnist", {}, "outside-limits"),
    Row("twin: small and back", "{Zoom: {factor: [0.6, 0.6]}}, {Zoom: {factor: [1.6, 1.6]}}", "mnist", {}),
    Row("one of two flips", "{OneOf: {children: [HorizontalFlip, VerticalFlip]}}", "mnist", MIRRORED),
    Row("top-bottom and a half turn", f"{V}, {{Rotate: {{angle: [175, 185]}}}}", "mnist", MIRRORED),
    Row("twin: left-right undone by them", f"{H}, {V}, {{Rotate: {{angle: [175, 185]}}}}", "mnist", {}),
    Row("slant", "{Shear: {x: [-10, 10]}}", "mnist", {}),
    Row("strong slant", "{Shear: {x: [-40, 40]}}", "mnist", {}, "outside-limits"),
    Row("slants that add to a turn", "{Shear: {x: [40, 40]}}, {Shear: {x: [0, 0], y: [-40, -40]}}", "mnist", {},
        "outside-limits"),
    Row("tone only", "Brightness, Contrast, Gamma", "mnist", {}),
    Row("gentle policy", "{Rotate: {angle: [-12, 12]}}, {Zoom: {factor: [0.9, 1.1]}}, Shift, Brightness", "mnist", {}),
    Row("signs mirrored", H, "gtsrb",
        {"changes": "19 20 33 34 36 37 38 39", "safe": "11 12 13 15 17 18 22 26 30 35"}, "*"),
    Row("signs turned", f"{H}, {V}", "gtsrb", {"safe": "12 15 17 32"}, "*"),
    Row("letters mirrored", H, "text", {"changes": "b d p q", "safe": "A H I M O T U V W X Y"}, "*"),
    Row("letters upside down", V, "text", {"changes": "b d p q", "safe": "B C D E H I K O X"}, "*"),
    Row("letters turned", f"{H}, {V}", "text", {"changes": "b d p q n u M W", "safe": "o s x z H I N O S X Z"}, "*"),
    Row("twin: letters turned twice", f"{H}, {V}, {H}, {V}", "text", {}),
    Row("photos mirrored", H, "cifar10", {}),
    Row("photos upside down", V, "cifar10", {}, "invalid"),
)  # fmt: skip


def result_of(row: Row, draws: int) -> StaticResult:
    """The guard's answer."""
    compose = Compose.from_yaml(f"steps: [{row.steps}]")
    return static_check(compose, Contract.builtin(row.contract), draws=draws, size=(28, 28), content=False)


def witnesses_hold(row: Row, result: StaticResult) -> bool:
    """Whether each reported witness, replayed from its record, breaks the contract as it says."""
    compose = Compose.from_yaml(f"steps: [{row.steps}]")
    contract = Contract.builtin(row.contract)
    for finding in result.findings:
        if finding.witness is None:
            continue
        seen = judge(compose.replay(finding.witness.record).jacobian)
        broken = {c for classes, o in outcomes_for(contract) if o.happens(seen)[0] for c in classes}
        if not set(finding.classes) <= broken:
            return False
    return True


def left_out(rows: tuple[Row, ...] = ROWS) -> int:
    """How many cells have no truth that is stated by hand ("*"): what a reader finds ambiguous or does not name."""
    return sum(row.expected(cls) == "*" for row in rows for cls in Contract.builtin(row.contract).classes)


def cells(rows: tuple[Row, ...] = ROWS, draws: int = 20_000) -> list[tuple[str, str, str, str]]:
    """(policy, class, expected, found) for every cell whose truth is stated."""
    out = []
    for row in rows:
        result = result_of(row, draws)
        if not witnesses_hold(row, result):
            raise AssertionError(f"a witness of {row.name!r} does not reproduce")
        for cls, found in result.verdicts.items():
            if row.expected(cls) != "*":
                out.append((row.name, cls, row.expected(cls), found))
    return out


def scores(table: list[tuple[str, str, str, str]]) -> tuple[float, float, int]:
    """Precision and recall of "harmed", and how many verdicts differ in kind."""
    harmed = [(expected in HARM, found in HARM) for _, _, expected, found in table]
    hits = sum(a and b for a, b in harmed)
    precision = hits / max(sum(b for _, b in harmed), 1)
    recall = hits / max(sum(a for a, _ in harmed), 1)
    return precision, recall, sum(expected != found for _, _, expected, found in table)


def main() -> None:
    """Print the table."""
    table = cells()
    for row in ROWS:
        mine = [c for c in table if c[0] == row.name]
        wrong = [f"{cls}: {found}, not {expected}" for _, cls, expected, found in mine if found != expected]
        print(f"{row.name:36} {row.contract:8} {len(mine):3} cells  {'; '.join(wrong) or 'all right'}")
    precision, recall, wrong_kind = scores(table)
    absent = left_out()
    print(f"\n{len(table)} cells of {len(table) + absent}; {absent} are left out, their truth is not stated by hand")
    print(f"precision {precision:.3f}, recall {recall:.3f} of harmed cells, verdicts of another kind {wrong_kind}")
    right = {name: True for name, *_ in table}
    for name, _, expected, found in table:
        right[name] &= expected == found
    for what, hits, n in (
        ("cells", len(table) - wrong_kind, len(table)),
        ("policies", sum(right.values()), len(right)),
    ):
        low, high = clopper_pearson(hits, n)
        print(f"{hits} of {n} {what} right ({low:.3f}-{high:.3f}, exact)")
    naive = [(name, cls, expected, "invalid") for name, cls, expected, _ in table]
    print(f"baseline, flag everything: precision {scores(naive)[0]:.3f}, recall {scores(naive)[1]:.3f}")


if __name__ == "__main__":
    main()
