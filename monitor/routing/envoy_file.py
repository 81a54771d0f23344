"""A file that Envoy watches (RDS or RTDS): locked, loaded, replaced in one step."""

import contextlib
import fcntl
import json
import math
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from monitor.clock import Clock
from monitor.errors import RoutingError

__all__ = ["EnvoyFile"]

_SUFFIXES = (".json", ".yaml", ".yml")
_LOCK_POLL_S = 0.005
_MOST_CHARACTERS = 16 * 1024 * 1024


class EnvoyFile:
    """A discovery file in JSON or YAML. Comments in YAML do not survive a write.

    Args:
        path: the file; its suffix tells the format.
        setting: the setting that the path comes from.
        timeout_s: longest wait for another writer.
        clock: what waits between tries for the lock.

    Raises:
        ValueError: the path has another suffix.
    """

    def __init__(self, path: str, setting: str, timeout_s: float, clock: Clock) -> None:
        if not isinstance(path, str) or Path(path).suffix not in _SUFFIXES:
            raise ValueError(f"{setting} must be a path that ends in {', '.join(_SUFFIXES)}, got {path!r}")
        self.path = Path(path)
        self.shown = f"{setting.replace('_', ' ')} {self.path}"
        self._setting = setting
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
                f"let the service write to the directory of {self._setting}"
            ) from error
        try:
            self._wait_for(lock, lock_path)
            yield
        finally:
            os.close(lock)

    def load(self) -> dict[str, Any]:
        """Return the document. Values that YAML shares by an alias come back as separate copies."""
        try:
            with self.path.open(encoding="utf-8") as file:
                text = file.read(_MOST_CHARACTERS + 1)
            if len(text) > _MOST_CHARACTERS:
                raise RoutingError(f"{self.shown} has over {_MOST_CHARACTERS} characters: check {self._setting}")
            document = json.loads(text) if self._is_json else yaml.load(text, _EnvoyLoader)  # noqa: S506 - a SafeLoader
            document = json.loads(json.dumps(document))
        except OSError as error:
            raise RoutingError(
                f"{self.shown} cannot be read ({error.strerror}): check {self._setting} and its permissions"
            ) from error
        except (ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
            raise RoutingError(
                f"{self.shown} is broken{_position(error)}: repair it; "
                "until then nothing is written and Envoy keeps its last good configuration"
            ) from error
        if not isinstance(document, dict):
            raise RoutingError(f"{self.shown} holds no object with 'resources': repair it")
        return document

    def replace(self, document: dict[str, Any]) -> None:
        """Put the document in the file's place: a reader sees the old file or the new one, no mixture."""
        self._written(document, keep=True)

    def try_out(self, document: dict[str, Any]) -> None:
        """Go the way of ``replace`` up to the last step, and leave everything as it was."""
        self._written(document, keep=False)

    def _written(self, document: dict[str, Any], *, keep: bool) -> None:
        if self._is_json:
            text = json.dumps(document, indent=2) + "\n"
        else:
            text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        try:
            self._write_beside(text, keep=keep)
        except OSError as error:
            raise RoutingError(
                f"{self.shown} cannot be replaced ({error.strerror}): "
                "let the service write to its directory and check the free space"
            ) from error

    @property
    def _is_json(self) -> bool:
        return self.path.suffix == ".json"

    def _wait_for(self, lock: int, lock_path: str) -> None:
        for _ in range(math.ceil(self._timeout_s / _LOCK_POLL_S)):  # counted: the clock may jump
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            self._clock.wait(_LOCK_POLL_S)
        raise RoutingError(
            f"another writer holds {lock_path} for over {self._timeout_s:g} s: find it with fuser and end it"
        )

    def _write_beside(self, text: str, *, keep: bool) -> None:
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
            if not keep:
                Path(name).unlink()
                return
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
