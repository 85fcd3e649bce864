"""Runs in SQLite: each keyed by all that determines it, claimed by one process, written as it ends."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from augsafe.errors import ArgumentError, InputError

BEAT = 2.0  # seconds between signs of life
LEASE = 30.0  # a claim without one for so long is free again

SCHEMA = """
create table if not exists data (hash text primary key, words text not null);
create table if not exists runs (
    key text primary key, policy text not null, seed integer not null, part text not null,
    state text not null check (state in ('running', 'done', 'failed')),
    owner text not null, host text not null, pid integer not null, beat real not null,
    predictions blob, seconds real, error text
);
"""


@dataclass(frozen=True, eq=False)
class Outcome:
    """How a run ended: predictions (n,) class indices, or the traceback of what it raised."""

    predictions: NDArray[np.int64] | None
    seconds: float
    error: str | None = None


class Store:
    """A file of runs that several processes, on one machine or on a shared disk, may use at once.

    A run is claimed before it begins. A claim whose process is dead, or silent for half a minute, is free again, so
    nothing is lost when a process is killed; a key is written once, so nothing is there twice.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.owner = uuid.uuid4().hex
        self.host = socket.gethostname()
        try:
            with self._open() as db:
                db.execute("pragma journal_mode = wal")
                db.executescript(SCHEMA)
        except sqlite3.Error as error:
            raise ArgumentError(f"store={str(path)!r} cannot be used: {error}; name a new file") from error

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # A connection for each use: it may then be used from any thread, and nothing is left open in a fork.
        with closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as db:
            db.execute("pragma synchronous = normal")  # with the write-ahead log: safe when a process is killed
            yield db

    def bind(self, data_hash: str, words: str) -> None:
        """Say which data the runs are of. Raises InputError where the store holds runs of other data."""
        with self._open() as db:
            db.execute("begin immediate")
            rows = db.execute("select hash, words from data").fetchall()
            if not rows:
                db.execute("insert into data values (?, ?)", (data_hash, words))
            db.execute("commit")
        if rows and rows[0][0] != data_hash:
            raise InputError(
                f"the store {self.path} holds runs on other data ({rows[0][1]}) than what was given now ({words}); "
                "give the same images, labels and splits, or name another store"
            )

    def claim(self, key: str, policy: str, seed: int, part: str) -> bool:
        """Whether this process shall do the run: it is neither done, nor failed, nor at work elsewhere."""
        now = time.time()
        with self._open() as db:
            db.execute("begin immediate")
            row = db.execute("select state, host, pid, beat from runs where key = ?", (key,)).fetchone()
            free = row is None or (row[0] == "running" and self._dead(*row[1:], now=now))
            if free:
                values = (key, policy, seed, part, "running", self.owner, self.host, os.getpid(), now)
                db.execute("insert or replace into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?, null, null, null)", values)
            db.execute("commit")
        return free

    def _dead(self, host: str, pid: int, beat: float, *, now: float) -> bool:
        if now - beat > LEASE:
            return True
        if host != self.host or pid == os.getpid():
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def write(self, key: str, outcome: Outcome) -> bool:
        """Store how a claimed run ended; False where another process has it by now."""
        blob = None if outcome.predictions is None else outcome.predictions.astype("<i4").tobytes()
        state = "failed" if outcome.error else "done"
        with self._open() as db:
            done = db.execute(
                "update runs set state = ?, predictions = ?, seconds = ?, error = ? "
                "where key = ? and owner = ? and state = 'running'",
                (state, blob, outcome.seconds, outcome.error, key, self.owner),
            )
            return done.rowcount == 1

    def read(self, keys: list[str]) -> dict[str, Outcome]:
        """The runs among these that have ended."""
        found: dict[str, Outcome] = {}
        with self._open() as db:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                marks = ",".join("?" * len(some))
                sql = f"select key, predictions, seconds, error from runs where state != 'running' and key in ({marks})"
                for key, blob, seconds, error in db.execute(sql, some):
                    made = None if blob is None else np.frombuffer(blob, "<i4").astype(np.int64)
                    found[key] = Outcome(made, seconds, error)
        return found

    def release(self) -> None:
        """Give back what this process has claimed and not ended."""
        with self._open() as db:
            db.execute("delete from runs where owner = ? and state = 'running'", (self.owner,))

    @contextmanager
    def alive(self) -> Iterator[None]:
        """Gives signs of life while the block runs, and gives claims back when it is left."""
        stop = threading.Event()

        def beat() -> None:
            while not stop.wait(BEAT):
                with self._open() as db:
                    sql = "update runs set beat = ? where owner = ? and state = 'running'"
                    db.execute(sql, (time.time(), self.owner))

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self.release()
