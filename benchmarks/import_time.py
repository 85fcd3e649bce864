"""How long `import augsafe` takes: `python -m benchmarks.import_time`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = "import augsafe"
# The names alone are lazy, so what they cost is seen where they are first used.
USED = "import augsafe as aug; aug.Loader; aug.check; aug.Compose([aug.Rotate(), aug.HorizontalFlip()])"
BASE = "import numpy, cv2"  # what no image library for Python can do without
TARGET = 1.3  # times the base, with a policy made


def output(code: str, *paths: Path) -> str:
    """What `code` prints in a fresh interpreter that finds modules in `paths` and in this repository."""
    # With its compiled modules kept, as users have them.
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPATH": os.pathsep.join(map(str, (*paths, ROOT)))}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def seconds(statement: str, *paths: Path) -> float:
    """Seconds of processor time that one statement takes in a fresh interpreter."""
    clock = "import time; start = time.process_time()"
    return float(output(f"{clock}\n{statement}\nprint(time.process_time() - start)", *paths))


def alternate(statements: Sequence[str], rounds: int, *paths: Path) -> list[list[float]]:
    """Times of each statement; they take turns, so that all meet the same machine."""
    runs = [[seconds(s, *paths) for s in statements] for _ in range(rounds)]
    return [list(times) for times in zip(*runs, strict=True)]


def main() -> None:
    """Measure and print."""
    ours, used, base = alternate([OURS, USED, BASE], 15)
    for statement, times in ((OURS, ours), (USED, used), (BASE, base)):
        print(f"{min(times):.3f} s at best, {statistics.median(times):.3f} s median of {len(times)}: {statement}")
    ratio = min(used) / min(base)
    verdict = "reached" if ratio <= TARGET else "MISSED"
    print(f"a policy and a loader: {ratio:.2f} times the base; target {TARGET} times {verdict}")


if __name__ == "__main__":
    main()
