"""The tables that the docs quote, one after the other: `make evidence`.

An argument names the folder of Fashion-MNIST's files, for the tables that use it.
"""

from __future__ import annotations

import sys

from benchmarks import (
    ablation,
    automatic,
    calibrate,
    class_change,
    cnns,
    contract_evidence,
    drawn_table,
    few_masks,
    published,
    realism,
    saliency,
    static_table,
)
from benchmarks.coverage import __main__ as coverage


def main() -> None:
    """Print every table."""
    print("Intervals, levels and certificates: nominal and seen\n")
    coverage.main([])
    print("\nThe static guard on policies whose truth is stated by hand\n")
    static_table.main()
    print("\nThe evidence for the lines of the built-in contracts\n")
    contract_evidence.main([])
    print("\nPublished policies against the contracts of four data sets\n")
    published.main([])
    print("\nLost objects\n")
    saliency.main()
    print("\nA few masks instead of all\n")
    few_masks.main([])
    print("\nClass change from images alone\n")
    class_change.main([])
    drawn_table.main([])
    print("\nCertified strengths\n")
    calibrate.main([])
    print("\nRealism: level and power\n")
    realism.main([])
    print("\nNetworks\n")
    cnns.main()
    print("\nAblation\n")
    ablation.main([])
    ablation.main(["lenet"])
    print("\nAutomatic policies\n")
    automatic.main(sys.argv[1:])


if __name__ == "__main__":
    main()
