"""API keys: digests in, domain keys out."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.models.key import ApiKey, Scope
from monitor.storage.tables import ApiKeyRow

__all__ = ["KeyStore"]


class KeyStore:
    """Rows of ``api_keys``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, key: ApiKey, digest: bytes) -> None:
        """Store a new key."""
        self._session.add(
            ApiKeyRow(
                id=key.id,
                digest=digest,
                source=key.source,
                scopes=sorted(key.scopes),
                routes=None if key.routes is None else sorted(key.routes),
                created_at=key.created_at,
                revoked_at=None,
            )
        )
        self._session.flush()

    def by_digest(self, digest: bytes) -> ApiKey | None:
        """Return the key with that digest, revoked or not."""
        row = self._session.scalar(select(ApiKeyRow).where(ApiKeyRow.digest == digest))
        return None if row is None else _key(row)

    def active_of(self, source: str) -> list[ApiKey]:
        """Return the keys of a source that are not revoked."""
        rows = self._session.scalars(
            select(ApiKeyRow).where(ApiKeyRow.source == source, ApiKeyRow.revoked_at.is_(None))
        )
        return [_key(row) for row in rows]

    def all(self) -> list[ApiKey]:
        """Return every key, oldest first."""
        return [_key(row) for row in self._session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.created_at))]

    def revoke(self, key_id: str, at: datetime) -> bool:
        """Revoke a key; False if there is no active one of that id."""
        result = self._session.execute(
            update(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.revoked_at.is_(None)).values(revoked_at=at)
        )
        return bool(result.rowcount)  # type: ignore[attr-defined]


def _key(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        source=row.source,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        routes=None if row.routes is None else frozenset(row.routes),
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
