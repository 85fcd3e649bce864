"""Options are checked before any image is read: what is wrong is said at once, not after the work is done."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from augsafe.errors import ArgumentError

if TYPE_CHECKING:
    from augsafe.contracts import Contract


def check_choice(option: str, given: str, known: Sequence[str]) -> None:
    """Raise ArgumentError, which lists the choices, where `given` is none of them."""
    import difflib

    if given in known:
        return
    close = difflib.get_close_matches(given, known, n=1, cutoff=0.6)
    hint = f"; did you mean {close[0]}?" if close else ""
    raise ArgumentError(f"{option}={given!r} must be one of {', '.join(known)}{hint}")


def finder_of(given: str | None) -> str | None:
    """What --objects names. Raises ArgumentError where it names nothing that finds objects."""
    if given is not None:
        check_choice("--objects", given, ("saliency",))
    return given


ObjectsOption = Annotated[
    str | None,
    typer.Option(
        "--objects",
        metavar="saliency",
        help="Let a guess decide where an image has no mask and no boxes.",
        callback=finder_of,
    ),
]


def check_file(option: str, path: Path | None, endings: Sequence[str] = ()) -> None:
    """Raise ArgumentError where a file of that name cannot be written, or has another ending than these."""
    if path is None:
        return
    said = f"{option}={str(path)!r}"
    if endings and path.suffix.lower() not in endings:
        raise ArgumentError(f"{said} must end in {' or '.join(endings)}")
    if path.is_dir():
        raise ArgumentError(f"{said} cannot be written: it is a folder; give the name of a file in it")
    folder = path.resolve().parent
    if not folder.is_dir():
        raise ArgumentError(f"{said} cannot be written: there is no folder {str(path.parent)!r}; create it first")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise ArgumentError(f"{said} cannot be written: permission denied; choose another file")


def check_picture(option: str, path: Path) -> None:
    """Raise ArgumentError where a picture of that name cannot be written."""
    from PIL import Image

    check_file(option, path)
    written = Image.registered_extensions().get(path.suffix.lower())
    if written not in Image.SAVE:
        raise ArgumentError(f"{option}={str(path)!r} must end in .png, .jpg, or (for an animation) .gif or .webp")


def check_folder(option: str, path: Path) -> None:
    """Raise ArgumentError where the folder is not there and cannot be made. It is not made yet."""
    nearest = next(p for p in (path.resolve(), *path.resolve().parents) if p.exists())
    if not nearest.is_dir():
        raise ArgumentError(f"{option}={str(path)!r} cannot be created: {str(nearest)!r} is a file; name a folder")
    if not os.access(nearest, os.W_OK):
        raise ArgumentError(
            f"{option}={str(path)!r} cannot be created: {str(nearest)!r} is read-only; choose another folder"
        )


def named_contract(given: str | None) -> Contract | None:
    """A file where there is one of that name or the name ends as a file's does, else a built-in contract.

    Raises ContractError.
    """
    from augsafe.contracts import Contract

    if given is None:
        return None
    path = Path(given)
    return Contract.load(path) if path.suffix or path.is_file() else Contract.builtin(given)


def for_data(contract: Contract | None, classes: Sequence[str] | None) -> Contract | None:
    """The contract for the classes of the data. Raises ContractError where it does not fit them."""
    return contract.with_classes(classes) if contract is not None and classes else contract
