"""The file that Envoy reads its routes from: locked, loaded, replaced in one step."""

import contextlib
import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from monitor.clock import Clock
from monitor.errors import RoutingError

__all__ = ["RouteFile"]

_SUFFIXES = (".json", ".yaml", ".yml")
_LOCK_POLL_S = 0.005


class RouteFile:
    """A route discovery file in JSON or YAML. Comments in YAML do not survive a write.

    Args:
        path: the file; its suffix tells the format.
        timeout_s: longest wait for another writer.
        clock: what the wait is measured with.

    Raises:
        ValueError: the path has another suffix.
    """

    def __init__(self, path: str, timeout_s: float, clock: Clock) -> None:
        if not isinstance(path, str) or Path(path).suffix not in _SUFFIXES:
            raise ValueError(f"route_file must be a path that ends in {', '.join(_SUFFIXES)}, got {path!r}")
        self.path = Path(path)
        self._timeout_s = timeout_s
        self._clock = clock

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out, those in other processes included, by a lock on ``<path>.lock``."""
        lock_path = f"{self.path}.lock"
        try:
            lock = os.open(lock_path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise RoutingError(
                f"lock file {lock_path} cannot be opened ({error.strerror}): "
                "let the service write to the directory of route_file"
            ) from error
        try:
            self._wait_for(lock, lock_path)
            yield
        finally:
            os.close(lock)

    def load(self) -> dict[str, Any]:
        """Return the document. Values that YAML shares by an alias come back as separate copies."""
        try:
            text = self.path.read_text(encoding="utf-8")
            document = json.loads(text) if self._is_json else yaml.load(text, _EnvoyLoader)  # noqa: S506 - a SafeLoader
            document = json.loads(json.dumps(document))
        except OSError as error:
            raise RoutingError(
                f"route file {self.path} cannot be read ({error.strerror}): check route_file and its permissions"
            ) from error
        except (ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
            raise RoutingError(
                f"route file {self.path} is broken{_position(error)}, nothing was written: repair it; "
                "Envoy keeps its last good configuration until then"
            ) from error
        if not isinstance(document, dict):
            raise RoutingError(f"route file {self.path} holds no object with 'resources': repair it")
        return document

    def replace(self, document: dict[str, Any]) -> None:
        """Put the document in the file's place: a reader sees the old file or the new one, no mixture."""
        if self._is_json:
            text = json.dumps(document, indent=2) + "\n"
        else:
            text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        try:
            self._replace_text(text)
        except OSError as error:
            raise RoutingError(
                f"route file {self.path} cannot be replaced ({error.strerror}): "
                "let the service write to its directory and check the free space"
            ) from error

    @property
    def _is_json(self) -> bool:
        return self.path.suffix == ".json"

    def _wait_for(self, lock: int, lock_path: str) -> None:
        deadline = self._clock.now() + timedelta(seconds=self._timeout_s)
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if self._clock.now() >= deadline:
                    raise RoutingError(
                        f"another writer holds {lock_path} for over {self._timeout_s:g} s: "
                        "find it with fuser and end it"
                    ) from error
                self._clock.wait(_LOCK_POLL_S)
            else:
                return

    def _replace_text(self, text: str) -> None:
        before = self.path.stat()
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", suffix=".tmp", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as new:
                new.write(text)
                new.flush()
                with contextlib.suppress(PermissionError):
                    os.fchown(new.fileno(), before.st_uid, before.st_gid)
                os.fchmod(new.fileno(), before.st_mode & 0o7777)
                os.fsync(new.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


class _EnvoyLoader(yaml.SafeLoader):
    """Reads scalars as Envoy does: ``2026-01-01``, ``0.50`` and ``12:30`` stay text and are written back."""


_INTEGER = re.compile(r"[-+]?(?:0x[0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$")
_EnvoyLoader.yaml_implicit_resolvers = {
    first: [
        (tag, _INTEGER if tag.endswith(":int") else pattern)
        for tag, pattern in resolvers
        if not tag.endswith((":float", ":timestamp"))
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _position(error: Exception) -> str:
    """Return where the file is broken, without its text."""
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else getattr(error, "lineno", None)
    return "" if line is None else f" at line {line}"
