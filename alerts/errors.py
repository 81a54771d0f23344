"""Errors of the alert library."""

__all__ = ["AlertError", "NotifyError", "UnknownNotifierError"]


class AlertError(Exception):
    """Root of the library's errors."""


class NotifyError(AlertError):
    """A notification was not delivered. The reason never holds a secret."""

    def __init__(self, reason: str, *, retryable: bool, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retryable = retryable
        self.retry_after_s = retry_after_s


class UnknownNotifierError(AlertError):
    """A notifier name is not registered; the message lists the known ones."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"unknown notifier {name!r}; known: {', '.join(known)}")
