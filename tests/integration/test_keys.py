"""API keys against a real PostgreSQL."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from monitor.errors import AuthError, ConflictError, DatabaseUnavailableError, ForbiddenError
from monitor.models.key import Scope
from monitor.services.keys import KeyService, digest_of, well_formed
from monitor.storage.session import Database

INGEST = frozenset({Scope.INGEST})
AWAY = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture
def keys(factory):
    return factory.keys


def test_a_key_is_shown_once_and_kept_as_a_digest(keys, database):
    made, secret = keys.create("shipper", INGEST, None)
    assert well_formed(secret)
    assert keys.check(secret, Scope.INGEST) == made
    with database.reading() as session:
        kept = session.execute(text("SELECT * FROM api_keys")).one()
    assert kept.digest == digest_of(secret)
    assert secret not in str(kept)
    assert secret.split("_")[2] not in str(keys.all())


def test_a_typo_is_refused_without_asking_the_database(clock):
    away = KeyService(Database(AWAY), clock)
    for bad in (None, "", "fbk_", "fbk_a_b_c", "sk-other"):
        with pytest.raises(AuthError, match="fullback keys create"):
            away.check(bad, Scope.INGEST)


def test_an_unknown_key_is_refused(keys, database, clock):
    _, secret = keys.create("shipper", INGEST, None)
    with database.transaction() as session:
        session.execute(text("DELETE FROM api_keys"))
    with pytest.raises(AuthError, match="unknown or revoked"):
        keys.check(secret, Scope.INGEST)


def test_a_scope_that_is_missing_is_named(keys):
    _, secret = keys.create("shipper", INGEST, None)
    with pytest.raises(ForbiddenError, match="'read'"):
        keys.check(secret, Scope.READ)
    _, admin = keys.create("admin", frozenset({Scope.ADMIN}), None)
    assert keys.check(admin, Scope.READ).source == "admin"


def test_two_keys_overlap_and_a_third_is_refused(keys):
    first, old = keys.create("shipper", INGEST, None)
    _, new = keys.create("shipper", INGEST, None)
    assert keys.check(old, Scope.INGEST) != keys.check(new, Scope.INGEST)
    with pytest.raises(ConflictError, match=f"fullback keys revoke {first.id}"):
        keys.create("shipper", INGEST, None)
    assert keys.revoke(first.id)
    assert not keys.revoke(first.id), "it was revoked already"
    keys.create("shipper", INGEST, None)


def test_another_process_forgets_a_revoked_key_within_ten_seconds(keys, database, clock):
    made, secret = keys.create("shipper", INGEST, None)
    other = KeyService(database, clock)
    assert other.check(secret, Scope.INGEST).id == made.id
    keys.revoke(made.id)
    with pytest.raises(AuthError):
        keys.check(secret, Scope.INGEST)
    clock.advance(timedelta(seconds=10))
    with pytest.raises(AuthError):
        other.check(secret, Scope.INGEST)


def test_postgres_away_is_never_a_refusal(keys, clock, monkeypatch):
    _, known = keys.create("shipper", INGEST, None)
    _, unseen = keys.create("shipper", INGEST, None)
    keys.check(known, Scope.INGEST)
    monkeypatch.setattr(keys, "_database", Database(AWAY))
    clock.advance(timedelta(minutes=1))
    assert keys.check(known, Scope.INGEST).source == "shipper", "a key known before works on"
    with pytest.raises(DatabaseUnavailableError):
        keys.check(unseen, Scope.INGEST)


def test_killed_connections_are_replaced(keys, database, clock):
    _, secret = keys.create("shipper", INGEST, None)
    with database.transaction() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert keys.check(secret, Scope.INGEST).source == "shipper"
