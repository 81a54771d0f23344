"""Tails JSONL files and posts them, as a user's log shipper would (``python -m monitor.demo.shipper``)."""

import gzip
import http.client
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from monitor.clock import SystemClock

__all__ = ["Batch", "Delivery", "Sender", "Tail", "Tailing", "main"]

_BATCH_LINES = 500
_BATCH_BYTES = 4 * 1024 * 1024
_EVERY_S = 0.5
_BACKOFF_S = (0.2, 5.0)
_TIMEOUT_S = 30.0
_TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole lines of a file."""

    lines: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return sum(len(line) for line in self.lines)

    def halves(self) -> "tuple[Batch, Batch]":
        """Return the two halves of a batch of at least two lines."""
        middle = len(self.lines) // 2
        return Batch(self.lines[:middle]), Batch(self.lines[middle:])


class Tail:
    """Reads a growing file from its start, whole lines only.

    Args:
        path: the file; it may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> Batch | None:
        """Return the lines after the last acknowledged one, None when there are none yet."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                lines = tuple(_whole_lines(file.readlines(_BATCH_BYTES)))[:_BATCH_LINES]
        except FileNotFoundError:
            return None
        return Batch(lines) if lines else None

    def acknowledge(self, batch: Batch) -> None:
        """Move past a batch that was stored."""
        self._offset += batch.size


def _whole_lines(lines: Sequence[bytes]) -> Iterator[bytes]:
    return (line for line in lines if line.endswith(b"\n"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one attempt to post went: the summary when it was stored, else why not."""

    summary: dict[str, Any] | None = None
    status: int | None = None
    reason: str = ""
    retry_after_s: float = 0.0


class Sender:
    """Posts batches to one address over one kept connection.

    Args:
        url: where to post.
        key: the API key.
        timeout_s: longest wait for an answer.
    """

    def __init__(self, url: str, key: str, timeout_s: float = _TIMEOUT_S) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=timeout_s)
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
        }

    def post(self, batch: Batch) -> Delivery:
        """Try once to post a batch."""
        body = gzip.compress(b"".join(batch.lines), compresslevel=1)
        try:
            self._connection.request("POST", self._path, body, self._headers)
            reply = self._connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return Delivery(reason=type(error).__name__)
        if 200 <= reply.status < 300:  # noqa: PLR2004 - the range of success
            return Delivery(_summary(content), reply.status)
        return Delivery(None, reply.status, f"HTTP {reply.status}", _seconds(reply.getheader("Retry-After")))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _summary(content: bytes) -> dict[str, Any]:
    with suppress(msgspec.DecodeError):
        summary = msgspec.json.decode(content)
        if isinstance(summary, dict):
            return summary
    return {}


def _seconds(header: str | None) -> float:
    return float(header) if header is not None and header.isdigit() else 0.0


class Tailing:
    """Ships one file: nothing is skipped, nothing moves on before it is acknowledged.

    Args:
        tail: the file.
        sender: where it goes.
        stop: ends the work once everything is shipped or the receiver is away.
    """

    def __init__(self, tail: Tail, sender: Sender, stop: threading.Event) -> None:
        self.counts: Counter[str] = Counter()
        self.trouble = ""
        self._tail = tail
        self._sender = sender
        self._stop = stop

    def run(self) -> None:
        """Ship until stopped."""
        while True:
            batch = self._tail.read()
            if batch is None:
                if self._stop.wait(_EVERY_S):
                    return
            elif not self.ship(batch):
                return

    def ship(self, batch: Batch) -> bool:
        """Post a batch until it is stored; tell whether it was (False only when stopped meanwhile)."""
        pause_s = _BACKOFF_S[0]
        while True:
            delivery = self._sender.post(batch)
            if delivery.summary is not None:
                self._stored(batch, delivery.summary)
                return True
            self._complain(delivery)
            if delivery.status == _TOO_LARGE and len(batch.lines) > 1:
                return all(self.ship(half) for half in batch.halves())
            if self._stop.wait(max(pause_s, delivery.retry_after_s)):
                return False
            pause_s = min(pause_s * 2, _BACKOFF_S[1])

    def _stored(self, batch: Batch, summary: dict[str, Any]) -> None:
        self._tail.acknowledge(batch)
        self.trouble = ""
        self.counts["lines"] += len(batch.lines)
        for name in ("accepted", "stored", "duplicates", "rejected"):
            self.counts[name] += _total(summary.get(name, 0))

    def _complain(self, delivery: Delivery) -> None:
        self.counts["retries"] += 1
        if delivery.reason != self.trouble:
            print(f"not stored, trying again: {delivery.reason}", file=sys.stderr, flush=True)
        self.trouble = delivery.reason


def _total(value: Any) -> int:
    """Add up a count that may be given by reason or as a list of records."""
    if isinstance(value, dict):
        return sum(_total(part) for part in value.values())
    return len(value) if isinstance(value, list) else int(value)


def _write_stats(path: Path, workers: Sequence[Tailing]) -> None:
    total = sum((worker.counts for worker in workers), Counter[str]())
    fresh = path.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(dict(total)))
    fresh.rename(path)


@click.command()
@click.option("--file", "files", type=click.Path(path_type=Path), multiple=True, required=True)
@click.option("--url", "urls", multiple=True, required=True, help="Where each file goes, in the files' order.")
@click.option("--key-file", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--stats", type=click.Path(path_type=Path), help="JSON file with the counts.")
def main(files: Sequence[Path], urls: Sequence[str], key_file: Path, stats: Path | None) -> None:
    """Ship files until the process is asked to end, then ship what is left."""
    if len(files) != len(urls):
        raise click.UsageError(f"{len(files)} --file and {len(urls)} --url: each file needs one address")
    stop, key = threading.Event(), key_file.read_text().strip()
    workers = [Tailing(Tail(file), Sender(url, key), stop) for file, url in zip(files, urls, strict=True)]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        SystemClock().wait(_EVERY_S)
        if stats is not None:
            _write_stats(stats, workers)


if __name__ == "__main__":
    main()
