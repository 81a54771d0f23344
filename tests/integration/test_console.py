"""The console over a real database: what it shows, to whom, and that nothing in it can run."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from fastapi.testclient import TestClient

from detectors.types import PairCounts, Verdict
from monitor.clock import FakeClock
from monitor.config import Settings
from monitor.errors import DatabaseUnavailableError
from monitor.factory import Factory
from monitor.main import ServiceRole, create_app
from monitor.models.count_history import Bucket
from monitor.models.finding import FindingKind
from monitor.models.key import Scope
from monitor.models.route import Mode, Phase
from monitor.models.tick import RouteClock, tick_of
from monitor.storage.decisions import DecisionStore
from monitor.storage.findings import FindingStore
from monitor.storage.streams import Standing, StreamStore
from monitor.ui.chart import Chart, Marker, percent, render
from monitor.ui.pages import behind, fold
from monitor.ui.series import Point, points_of
from monitor.ui.session import COOKIE, local_path
from monitor.ui.wording import FINDINGS, PHASES
from tests.integration.console_seed import (
    TICK_S,
    add_incident,
    add_route,
    add_stream,
    add_ticks,
    roll_back,
    seed_drift,
    seed_findings,
    seed_ramp,
    warm,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>\u202e{{7919*6271}}"


@pytest.fixture
def locked(factory: Factory) -> Factory:
    """The same service, asking for a key."""
    return Factory(Settings(ui_auth="key"), clock=factory.clock, database=factory.database)


@pytest.fixture
def door(locked: Factory) -> Iterator[TestClient]:
    """A browser in front of the locked console that does not follow redirects by itself."""
    with TestClient(create_app(locked, ServiceRole.API), follow_redirects=False) as opened:
        yield opened


def key_of(factory: Factory, *scopes: Scope, routes: frozenset[str] | None = None, source: str = "ana") -> str:
    return factory.keys.create(source, frozenset(scopes), routes)[1]


def words(text: str) -> str:
    """The page as text, without tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", text)))


# What is shown


def test_an_empty_fleet_says_how_to_begin(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "No routes yet" in answer.text
    assert "fullback routes add route.yaml" in answer.text


def test_the_first_page_folds_the_streams_of_each_candidate(factory: Factory, client: TestClient) -> None:
    seed_drift(factory)
    text = words(client.get("/").text)
    assert "chat-70b mode auto" in text
    assert "hold" in text
    assert "✗ harm chat-int4" in text
    assert "Schema failures: candidate 7.8 %, baseline 0.5 %" in text
    assert "schema_validity / all · 1 of 8 streams" in text


def test_a_route_without_streams_is_inconclusive_not_green(factory: Factory, client: TestClient) -> None:
    add_route(factory, "embed")
    page = client.get("/").text
    assert "warming up" in page
    assert 'class="badge good"' not in page
    assert "none yet" in page
    evidence = client.get("/routes/embed")
    assert evidence.status_code == 200
    assert "No incident so far" in evidence.text
    assert "Streams appear when the first horizon is fixed" in evidence.text
    assert "Fullback has changed nothing" in evidence.text


def test_a_safe_stream_is_not_green_while_evaluation_stands_still(
    factory: Factory, client: TestClient, clock: FakeClock
) -> None:
    route = add_route(factory, "chat")
    candidate = factory.routes.variants(route)[1]
    warm(factory, route)
    add_stream(factory, route, candidate, "refusal", "all", verdict=Verdict.SAFE, reason="within the margin")
    assert 'class="badge good"' in client.get("/").text
    clock.advance(timedelta(minutes=10))
    late = client.get("/").text
    assert 'class="badge good"' not in late
    assert "the last verdict was safe" in late
    assert "is a worker running?" in late
    evidence = client.get("/routes/chat").text
    assert "Evaluation is" in evidence
    assert 'class="badge good"' not in evidence
    assert "the last verdict was safe" in evidence


def test_the_evidence_page_tells_the_incident(factory: Factory, client: TestClient) -> None:
    seed_drift(factory)
    text = words(client.get("/routes/chat-70b").text)
    assert "Open incident 1" in text
    assert (
        "candidate 8.17 %, baseline 0.76 %: +7.41 percentage points (95 % interval +5.21 to +10.11; 526 pairs)" in text
    )
    assert "confirmation window" in text.lower()
    actions = [
        text.index(f"{word} by controller") for word in ("roll_back", "applied", "read_back", "verified_by_traffic")
    ]
    assert actions == sorted(actions)
    assert "fullback flip chat-70b --to before --reason" in text
    assert "log 18.9 of 18.9" in text
    assert "weight 95 (95 %)" in text
    assert "weight 100 (100 %)" in text
    assert text.index("Streams") < text.index("A/A: the baseline against itself")


def test_the_evidence_page_tells_where_answers_fail(factory: Factory, client: TestClient) -> None:
    streams = seed_drift(factory)["streams"]
    text = words(client.get("/routes/chat-70b").text)
    assert (
        "Class Place Candidate Baseline missing_required required:/properties/parcels 1,210 0 truncated – 88 9" in text
    )
    other = next(one.id for one in streams if one.signal == "refusal")
    assert "missing_required" not in words(client.get(f"/routes/chat-70b?stream={other}").text)


@pytest.mark.parametrize(
    ("phase", "command"),
    [
        (Phase.STUCK, "--to baseline"),
        (Phase.REVERTED, "--to baseline"),
        (Phase.TRIGGERED, "--to baseline"),
        (Phase.BLOCKED, "--to baseline"),
        (Phase.RECOVERING, "--to before"),
        (Phase.RAMPING, "--to baseline"),
        (Phase.HOLD, "--to before"),
    ],
)
def test_every_phase_that_needs_a_person_names_the_command(
    factory: Factory, client: TestClient, phase: Phase, command: str
) -> None:
    from monitor.storage.controls import ControlStore

    route = seed_drift(factory)["route"]
    with factory.database.transaction() as session:
        seen = ControlStore(session).get(route.id)
        ControlStore(session).replace(seen, replace(seen, phase=phase))
    text = words(client.get("/routes/chat-70b").text)
    assert f"fullback flip chat-70b {command}" in text
    assert phase.value in text


def test_a_candidate_that_was_safe_again_can_be_asked_for(factory: Factory, client: TestClient) -> None:
    from monitor.storage.controls import ControlStore

    route = seed_drift(factory)["route"]
    with factory.database.transaction() as session:
        seen = ControlStore(session).get(route.id)
        ControlStore(session).replace(seen, replace(seen, told="safe"))
    assert "fullback recover chat-70b --reason" in words(client.get("/routes/chat-70b").text)


def test_every_phase_has_its_words_and_every_finding_its_own() -> None:
    assert set(PHASES) == set(Phase)
    assert set(FINDINGS) == set(FindingKind)
    assert len({badge.meaning for badge in PHASES.values()}) == len(Phase)


def test_the_time_line_says_how_long_after_the_alarm(factory: Factory, client: TestClient) -> None:
    seed_drift(factory)
    text = words(client.get("/routes/chat-70b").text)
    assert "+1.2 s applied by controller, applying → verifying-control, epoch 1" in text
    assert (
        "From the alarm: decided +0.4 s, committed +0.7 s, written +1.2 s, read back +1.8 s, "
        "proven by traffic +14.0 s." in text
    )


def test_several_targets_are_told_apart(factory: Factory, client: TestClient) -> None:
    seed_drift(factory)
    seed_ramp(factory)
    assert '<th scope="col">Target</th>' not in client.get("/routes/chat-70b").text
    page = client.get("/routes/code-30b").text
    assert '<th scope="col">Target</th>' in page
    text = words(page)
    assert "east int4-cluster code-int4 candidate weight 95 (95 %) weight 24 (24 %)" in text
    assert "west int4-cluster code-int4 candidate weight 95 (95 %) weight 0 (0 %)" in text


def test_what_holds_a_route_is_on_its_page_and_the_breaker_on_the_first(factory: Factory, client: TestClient) -> None:
    seed_drift(factory)
    seed_ramp(factory)
    text = words(client.get("/routes/code-30b").text)
    assert "step 3 of 5: 25 % of the candidate's way back, by ana" in text
    assert "The route is frozen by ana until 2026-03-02 20:00 UTC: release week." in text
    assert "fullback unfreeze 2 --reason" in text
    assert "A rollback would not work, by the rehearsal 3 h 0 min ago" in text
    assert "west: HTTPRoute llm/code-30b cannot be patched: 403" in text
    assert "auto, not armed: argocd would write over a flip at target west" in text
    first = words(client.get("/").text)
    assert "The breaker holds all routes until it is lifted" in first
    assert "release week" not in first
    assert first.count("frozen") == 2, "each route's own line says so"


def test_in_observe_the_next_step_is_the_flip_that_was_not_made(factory: Factory, client: TestClient) -> None:
    route = add_route(factory, "chat", Mode.OBSERVE)
    candidate = factory.routes.variants(route)[1]
    warm(factory, route)
    stream = add_stream(factory, route, candidate, "refusal", "all")
    now = factory.clock.now()
    add_incident(factory, route, stream, now - timedelta(minutes=5), now - timedelta(minutes=2), "Refusals: worse")
    text = words(client.get("/routes/chat").text)
    assert "Nothing has been moved" in text
    assert "fullback flip chat --to baseline" in text
    assert "Nothing has been decided about it yet" in text
    assert "1" in words(client.get("/").text)


# The chart


def test_the_chart_and_its_table_are_the_stored_counts(factory: Factory, client: TestClient) -> None:
    seeded = seed_drift(factory)
    page = client.get("/routes/chat-70b").text
    told = re.findall(r"<title>(\S+) (candidate|baseline) ([\d.]+ %), (\d+) of (\d+)</title>", page)
    chart = {(at, arm): (rate, int(bad), int(n)) for at, arm, rate, bad, n in told}
    table = page[page.index('id="chart-numbers"') :]
    rows = re.findall(
        r'<th scope="row"[^>]*>\S+ (\S+)</th>' + r'<td class="number">([^<]+)</td>' * 6,
        table[: table.index("</table>")],
    )
    assert len(rows) > 20
    twin = {}
    for at, pairs, candidate_bad, candidate_rate, baseline_bad, baseline_rate, _ in rows:
        twin[at, "candidate"] = (candidate_rate, int(candidate_bad), int(pairs))
        twin[at, "baseline"] = (baseline_rate, int(baseline_bad), int(pairs))
    assert chart == twin
    total = sum(seeded["counts"], PairCounts())
    assert sum(int(row[1]) for row in rows) == total.n
    assert sum(int(row[2]) for row in rows) == total.candidate_bad
    assert sum(int(row[4]) for row in rows) == total.baseline_bad
    assert sum(int(row[6]) for row in rows) == 30


def test_markers_stand_at_onset_alarm_applied_and_verified(factory: Factory, client: TestClient) -> None:
    seed_drift(factory)
    page = client.get("/routes/chat-70b").text
    assert re.findall(r'class="mark"[^>]*>([^<]+)<', page) == [
        "onset 11:39:00",
        "alarm 11:48:00",
        "flip applied 11:48:01",
        "verified 11:48:14",
    ]
    short = words(client.get("/routes/chat-70b?minutes=15").text)
    assert "Before this window: onset (2026-03-02 11:39:00)" in short


def test_a_stream_can_be_chosen_and_an_unknown_one_is_told(factory: Factory, client: TestClient) -> None:
    seeded = seed_drift(factory)
    other = next(
        s for s in seeded["streams"] if s.signal == "latency_ttft" and s.candidate_id == seeded["candidate"].id
    )
    page = client.get(f"/routes/chat-70b?stream={other.id}").text
    assert "Time to first token / all: no pair in the last 60 min." in page
    assert client.get("/routes/chat-70b?stream=999999").status_code == 404
    for query in ("stream=x", "stream=99999999999999999999", "minutes=0", "minutes=999999", "minutes=NaN"):
        answer = client.get(f"/routes/chat-70b?{query}")
        assert answer.status_code == 422
        assert answer.headers["content-type"].startswith("text/html")


def test_points_keep_every_pair_and_leave_gaps_open() -> None:
    tick = timedelta(seconds=TICK_S)
    ticks = [Bucket(1, NOON + i * tick, 1, ((0, 1, 0, 99),), (1, 0)) for i in range(600) if not 200 <= i < 300]
    points = points_of("schema_validity", ticks, tick, timedelta(seconds=6000))
    assert 1 < len(points) <= 120
    assert sum(point.counts.n for point in points) == 50_000
    assert sum(point.one_sided for point in points) == 500
    svg = str(render(Chart(points, [], NOON, NOON + timedelta(seconds=6000), "requests", "pairs", "a", "b")))
    assert svg.count('class="line candidate"') == 3  # two runs and the legend
    assert points_of("schema_validity", [], tick, timedelta(hours=1)) == []


def test_the_drawing_is_to_scale_and_escaped() -> None:
    points = [
        Point(NOON + timedelta(minutes=i), timedelta(minutes=1), PairCounts(n10=bad, n00=100 - bad), 0)
        for i, bad in enumerate((0, 50, 100))
    ]
    end = NOON + timedelta(minutes=3)
    svg = str(render(Chart(points, [Marker(NOON, HOSTILE)], NOON, end, HOSTILE, "pairs", HOSTILE, "b")))
    heights = [
        float(y) for y in re.findall(r'<circle class="dot candidate" cx="[\d.]+" cy="([\d.]+)" r="2.6"><title>', svg)
    ]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)
    assert heights[0] > heights[2]
    assert "<script" not in svg
    assert "<img" not in svg
    assert " style=" not in svg


@pytest.mark.parametrize(
    ("share", "text"), [(None, "–"), (0.0, "0.00 %"), (0.0781, "7.81 %"), (0.5, "50.0 %"), (1.0, "100.0 %")]
)
def test_shares_are_told_with_their_unit(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_the_fold_ranks_harm_then_inconclusive_then_undecided_then_safe() -> None:
    order = [Verdict.HARM, Verdict.INCONCLUSIVE, Verdict.UNDECIDED, Verdict.SAFE]
    rows = [Standing(1, 1, "refusal", "all", verdict, verdict.value) for verdict in order]
    for number, verdict in enumerate(order):
        assert fold(rows[number:], None, warm=True)[0] is verdict
        assert fold([*rows[:number:-1], rows[number]], None, warm=True)[0] is verdict
    assert fold(rows, timedelta(hours=1), warm=True)[0] is Verdict.HARM
    assert fold(rows[3:], timedelta(hours=1), warm=True)[0] is Verdict.INCONCLUSIVE


def test_evaluation_is_late_only_after_a_minute_beyond_the_horizon() -> None:
    clock = RouteClock(1, TICK_S, tick_of(NOON, TICK_S), 30.0, NOON, NOON)
    due = NOON + timedelta(seconds=50)
    assert behind(clock, due + timedelta(seconds=60)) is None
    assert behind(clock, due + timedelta(seconds=61)) == timedelta(seconds=61)
    assert behind(replace(clock, warm_at=None), due + timedelta(days=1)) is None


# Hostile text


def test_hostile_text_is_shown_and_never_run(factory: Factory, client: TestClient) -> None:
    route = add_route(factory, "chat", candidate=HOSTILE)
    candidate = factory.routes.variants(route)[1]
    warm(factory, route)
    stream = add_stream(factory, route, candidate, "refusal", "all", verdict=Verdict.HARM, reason=HOSTILE)
    add_ticks(factory, stream, 5)
    now = factory.clock.now()
    incident = add_incident(factory, route, stream, now - timedelta(minutes=4), now - timedelta(minutes=3), HOSTILE)
    roll_back(factory, route, incident, now - timedelta(minutes=3), actor=HOSTILE)
    with factory.database.transaction() as session:
        store = FindingStore(session)
        closed = store.open(FindingKind.SHIPPER_SILENT, HOSTILE, HOSTILE, now)
        assert closed is not None
        store.close(closed.id, now, HOSTILE, HOSTILE)
        store.open(FindingKind.FINGERPRINT_CHANGED, f"chat/{HOSTILE}", HOSTILE, now)
    hostile = (f"/audit?route={HOSTILE}", f"/routes/{HOSTILE.replace('/', '')}", f"/findings?state={HOSTILE}")
    for path in ("/", "/routes/chat", "/audit", "/findings", "/findings?state=all", *hostile):
        page = client.get(path).text
        assert "<script" not in page, path
        assert "<img src=x" not in page, path
        assert "onerror=alert(1)>" not in page, path
        assert "{{7919*6271}}" in page or "49660049" not in page, path
    assert "&lt;script&gt;" in client.get("/audit").text


def test_pages_run_no_script_and_carry_their_headers(factory: Factory, client: TestClient) -> None:
    seed_drift(factory)
    for path in ("/", "/routes/chat-70b", "/audit", "/findings", "/routes/none"):
        answer = client.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'")
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "base-uri 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script| style=| on\w+=|javascript:", answer.text)
        assert "https://" not in answer.text.replace("http://www.w3.org", "")


def test_static_files_are_kept_for_good_under_their_hash(client: TestClient) -> None:
    address = re.search(r'href="(/static/fullback\.css\?v=\w+)"', client.get("/").text)
    assert address is not None
    assert "immutable" in client.get(address[1]).headers["cache-control"]
    assert client.get("/static/fullback.css?v=old").headers["cache-control"] == "public, max-age=300"
    assert client.get("/static/icon.svg").headers["content-type"] == "image/svg+xml"
    for name in ("views.py", "..%2fviews.py", "%2e%2e"):
        assert client.get(f"/static/{name}").status_code == 404


def test_reloading_is_said_and_can_be_stopped(factory: Factory, client: TestClient) -> None:
    seed_drift(factory)
    for path in ("/", "/routes/chat-70b"):
        page = client.get(path).text
        assert '<meta http-equiv="refresh" content="10">' in page
        assert "This page reloads every 10 s" in page
        assert f'href="{path}?refresh=off"' in page
        still = client.get(f"{path}?refresh=off").text
        assert "http-equiv" not in still
        assert "does not reload" in still
    assert "http-equiv" not in client.get("/audit").text


# Errors


def test_an_unknown_route_lists_the_known_ones_as_a_page(factory: Factory, client: TestClient) -> None:
    add_route(factory, "chat")
    answer = client.get("/routes/chatt")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "known: chat" in answer.text
    assert client.get("/routes/%00").status_code == 404
    assert client.get("/audit?route=%00").status_code == 404


def test_a_database_that_is_away_is_a_page_that_tries_again(
    factory: Factory, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise DatabaseUnavailableError("PostgreSQL cannot be used now (OperationalError)")

    monkeypatch.setattr(factory.database, "reading", away)
    answer = client.get("/")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert "PostgreSQL cannot be used now" in answer.text
    assert 'http-equiv="refresh"' in answer.text


def test_a_fault_of_ours_shows_no_trace(factory: Factory, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(factory.database, "reading", broken)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


# The audit


def test_the_audit_is_paged_and_filtered(factory: Factory, client: TestClient) -> None:
    route, other = add_route(factory, "chat"), add_route(factory, "embed")
    with factory.database.transaction() as session:
        created = DecisionStore(session).newest(route.id, 1)[0]
        for number in range(120):
            DecisionStore(session).add(replace(created, action="note", reason=f"row number {number:03}"))
    seen: list[str] = []
    path: str | None = "/audit?route=chat"
    pages = 0
    while path is not None:
        page = client.get(path).text
        seen += re.findall(r"row number (\d+)|route (chat) created", page)
        older = re.search(r'<a href="([^"]+)" rel="next">Older</a>', page)
        path = None if older is None else unescape(older[1])
        pages += 1
    assert pages == 3
    assert [number or name for number, name in seen] == [f"{n:03}" for n in reversed(range(120))] + ["chat"]
    assert f"route {other.name} created" not in client.get("/audit?route=chat").text
    assert client.get("/audit?cursor=0").status_code == 422
    assert client.get("/audit?route=nope").status_code == 404
    assert "No rows" in client.get("/audit?cursor=1").text


def test_the_findings_are_shown_with_who_closed_them(factory: Factory, client: TestClient) -> None:
    seed_drift(factory)
    assert "No open finding here." in client.get("/findings").text
    assert "open finding" not in client.get("/").text
    closed, silent, changed = seed_findings(factory, "chat-70b")
    page = client.get("/findings").text
    assert '<a href="/findings" aria-current="page">' in page
    assert page.index("fingerprint changed") < page.index("shipper silent"), "newest first"
    assert '<a href="/routes/chat-70b">chat-70b/chat-int4</a>' in page
    shown = words(page)
    assert f"fullback findings close {changed} --reason 'why'" in shown
    assert f"fullback findings close {silent} --reason 'why'" in shown
    assert "ana" not in shown
    everything = words(client.get("/findings?state=all").text)
    assert "2026-03-02 10:00:00 UTC 2 h 0 min ago by ana: the new build is ours" in everything
    assert f"findings close {closed} " not in everything
    assert "2 open findings" in words(client.get("/").text)
    evidence = words(client.get("/routes/chat-70b").text)
    assert f"Finding {changed} , 20 min ago : chat-int4 answers with" in evidence
    assert "fluent-bit-a" not in evidence
    assert client.get("/findings?state=some").status_code == 422


def test_the_findings_go_on_by_cursor(factory: Factory, client: TestClient) -> None:
    with factory.database.transaction() as session:
        for n in range(51):
            FindingStore(session).open(FindingKind.SHIPPER_SILENT, f"s{n}-", "quiet", factory.clock.now())
    page = client.get("/findings").text
    assert ("s50-" in page, "s1-" in page, "s0-" in page) == (True, True, False)
    older = unescape(re.findall(r'<a href="([^"]+)" rel="next">Older', page)[0])
    page = client.get(older).text
    assert ("s1-" in page, "s0-" in page, "Older" in page) == (False, True, False)
    assert '<a href="/findings">Newest</a>' in page


# Who may look


def test_every_page_asks_for_a_key(door: TestClient) -> None:
    for path in ("/", "/routes/chat", "/audit", "/findings"):
        answer = door.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/login?next={path}"
    query = door.get("/routes/chat?stream=4&minutes=15").headers["location"]
    assert query == "/login?next=/routes/chat%3Fstream%3D4%26minutes%3D15"
    assert door.get("/login").status_code == 200
    assert door.get("/static/fullback.css").status_code == 200


def test_a_read_key_opens_the_console_and_signing_out_closes_it(locked: Factory, door: TestClient) -> None:
    answer = door.post("/login", data={"key": f" {key_of(locked, Scope.READ)}\n", "next": "/audit"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/audit"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    page = door.get("/audit")
    assert page.status_code == 200
    assert "ana" in page.text
    assert door.post("/logout").headers["location"] == "/login"
    assert door.get("/audit").status_code == 303


def test_over_https_the_cookie_is_secure(locked: Factory, door: TestClient) -> None:
    answer = door.post("/login", data={"key": key_of(locked, Scope.READ)}, headers={"x-forwarded-proto": "https"})
    assert "secure" in answer.headers["set-cookie"].lower()


def test_wrong_keys_are_refused_with_a_reason(locked: Factory, door: TestClient) -> None:
    assert door.post("/login", data={"key": "fbk_nonsense"}).status_code == 401
    assert door.post("/login").status_code == 401
    refused = door.post("/login", data={"key": key_of(locked, Scope.INGEST)})
    assert refused.status_code == 403
    assert "lacks the scope" in refused.text
    assert "set-cookie" not in refused.headers
    large = door.post("/login", data={"key": "x" * 100_000})
    assert large.status_code == 413


def test_a_revoked_key_ends_the_session(locked: Factory, door: TestClient) -> None:
    door.post("/login", data={"key": key_of(locked, Scope.READ)})
    assert door.get("/").status_code == 200
    locked.keys.revoke(locked.keys.all()[0].id)
    answer = door.get("/")
    assert answer.headers["location"] == "/login?next=/&ended=1"
    assert 'fullback_key=""' in answer.headers["set-cookie"]
    assert "Your session has ended" in door.get(answer.headers["location"]).text


def test_a_bound_key_sees_its_routes_only(locked: Factory, door: TestClient) -> None:
    add_route(locked, "chat")
    add_route(locked, "secret-route")
    door.cookies.set(COOKIE, key_of(locked, Scope.READ, routes=frozenset({"chat"})))
    seed_findings(locked, "secret-route")
    for path in ("/", "/audit", "/routes/chat", "/routes/none", "/findings", "/findings?state=all"):
        page = door.get(path).text
        assert "secret-route" not in page, path
    assert "chat" in door.get("/").text
    assert door.get("/routes/secret-route").status_code == 404
    assert "known: chat<" in door.get("/routes/secret-route").text
    assert door.get("/audit?route=secret-route").status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 303),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "http://testserver"}, 303),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({}, 303),
    ],
)
def test_other_sites_cannot_post(locked: Factory, door: TestClient, headers: dict[str, str], status: int) -> None:
    assert door.post("/login", data={"key": key_of(locked, Scope.READ)}, headers=headers).status_code == status
    assert door.post("/logout", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/audit?route=a&cursor=4", "/audit?route=a&cursor=4"),
        ("//evil.example/x", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("/\t/evil.example", "/"),
        ("", "/"),
    ],
)
def test_signing_in_leads_to_this_site_only(locked: Factory, door: TestClient, given: str, kept: str) -> None:
    assert local_path(given) == kept
    answer = door.post("/login", data={"key": key_of(locked, Scope.READ), "next": given})
    assert answer.headers["location"] == kept


def test_an_open_console_needs_no_login(client: TestClient) -> None:
    assert client.get("/login?next=/audit", follow_redirects=False).headers["location"] == "/audit"
    assert "Sign out" not in client.get("/").text


# The reads behind the pages


def test_the_newest_data_is_found_per_route(factory: Factory) -> None:
    seeded = seed_drift(factory)
    add_route(factory, "embed")
    with factory.database.reading() as session:
        store = StreamStore(session)
        ticks = [tick for one in store.of_route(seeded["route"].id) for tick in store.ticks(one, 0, 2**62)]
        assert store.newest_data() == {seeded["route"].id: max(tick["started_at"] for tick in ticks)}
        assert {(s.signal, s.slice) for s in store.standings()} == {(s.signal, s.slice) for s in seeded["streams"]}
