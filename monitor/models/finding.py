"""A finding: something on-call should know that is no incident, because no candidate did harm."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.models.key import ApiKey

__all__ = ["Finding", "FindingKind"]


class FindingKind(StrEnum):
    """What was found."""

    FINGERPRINT_CHANGED = "fingerprint_changed"
    """A variant's model server changed its ``system_fingerprint`` and nobody had said so; subject: route/variant."""
    AGREEMENT_BELOW = "agreement_below"
    """A variant gives its reference's greedy answers more rarely than its declaration allows; subject: route/variant.
    Of a baseline: it does not give those of its own mirror."""
    AGREEMENT_ABOVE = "agreement_above"
    """A variant gives its reference's greedy answers more often than its declaration allows; subject: route/variant."""
    BASELINE_DOUBTED = "baseline_doubted"
    """A baseline that is declared full precision is named as something coarser; subject: route/variant."""
    TRAFFIC_UNLIKE = "traffic_unlike"
    """The baseline's sessions ask for other things than a candidate's; subject: route/candidate."""
    HOLDBACK_SHARE = "holdback_share"
    """The baseline answers another share of the sessions than its policy declares; subject: route/baseline."""
    SAMPLING_UNLIKE = "sampling_unlike"
    """The two legs of requests were asked at unlike temperatures; subject: route/variant."""
    REHEARSAL_FAILED = "rehearsal_failed"
    """A rollback of the route would not work now; subject: the route."""
    SHIPPER_SILENT = "shipper_silent"
    """A source that used to send sends nothing; subject: the source."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; of a kind and subject at most one is open."""

    id: int
    kind: FindingKind
    subject: str
    detail: str
    opened_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None
    """A person's key, or the service where its cause ended."""
    closed_reason: str | None = None

    @property
    def route(self) -> str | None:
        """The route it is about; a shipper is of none."""
        return None if self.kind is FindingKind.SHIPPER_SILENT else self.subject.partition("/")[0]

    def shown_to(self, key: ApiKey) -> bool:
        """Tell whether a key may see it: it is of the key's routes, or of its own source."""
        if self.route is None:
            return key.routes is None or self.subject == key.source
        return key.bound_to(self.route)
