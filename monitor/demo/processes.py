"""Child processes, each in its own group, none of which outlives its owner."""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from monitor.clock import Clock

__all__ = ["Child", "Children", "free_port"]

_PATIENCE_S = 8.0


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Child:
    """A process that leads its own group.

    Args:
        name: for messages.
        process: the process.
        output: the file that has its standard output and error.
    """

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self.name = name
        self._process = process
        self._output = output

    @property
    def pid(self) -> int:
        """The process id, which is also the group's."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.poll() is None

    def complaint(self, lines: int = 15) -> str:
        """Return the end of what it printed."""
        return "\n".join(self._output.read_text(errors="replace").splitlines()[-lines:])

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole group."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def wait_end(self, timeout_s: float) -> bool:
        """Wait until it ended; tell whether it did."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True


class Children:
    """Starts processes and ends all of them, the last started first.

    Args:
        directory: gets a file with each process's output.
        clock: for waiting.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._started: list[Child] = []

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> Child:
        """Start a process; ``env`` adds to this process's environment."""
        output = self._directory / f"{name}.out"
        with output.open("ab") as sink:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        child = Child(name, process, output)
        self._started.append(child)
        return child

    def ended(self) -> list[Child]:
        """Return those that ended by themselves or were killed."""
        return [child for child in self._started if not child.alive]

    def complaints(self) -> dict[str, str]:
        """Return the end of what each process printed, of those that printed anything."""
        return {child.name: text for child in self._started if (text := child.complaint())}

    def end(self, child: Child) -> None:
        """End one process and its group: ask first, then insist."""
        child.send(signal.SIGTERM)
        if not child.wait_end(_PATIENCE_S):
            child.send(signal.SIGKILL)
            child.wait_end(_PATIENCE_S)
        self._started.remove(child)

    def end_all(self) -> None:
        """End every process that was started."""
        for child in reversed(self._started.copy()):
            self.end(child)
