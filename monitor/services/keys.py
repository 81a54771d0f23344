"""API keys: made once, shown once, kept as digests, checked with a short-lived cache."""

import hashlib
import secrets
import threading
import zlib
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.errors import AuthError, ConflictError, DatabaseUnavailableError, ForbiddenError
from monitor.models.key import ApiKey, Scope
from monitor.storage.keys import KeyStore
from monitor.storage.session import Database

__all__ = ["KeyService", "digest_of", "new_secret", "well_formed"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIX = "fbk"
_SECRET_LENGTH = 43
_CACHE_FOR = timedelta(seconds=10)
_CACHE_MOST = 4096
_ACTIVE_PER_SOURCE = 2


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), 6)


def new_secret(key_id: str) -> str:
    """Return a fresh key text: ``fbk_<id>_<43 random characters>_<checksum>``, 256 bits of randomness."""
    body = f"{_PREFIX}_{key_id}_{''.join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))}"
    return f"{body}_{_checksum(body)}"


def well_formed(text: str) -> bool:
    """Tell whether a text can be a key at all; a typo is refused without asking the database."""
    body, _, checksum = text.rpartition("_")
    return text.startswith(f"{_PREFIX}_") and secrets.compare_digest(_checksum(body).encode(), checksum.encode())


def digest_of(text: str) -> bytes:
    """Return what is stored: SHA-256 suffices for a random secret of this length."""
    return hashlib.sha256(text.encode()).digest()


class KeyService:
    """Makes, revokes and checks keys."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._cache: dict[bytes, tuple[ApiKey | None, datetime]] = {}
        self._lock = threading.Lock()

    def create(self, source: str, scopes: frozenset[Scope], routes: frozenset[str] | None) -> tuple[ApiKey, str]:
        """Make a key and return it with its text, which is not kept anywhere.

        Raises:
            ConflictError: the source has two active keys already.
        """
        now = self._clock.now()
        key = ApiKey(secrets.token_hex(4), source, scopes, routes, now, None)
        text = new_secret(key.id)
        with self._database.transaction() as session:
            store = KeyStore(session)
            active = store.active_of(source)
            if len(active) >= _ACTIVE_PER_SOURCE:
                raise ConflictError(
                    f"source {source!r} has {len(active)} active keys, the most is {_ACTIVE_PER_SOURCE}: "
                    f"revoke one first (fullback keys revoke {active[0].id})"
                )
            store.add(key, digest_of(text))
        return key, text

    def all(self) -> list[ApiKey]:
        """Return every key, without secrets."""
        with self._database.reading() as session:
            return KeyStore(session).all()

    def revoke(self, key_id: str) -> bool:
        """Revoke a key; every process forgets it within ten seconds."""
        with self._database.transaction() as session:
            revoked = KeyStore(session).revoke(key_id, self._clock.now())
        with self._lock:
            self._cache.clear()
        return revoked

    def check(self, text: str | None, scope: Scope) -> ApiKey:
        """Return the key if it is valid and carries the scope.

        Raises:
            AuthError: no key, or one that is unknown or revoked.
            ForbiddenError: the key lacks the scope.
            DatabaseUnavailableError: the look-up failed and the key is not cached (never a 401 for that).
        """
        if not text or not well_formed(text):
            raise AuthError("send a key as `Authorization: Bearer fbk_...` (make one with `fullback keys create`)")
        key = self._look_up(digest_of(text))
        if key is None or key.revoked_at is not None:
            raise AuthError("the key is unknown or revoked")
        if not key.allows(scope):
            raise ForbiddenError(f"the key lacks the scope {scope.value!r}; it has {sorted(key.scopes)}")
        return key

    def _look_up(self, digest: bytes) -> ApiKey | None:
        now = self._clock.now()
        with self._lock:
            cached = self._cache.get(digest)
        if cached is not None and now < cached[1]:
            return cached[0]
        try:
            with self._database.reading() as session:
                key = KeyStore(session).by_digest(digest)
        except DatabaseUnavailableError:
            if cached is not None and cached[0] is not None:
                return cached[0]
            raise
        with self._lock:
            if len(self._cache) >= _CACHE_MOST:
                self._cache.clear()
            self._cache[digest] = (key, now + _CACHE_FOR)
        return key
