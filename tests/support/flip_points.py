"""Points in a process's step at which something is made to happen in the flip matrix: a call, a commit, its start."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session
from typing_extensions import override

from monitor.storage.session import Database

__all__ = ["Killed", "PointedDatabase", "Points"]


class Killed(BaseException):
    """SIGKILL: nothing catches it."""


class Points:
    """Places in a process's step at which something is made to happen, once."""

    def __init__(self) -> None:
        self.asleep = False
        self.fired = threading.Event()
        self._acts: dict[str, Callable[[], None]] = {}

    def at(self, name: str, act: Callable[[], None]) -> None:
        self.fired.clear()
        self._acts = {name: act}

    def reach(self, name: str) -> None:
        if not self.asleep and name in self._acts:
            act = self._acts.pop(name)
            self.fired.set()
            act()


class PointedDatabase(Database):
    """A process's own connections; its write transactions reach points."""

    def __init__(self, url: str, points: Points) -> None:
        super().__init__(url, pool_size=2)
        self.points = points

    @override
    @contextmanager
    def transaction(self) -> Iterator[Session]:
        self.points.reach("before transaction")
        with super().transaction() as session:
            yield session
            self.points.reach("before commit")
        self.points.reach("after commit")

    @override
    @contextmanager
    def reading(self) -> Iterator[Session]:
        with super().transaction() as session:
            session.connection(execution_options={"postgresql_readonly": True})
            yield session
