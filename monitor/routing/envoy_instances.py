"""All the Envoys that read one file, asked at the same time: one that hangs holds no answer back."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from monitor.clock import Clock
from monitor.errors import RoutingError
from monitor.routing.envoy_admin import EnvoyAdmin
from monitor.routing.envoy_json import listed

__all__ = ["Answer", "EnvoyInstances"]

T = TypeVar("T")
_MOST = 32
_LOOK_S = 0.5
_PARTS = 3
"""A question is up to three requests."""


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What one instance said, or why it did not."""

    admin: EnvoyAdmin
    value: T | None
    error: RoutingError | None

    @property
    def instance(self) -> str:
        """The instance, as messages name it."""
        return self.admin.shown


class EnvoyInstances:
    """The admin interfaces of one route's Envoys.

    Args:
        admin_url: one instance, or None.
        admin_urls: several, or None; exactly one of both is given.
        timeout_s: longest wait for one answer.
        clock: what waits are measured with.

    Raises:
        ValueError: none or both are given, or one cannot be used.
    """

    def __init__(self, admin_url: str | None, admin_urls: Sequence[str] | None, timeout_s: float, clock: Clock) -> None:
        if (admin_url is None) == (admin_urls is None):
            raise ValueError("give admin_url for one Envoy or admin_urls for several, exactly one of the two")
        urls: Sequence[str] = admin_urls or () if admin_url is None else [admin_url]
        if not isinstance(urls, list | tuple) or not 1 <= len(urls) <= _MOST:
            raise ValueError(f"admin_urls must be a list of 1 to {_MOST} addresses, got {_kind(urls)}")
        self._patient = [EnvoyAdmin(url, timeout_s, clock) for url in urls]
        shown = [admin.shown for admin in self._patient]
        if len(set(shown)) < len(shown):
            raise ValueError(f"admin_urls must name each Envoy once, got {listed(shown)}")
        self._patience_s = timeout_s
        self._hasty = [EnvoyAdmin(url, min(timeout_s, _LOOK_S), clock) for url in urls]

    def __len__(self) -> int:
        return len(self._patient)

    def ask(self, question: Callable[[EnvoyAdmin], T]) -> list[Answer[T]]:
        """Return an answer or an error of every instance, in the order of the settings."""
        return _asked(self._patient, question, self._patience_s)

    def glance(self, question: Callable[[EnvoyAdmin], T]) -> list[Answer[T]]:
        """Ask with little patience: what stands before a write must not hold a rollback back."""
        return _asked(self._hasty, question, min(self._patience_s, _LOOK_S))


def _kind(urls: object) -> str:
    """Return what was given, without showing it: it may carry credentials."""
    return f"{len(urls)}" if isinstance(urls, list | tuple) else type(urls).__name__


def _asked(admins: Sequence[EnvoyAdmin], question: Callable[[EnvoyAdmin], T], patience_s: float) -> list[Answer[T]]:
    asked: list[Future[Answer[T]]] = [Future() for _ in admins]
    for future, admin in zip(asked, admins, strict=True):
        threading.Thread(target=_settle, args=(future, admin, question), daemon=True).start()
    done, _ = wait(asked, _PARTS * patience_s)
    return [
        future.result() if future in done else Answer(admin, None, _late(admin, patience_s))
        for future, admin in zip(asked, admins, strict=True)
    ]


def _settle(future: "Future[Answer[T]]", admin: EnvoyAdmin, question: Callable[[EnvoyAdmin], T]) -> None:
    try:
        future.set_result(_answer(admin, question))
    except BaseException as error:  # noqa: BLE001 - raised again where the answer is taken
        future.set_exception(error)


def _answer(admin: EnvoyAdmin, question: Callable[[EnvoyAdmin], T]) -> Answer[T]:
    try:
        return Answer(admin, question(admin), None)
    except RoutingError as error:
        return Answer(admin, None, error)


def _late(admin: EnvoyAdmin, patience_s: float) -> RoutingError:
    return RoutingError(
        f"Envoy admin {admin.shown} gave no full answer within {_PARTS * patience_s:g} s: "
        "see how loaded that Envoy is, or raise timeout_s"
    )
