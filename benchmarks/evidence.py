"""The tables that the docs quote, one after the other: `make evidence`."""

from __future__ import annotations

from benchmarks import ablation, calibrate, class_change, cnns, realism, static_table


def main() -> None:
    """Print every table."""
    print("The static guard on policies whose truth is stated by hand\n")
    static_table.main()
    print("\nClass change from images alone\n")
    class_change.main([])
    print("\nCertified strengths\n")
    calibrate.main([])
    print("\nRealism: level and power\n")
    realism.main([])
    print("\nNetworks\n")
    cnns.main()
    print("\nAblation\n")
    ablation.main([])


if __name__ == "__main__":
    main()
