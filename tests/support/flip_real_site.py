"""The real parts of the flip matrix: PostgreSQL, an Envoy behind a gate to its admin interface, services that stop."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from typing_extensions import override

from tests.support.envoy import Envoy, running_envoy
from tests.support.service import Postgres, Service

__all__ = ["Gate", "RealSite", "Worker", "real_site"]


class Worker(Service):
    """A service with its worker; it may be stopped and woken."""

    @override
    def start(self) -> None:
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monitor", "serve", "--role", "all"],
                env=self.environment,
                stdout=out,
                stderr=out,
            )

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class Gate:
    """A way to Envoy's admin interface that can be shut: then nobody answers, or connections wait."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.removeprefix("http://").partition(":")
        self._upstream = (host, int(port))
        self.mode = "open"
        """``open``, ``refuses`` (closed at once) or ``waits`` (accepted, never answered)."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._held: list[socket.socket] = []
        self.waiting = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._held:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.mode == "open":
                threading.Thread(target=self._join, args=(client,), daemon=True).start()
            elif self.mode == "waits":
                self._held.append(client)
                self.waiting.set()
            else:
                self.waiting.set()
                client.close()

    def _join(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(self._upstream, 5) as server:
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join(5)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65_536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


class RealSite:
    """Everything real, and users that never stop."""

    def __init__(self, folder: Path, envoy: Envoy) -> None:
        self.folder, self.envoy = folder, envoy
        self.postgres = Postgres(folder)
        self.postgres.start()
        self.gate = Gate(envoy.admin_url)
        self.numbers = iter(range(1, 10**9))

    def close(self) -> None:
        self.gate.close()
        self.postgres.stop()


@contextmanager
def real_site() -> Iterator[RealSite]:
    folder = Path(tempfile.mkdtemp(prefix="fullback-flip-real-", dir="/tmp"))
    try:
        envoys = folder / "envoy"
        envoys.mkdir()
        with running_envoy(envoys) as envoy:
            site = RealSite(folder, envoy)
            try:
                yield site
            finally:
                site.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
