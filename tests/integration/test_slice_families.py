"""Families of slices over a real PostgreSQL: who has a stream of its own, who is other, and what a policy defines."""

from datetime import timedelta

import psycopg
import pytest

from monitor.factory import Factory
from monitor.services import slicing
from monitor.storage.slice_seats import SliceSeatStore
from tests.support.events import POLICY, Behaviour, World

ERRORS, SCHEMA = "request_error", "schema_validity"


class Tagged(World):
    """Traffic whose requests have the tags that ``tags`` gives them by their number."""

    def __init__(self, *arguments, slices, tags, **fields):
        self.tags = tags
        super().__init__(*arguments, policy={**POLICY, "slices": ["all", *slices]}, **fields)

    def post(self, events, lines=()):
        number = [int(one["request_id"].rpartition("-")[2]) for one in events]
        super().post([{**one, "tags": self.tags(n, one)} for n, one in zip(number, events, strict=True)], lines)

    def names(self, signal=ERRORS):
        return sorted(one["slice"] for one in self.shown()["streams"] if one["signal"] == signal and not one["a_a"])

    def seats(self):
        with self.factory.database.reading() as session:
            return {seat.slice: seat.turn for seat in SliceSeatStore(session).of_route(self.route.id)}


def in_turn(*names):
    return lambda n, _: [names[n % len(names)]]


@pytest.fixture
def tagged(client, factory, clock):
    def tagged(tags, *slices, **fields):
        world = Tagged(client, factory, clock, slices=slices, tags=tags, **fields)
        world.warm_up()
        return world

    return tagged


def test_the_values_of_a_family_and_a_defined_slice_have_streams_of_their_own(tagged):
    slices = ["tag:*", "kind:*", {"name": "german_b", "when": "tag:b and not lang:en"}, {"name": "b", "when": "tag:b"}]
    world = tagged(in_turn("a", "b", "b", "b"), *slices)
    world.run(5)
    assert world.names() == ["all", "b", "german_b", "kind:structured", "tag:a", "tag:b"]
    pairs = {name: world.stream(ERRORS, name)["pairs"] for name in world.names()}
    assert pairs["tag:b"] == pairs["b"] > 2 * pairs["tag:a"] > 0
    assert pairs["tag:a"] + pairs["tag:b"] == pairs["kind:structured"] == pairs["all"]
    assert pairs["german_b"] == 0


def test_harm_to_one_value_is_found_in_its_slice(tagged):
    world = tagged(in_turn("a", *"bbbbbbbbb"), "tag:*", requests=60)
    served = world._served

    def only_a_breaks(request_id, at, backend, host):
        hurt = backend == "cand" and int(request_id.rpartition("-")[2]) % 10 == 0
        world.candidate = Behaviour(bad=0.9 if hurt else 0.0)
        return served(request_id, at, backend, host)

    world._served = only_a_breaks
    assert world.run(40, until=lambda: world.stream(SCHEMA, "tag:a")["verdict"] == "harm")
    assert world.stream(SCHEMA, "tag:b")["verdict"] != "harm"


def test_seats_are_bounded_and_the_same_for_every_process(tagged, settings, clock, database):
    most = slicing.FAMILIES["tag"]
    world = tagged(lambda n, _: [f"t{n % (most + 4):02}"], "tag:*", requests=2 * (most + 4))
    world.run(3)
    names, seats = world.names(), world.seats()
    assert names == ["all", *sorted([*seats, "tag:other"])]
    assert (len(seats), {*seats.values()}) == (most, {0})
    others = world.stream(ERRORS, "tag:other")["pairs"]
    assert others > 0
    world.factory = Factory(settings, clock=clock, database=database)
    world.run(3)
    assert (world.names(), world.seats()) == (names, seats)
    assert world.stream(ERRORS, "tag:other")["pairs"] > others


def test_both_legs_count_alike_where_only_one_has_the_tags(tagged):
    world = tagged(lambda _, one: ["a"] if one["host"].endswith("-shadow") else [], "tag:*")
    world.run(3)
    assert world.stream(ERRORS, "tag:a")["pairs"] == world.stream(ERRORS)["pairs"] > 0


def test_a_seat_changes_hands_and_the_others_start_anew(tagged, monkeypatch, database_url):
    monkeypatch.setattr(slicing, "FAMILIES", {**slicing.FAMILIES, "tag": 2})
    world = tagged(in_turn("a", "b"), "tag:*")
    world.tags = in_turn("a", "b", "c", "d")
    world.run(10)
    assert world.names() == ["all", "tag:a", "tag:b", "tag:other"]
    world.tags = in_turn("b", "c", "c", "d")
    world.run(5)
    kept, others = (world.stream(ERRORS, name)["pairs"] for name in ("tag:b", "tag:other"))
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE slice_seats SET seen_at = seen_at - %s WHERE value = 'a'", [timedelta(hours=26)])
    world.run(5)
    assert world.seats() == {"tag:b": 0, "tag:c": 1}
    assert world.names() == ["all", "tag:b", "tag:c", "tag:other"]
    assert world.stream(ERRORS, "tag:b")["pairs"] > kept
    assert 0 < world.stream(ERRORS, "tag:other")["pairs"] < others


def test_a_policy_of_single_slices_seats_nobody(tagged):
    world = tagged(in_turn("a", "b"), "tag:a", "lang:en")
    world.run(3)
    assert world.names() == ["all", "lang:en", "tag:a"]
    assert world.seats() == {}
