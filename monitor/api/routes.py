"""Routes, their variants, and what people do to them."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, status
from pydantic import BaseModel, ConfigDict, Field

from monitor.api.deps import Admin, Operating, Parts, Reading, route_for
from monitor.api.moving_views import freeze_view, overview_view, rehearsal_view, stored_rehearsal_view
from monitor.api.views import bound_view, control_view, route_view, stream_view, variant_view, whole_view
from monitor.errors import ValidationError
from monitor.models.route import Goal, Mode, TargetRef
from monitor.models.text import BUILT_IN_RULES, NO_TEXT, TextMode, TextPolicy
from monitor.models.variant import Role, Tier
from monitor.services.artifact_document import parse_artifact
from monitor.services.degraded import wholes
from monitor.services.routes import CLEARABLE, RouteChange, RouteSpec
from monitor.services.stream_bound import bound_of
from monitor.storage.clocks import ClockStore
from monitor.storage.controls import ControlStore
from monitor.storage.freezes import FreezeStore
from monitor.storage.late_events import LateEventStore
from monitor.storage.rehearsals import RehearsalStore
from monitor.storage.routes import VariantSpec
from monitor.storage.streams import StreamStore

__all__ = ["router"]

router = APIRouter(prefix="/v1/routes", tags=["routes"])
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"
_Name = Annotated[str, Field(pattern=_NAME)]
_Reason = Annotated[str, Field(min_length=1, max_length=500)]
_To = Literal["baseline", "before"]
_GOALS = {"baseline": Goal.BASELINE, "before": Goal.RESTORE}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TargetBody(_Body):
    """Which kind of router, its settings, and what it calls the backends where that is not what the variants do."""

    kind: str
    settings: dict[str, Any] = Field(default_factory=dict)
    name: str = Field("", max_length=100)
    backends: dict[str, str] = Field(default_factory=dict, max_length=32)
    sources: list[str] = Field(default_factory=list, max_length=32)

    def ref(self) -> TargetRef:
        """Return the body as the service takes it."""
        return TargetRef.from_json(self.model_dump())


def _refs(one: TargetBody | None, several: list[TargetBody] | None) -> tuple[TargetRef, ...] | None:
    """Return a route's targets, given as one or as a list."""
    if one is not None and several is not None:
        raise ValidationError("give 'target' or 'targets', not both")
    if one is not None:
        return (one.ref(),)
    return None if several is None else tuple(body.ref() for body in several)


class VariantBody(_Body):
    """A variant; ``backend`` is the router's name for it."""

    name: _Name
    role: Role
    backend: str = Field(min_length=1, max_length=256)
    format: str = Field(min_length=1, max_length=64)
    tier: Tier
    base_model: str | None = Field(None, max_length=256)
    digest: str | None = Field(None, max_length=256)
    artifact: dict[str, Any] = Field(default_factory=dict)
    """Facts, checked by ``/v1/schemas/artifact``; what is absent is suggested from the names."""

    def spec(self) -> VariantSpec:
        """Return the body as the service takes it."""
        stated = parse_artifact(self.name, self.artifact)
        return VariantSpec(**self.model_dump(exclude={"artifact"}), artifact=stated)


class RedactionBody(_Body):
    """A redaction rule of the route's own; the pattern is in RE2 syntax."""

    name: str
    pattern: str
    replace: str = ""


class TextStorageBody(_Body):
    """Which texts are kept, how long, and what is taken out of them: built-in rules by name, or rules of your own."""

    mode: TextMode
    sample_percent: float = Field(NO_TEXT.sample_percent, ge=0, le=100)
    retention_days: int = Field(NO_TEXT.retention_days, ge=1)
    redact: list[str | RedactionBody] = Field(list(BUILT_IN_RULES), max_length=16)

    def policy(self) -> TextPolicy:
        """Return the body as the service takes it.

        Raises:
            ValidationError: a rule or a number breaks its rule.
        """
        try:
            return TextPolicy.from_json(self.model_dump())
        except ValueError as error:
            raise ValidationError(f"text_storage: {error}") from None


class RouteBody(_Body):
    """A new route."""

    name: Annotated[str, Field(pattern=_NAME)]
    target: TargetBody | None = None
    """The router, where there is one; else give ``targets``."""
    targets: list[TargetBody] | None = Field(None, max_length=32)
    variants: list[VariantBody] = Field(default_factory=list, max_length=32)
    policy: str = "default"
    mode: Mode = Mode.OBSERVE
    mirror_host_suffix: str | None = Field(None, max_length=64)
    mirror_percent: float = Field(100.0, ge=0, le=100)
    waiver: str | None = Field(None, max_length=500)
    text_storage: TextStorageBody | None = None
    answer_schema: dict[str, Any] | None = None


class RouteChangeBody(_Body):
    """Fields to change; what is absent stays, and null clears what may have no value."""

    mode: Mode | None = None
    policy: str | None = None
    target: TargetBody | None = None
    targets: list[TargetBody] | None = Field(None, max_length=32)
    mirror_host_suffix: str | None = Field(None, max_length=64)
    mirror_percent: float | None = Field(None, ge=0, le=100)
    waiver: str | None = Field(None, max_length=500)
    text_storage: TextStorageBody | None = None
    answer_schema: dict[str, Any] | None = None

    def wanted(self) -> RouteChange:
        """Return the body as the service takes it."""
        return RouteChange(
            **self.model_dump(exclude={"target", "targets", "text_storage"}),
            targets=_refs(self.target, self.targets),
            text_storage=None if self.text_storage is None else self.text_storage.policy(),
            cleared=CLEARABLE & {name for name in self.model_fields_set if getattr(self, name) is None},
        )


class FlipBody(_Body):
    """A person's flip: to the baseline, or back to what was before the last flip."""

    to: _To
    reason: _Reason


class RehearsalBody(_Body):
    """Which flip is rehearsed."""

    to: _To = "baseline"


class RecoveryBody(_Body):
    """A candidate is wanted back; ``at_once`` does not wait for evidence."""

    reason: _Reason
    at_once: bool = False


class PinBody(_Body):
    """A pin: no automatic flip for so long."""

    hours: float = Field(24, gt=0, le=24 * 90)
    reason: _Reason


class ReasonBody(_Body):
    """Why."""

    reason: _Reason


@router.get("", summary="All routes")
def index(parts: Parts, key: Reading) -> dict[str, Any]:
    """Return every route the key may see, with its phase."""
    routes = [route for route in parts.routes.all() if key.bound_to(route.name)]
    with parts.database.reading() as session:
        store = ControlStore(session)
        return {"items": [{**route_view(route), **control_view(store.get(route.id))} for route in routes]}


@router.post("", status_code=status.HTTP_201_CREATED, summary="Create a route")
def create(body: RouteBody, parts: Parts, key: Admin) -> dict[str, Any]:
    """Create a route with its variants, in mode observe unless said otherwise."""
    spec = RouteSpec(
        **body.model_dump(exclude={"target", "targets", "variants", "text_storage"}),
        text_storage=NO_TEXT if body.text_storage is None else body.text_storage.policy(),
        targets=_refs(body.target, body.targets) or (),
        variants=[variant.spec() for variant in body.variants],
    )
    route = parts.routes.add(spec, key.source)
    return {**route_view(route), "variants": [variant_view(v) for v in parts.routes.variants(route)]}


@router.get("/{name}", summary="One route with its evidence")
def show(name: str, parts: Parts, key: Reading) -> dict[str, Any]:
    """Return a route, its variants, the controller's state, every stream's verdict, and each candidate as a whole."""
    route = route_for(parts, key, name)
    variants, policy = parts.routes.variants(route), parts.policies.get(route.policy)
    with parts.database.reading() as session:
        control = ControlStore(session).get(route.id)
        clock = ClockStore(session).get(route.id)
        streams = StreamStore(session).of_route(route.id)
        late = LateEventStore(session).since(route.id, parts.clock.now() - timedelta(hours=1))
        frozen = FreezeStore(session).standing(parts.clock.now(), route.id)
        rehearsals = RehearsalStore(session).of_route(route.id)
    names = {variant.id: variant.name for variant in variants}
    baseline = next((v.id for v in variants if v.role is Role.BASELINE), 0)
    ttl, tick_s = timedelta(seconds=policy.evidence_ttl_s), policy.tick_s if clock is None else clock.tick_s
    return {
        **route_view(route),
        **control_view(control),
        "freezes": [freeze_view(one, {route.id: route.name}, parts.clock.now()) for one in frozen],
        "rehearsal": [stored_rehearsal_view(one) for one in rehearsals],
        "warm": clock is not None and clock.warm_at is not None,
        "horizon_s": None if clock is None else clock.horizon_s,
        "tick_s": None if clock is None else clock.tick_s,
        "last_tick": None if clock is None else clock.last_tick,
        "late_events_last_hour": late,
        "stream_bound": bound_view(bound_of(parts.policies.get(route.policy), variants)),
        "variants": [variant_view(variant) for variant in variants],
        "streams": [stream_view(one, names, is_aa=one.candidate_id == baseline) for one in streams],
        "candidates": [whole_view(one, names) for one in wholes(streams, baseline, parts.clock.now(), ttl, tick_s)],
    }


@router.patch("/{name}", summary="Change a route")
def change(name: str, body: RouteChangeBody, parts: Parts, key: Admin) -> dict[str, Any]:
    """Change the fields that are given."""
    return route_view(parts.routes.change(name, body.wanted(), key.source))


@router.get("/{name}/variants", summary="A route's variants")
def variants(name: str, parts: Parts, key: Reading) -> dict[str, Any]:
    """Return the variants, baseline first."""
    return {"items": [variant_view(v) for v in parts.routes.variants(route_for(parts, key, name))]}


@router.post("/{name}/variants", status_code=status.HTTP_201_CREATED, summary="Add a variant")
def add_variant(name: str, body: VariantBody, parts: Parts, key: Admin) -> dict[str, Any]:
    """Add a variant to a route."""
    return variant_view(parts.routes.add_variant(name, body.spec(), key.source))


@router.post("/{name}/flips", status_code=status.HTTP_202_ACCEPTED, summary="Flip by hand")
def flip(name: str, body: FlipBody, parts: Parts, key: Operating) -> dict[str, Any]:
    """Start a flip; the controller applies and verifies it. Watch the phase, or the decisions."""
    return control_view(parts.operator.flip(route_for(parts, key, name), _GOALS[body.to], key.source, body.reason))


@router.post("/{name}/flips/rehearse", summary="What a flip by hand would do now")
def rehearse(name: str, body: RehearsalBody, parts: Parts, key: Operating) -> dict[str, Any]:
    """Go the way of a flip in dry run at every target; say what would hold an automatic one. Nothing is written."""
    return rehearsal_view(parts.operator.rehearse(route_for(parts, key, name), _GOALS[body.to]))


@router.post("/{name}/recoveries", status_code=status.HTTP_202_ACCEPTED, summary="Bring a candidate back")
def recover(name: str, body: RecoveryBody, parts: Parts, key: Operating) -> dict[str, Any]:
    """Bring a rolled-back candidate back in steps, once the evidence allows it, or at once by a person's word."""
    route = route_for(parts, key, name)
    return control_view(parts.operator.recover(route, key.source, body.reason, at_once=body.at_once))


@router.get("/{name}/overview", summary="How a route's routers stand now")
def overview(name: str, parts: Parts, key: Reading) -> dict[str, Any]:
    """Read every router, and say what holds the route and what the proof says so far."""
    return overview_view(parts.operator.overview(route_for(parts, key, name)))


@router.put("/{name}/pin", summary="Pin a route")
def pin(name: str, body: PinBody, parts: Parts, key: Operating) -> dict[str, Any]:
    """Forbid automatic flips for some hours."""
    return control_view(parts.operator.pin(route_for(parts, key, name), key.source, body.hours, body.reason))


@router.delete("/{name}/pin", summary="Unpin a route")
def unpin(name: str, parts: Parts, key: Operating, reason: str = "unpinned") -> dict[str, Any]:
    """Allow automatic flips again."""
    return control_view(parts.operator.unpin(route_for(parts, key, name), key.source, reason))


@router.post("/{name}/incidents/{incident_id}/close", summary="Close an incident")
def close(name: str, incident_id: int, body: ReasonBody, parts: Parts, key: Operating) -> dict[str, Any]:
    """Close an open incident."""
    parts.operator.close_incident(route_for(parts, key, name), incident_id, key.source, body.reason)
    return {"closed": incident_id}
