"""The seam of the library: what a notifier is."""

from typing import ClassVar, Protocol

from alerts.types import Alert

__all__ = ["Notifier"]


class Notifier(Protocol):
    """Delivers one alert to one place. A file each; listed in ``registry.py``."""

    name: ClassVar[str]

    def notify(self, alert: Alert) -> None:
        """Deliver the alert.

        Raises:
            NotifyError: it was not delivered; ``retryable`` says whether trying again makes sense.
        """
        ...
