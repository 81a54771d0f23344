"""Bodies for a long run, made by another process, so that neither their making nor their memory is in the figures."""

import math
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection

from monitor.bench.events import Generator, Ring
from monitor.bench.load import Load, LoadError, bodies_of

__all__ = ["Source", "source_bodies"]


@dataclass(frozen=True, slots=True)
class Source:
    """What the other process makes."""

    events: int
    load: Load
    seed: int
    now: datetime

    @property
    def bodies(self) -> int:
        """How many requests carry the events."""
        return math.ceil(self.events / self.load.batch)


@contextmanager
def source_bodies(source: Source) -> Iterator[Iterator[bytes]]:
    """Start the process and give out what it makes, once the first body is there.

    It is at most a body ahead: a full pipe holds it.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_make, args=(sender, source), daemon=True)
    process.start()
    sender.close()
    try:
        receiver.poll(None)
        yield _received(receiver, source.bodies)
    finally:
        process.terminate()
        process.join()
        process.close()
        receiver.close()


def _make(sender: "Connection[bytes, bytes]", source: Source) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a person at the keyboard stops the run, and the run stops us
    ring = Ring(Generator(source.seed, source.now))
    for body in bodies_of(ring.events(source.events), source.load):
        sender.send_bytes(body)


def _received(receiver: "Connection[bytes, bytes]", bodies: int) -> Iterator[bytes]:
    for number in range(bodies):
        try:
            yield receiver.recv_bytes()
        except EOFError:
            raise LoadError(f"the source of the events ended after {number} of {bodies} requests") from None
