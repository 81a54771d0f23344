"""The kill matrix: SIGKILL of the service, of PostgreSQL and of both under load, and every record counted after.

``python -m tests.e2e.kill_matrix --runs 20 --events 100000 --json``

Every batch holds the same mix: new records, duplicates of records of the same sender, and one bad record for each
of three reasons. So the number of commits follows from the accounts, and with it every other count, exactly.
"""

import argparse
import gzip
import json
import random
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.key import Scope
from monitor.storage.schema import upgrade
from monitor.storage.session import Database
from tests.support.envoy import wait_until
from tests.support.events import add_route, bearer, event, key
from tests.support.service import Postgres, Service

KINDS = ("service", "postgres", "both")
BAD = (b'{"started_at": "2026-03-02T12:00:00Z"}', b'{"request_id" "x"}', b'"no object"')
REASONS = ("missing_field", "malformed_json", "not_an_object")
PATIENCE_S = 120
PAUSE_S = 0.05


@dataclass
class Outcome:
    """What one run found; ``wrong`` is empty when nothing was lost, doubled or miscounted."""

    run: int
    kind: str
    seed: int
    kills: int = 0
    events: int = 0
    batches: int = 0
    commits: int = 0
    resent: int = 0
    acknowledged: int = 0
    stored: int = 0
    acknowledged_minus_stored: int = 0
    stored_minus_unique: int = 0
    duplicates: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Shipper(threading.Thread):
    """Sends its batches in order, each until it is acknowledged, and keeps what was answered."""

    def __init__(self, url: str, headers: dict[str, str], batches: list[tuple[bytes, frozenset[str]]], size: int):
        super().__init__(daemon=True)
        self.url, self.headers, self.batches, self.size = url, headers, batches, size
        self.acknowledged: set[str] = set()
        self.sent = self.resent = self.stored = self.duplicates = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        clock = SystemClock()
        end = clock.now() + timedelta(seconds=PATIENCE_S)
        with httpx.Client(trust_env=False, timeout=15) as client:
            for body, ids in self.batches:
                while not self._sent(client, body):
                    self.resent += 1
                    if clock.now() > end or self.wrong:
                        self.wrong.append("not acknowledged in time")
                        return
                    clock.wait(PAUSE_S)
                self.acknowledged |= ids
                self.sent += 1

    def _sent(self, client: httpx.Client, body: bytes) -> bool:
        try:
            answer = client.post(f"{self.url}/v1/events", content=body, headers=self.headers)
        except httpx.TransportError:
            return False
        if answer.status_code == 503:
            if "retry-after" not in answer.headers:
                self.wrong.append("503 without Retry-After")
            return False
        if answer.status_code != 200:
            self.wrong.append(f"answer {answer.status_code}")
            return False
        told = answer.json()
        if told["received"] != self.size or told["rejected_by_code"] != dict.fromkeys(REASONS, 1):
            self.wrong.append(f"miscounted answer {told['received']} {told['rejected_by_code']}")
        self.stored += told["stored"]
        self.duplicates += told["duplicates"]
        return True


def batches_of(thread: int, events: int, size: int, now: datetime, chance: random.Random):
    """Yield bodies with the ids in them: mostly new records, some seen before, and the bad ones in between."""
    built: list[tuple[bytes, frozenset[str]]] = []
    known: list[str] = []
    template = json.dumps(event("REQUEST-ID", now, host="llm", event_id="EVENT-ID", started_at="STARTED-AT"))
    repeated = max(1, size // 20)
    while len(known) < events:
        new = [f"t{thread}-{len(known) + n}" for n in range(size - len(BAD) - repeated)]
        known += new
        ids = [*new, *(chance.choice(known) for _ in range(repeated))]
        lines = [line_of(template, one, now) for one in ids] + list(BAD)
        chance.shuffle(lines)
        built.append((gzip.compress(b"\n".join(lines), 1), frozenset(ids)))
    return built, len(known)


def line_of(template: str, request_id: str, now: datetime) -> bytes:
    """A record of an id is always the same, whenever it is made."""
    number = int(request_id.rpartition("-")[2])
    started = (now - timedelta(milliseconds=number)).isoformat()
    made = template.replace("REQUEST-ID", request_id).replace("EVENT-ID", request_id).replace("STARTED-AT", started)
    return made.encode()


class Matrix:
    """One PostgreSQL and a database per run."""

    def __init__(self, folder: Path, *, events: int, threads: int, size: int) -> None:
        self.folder, self.events, self.threads, self.size = folder, events, threads, size
        self.postgres = Postgres(folder)
        self.postgres.start()

    def run(self, number: int, kind: str, seed: int, kills: int) -> Outcome:
        """One run: load, kills at seeded moments, the rest of the load, the count."""
        chance = random.Random(seed)  # noqa: S311 - load, not secrets
        clock = SystemClock()
        began = clock.now()
        outcome = Outcome(number, kind, seed)
        name = f"run{number}"
        self.postgres.execute(f"CREATE DATABASE {name}")
        url = self.postgres.url(name)
        headers = self._prepared(url)
        service = Service(url, self.folder / f"{name}.log")
        shippers = []
        for thread in range(self.threads):
            batches, made = batches_of(thread, self.events // self.threads, self.size, began, chance)
            outcome.events += made
            shippers.append(Shipper(service.url, headers, batches, self.size))
        outcome.batches = sum(len(shipper.batches) for shipper in shippers)
        moments = sorted(chance.uniform(0.1, 0.8) for _ in range(kills))
        service.start()
        try:
            service.wait_ready()
            for shipper in shippers:
                shipper.start()
            for moment in moments:
                self._wait_for(shippers, moment * outcome.batches)
                self._kill(kind, service, chance)
                outcome.kills += 1
            for shipper in shippers:
                shipper.join(PATIENCE_S)
        finally:
            service.kill()
        self._count(url, shippers, outcome)
        self.postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")
        outcome.seconds = round((clock.now() - began).total_seconds(), 1)
        return outcome

    def close(self) -> None:
        self.postgres.stop()

    def _prepared(self, url: str) -> dict[str, str]:
        database = Database(url, pool_size=1)
        upgrade(database)
        factory = Factory(Settings(), clock=SystemClock(), database=database)
        add_route(factory)
        text = key(factory, Scope.INGEST)
        database.close()
        return {**bearer(text), "Content-Encoding": "gzip"}

    def _wait_for(self, shippers: list[Shipper], batches: float) -> None:
        def far_enough() -> bool:
            return sum(s.sent for s in shippers) >= batches or not any(s.is_alive() for s in shippers)

        wait_until(far_enough, "the load", PATIENCE_S)

    def _kill(self, kind: str, service: Service, chance: random.Random) -> None:
        victims: list[Callable[[], None]] = []
        if kind in {"service", "both"}:
            victims.append(service.kill)
        if kind in {"postgres", "both"}:
            victims.append(self.postgres.kill)
        chance.shuffle(victims)
        for kill in victims:
            kill()
        SystemClock().wait(chance.uniform(0, 0.5))
        if kind in {"postgres", "both"}:
            self.postgres.start()
        if kind in {"service", "both"}:
            service.start()
        service.wait_ready()

    def _count(self, url: str, shippers: list[Shipper], outcome: Outcome) -> None:
        acknowledged = set().union(*(shipper.acknowledged for shipper in shippers))
        with psycopg.connect(url) as connection:
            stored = [row[0] for row in connection.execute("SELECT request_id FROM events")]
            accounts = connection.execute("SELECT outcome, reason, sum(n)::bigint FROM ingest_accounts GROUP BY 1, 2")
            counted: Counter[tuple[str, str]] = Counter({(row[0], row[1]): int(row[2]) for row in accounts})
        outcome.acknowledged, outcome.stored = len(acknowledged), len(stored)
        outcome.acknowledged_minus_stored = len(acknowledged - set(stored))
        outcome.stored_minus_unique = len(stored) - len(set(stored))
        outcome.resent = sum(shipper.resent for shipper in shippers)
        outcome.duplicates = counted["duplicate", ""]
        outcome.rejected = {reason: n for (what, reason), n in sorted(counted.items()) if what == "rejected"}
        outcome.commits, left = divmod(sum(counted.values()), self.size)
        good = outcome.commits * (self.size - len(BAD))
        told = sum(shipper.stored + shipper.duplicates for shipper in shippers)
        for right, what in (
            (not any(shipper.is_alive() for shipper in shippers), "a sender did not finish"),
            (outcome.acknowledged == outcome.events, "acknowledged != sent"),
            (outcome.acknowledged_minus_stored == 0, "acknowledged records are not stored"),
            (outcome.stored_minus_unique == 0, "records are stored twice"),
            (set(stored) == acknowledged, "stored records were never acknowledged"),
            (counted["stored", ""] == outcome.stored, "accounts.stored != rows"),
            (left == 0, "a batch was accounted for in part"),
            (outcome.stored + outcome.duplicates == good, "stored + duplicates != good records of all commits"),
            (outcome.rejected == dict.fromkeys(sorted(REASONS), outcome.commits), "rejections miscounted"),
            (outcome.batches <= outcome.commits <= outcome.batches + outcome.resent, "more commits than requests"),
            (told == outcome.batches * (self.size - len(BAD)), "the answers do not add up"),
        ):
            if not right:
                outcome.wrong.append(what)
        outcome.wrong += sorted({what for shipper in shippers for what in shipper.wrong})


def matrix(
    runs: int, events: int, *, seed: int = 1, threads: int = 4, size: int = 500, kills: int = 3, told: Any = None
) -> list[Outcome]:
    """Run the matrix in a scratch folder; ``told`` is called with each outcome as it comes."""
    folder = Path(tempfile.mkdtemp(prefix="fullback-kill-", dir="/tmp"))
    found = Matrix(folder, events=events, threads=threads, size=size)
    outcomes = []
    try:
        for number in range(runs):
            outcomes.append(found.run(number, KINDS[number % len(KINDS)], seed + number, kills))
            if told is not None:
                told(outcomes[-1])
    finally:
        found.close()
        shutil.rmtree(folder, ignore_errors=True)
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--size", type=int, default=500, help="records of a batch")
    parser.add_argument("--kills", type=int, default=3, help="in each run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()

    def told(outcome: Outcome) -> None:
        if asked.json:
            print(json.dumps(asdict(outcome)), flush=True)
        else:
            print(
                f"run {outcome.run} {outcome.kind}: {outcome.kills} kills, {outcome.events} events, "
                f"{outcome.commits} commits, {outcome.resent} resent, lost {outcome.acknowledged_minus_stored}, "
                f"doubled {outcome.stored_minus_unique}, {'; '.join(outcome.wrong) or 'ok'} ({outcome.seconds} s)",
                flush=True,
            )

    outcomes = matrix(
        asked.runs,
        asked.events,
        seed=asked.seed,
        threads=asked.threads,
        size=asked.size,
        kills=asked.kills,
        told=told,
    )
    sys.exit(1 if any(outcome.wrong for outcome in outcomes) else 0)


if __name__ == "__main__":
    main()
