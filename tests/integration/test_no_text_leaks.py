"""What a user or a model wrote is in no log, problem, metric or column, whatever goes wrong with it."""

import io
import json
import logging
from datetime import timedelta

import psycopg
import pytest
import structlog
import uvicorn
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from monitor.main import ServiceRole, create_app
from monitor.models.key import Scope
from monitor.scheduler import Worker
from monitor.services.writer import GroupWriter
from monitor.storage.texts import decode
from monitor.telemetry import configure_logging
from tests.conftest import START
from tests.support.events import ROUTE, add_route, bearer, event, key, reply

MARKER = "zebrafinch"
SAID = f"my name is {MARKER}"
AT = START - timedelta(seconds=5)
BODY = {
    "model": ROUTE,
    "user": MARKER,
    "metadata": {MARKER: SAID},
    "messages": [{"role": "system", "content": SAID}, {"role": "user", "content": [{"type": "text", "text": SAID}]}],
    "tools": [{"type": "function", "function": {"name": "send", "description": SAID}}],
    "response_format": {"type": "json_schema", "json_schema": {"name": MARKER, "schema": {"const": SAID}}},
}
GOOD = event("r1", AT, request=BODY, response=reply(SAID))
STREAMED = event(
    "r2", AT, request=BODY, response=None, response_sse=f'data: {{"choices":[{{"delta":{{"content":"{SAID}"}}}}]}}\n\n'
)
FAILED = event("r3", AT, request=BODY, status=500, response={"error": {"message": SAID, "code": MARKER}})
DEEP = json.dumps({**GOOD, "request": {"a": 0}}).replace('{"a": 0}', '{"a":' * 200 + f'"{SAID}"' + "}" * 200)
BAD = {
    "no json": f'{{"request_id": "{SAID}',
    "text": SAID,
    "a string": json.dumps(SAID),
    "cut off": json.dumps(GOOD)[:-40],
    "no id": json.dumps({**GOOD, "request_id": None}),
    "long id": json.dumps({**GOOD, "request_id": MARKER * 40}),
    "control character": json.dumps({**GOOD, "session_id": f"{MARKER}\x07"}),
    "long subject": json.dumps({**GOOD, "subject": MARKER * 40}),
    "no time": json.dumps({**GOOD, "started_at": MARKER}),
    "no leg": json.dumps({**GOOD, "leg": MARKER}),
    "no error": json.dumps({**GOOD, "error": MARKER}),
    "no number": json.dumps({**GOOD, "status": MARKER}),
    "no body": json.dumps({**GOOD, "request": SAID}),
    "no stream": json.dumps({**GOOD, "response_sse": [SAID]}),
    "too deep": DEEP,
    "too large": json.dumps({**GOOD, "request": {"prompt": SAID * 100_000}}),
    "NaN": json.dumps({**GOOD, "duration_ms": float("nan")}),
    "no UTF-8": json.dumps(GOOD).encode().replace(b"name", b"\xff"),
}


@pytest.fixture
def logs():
    """Everything that is logged, as the service would write it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("debug")
    caught = io.StringIO()
    root.handlers[0].setStream(caught)
    yield caught
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def client(factory):
    with TestClient(create_app(factory, ServiceRole.API), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def post(client, factory):
    add_route(factory)
    headers = bearer(key(factory))

    def post(content, path="/v1/events", **more):
        sent = content if isinstance(content, bytes | str) else json.dumps(content)
        return client.post(path, content=sent, headers={**headers, **more})

    return post


@pytest.fixture
def clean(client, factory, database, logs):
    """A check that the marker is nowhere."""
    before = _stored(database)
    assert MARKER not in before

    def clean(*answers):
        for answer in answers:
            assert MARKER not in answer.text, answer.text
            assert MARKER not in str(answer.headers)
        assert MARKER not in logs.getvalue(), logs.getvalue()
        assert MARKER not in client.get("/metrics").text
        assert MARKER not in _stored(database)

    return clean


def _stored(database):
    """Every row of every table, as text, with the blobs unpacked."""
    with database.reading() as session:
        tables = session.scalars(
            text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')")
        ).all()
        assert {"events", "event_texts", "dead_letters", "decisions", "outbox"} <= set(tables)
        found = [row for name in tables for row in session.scalars(text(f'SELECT t::text FROM "{name}" AS t'))]
        for codec, body in session.execute(text("SELECT codec, body FROM event_texts")):
            found += [one.decode() for one in decode(codec, body)]
    return "\n".join(found)


def test_the_check_can_fail(post, client, factory, database, logs):
    admin = bearer(key(factory, Scope.ADMIN, source="admin"))
    client.patch(f"/v1/routes/{ROUTE}", json={"text_storage": {"mode": "all"}}, headers=admin)
    post([GOOD])
    assert MARKER in _stored(database)
    structlog.get_logger("any").warning(SAID)
    assert MARKER in logs.getvalue()


@pytest.mark.parametrize("record", [GOOD, STREAMED, FAILED], ids=["good", "streamed", "failed"])
def test_a_stored_event_holds_no_text(post, clean, record):
    answer = post([record])
    assert answer.json()["stored"] == 1
    clean(answer)


@pytest.mark.parametrize("door", ["/v1/events", "/v1/access-logs"])
@pytest.mark.parametrize("record", BAD.values(), ids=BAD)
def test_a_bad_record_leaves_no_text(post, clean, database, record, door):
    raw = record if isinstance(record, bytes) else record.encode()
    answers = [post(raw, door), post(raw + b"\n" + json.dumps(GOOD).encode(), door)]
    assert answers[0].status_code == 400 or answers[0].json()["rejected"] >= 1, answers[0].text
    clean(*answers)


def test_dead_letters_hold_the_shape_alone(post, database):
    post([{**GOOD, "status": MARKER, MARKER: {MARKER: [SAID, {SAID: 1}]}}])
    with database.reading() as session:
        ((shape, detail),) = session.execute(text("SELECT skeleton, detail FROM dead_letters"))
    assert json.loads(shape)["status"] == f"<{len(MARKER)} chars>"
    assert MARKER not in shape + detail


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "deflate", "br", MARKER])
def test_a_body_that_cannot_be_decoded(post, clean, encoding):
    answer = post(b"\x1f\x8b" + SAID.encode(), **{"Content-Encoding": encoding})
    assert answer.status_code in {400, 415}
    clean(answer) if encoding != MARKER else clean()


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError(SAID),
        psycopg.errors.DiskFull(SAID),
        psycopg.errors.ReadOnlySqlTransaction(SAID),
        psycopg.errors.DataError(SAID),
        psycopg.errors.NotNullViolation(SAID),
        RuntimeError(SAID),
        MemoryError(SAID),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_commit_that_fails(post, clean, monkeypatch, error):
    async def fails(*_, **__):
        raise error

    monkeypatch.setattr(GroupWriter, "_write", fails)
    answer = post([GOOD, FAILED])
    assert answer.status_code == 503
    clean(answer)


def test_a_poison_record(post, clean, monkeypatch):
    async def refuses(connection, records, *layout):
        del connection, layout
        listed = records.values() if hasattr(records, "values") else records
        if any(record.event.request_id == "r3" for record in listed):
            raise psycopg.errors.InvalidTextRepresentation(SAID)
        return set()

    for name in ("add_events", "add_identified"):
        monkeypatch.setattr(f"monitor.services.writer.{name}", refuses, raising=False)
    answer = post([GOOD, FAILED])
    assert answer.json()["rejected_by_code"] == {"not_storable": 1}
    clean(answer)


@pytest.mark.parametrize("place", ["monitor.services.ingest.attribute", "monitor.services.ingest.split"])
def test_an_error_nobody_thought_of(post, clean, monkeypatch, place):
    def breaks(*_, **__):
        raise RuntimeError(SAID)

    monkeypatch.setattr(place, breaks)
    answer = post([GOOD])
    assert answer.status_code == 500
    clean(answer)


def test_a_redaction_that_fails(post, client, factory, clean, monkeypatch, logs):
    admin = bearer(key(factory, Scope.ADMIN, source="admin"))
    client.patch(f"/v1/routes/{ROUTE}", json={"text_storage": {"mode": "all"}}, headers=admin)

    def breaks(*_):
        raise ValueError(SAID)

    monkeypatch.setattr("monitor.services.ingest.kept_text", breaks)
    answer = post([GOOD])
    assert answer.json()["stored"] == 1
    assert "text withheld" in logs.getvalue()
    assert "fullback_texts_withheld_total 0.0" not in client.get("/metrics").text
    clean(answer)


def test_redacted_text_is_clean_where_it_is_kept(post, client, factory, clean):
    admin = bearer(key(factory, Scope.ADMIN, source="admin"))
    rule = {"name": "bird", "pattern": "(?i)zebra ?finch"}
    policy = {"mode": "all", "redact": ["email", rule]}
    answer = client.patch(f"/v1/routes/{ROUTE}", json={"text_storage": policy}, headers=admin)
    assert answer.status_code == 200
    told = post([GOOD, STREAMED, FAILED])
    assert told.json()["stored"] == 3
    clean(told)


@pytest.mark.parametrize(
    "body",
    [
        {"subject": MARKER * 40, "reason": "x"},
        {"subject": [SAID], "reason": "x"},
        {"subject": MARKER, "reason": SAID},
        {"subject": MARKER, "reason": "asked to", "more": SAID},
        {"subject": MARKER, "reason": "asked to"},
    ],
)
def test_an_erasure_does_not_repeat_the_subject(client, factory, post, clean, body):
    admin = bearer(key(factory, Scope.ADMIN, source="admin"))
    post([{**GOOD, "subject": MARKER}])
    clean(client.request("DELETE", "/v1/subjects", json=body, headers=admin))


def test_an_erasure_that_fails(client, factory, post, clean, monkeypatch):
    admin = bearer(key(factory, Scope.ADMIN, source="admin"))

    def breaks(*_):
        raise OperationalError(SAID, {"subject": MARKER}, psycopg.OperationalError(SAID))

    monkeypatch.setattr("monitor.services.erasure.SubjectStore.erase", breaks)
    post([{**GOOD, "subject": MARKER}])
    answer = client.request("DELETE", "/v1/subjects", json={"subject": MARKER, "reason": "x"}, headers=admin)
    assert answer.status_code == 503
    clean(answer)


def test_the_handlers_of_uvicorn_are_taken_over(logs):
    uvicorn.Config("some:app")  # installs its own, which print exceptions with their messages
    configure_logging("info")
    assert not logging.getLogger("uvicorn").handlers
    assert logging.getLogger("uvicorn.error").propagate


def test_a_job_that_fails(factory, clean, logs):
    def breaks():
        raise RuntimeError(SAID)

    Worker(factory)._guarded("evaluate", breaks)()
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=RuntimeError(SAID))
    shown = logs.getvalue()
    assert shown.count("RuntimeError") == 3
    assert "in breaks" in shown
    clean()
