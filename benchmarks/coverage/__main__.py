"""Nominal and seen, in one table: `python -m benchmarks.coverage [--repeats 2000] [--write docs/evidence.md]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.coverage import certificates, leaks, learning, masks, realism, repeats, shares, static, typicality
from benchmarks.coverage.lines import Line, Simulation, table
from benchmarks.coverage.worst import worst

REPEATS, CONTROL = 2000, 200
SIMULATIONS: dict[str, Simulation] = {
    "static": static.simulate,
    "shares": shares.simulate,
    "masks": masks.simulate,
    "calibration": certificates.simulate,
    "typicality": typicality.simulate,
    "ablation": learning.simulate,
    "realism": realism.simulate,
    "repeats": repeats.simulate,
    "leaks": leaks.simulate,
}
CONTROLS: dict[str, Simulation] = {
    "static": lambda n: static.simulate(n, old=True),
    "shares": shares.control,
    "masks": masks.control,
    "calibration": certificates.control,
    "typicality": typicality.control,
    "ablation": learning.control,
    "realism": realism.control,
    "repeats": repeats.control,
}


def run(simulations: dict[str, Simulation], chosen: Sequence[str], count: int) -> list[Line]:
    """The lines of all that are chosen; says on the error stream how long each took."""
    lines: list[Line] = []
    for name in chosen:
        start = time.perf_counter()
        lines += simulations[name](count)
        print(f"{name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return lines


def searched(count: int) -> str:
    """What the search for an exception to the bound of clusters found, in a sentence."""
    return (
        f"For {count:,} random distributions with three or four kinds of image, up to seven images and five levels, "
        f"the largest chance to miss is {worst(count):.2f} of what the level allows."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables, and write them where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(SIMULATIONS), help=", ".join(SIMULATIONS))
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--write", type=Path, help="a page with marks such as <!-- coverage -->")
    given = parser.parse_args(arguments)
    lines = run(SIMULATIONS, given.names, given.repeats)
    controls = run(CONTROLS, [name for name in given.names if name in CONTROLS], min(given.repeats, CONTROL))
    tables = {"coverage": table(lines), "controls": table(controls), "worst": searched(given.repeats)}
    print("\n\n".join(tables.values()))
    if given.write is not None:
        page = given.write.read_text(encoding="utf-8")
        for mark, text in tables.items():
            start, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
            before, _, rest = page.partition(start)
            page = f"{before}{start}{text}\n{end}{rest.partition(end)[2]}"
        given.write.write_text(page, encoding="utf-8")
    if any(not line.holds for line in lines) or any(line.holds for line in controls):
        raise SystemExit("a promise is broken, or a control was not caught: see the last column")


if __name__ == "__main__":
    main()
