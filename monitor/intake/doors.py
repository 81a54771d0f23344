"""The doors that records come in by. A dialect is one file with a ``parse`` and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from monitor.intake import envoy, native
from monitor.intake.limits import Limits
from monitor.intake.parsed import Parsed
from monitor.models.event import Recorder

__all__ = ["DOORS", "Door"]


@dataclass(frozen=True, slots=True)
class Door:
    """One way in: where records are posted, who writes them and what reads one of them."""

    name: str
    path: str
    recorder: Recorder
    parse: Callable[[bytes, int, datetime, Limits], Parsed]


DOORS: Final[Mapping[str, Door]] = MappingProxyType(
    {
        door.name: door
        for door in (
            Door("native", "/v1/events", Recorder.SERVER, native.parse),
            Door("access-logs", "/v1/access-logs", Recorder.GATEWAY, envoy.parse),
        )
    }
)
