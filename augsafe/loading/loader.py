"""Batches of augmented images, in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from augsafe.contracts import Contract
from augsafe.errors import ArgumentError, SourceError
from augsafe.foreign import as_policy
from augsafe.guards import OnViolation, actions_of, check_role
from augsafe.images import open_source
from augsafe.loading.ahead import Amounts, Chunks
from augsafe.loading.batches import Chunk, Worker
from augsafe.loading.counters import LoaderReport
from augsafe.loading.joining import first_of
from augsafe.loading.mixing import Mix, Mixer, describe
from augsafe.objects import SALIENCY, asked_for
from augsafe.pixels import Batch
from augsafe.planning import Output
from augsafe.policies import Compose, PerClass, check_evaluation_policy, with_names
from augsafe.randomness import permutation
from augsafe.typing import FinderLike, PolicyLike, SourceLike


@dataclass(frozen=True)
class _Place:
    """Where an epoch stands: images given, the candidates used up, and those that the guards' counts include."""

    epoch: int = 0
    given: int = 0
    cursor: int = 0
    counted: int = 0


class Loader:
    """Augmented batches of a data set. The images, their order and their bytes do not depend on `workers`.

    The first iteration is epoch 0, each later one is the next epoch, unless `set_epoch` was called. The guards act on
    classes if there is a contract, and on content in images with a mask or boxes. Without either, the policy runs as it
    is. Lost tone (AS301, AS302, AS303) is checked only if `on_violation` names these codes.

    Args:
        source: What `open_source` accepts: (images, labels), a folder with one subfolder per class, an .npz archive, a
            .csv manifest, or any object with `__len__` and `__getitem__`.
        transform: A Compose, one transform, a PerClass, a pipeline of another library, or None for no augmentation.
        batch_size: Images per batch.
        shuffle: Use a new order in each epoch.
        seed: The random seed.
        workers: Number of threads, or of processes if the policy has Foreign steps. 0 works in the calling thread.
        rank: The number of this process in a distributed run.
        world_size: The number of processes. Each gets its own share of one order.
        contract: The contract of the guards: a Contract or the name of a built-in one.
        on_violation: The action of the guards, or a mapping from code to action; see `Enforcer`. None turns them off.
            An image that is dropped is replaced by the next one of the rank.
        objects: Who guesses the object in images without mask and boxes, for the rules on content and for steps that
            spare the object: "saliency", or a function of an image and its label that returns a mask. Default: nobody.
        on_error: "raise", or "skip" to skip broken images and list them in the report.
        output: The form of the images. Default: that of the policy.
        mix: A `MixUp` or `CutMix` of each batch, after the guards. Labels are then (n, classes) float32.
        drop_last: Leave out the last batch if it is not full.
        even: If the images cannot be divided evenly among the ranks: "pad" uses some twice, "drop" leaves some out,
            "none" lets the ranks differ in length.
        prefetch: Pieces to prepare ahead for each worker. A piece is one batch, or several of small images.
        role: "training", or "validation" to refuse a transform that is random (AS501).

    Raises:
        ArgumentError: An argument is not valid.
    """

    def __init__(
        self,
        source: SourceLike,
        transform: PolicyLike | PerClass | None = None,
        *,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int = 0,
        workers: int = 2,
        rank: int = 0,
        world_size: int = 1,
        contract: Contract | str | None = None,
        on_violation: OnViolation | None = "redraw",
        objects: FinderLike | str | None = None,
        on_error: str = "raise",
        output: Output | None = None,
        mix: Mix | None = None,
        drop_last: bool = False,
        even: str = "pad",
        prefetch: int = 2,
        role: str = "training",
    ) -> None:
        _check_numbers(batch_size=batch_size, workers=workers, world_size=world_size, rank=rank, prefetch=prefetch)
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise ArgumentError(f"Loader(seed=...) must be a whole number, got {seed!r}")
        if rank >= world_size:
            raise ArgumentError(f"Loader(rank=...) must be below world_size={world_size}, got {rank}")
        _check_word("on_error", on_error, ("raise", "skip"))
        _check_word("even", even, ("pad", "drop", "none"))
        actions = None if on_violation is None else actions_of(on_violation)
        self.source = open_source(source)
        if not len(self.source):
            raise SourceError("the source holds no images")
        self.transform = _policy(transform, output)
        if check_role(role, "Loader") == "validation":
            check_evaluation_policy(self.transform, "Loader(transform=...) for validation")
        self.batch_size, self.shuffle, self.seed, self.workers = int(batch_size), bool(shuffle), int(seed), int(workers)
        self.rank, self.world_size, self.even, self.drop_last = int(rank), int(world_size), even, bool(drop_last)
        self.prefetch = int(prefetch)
        made = Contract.builtin(contract) if isinstance(contract, str) else contract
        guess = asked_for(objects, "Loader")
        self._worker = Worker(self.source, self.transform, made, on_violation, on_error, self.seed, guess)
        worker, policies = self._worker, list(self._worker.policies.values())
        salient = guess is SALIENCY  # a finder does not see rendered images
        self.mixer = None if mix is None else Mixer(mix, worker.names, self.source, policies, self.seed, salient)
        self.report = LoaderReport()
        self._facts = {
            "images": len(self.source),
            "policy": _digest(with_names(self.transform.to_dict())),
            "seed": self.seed,
            "shuffle": self.shuffle,
            "world_size": self.world_size,
            "even": even,
            "contract": None if made is None else _digest(made.to_dict()),
            "on_violation": actions,
            "objects": None if guess is None else guess.name,
            "mix": describe(mix),
        }
        self._warned, self._place = False, _Place()
        self._next: _Place | None = _Place()

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by label."""
        return self._worker.names

    @property
    def images_per_epoch(self) -> int:
        """Number of images of this rank in an epoch."""
        n, world = len(self.source), self.world_size
        share = -(-n // world) if self.even == "pad" else n // world
        if self.even == "none":
            share = len(range(self.rank, n, world))
        return share - share % self.batch_size if self.drop_last else share

    def __len__(self) -> int:
        return -(-self.images_per_epoch // self.batch_size)

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The images of this rank in an epoch.

        Args:
            epoch: The epoch.

        Returns:
            Their indices (n,), in order.
        """
        n, world = len(self.source), self.world_size
        order = permutation(n, self.seed, epoch) if self.shuffle else np.arange(n, dtype=np.int64)
        if self.even == "pad":
            order = np.resize(order, -(-n // world) * world)
        elif self.even == "drop":
            order = order[: n - n % world]
        return order[self.rank :: world]

    # Epochs and resuming

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next iteration. The position of a state just loaded for that epoch is kept.

        Args:
            epoch: A whole number of at least 0.

        Raises:
            ArgumentError: It is not such a number.
        """
        if isinstance(epoch, bool) or not isinstance(epoch, (int, np.integer)) or epoch < 0:
            raise ArgumentError(f"set_epoch(epoch) must be a whole number of at least 0, got {epoch!r}")
        if self._next is None or self._next.epoch != epoch:
            self._next = _Place(int(epoch))

    def state_dict(self) -> dict[str, Any]:
        """The position of the loader, after the last batch, and its report, as plain values."""
        place = self._place if self._next is None else self._next
        return {**vars(place), "report": self.report.state(), "loader": dict(self._facts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state. The batch size and the number of workers may differ.

        Args:
            state: What `state_dict` returned.

        Raises:
            ArgumentError: The state is of another source, policy, seed, contract or number of ranks.
        """
        try:
            facts = dict(state["loader"])
            place = _Place(*(int(state[name]) for name in ("epoch", "given", "cursor", "counted")))
            report = LoaderReport.restored(state["report"])
        except (KeyError, TypeError, ValueError) as error:
            raise ArgumentError(f"load_state_dict needs what state_dict gave, got {state!r}"[:300]) from error
        for name, value in self._facts.items():
            if facts.get(name) != value:
                raise ArgumentError(
                    f"the state is of another loader: {name} was {facts.get(name)!r} and is {value!r} here"
                )
        self.report = report
        self._next = place if place.given < self.images_per_epoch else _Place(place.epoch + 1)
        self._place = self._next

    def __iter__(self) -> Iterator[Batch]:
        start = self._next if self._next is not None else _Place(self._place.epoch + 1)
        self._next, self._place = None, start
        return self._batches(start)

    # The work

    def _batches(self, start: _Place) -> Iterator[Batch]:
        total = self.images_per_epoch
        given = start.given
        waiting: list[tuple[Batch, NDArray[np.int64]]] = []
        ready = 0
        chunks = Chunks(
            self._worker,
            self.order(start.epoch),
            Amounts(self.batch_size, total - given, self.workers, self.prefetch),
            start.epoch,
            start.cursor,
            start.counted,
        )
        counted = start.counted
        try:
            while given < total:
                wanted = min(self.batch_size, total - given)
                while ready < wanted:
                    chunk = chunks.next()
                    if chunk.end > start.counted:
                        self._count(chunk)
                    counted = max(counted, chunk.end)
                    if chunk.batch is not None:
                        waiting.append((chunk.batch, chunk.positions))
                        ready += len(chunk.batch)
                batch, last, waiting = first_of(waiting, wanted)
                ready -= wanted
                given += wanted
                self.report.images += wanted
                self._place = _Place(start.epoch, given, last + 1, counted)
                yield batch if self.mixer is None else self.mixer(batch, start.epoch)
        finally:
            chunks.close()
        if not self._warned and self.report.warnings:
            self._warned = True
            warnings.warn(self.report.warnings[0], UserWarning, stacklevel=2)

    def _count(self, chunk: Chunk) -> None:
        self.report.guards.add(chunk.log)
        self.report.skipped.update(dict(chunk.skipped))


def _check_numbers(*, batch_size: int, workers: int, world_size: int, rank: int, prefetch: int) -> None:
    given = (
        ("batch_size", batch_size, 1),
        ("workers", workers, 0),
        ("world_size", world_size, 1),
        ("rank", rank, 0),
        ("prefetch", prefetch, 1),
    )
    for name, value, least in given:
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise ArgumentError(f"Loader({name}=...) must be a whole number of at least {least}, got {value!r}")


def _check_word(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ArgumentError(f"Loader({name}=...) must be one of {', '.join(known)}, got {value!r}")


def _policy(transform: Any, output: Output | None) -> Compose | PerClass:
    if transform is None:
        transform = Compose(())
    if isinstance(transform, PerClass):
        return transform if output is None else transform.with_output(output)
    compose, _ = as_policy(transform)
    return compose if output is None else replace(compose, output=output)


def _digest(body: Any) -> str:
    return hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=8).hexdigest()
