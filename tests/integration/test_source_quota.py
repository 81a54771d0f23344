"""A flooding source gets 503 for what is over its share; the others' requests are stored."""

import asyncio
import gc
import re

import httpx
import psycopg
import pytest
from prometheus_client import REGISTRY

from detectors.types import Request
from monitor.config import Settings
from monitor.main import ServiceRole, create_app
from monitor.models.key import Scope
from monitor.services.weight import RECORD_BYTES
from tests.conftest import START
from tests.support.events import ROUTE, add_route, bearer, event, key

EVENTS, SIZE = "/v1/events", 20


def refusals(source: str) -> float:
    return REGISTRY.get_sample_value("fullback_source_refusals_total", {"source": source}) or 0.0


def batch(name: str) -> list[dict]:
    return [event(f"{name}-{n}", START) for n in range(SIZE)]


@pytest.mark.parametrize(("share", "stored", "victim"), [(0.5, 2, 200), (1.0, 5, 503)])
def test_a_flood_starves_nobody(factory, database, database_url, clock, share, stored, victim):
    """With the whole queue for one source the victim is refused: the quota is what saves it."""
    settings = Settings(ui_auth="off", commit_timeout_s=20, queue_records=5 * SIZE, source_queue_share=share)
    flooded = type(factory)(settings, clock=clock, database=database)
    add_route(factory)
    flood, other = (bearer(key(factory, Scope.INGEST, source=name)) for name in ("flood", "other"))
    before = refusals("flood")

    async def run():
        app = create_app(flooded, ServiceRole.API)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://fullback") as client,
        ):
            for name, headers in (("warm", flood), ("warm", other)):
                assert (await client.post(EVENTS, json=batch(name), headers=headers)).status_code == 200
            with psycopg.connect(database_url) as blocker:
                blocker.execute("LOCK TABLE ingest_accounts")
                sent = [asyncio.create_task(client.post(EVENTS, json=batch(f"f{n}"), headers=flood)) for n in range(12)]
                for _, refused in zip(range(len(sent) - stored), asyncio.as_completed(sent), strict=False):
                    assert (await refused).status_code == 503
                spared = asyncio.create_task(client.post(EVENTS, json=batch("spared"), headers=other))
                await asyncio.sleep(0.3)
                blocker.rollback()
            answers = await asyncio.gather(*sent)
            again = await client.post(EVENTS, json=batch("again"), headers=flood)
            return answers, await spared, again

    answers, spared, again = asyncio.run(run())
    assert spared.status_code == victim
    assert again.status_code == 200, "what was committed is given back"
    codes = [answer.status_code for answer in answers]
    assert (codes.count(200), codes.count(503)) == (stored, 12 - stored)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.json()["code"] for answer in refused} == {"source_quota"}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert refusals("flood") - before == 12 - stored


@pytest.mark.parametrize(("limits", "stored"), [({"queue_records": 5 * SIZE}, 5), ({"queue_bytes": 1 << 20}, 2)])
def test_a_source_alone_may_fill_the_queue_and_no_more(factory, database, database_url, clock, limits, stored):
    """What waits holds no request: it was read before. Five batches are a hundred records; three weigh over a MiB."""
    settings = Settings(ui_auth="off", commit_timeout_s=20, source_queue_share=0.1, **limits)
    filled = type(factory)(settings, clock=clock, database=database)
    add_route(factory)
    lone = bearer(key(factory, Scope.INGEST, source="lone"))
    admin = bearer(key(factory, Scope.ADMIN, source="admin"))
    before = refusals("lone")
    mark = "a prompt of many words " * 800
    texted = {"messages": [{"role": "user", "content": mark}]}

    async def run():
        app = create_app(filled, ServiceRole.API)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://fullback") as client,
        ):
            kept = {"text_storage": {"mode": "all" if "queue_bytes" in limits else "none"}}
            assert (await client.patch(f"/v1/routes/{ROUTE}", json=kept, headers=admin)).status_code == 200
            assert (await client.post(EVENTS, json=batch("warm"), headers=lone)).status_code == 200
            with psycopg.connect(database_url) as blocker:
                blocker.execute("LOCK TABLE ingest_accounts")
                bodies = [
                    [{**one, "request": {**one["request"], **texted}} for one in batch(f"l{n}")] for n in range(9)
                ]
                sent = [asyncio.create_task(client.post(EVENTS, json=body, headers=lone)) for body in bodies]
                for _, refused in zip(range(len(sent) - stored), asyncio.as_completed(sent), strict=False):
                    assert (await refused).status_code == 503
                gauges = await client.get("/metrics")
                del bodies
                held = [one for one in gc.get_objects() if isinstance(one, Request) and one.messages[0].text == mark]
                blocker.rollback()
            return await asyncio.gather(*sent), held, gauges.text

    answers, held, gauges = asyncio.run(run())
    codes = [answer.status_code for answer in answers]
    assert (codes.count(200), codes.count(503)) == (stored, 9 - stored)
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {(answer.json()["code"], answer.headers["retry-after"]) for answer in refused} == {("overloaded", "1")}
    assert refusals("lone") == before
    assert held == []
    waiting = float(re.search(r"^fullback_commit_queue_bytes (\S+)$", gauges, re.MULTILINE)[1])
    assert stored * SIZE * RECORD_BYTES <= waiting <= settings.queue_bytes
