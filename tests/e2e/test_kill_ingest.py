"""SIGKILL under load: what was acknowledged is stored, once, and every record is accounted for."""

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from monitor.clock import SystemClock
from monitor.models.key import Scope
from tests.support.envoy import wait_until
from tests.support.events import add_route, bearer, event, key

THREADS, BATCHES, BATCH = 4, 50, 100
KILL_AFTER = 60
"""Acknowledged batches before the service is killed."""
PATIENCE_S = 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(database_url: str, port: int, log: Path):
    environment = {
        **os.environ,
        "FULLBACK_DATABASE_URL": database_url,
        "FULLBACK_PORT": str(port),
        "FULLBACK_LOG_LEVEL": "warning",
    }
    with log.open("ab") as out:
        service = subprocess.Popen(
            [sys.executable, "-m", "monitor", "serve", "--role", "api"], env=environment, stdout=out, stderr=out
        )
        try:
            yield service
        finally:
            service.kill()
            service.wait(10)


class Shipper:
    """Sends its batches in order, each until it is acknowledged, and keeps what was answered."""

    def __init__(self, url: str, headers: dict[str, str], bodies: list[bytes]) -> None:
        self.url, self.headers, self.bodies = url, headers, bodies
        self.acknowledged = 0
        self.stored = self.duplicates = self.failures = 0

    def run(self) -> None:
        clock = SystemClock()
        end = clock.now() + timedelta(seconds=PATIENCE_S)
        with httpx.Client(trust_env=False, timeout=10) as client:
            for body in self.bodies:
                while not self._sent(client, body):
                    self.failures += 1
                    assert clock.now() < end, "the service did not come back"
                    clock.wait(0.1)

    def _sent(self, client: httpx.Client, body: bytes) -> bool:
        try:
            answer = client.post(f"{self.url}/v1/events", content=body, headers=self.headers)
        except httpx.TransportError:
            return False
        if answer.status_code == 503:
            return False
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["received"] == told["stored"] + told["duplicates"] == BATCH
        self.acknowledged += 1
        self.stored += told["stored"]
        self.duplicates += told["duplicates"]
        return True


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.e2e
def test_a_killed_service_loses_and_doubles_nothing_it_acknowledged(factory, database_url, tmp_path):
    add_route(factory)
    headers = {**bearer(key(factory, Scope.INGEST)), "Content-Encoding": "gzip"}
    now = SystemClock().now()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    shippers = []
    for thread in range(THREADS):
        bodies = []
        for at in range(BATCHES):
            batch = [event(f"t{thread}-b{at}-{n}", now - timedelta(seconds=n), host="llm") for n in range(BATCH)]
            bodies.append(gzip.compress(json.dumps(batch).encode(), 1))
        shippers.append(Shipper(url, headers, bodies))
    threads = [threading.Thread(target=shipper.run) for shipper in shippers]

    def acknowledged() -> int:
        return sum(shipper.acknowledged for shipper in shippers)

    log = tmp_path / "service.log"
    with serving(database_url, port, log) as service:
        wait_until(lambda: answers(url), "the service to answer")
        for thread in threads:
            thread.start()
        wait_until(lambda: acknowledged() >= KILL_AFTER, "the load to be half-way")
        service.send_signal(signal.SIGKILL)
        service.wait(10)
    before = acknowledged() * BATCH
    with psycopg.connect(database_url) as connection:
        stored = connection.execute("SELECT count(*) FROM events").fetchone()[0]
    assert KILL_AFTER * BATCH <= before <= stored < THREADS * BATCHES * BATCH, "killed in the middle"
    with serving(database_url, port, log):
        for thread in threads:
            thread.join(PATIENCE_S)
        assert not any(thread.is_alive() for thread in threads), log.read_text()
    total = THREADS * BATCHES * BATCH
    assert acknowledged() * BATCH == total
    assert sum(shipper.failures for shipper in shippers) > 0
    with psycopg.connect(database_url) as connection:
        events = connection.execute("SELECT count(*), count(DISTINCT request_id) FROM events").fetchone()
        accounts = dict(
            connection.execute("SELECT outcome, sum(n)::int FROM ingest_accounts GROUP BY outcome").fetchall()
        )
    assert events == (total, total)
    assert accounts["stored"] == total
    told = sum(shipper.stored + shipper.duplicates for shipper in shippers)
    assert told == total
    unheard = total - sum(shipper.stored for shipper in shippers)
    assert accounts.get("duplicate", 0) == sum(shipper.duplicates for shipper in shippers) == unheard
