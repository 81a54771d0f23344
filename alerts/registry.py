"""Every notifier, by name."""

from collections.abc import Callable, Mapping

from alerts.base import Notifier
from alerts.errors import UnknownNotifierError
from alerts.slack import SlackWebhookNotifier

__all__ = ["NOTIFIERS", "build"]

NOTIFIERS: dict[str, Callable[[Mapping[str, str]], Notifier]] = {
    "slack": SlackWebhookNotifier.from_settings,
}


def build(name: str, settings: Mapping[str, str]) -> Notifier:
    """The notifier ``name`` with these settings.

    Raises:
        UnknownNotifierError: no such notifier; the message lists the known ones.
        ValueError: a setting is missing or wrong; the message names it and never shows its value.
    """
    factory = NOTIFIERS.get(name)
    if factory is None:
        raise UnknownNotifierError(name, sorted(NOTIFIERS))
    return factory(settings)
