"""The outbox over a real database: crashes, retries, giving up, and two senders at once."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from alerts.codec import to_json
from alerts.errors import NotifyError
from alerts.pipeline import MAX_ATTEMPTS
from alerts.types import Alert, AlertKind, Severity
from monitor.errors import DatabaseUnavailableError
from monitor.models.route import Phase
from monitor.services.notify import NotifyService
from monitor.storage.outbox import OutboxStore
from tests.support.world import RecordingNotifier, a_world, race

CLAIM = timedelta(minutes=2)


def queue(database, clock, number: int = 1, notifier: str = "slack", document: dict | None = None) -> bool:
    alert = Alert(
        dedup_key=f"incident-{number}:stuck",
        incident_id=number,
        kind=AlertKind.STUCK,
        severity=Severity.PAGE,
        route="chat",
        candidate="int4",
        baseline="bf16",
        headline=f"number {number}",
        occurred_at=clock.now(),
    )
    with database.transaction() as session:
        return OutboxStore(session).add(alert.dedup_key, notifier, document or to_json(alert), clock.now())


def rows(database):
    with database.reading() as session:
        return session.execute(text("SELECT * FROM outbox ORDER BY id")).all()


def pending(database) -> int:
    with database.reading() as session:
        return OutboxStore(session).pending()


def service(database, clock, *failures: Exception) -> tuple[NotifyService, RecordingNotifier]:
    notifier = RecordingNotifier(*failures)
    return NotifyService(database, {"slack": notifier}, clock), notifier


def test_every_due_alert_is_sent_once_and_in_order(database, clock):
    for number in range(5):
        assert queue(database, clock, number)
    notify, notifier = service(database, clock)
    assert notify.run() == 5
    assert notify.run() == 0
    assert [alert.headline for alert in notifier.sent] == [f"number {number}" for number in range(5)]
    assert {row.result for row in rows(database)} == {"sent"}
    assert {row.attempts for row in rows(database)} == {1}


def test_the_same_state_change_is_queued_once_per_notifier(database, clock):
    assert queue(database, clock)
    assert not queue(database, clock)
    assert queue(database, clock, notifier="pager")
    assert len(rows(database)) == 2


def test_a_claim_takes_exactly_one_entry(database, clock):
    for number in range(20):
        queue(database, clock, number)
    with database.transaction() as session:
        entry = OutboxStore(session).claim(clock.now(), CLAIM)
    assert entry is not None
    assert [row.attempts for row in rows(database)] == [1] + [0] * 19


def test_a_crash_between_send_and_finish_is_retried_when_the_claim_expires(database, clock, monkeypatch):
    queue(database, clock)
    notify, notifier = service(database, clock)

    def crash(*_):
        raise DatabaseUnavailableError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(OutboxStore, "finish", crash)
        with pytest.raises(DatabaseUnavailableError):
            notify.run()
    clock.advance(CLAIM - timedelta(seconds=1))
    assert notify.run() == 0
    clock.advance(timedelta(seconds=1))
    assert notify.run() == 1
    assert len(notifier.sent) == 2  # at least once: a message may come twice, never not at all
    assert pending(database) == 0


def test_waits_double_up_to_the_ceiling_until_it_gives_up(database, clock):
    queue(database, clock)
    notify, notifier = service(database, clock, *[NotifyError("down", retryable=True)] * MAX_ATTEMPTS)
    waits = []
    for _ in range(MAX_ATTEMPTS - 1):
        notify.run()
        (row,) = rows(database)
        waits.append((row.next_attempt_at - clock.now()).total_seconds())
        clock.advance(timedelta(seconds=waits[-1] - 1))
        notify.run()
        assert notifier.attempts == len(waits)
        clock.advance(timedelta(seconds=1))
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    notify.run()
    (row,) = rows(database)
    assert row.result == f"given up: attempt {MAX_ATTEMPTS} of {MAX_ATTEMPTS} failed: down"
    assert row.done_at == clock.now()
    clock.advance(timedelta(days=1))
    assert notify.run() == 0
    assert notifier.attempts == MAX_ATTEMPTS


def test_the_receivers_own_wait_is_kept(database, clock):
    queue(database, clock)
    notify, _ = service(database, clock, NotifyError("slow down", retryable=True, retry_after_s=90))
    notify.run()
    (row,) = rows(database)
    assert row.next_attempt_at == clock.now() + timedelta(seconds=90)


def test_a_permanent_error_gives_up_at_once_and_the_next_alert_is_sent(database, clock):
    queue(database, clock, 1)
    queue(database, clock, 2)
    notify, notifier = service(database, clock, NotifyError("no_service", retryable=False))
    assert notify.run() == 1
    assert rows(database)[0].result == "given up: attempt 1 failed for good: no_service"
    assert [alert.headline for alert in notifier.sent] == ["number 2"]


def test_an_alert_for_a_notifier_that_is_gone_waits_then_gives_up(database, clock):
    queue(database, clock, 1, notifier="pager")
    queue(database, clock, 2)
    notify, notifier = service(database, clock)
    assert notify.run() == 1
    assert len(notifier.sent) == 1
    assert "'pager' is no longer configured" in rows(database)[0].result
    for _ in range(MAX_ATTEMPTS):
        clock.advance(timedelta(seconds=300))
        notify.run()
    assert rows(database)[0].result.startswith("given up:")


def test_a_notifier_that_comes_back_gets_what_waited(database, clock):
    queue(database, clock, 1, notifier="pager")
    service(database, clock)[0].run()
    clock.advance(timedelta(seconds=2))
    pager = RecordingNotifier()
    assert NotifyService(database, {"pager": pager}, clock).run() == 1


def test_a_broken_notifier_neither_holds_up_the_others_nor_is_tried_for_ever(database, clock):
    secret = "https://hooks.example/T0/B0/topsecret"
    queue(database, clock, 1)
    queue(database, clock, 2)
    notify, notifier = service(database, clock, *[KeyError(secret)] * MAX_ATTEMPTS)
    notify.run()
    assert notifier.attempts == 2
    for _ in range(2 * MAX_ATTEMPTS):
        clock.advance(timedelta(seconds=300))
        notify.run()
    assert pending(database) == 0
    assert not any("topsecret" in row.result for row in rows(database))


def test_an_alert_that_cannot_be_read_does_not_hold_up_the_others(database, clock):
    queue(database, clock, 1, document={"version": 2})
    queue(database, clock, 2)
    notify, notifier = service(database, clock)
    assert notify.run() == 1
    assert [alert.headline for alert in notifier.sent] == ["number 2"]
    assert pending(database) == 1


def test_two_senders_race_for_one_entry_and_one_sends(database, clock):
    for number in range(10):
        queue(database, clock, number)
        notify, notifier = service(database, clock)
        delivered = race(notify.run, notify.run, notify.run)
        assert sorted(delivered) == [0, 0, 1]
        assert len(notifier.sent) == 1


def test_a_failing_notifier_never_blocks_the_controller(factory):
    notifier = RecordingNotifier(*[NotifyError("down", retryable=True)] * 100)
    world = a_world(factory, notifier=notifier)
    world.healthy_mix()
    world.alarm()
    world.run()
    factory.notify.run()
    world.baseline_serves_all()
    assert world.run() is Phase.HOLD
    factory.notify.run()
    assert notifier.sent == []
    assert world.queued == ["rollback_started", "rolled_back"]
