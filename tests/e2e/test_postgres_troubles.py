"""PostgreSQL away, read-only, out of connections, slow, out of disk: 503 in time, bounded, back without a restart."""

import ctypes
import gzip
import json
import os
import shutil
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.key import Scope
from monitor.storage.schema import upgrade
from monitor.storage.session import Database
from tests.support.envoy import wait_until
from tests.support.events import add_route, bearer, event, key
from tests.support.service import Postgres, serving

pytestmark = pytest.mark.e2e

CLOCK = SystemClock()
COMMIT_TIMEOUT_S = 2
ANSWER_WITHIN_S = COMMIT_TIMEOUT_S + 6
"""The time-out of a commit and, for a key or catalogue that is not cached, that of a connection, with room."""
BATCH = 50
QUEUE_RECORDS = 2_000
GROWTH_MIB = 150
DATABASE = "fullback"


class Site:
    """A PostgreSQL, a service on it and what senders were told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.postgres = Postgres(folder)
        self.postgres.start()
        self.postgres.execute(
            f"CREATE DATABASE {DATABASE}", "CREATE ROLE service LOGIN", f"ALTER DATABASE {DATABASE} OWNER TO service"
        )
        self.url = self.postgres.url(DATABASE, "service")
        database = Database(self.url, pool_size=1)
        upgrade(database)
        factory = Factory(Settings(), clock=CLOCK, database=database)
        add_route(factory)
        self.headers = {**bearer(key(factory, Scope.INGEST)), "Content-Encoding": "gzip"}
        database.close()
        self.acknowledged: set[str] = set()
        self.statuses: list[int] = []
        self.slowest_s = 0.0
        self.lock = threading.Lock()
        self.numbers = iter(range(10**9))

    def post(self, patience_s: float = 30) -> int:
        """Send a fresh batch once; return the status (599: no answer)."""
        with self.lock:
            ids = [f"e{next(self.numbers)}" for _ in range(BATCH)]
        body = gzip.compress(json.dumps([event(one, CLOCK.now(), host="llm") for one in ids]).encode(), 1)
        began = CLOCK.now()
        try:
            answer = httpx.post(
                f"{self.service.url}/v1/events", content=body, headers=self.headers, trust_env=False, timeout=patience_s
            )
        except httpx.TransportError:
            status = 599
        else:
            status = answer.status_code
            if status == 503:
                assert int(answer.headers["retry-after"]) > 0
            if status == 200:
                assert answer.json()["stored"] == BATCH
        with self.lock:
            self.statuses.append(status)
            self.slowest_s = max(self.slowest_s, (CLOCK.now() - began).total_seconds())
            if status == 200:
                self.acknowledged.update(ids)
        return status

    @contextmanager
    def load(self, senders: int = 8):
        """Senders that never stop while the block runs."""
        done = threading.Event()

        def send() -> None:
            while not done.is_set():
                if self.post() != 200:
                    done.wait(0.05)

        threads = [threading.Thread(target=send) for _ in range(senders)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join(60)

    def stored(self) -> list[str]:
        with psycopg.connect(self.postgres.url(DATABASE)) as connection:
            return [row[0] for row in connection.execute("SELECT request_id FROM events")]

    def queued(self) -> float:
        text = httpx.get(f"{self.service.url}/metrics", trust_env=False, timeout=10).text
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith("fullback_commit_queue"))


@pytest.fixture(scope="module")
def site():
    folder = Path(tempfile.mkdtemp(prefix="fullback-troubles-", dir="/tmp"))
    made = Site(folder)
    try:
        with serving(
            made.url, folder / "service.log", commit_timeout_s=str(COMMIT_TIMEOUT_S), queue_records=str(QUEUE_RECORDS)
        ) as service:
            made.service = service
            yield made
    finally:
        made.postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def trouble(site, statuses=frozenset({200, 503}), *, refuses=True):
    """Load before, during and after; what the block leaves behind is judged at the end."""
    pid, rss = site.service.pid, site.service.rss_mib()
    wait_until(lambda: site.post() == 200, "the service to take events")
    site.statuses.clear()
    site.slowest_s = 0.0
    with site.load():
        wait_until(lambda: site.statuses.count(200) > 3, "some load")
        yield
        wait_until(lambda: site.post() == 200, "the service to come back", 30)
    assert site.service.running
    assert site.service.pid == pid, "the service was not restarted"
    assert set(site.statuses) <= statuses, "never a 4xx, never a 500"
    assert not refuses or site.statuses.count(503) > 0, "the trouble was felt"
    assert site.slowest_s < ANSWER_WITHIN_S
    assert site.service.rss_mib() < rss + GROWTH_MIB
    stored = site.stored()
    assert len(stored) == len(set(stored))
    assert site.acknowledged <= set(stored), "acknowledged and not stored"


def refused(site, count=10):
    before = site.statuses.count(503)
    wait_until(lambda: site.statuses.count(503) >= before + count, "refusals", 60)
    assert site.queued() <= QUEUE_RECORDS


def test_away(site):
    with trouble(site):
        site.postgres.kill()
        refused(site, 40)
        site.postgres.start()


def test_away_longer_than_keys_are_cached(site):
    """A key that cannot be looked up is no wrong key."""
    with trouble(site):
        site.postgres.kill()
        end = CLOCK.now() + timedelta(seconds=12)
        wait_until(lambda: CLOCK.now() > end, "the caches to expire", 30)
        refused(site)
        site.postgres.start()


def test_stopped_in_order(site):
    with trouble(site):
        site.postgres.stop()
        refused(site)
        site.postgres.start()


def test_read_only(site):
    with trouble(site):
        site.postgres.execute("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        refused(site)
        site.postgres.execute(
            "SET default_transaction_read_only = off",
            "ALTER SYSTEM RESET default_transaction_read_only",
            "SELECT pg_reload_conf()",
        )


def test_out_of_connections(site):
    with trouble(site):
        site.postgres.execute(
            "ALTER ROLE service CONNECTION LIMIT 0",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'service'",
        )
        refused(site)
        site.postgres.execute("ALTER ROLE service CONNECTION LIMIT -1")


def test_every_slot_taken(site):
    """``max_connections`` is used up by others."""
    with trouble(site):
        held = []
        try:
            site.postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'service'")
            while len(held) < 60:
                try:
                    held.append(psycopg.connect(site.postgres.admin_url, connect_timeout=2))
                except psycopg.OperationalError:
                    break
                if len(held) > 30:
                    held[0].execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'service'")
                    held[0].commit()
            refused(site)
        finally:
            for connection in held:
                connection.close()


def test_a_lock_held_on_the_table(site):
    with trouble(site), psycopg.connect(site.postgres.url(DATABASE)) as blocker:
        blocker.execute("LOCK TABLE ingest_accounts")
        refused(site)
        blocker.rollback()


def test_every_commit_slow(site):
    """Half a second for each commit: slower, not refused for ever, and the queue stays within its bound."""
    with trouble(site, refuses=False):
        site.postgres.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END'",
            "CREATE TRIGGER slow AFTER INSERT ON ingest_accounts EXECUTE FUNCTION slow()",
            url=site.postgres.url(DATABASE),
        )
        before = len(site.statuses)
        wait_until(lambda: len(site.statuses) > before + 30, "slow answers", 60)
        assert site.queued() <= QUEUE_RECORDS
        site.postgres.execute(
            "DROP TRIGGER slow ON ingest_accounts", "DROP FUNCTION slow", url=site.postgres.url(DATABASE)
        )


def test_frozen(site):
    """Every backend stands still, as behind a network that swallows packets."""
    with trouble(site):
        with psycopg.connect(site.postgres.admin_url) as connection:
            pids = [
                row[0]
                for row in connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE usename = 'service' AND backend_type = 'client backend'"
                )
            ]
        for pid in pids:
            os.kill(pid, 19)
        try:
            refused(site)
        finally:
            for pid in pids:
                os.kill(pid, 18)


@contextmanager
def small_disk(folder: Path, megabytes: int):
    """A file system of a few megabytes."""
    done = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", "-l", str(folder)], check=True)


def private_mounts() -> None:
    """Leave the mounts of the machine alone: what is mounted from now on is this process's and its children's."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x00020000) != 0 or libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None) != 0:
        pytest.skip(f"no mount namespace of its own: {os.strerror(ctypes.get_errno())}")


def test_out_of_disk():
    """In a child, as the mounts of a process with threads cannot be parted from it."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts a small disk")
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.test_postgres_troubles"], capture_output=True, check=False, timeout=120
    )
    said = done.stdout.decode() + done.stderr.decode()
    if done.returncode == 77:
        pytest.skip(said.strip().splitlines()[-1])
    assert done.returncode == 0, said


def _full_disk() -> None:
    private_mounts()
    folder = Path(tempfile.mkdtemp(prefix="fullback-disk-", dir="/tmp"))
    folder.chmod(0o755)
    with small_disk(folder, 160):
        site = Site(folder)
        logs = Path(tempfile.mkdtemp(prefix="fullback-log-", dir="/tmp"))
        try:
            with serving(
                site.url, logs / "service.log", commit_timeout_s=str(COMMIT_TIMEOUT_S), queue_records=str(QUEUE_RECORDS)
            ) as service:
                site.service = service
                wait_until(lambda: site.post() == 200, "the service to take events")
                filler = site.postgres.home / "filler"
                with trouble(site):
                    free = shutil.disk_usage(folder).free
                    with filler.open("wb") as out:
                        try:
                            while free > 0:
                                out.write(b"\0" * (1 << 20))
                                out.flush()
                        except OSError:
                            pass
                    refused(site)
                    filler.unlink()
                    if not site.postgres.answers():
                        site.postgres.kill()
                        site.postgres.start()
        finally:
            site.postgres.stop()
            shutil.rmtree(logs, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        _full_disk()
    except pytest.skip.Exception as why:
        print(why)
        raise SystemExit(77) from None
