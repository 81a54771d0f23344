"""Changes of one route at the same moment: what one person set, another's change does not take back."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from monitor.errors import ConflictError
from monitor.models.route import Mode, Phase, Route
from monitor.services.routes import RouteChange, RouteService
from monitor.storage.controls import ControlStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from tests.support.envoy import wait_until
from tests.support.world import a_world

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def route(factory) -> Route:
    return a_world(factory).route


@contextmanager
def meanwhile(database: Database, routes: RouteService, change: RouteChange, answers: list[Any]) -> Iterator[Any]:
    """Begin a change in the middle of somebody else's transaction, which ends once the change waits for it."""

    def act() -> None:
        try:
            answers.append(routes.change("chat", change, "bot"))
        except ConflictError as error:
            answers.append(error)

    changing = threading.Thread(target=act)
    with database.transaction() as session:
        yield session
        session.flush()
        changing.start()
        wait_until(lambda: waiting(database) or not changing.is_alive(), "the change to wait or to be done")
    changing.join(30)
    assert not changing.is_alive()


def waiting(database: Database) -> bool:
    with database.reading() as session:
        return bool(session.scalar(text(_WAITING)))


def test_a_change_of_one_field_keeps_what_someone_else_set_at_the_same_moment(factory, route):
    answers: list[Any] = []
    change = RouteChange(mirror_percent=50.0)
    with meanwhile(factory.database, factory.routes, change, answers) as session:
        RouteStore(session).save(replace(route, mode=Mode.OBSERVE))
    found = factory.routes.get("chat")
    assert (found.mode, found.mirror_percent) == (Mode.OBSERVE, 50.0)
    assert answers == [found]


def test_a_target_is_not_dropped_while_a_move_is_being_committed(factory, route):
    answers: list[Any] = []
    change = RouteChange(targets=(replace(route.targets[0], name="west"),))
    with meanwhile(factory.database, factory.routes, change, answers) as session:
        seen = ControlStore(session).get(route.id)
        assert ControlStore(session).replace(seen, replace(seen, phase=Phase.APPLYING, epoch=1))
    assert [type(answer) for answer in answers] == [ConflictError]
    assert "chat is applying" in answers[0].detail
    assert factory.routes.get("chat").targets == route.targets


def test_a_change_under_way_holds_up_no_row_that_only_refers_to_the_route(factory, route):
    with factory.database.transaction() as session:
        RouteStore(session).locked(route.id)
        with factory.database.transaction() as other:
            other.execute(text("SET LOCAL lock_timeout = '5s'"))
            other.execute(text("SELECT 1 FROM routes WHERE id = :id FOR KEY SHARE"), {"id": route.id})
