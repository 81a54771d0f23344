"""What a response body or stream says: the answer and who gave it."""

import msgspec

from detectors.types import Answer

__all__ = ["Reply"]


class Reply(msgspec.Struct, frozen=True, gc=False):
    """A response as read; ``answer`` is None for an error body and for one that holds no answer."""

    answer: Answer | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    failed: bool = False
    """The response reports an error."""
