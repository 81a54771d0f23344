"""Identities of events that were committed lately: a resend is recognised before it reaches Postgres."""

from collections.abc import Iterable

from monitor.storage.events import Identity

__all__ = ["RecentIdentities"]

_GENERATION = 50_000


class RecentIdentities:
    """Two generations: when the young one is full it becomes the old one, and the old one is forgotten.

    Holds at most about twice ``generation`` identities and at least the last ``generation``. What it does not
    hold is found by the unique key of the table: losing it costs speed, never correctness.
    """

    def __init__(self, generation: int = _GENERATION) -> None:
        if generation < 1:
            raise ValueError(f"generation must be >= 1, got {generation!r}")
        self._generation = generation
        self._young: set[Identity] = set()
        self._old: set[Identity] = set()

    def __contains__(self, identity: Identity) -> bool:
        return identity in self._young or identity in self._old

    def add(self, identities: Iterable[Identity]) -> None:
        """Remember identities whose commit succeeded."""
        if len(self._young) >= self._generation:
            self._old, self._young = self._young, set()
        self._young.update(identities)

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old = set(), set()
