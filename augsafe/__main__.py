"""`python -m augsafe` is the command `augsafe`."""

from augsafe.cli import main

if __name__ == "__main__":
    main()
