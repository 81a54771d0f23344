"""The error tree: a class owns its code, HTTP status and title; one handler renders them as RFC 9457 problems."""

from typing import Any, ClassVar

__all__ = [
    "AuthError",
    "ConflictError",
    "DatabaseUnavailableError",
    "DrainingError",
    "ForbiddenError",
    "FullbackError",
    "NotFoundError",
    "OverloadedError",
    "PayloadTooLargeError",
    "RoutingError",
    "SchemaOutdatedError",
    "SlowBodyError",
    "SourceQuotaError",
    "StaleEpochError",
    "UndecodableError",
    "UnsupportedEncodingError",
    "ValidationError",
]


class FullbackError(Exception):
    """Root of the tree. ``detail`` says what was wrong, the value, the limit and the next action."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, detail: str, **extensions: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extensions = extensions


class ValidationError(FullbackError):
    """A document or parameter breaks its rules."""

    code = "invalid"
    status = 422
    title = "Invalid document"


class UndecodableError(FullbackError):
    """Nothing in a request body could be decoded."""

    code = "undecodable"
    status = 400
    title = "Nothing in the body could be decoded"


class UnsupportedEncodingError(FullbackError):
    """A Content-Encoding is not one that is served."""

    code = "unsupported_encoding"
    status = 415
    title = "Unsupported content encoding"


class PayloadTooLargeError(FullbackError):
    """A body is over the limit, before or after decompression."""

    code = "too_large"
    status = 413
    title = "Body too large"


class AuthError(FullbackError):
    """No valid key came with the request."""

    code = "unauthenticated"
    status = 401
    title = "Not authenticated"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class ForbiddenError(FullbackError):
    """The key is valid and does not allow this."""

    code = "forbidden"
    status = 403
    title = "Not allowed"


class NotFoundError(FullbackError):
    """The named thing does not exist."""

    code = "not_found"
    status = 404
    title = "Not found"


class ConflictError(FullbackError):
    """The request contradicts the present state."""

    code = "conflict"
    status = 409
    title = "Conflict"


class DatabaseUnavailableError(FullbackError):
    """Postgres is away, slow, read-only or full: nothing was stored, send again."""

    code = "database_unavailable"
    status = 503
    title = "Database unavailable"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "2"}


class OverloadedError(FullbackError):
    """The write queue is full: nothing was stored, send again."""

    code = "overloaded"
    status = 503
    title = "Overloaded"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class DrainingError(FullbackError):
    """The process is about to stop and wants no new connections."""

    code = "draining"
    status = 503
    title = "Draining"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class SourceQuotaError(OverloadedError):
    """One source's share of the write queue is full: nothing was stored, send again."""

    code = "source_quota"
    title = "Source over its quota"


class SlowBodyError(FullbackError):
    """A body did not arrive in time: nothing was stored, send again.

    503 and not 408: every shipper sends again after a 503, several drop what met a 408. The connection is
    closed, as the rest of the body would still be under way on it.
    """

    code = "slow_body"
    status = 503
    title = "Body too slow"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "5", "Connection": "close"}


class SchemaOutdatedError(FullbackError):
    """The database schema is not the one this version needs."""

    code = "schema_outdated"
    status = 503
    title = "Database schema outdated"


class RoutingError(FullbackError):
    """A route target could not be read or written."""

    code = "route_target"
    status = 502
    title = "Route target failed"


class StaleEpochError(RoutingError):
    """The target already holds a newer epoch: another writer was elected."""

    code = "stale_epoch"
    status = 409
    title = "Stale epoch"
