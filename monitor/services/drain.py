"""Draining: a process that is about to stop says so, while it still answers everything that comes."""

__all__ = ["Drain"]


class Drain:
    """Whether this process is about to stop."""

    def __init__(self) -> None:
        self._begun = False

    @property
    def begun(self) -> bool:
        """True from the request to stop on: not ready any more, still accepting."""
        return self._begun

    def begin(self) -> None:
        """Announce the stop. Safe in a signal handler."""
        self._begun = True
