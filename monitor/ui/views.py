"""The console's pages: routes, evidence, findings, audit, login."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, FastAPI, Form, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from monitor.errors import AuthError, ForbiddenError, NotFoundError
from monitor.factory import Factory
from monitor.models.key import Scope
from monitor.models.route import Mode, Route
from monitor.services.stream_bound import bound_of
from monitor.ui import moving, pages, routing
from monitor.ui.artifacts import variant_box
from monitor.ui.document import HEADERS, PageRoute, asset, page
from monitor.ui.evidence import chart_view, choose
from monitor.ui.faults import fault_lines
from monitor.ui.reads import audit_of, counts_of, faults_of, findings_of, fleet_of, late_of, route_facts
from monitor.ui.session import Viewer, forget, local_path, refuse_foreign_post, remember, viewer_of
from monitor.ui.wholes import whole_lines
from monitor.ui.wording import PHASES, duration, moment

__all__ = ["install"]

_PAGE_ROWS = 50
_DEFAULT_MINUTES = 60
_HOUR, _DAY = 60, 1440
_WINDOWS = (15, 60, 6 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY, 365 * _DAY)
_MOST_MINUTES = 400 * _DAY
_BIGINT = 2**63 - 1
_GET = ["GET", "HEAD"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_Id = Annotated[int | None, Query(ge=1, le=_BIGINT)]


def _parts(request: Request) -> Factory:
    return cast("Factory", request.app.state.factory)


@dataclass(frozen=True, slots=True)
class _Desk:
    """A signed-in request."""

    request: Request
    parts: Factory
    viewer: Viewer
    now: datetime

    @property
    def refreshes(self) -> bool:
        return self.request.query_params.get("refresh") != "off"

    def link(self, **changes: str | int | None) -> str:
        """Return this page's address with query parameters changed, or left out where None."""
        wanted = {**self.request.query_params, **changes}
        query = urlencode({name: value for name, value in wanted.items() if value is not None})
        return f"{self.request.url.path}?{query}" if query else self.request.url.path

    def seen(self, routes: list[Route]) -> list[Route]:
        return [route for route in routes if self.viewer.sees(route.name)]

    def route(self, name: str) -> Route:
        """Return a route that is shown; one that is not shown is as unknown as one that does not exist."""
        routes = self.seen(self.parts.routes.all())
        found = next((route for route in routes if route.name == name), None)
        if found is None:
            known = ", ".join(route.name for route in routes) or "none yet"
            raise NotFoundError(f"there is no route {name!r}; known: {known}")
        return found

    def page(self, template: str, **values: Any) -> Response:
        return page(template, desk=self, now=moment(self.now, self.now), **values)


def _desk(request: Request) -> _Desk:
    parts = _parts(request)
    return _Desk(request, parts, viewer_of(parts, request), parts.clock.now())


Desk = Annotated[_Desk, Depends(_desk)]


@router.api_route("/", methods=_GET)
def routes(desk: Desk) -> Response:
    """Show every route with one verdict per candidate."""
    with desk.parts.database.reading() as session:
        fleet = fleet_of(session, desk.now)
    lines = [pages.route_line(route, fleet, desk.now) for route in desk.seen(fleet.routes)]
    findings = sum(desk.viewer.sees_finding(one) for one in fleet.findings)
    freezes = [moving.freeze_line(one) for one in fleet.freezes if one.route_id is None]
    return desk.page("routes.html", lines=lines, findings=findings, freezes=freezes)


@router.api_route("/routes/{name}", methods=_GET)
def evidence(
    desk: Desk,
    name: Annotated[str, Path()],
    stream: _Id = None,
    minutes: Annotated[int | None, Query(ge=1, le=_MOST_MINUTES)] = None,
) -> Response:
    """Show what is known about one route, and why."""
    route = desk.route(name)
    window = timedelta(minutes=minutes or _DEFAULT_MINUTES)
    with desk.parts.database.reading() as session:
        facts = route_facts(session, route, desk.now)
        chosen = choose(facts, stream)
        tick_s = 10.0 if facts.clock is None else facts.clock.tick_s
        counted = None if chosen is None else counts_of(session, chosen, tick_s, desk.now, window, desk.parts.kept)
        late_events = late_of(session, route, desk.now)
        faults = [] if chosen is None else faults_of(session, chosen, desk.now)
    names = {variant.id: variant.name for variant in facts.variants}
    chart = (
        None
        if chosen is None or counted is None
        else chart_view(facts, chosen, counted, desk.now, window, names, whole_window=minutes is not None)
    )
    others = [one for one in facts.open_incidents if facts.incident is None or one.id != facts.incident.id]
    late = pages.behind(facts.clock, desk.now)
    streams = pages.in_order(facts.streams)
    return desk.page(
        "evidence.html",
        route=route,
        control=facts.control,
        phase=PHASES[facts.control.phase],
        since=moment(facts.control.phase_since, desk.now),
        clock=facts.clock,
        behind=None if late is None else duration(late),
        data=None if facts.newest_data is None else moment(facts.newest_data, desk.now),
        pin=pages.pin_text(facts.control, desk.now),
        variants=[variant_box(variant, route, desk.now) for variant in facts.variants],
        routing=routing.routing_lines(facts.control, facts.variants),
        incident=None if facts.incident is None else pages.incident_box(facts.incident, names, desk.now),
        other_incidents=[pages.incident_box(one, names, desk.now) for one in others],
        timeline=moving.timeline_lines(facts.incident, facts.timeline, route, desk.now),
        effective=moving.effective_text(facts.incident, facts.timeline),
        move=moving.move_text(facts.control),
        freezes=[moving.freeze_line(one) for one in facts.freezes],
        rehearsal=moving.rehearsal_box(facts.rehearsals, desk.now),
        not_armed=_not_armed(desk, route),
        findings=[pages.finding_line(one, desk.now) for one in facts.findings],
        step=routing.next_step(facts),
        streams=[pages.stream_line(one, names, late) for one in streams if not facts.is_aa(one)],
        wholes=whole_lines(facts, desk.parts.policies.get(route.policy), desk.now),
        aa_streams=[pages.stream_line(one, names, late) for one in streams if facts.is_aa(one)],
        chart=chart,
        faults=[] if chosen is None else fault_lines(faults, chosen, facts.baseline),
        minutes=minutes,
        windows=[(one, _window(one)) for one in _WINDOWS],
        late_events=late_events,
        bound=bound_of(desk.parts.policies.get(route.policy), facts.variants),
    )


def _not_armed(desk: _Desk, route: Route) -> str | None:
    """Return why a route in mode auto is not armed yet; no router is asked."""
    if route.mode is not Mode.AUTO:
        return None
    return desk.parts.look.not_armed(desk.parts.operator.see(route), desk.now)


def _window(minutes: int) -> str:
    """Return a window's name."""
    if minutes < _HOUR:
        return f"{minutes} min"
    return f"{minutes // _HOUR} h" if minutes <= _DAY else f"{minutes // _DAY} d"


@router.api_route("/findings", methods=_GET)
def findings(desk: Desk, state: Annotated[str, Query(pattern="^(open|all)$")] = "open", cursor: _Id = None) -> Response:
    """Show the open findings, or all, newest first."""
    with desk.parts.database.reading() as session:
        found = findings_of(session, _PAGE_ROWS + 1, cursor, only_open=state == "open")
    shown = [one for one in found[:_PAGE_ROWS] if desk.viewer.sees_finding(one)]
    older = desk.link(cursor=found[_PAGE_ROWS - 1].id) if len(found) > _PAGE_ROWS else None
    newest = desk.link(cursor=None) if cursor is not None else None
    lines = [pages.finding_line(one, desk.now) for one in shown]
    return desk.page("findings.html", lines=lines, state=state, older=older, newest=newest)


@router.api_route("/audit", methods=_GET)
def audit(desk: Desk, route: str | None = None, cursor: _Id = None) -> Response:
    """Show the audit, newest first."""
    shown = desk.seen(desk.parts.routes.all())
    wanted = [desk.route(route)] if route else shown
    names = {one.id: one.name for one in wanted}
    with desk.parts.database.reading() as session:
        found = audit_of(session, list(names), _PAGE_ROWS + 1, cursor)
    lines = [pages.audit_line(one, names[one.route_id], desk.now) for one in found[:_PAGE_ROWS]]
    older = desk.link(cursor=lines[-1].id) if len(found) > _PAGE_ROWS else None
    newest = desk.link(cursor=None) if cursor is not None else None
    return desk.page(
        "audit.html", lines=lines, routes=[one.name for one in shown], route=route or "", older=older, newest=newest
    )


@router.api_route("/login", methods=_GET)
def login(request: Request, next_: Annotated[str, Query(alias="next")] = "/", ended: str = "") -> Response:
    """Ask for a key."""
    if _parts(request).settings.ui_auth == "off":
        return RedirectResponse(local_path(next_), 303, HEADERS)
    told = "Your session has ended: the key is unknown or revoked." if ended else None
    return page("login.html", next=local_path(next_), told=told)


@router.post("/login")
def sign_in(
    request: Request, key: Annotated[str, Form()] = "", next_: Annotated[str, Form(alias="next")] = "/"
) -> Response:
    """Check a key and remember it in a cookie."""
    parts = _parts(request)
    refuse_foreign_post(parts, request)
    text = key.strip()
    try:
        parts.keys.check(text, Scope.READ)
    except AuthError:
        return page("login.html", 401, next=local_path(next_), told="This is not an active key.")
    except ForbiddenError as error:
        return page("login.html", 403, next=local_path(next_), told=error.detail)
    response = RedirectResponse(local_path(next_), 303, HEADERS)
    remember(response, request, text)
    return response


@router.post("/logout")
def sign_out(request: Request) -> Response:
    """Forget the key."""
    refuse_foreign_post(_parts(request), request)
    response = RedirectResponse("/login", 303, HEADERS)
    forget(response, request)
    return response


@router.api_route("/static/{name}", methods=_GET)
def static(name: str, v: str = "") -> Response:
    """Serve a static file."""
    found = asset(name, v)
    if found is None:
        raise NotFoundError(f"there is no file {name!r}")
    return found


def install(app: FastAPI) -> None:
    """Install the pages."""
    app.include_router(router)
