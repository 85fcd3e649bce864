"""What a run keeps beside its checkpoint, as plain values: the epochs so far and what the guards did."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from augsafe.cnns.results import Epoch
from augsafe.errors import ArgumentError
from augsafe.guards import Log

RECORD = "record.json"
COUNTERS = ("images", "changed", "dropped", "relabelled", "accepted")
BY_CLASS = ("classes", "seen", "lost", "unaugmented")


def plain_log(log: Log) -> dict[str, Any]:
    """A log as lists and numbers."""
    counts = [[code, list(steps), cls, action, n] for (code, steps, cls, action), n in log.counts.items()]
    body = {name: getattr(log, name) for name in COUNTERS}
    by_class = {name: dict(getattr(log, name)) for name in BY_CLASS}
    return {**body, **by_class, "names": list(log.names), "counts": counts, "moved": dict(log.moved)}


def log_from(body: Mapping[str, Any]) -> Log:
    """The log that `plain_log` wrote."""
    log = Log(names=tuple(body["names"]), moved=dict(body["moved"]))
    for name in COUNTERS:
        setattr(log, name, body[name])
    for name in BY_CLASS:
        getattr(log, name).update(body[name])
    for code, steps, cls, action, n in body["counts"]:
        log.counts[code, tuple(steps), cls, action] = n
    return log


def epoch_from(body: Mapping[str, Any]) -> Epoch:
    """The epoch that `asdict` wrote."""
    return Epoch(**{**body, "confusion": tuple(tuple(row) for row in body["confusion"])})


def write_record(folder: Path, history: list[dict[str, Any]], guards: dict[str, Any]) -> None:
    """Write record.json, whole or not at all."""
    part = folder / (RECORD + ".part")
    part.write_text(json.dumps({"history": history, "guards": guards}), encoding="utf-8")
    os.replace(part, folder / RECORD)


def read_record(folder: Path) -> tuple[list[Epoch], dict[str, Any]]:
    """The epochs and the log of record.json. Raises ArgumentError."""
    try:
        held = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return [epoch_from(e) for e in held["history"]], held["guards"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArgumentError(
            f"{str(folder / RECORD)!r} cannot be read: {error}; start again in another folder"
        ) from error
