"""A LiteLLM proxy: the weights of one model group, written by its API and read back from every replica."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from typing_extensions import override

from monitor.clock import SystemClock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, RouteSnapshot
from monitor.routing.base import Capabilities, ReadBack, Rehearsal, RouteTarget
from monitor.routing.changes import changes_between, lacking, mirror_text, mirrored_to, needed
from monitor.routing.litellm_api import AdminKey, LiteLLMApi, Replica, shown_url
from monitor.routing.litellm_group import Deployment, Layout, group_of, patch_of, snapshot_of, write_order
from monitor.routing.litellm_router import SHUFFLE, detours, strategy_of
from monitor.routing.litellm_settings import Replicas, named_ids, named_texts, seconds, text

__all__ = ["LiteLLMTarget"]

_AT_ONCE = 16
_LONGEST_RELOAD_S = 3600


@dataclass(frozen=True, slots=True)
class _View:
    """What one replica shows."""

    replica: Replica
    group: tuple[Deployment, ...]
    entries: Sequence[Any]
    snapshot: RouteSnapshot

    @property
    def url(self) -> str:
        """Its address."""
        return self.replica.url


class LiteLLMTarget(RouteTarget):
    """One model group of one LiteLLM proxy, with its deployments in the proxy's database.

    LiteLLM has no compare-and-swap: a write is refused when any replica shows a newer epoch, and what is stored is
    compared after it. A route is one write per deployment, the raised ones first, so that a failure in between leaves
    a group that answers; the next ``apply`` completes it. Constructing connects to nothing.

    Args:
        url: the proxy's address for writes.
        model_group: the public model name (``model_name``) that clients ask for.
        key_env: name of the environment variable that holds an admin key; or
        key_file: path of a file that holds it.
        replicas: each replica's own address, for reading back; without them ``url`` alone is believed.
        replicas_dns: or a name (``http://name:port``) that has every replica's address.
        deployments: the ``model_info.id`` of each backend's deployments; without it an id is a backend.
        mirror_groups: the model group that copies for a backend are sent to (``silent_model``); without it the mirror
            is not managed.
        reload_s: the proxy's ``proxy_config_reload_interval_seconds``: the longest that a replica lags behind.
        timeout_s: longest wait for each part of an answer.

    Raises:
        ValueError: a setting has the wrong type or value.
    """

    kind: ClassVar[str] = "litellm"
    capabilities: Capabilities = Capabilities(
        weights=True,
        atomic_mirror=False,
        fencing=False,
        propagation_s=30.0,
        hard_cut=True,
        mirror=True,
        mirror_per_backend=True,
        read_back=ReadBack.PER_REPLICA,
        names_writer=True,
    )

    def __init__(
        self,
        url: str,
        model_group: str,
        key_env: str | None = None,
        key_file: str | None = None,
        replicas: Sequence[str] | None = None,
        replicas_dns: str | None = None,
        deployments: Mapping[str, Sequence[str]] | None = None,
        mirror_groups: Mapping[str, str] | None = None,
        reload_s: float = 30,
        timeout_s: float = 10,
    ) -> None:
        timeout = seconds("timeout_s", timeout_s)
        self._front = Replica(shown_url("url", url))
        self._group = text("model_group", model_group)
        self._replicas = Replicas(replicas, replicas_dns, timeout)
        self._layout = Layout(named_ids("deployments", deployments), named_texts("mirror_groups", mirror_groups))
        if self._group in self._layout.mirror_groups.values():
            raise ValueError(f"mirror_groups must not name model_group {self._group!r}: copies would be copied again")
        self._api = LiteLLMApi(AdminKey(key_env, key_file), timeout, SystemClock())
        self.capabilities = replace(
            type(self).capabilities,
            propagation_s=seconds("reload_s", reload_s, _LONGEST_RELOAD_S),
            mirror=bool(self._layout.mirror_groups),
            mirror_per_backend=bool(self._layout.mirror_groups),
            read_back=ReadBack.PER_REPLICA if self._replicas else ReadBack.CLAIM,
        )

    @override
    def read(self) -> RouteSnapshot:
        views, silent = self._views()
        shown = max(views, key=lambda view: -1 if view.snapshot.epoch is None else view.snapshot.epoch)
        found = shown.snapshot
        pending = [
            f"replica {view.url} shows {_state(view.snapshot)}; {shown.url} {_state(found)}"
            for view in views
            if _essence(view.snapshot) != _essence(found)
        ]
        overrides = dict(found.overrides)
        try:
            settings = self._api.router_settings(shown.replica) or {}
        except RoutingError as error:
            settings = {}
            pending.append(error.detail)
        overrides |= detours(settings, self._group, shown.group, shown.entries)
        strategy = strategy_of(settings, self._group)
        if strategy not in {None, SHUFFLE} and sum(weight > 0 for weight in found.weights.values()) > 1:
            pending.append(f"routing_strategy {strategy} does not follow the weights")
        return replace(found, overrides=overrides, pending=(*silent, *pending))

    @override
    def apply(self, desired: DesiredRoute) -> None:
        views, _ = self._views()
        group = self._writable(desired, views)
        weights = self._layout.weights(desired, group)
        silent = self._layout.silent(desired.mirror, group) if self._layout.mirror_groups else {}
        for one in write_order(group, weights):
            body = patch_of(one, weights[one.id], silent.get(one.id), desired)
            self._refuse_unstored(body, self._api.patch(self._front, one.id, body), one.id)
        self._refuse_stale(desired, [self._view(self._front)])
        uncut = [one.id for one in group if one.blocked is None and not weights[one.id]]
        if desired.cut and uncut:
            raise RoutingError(
                f"epoch {desired.epoch} is written with weight 0, yet LiteLLM at {self._front.url} is too old to block "
                f"{', '.join(uncut)}: upgrade it, or take them out by hand if they still answer"
            )

    @override
    def rehearse(self, desired: DesiredRoute) -> Rehearsal:
        try:
            views, silent = self._views()
            group = self._writable(desired, views)
            problem = self._api.write_problem(self._front)
            found = self.read()
        except RoutingError as error:
            return Rehearsal(problems=(error.detail,))
        problems = [*silent, *([problem] if problem else [])]
        if desired.cut and not self.capabilities.hard_cut:
            problems.append(f"LiteLLM at {self._front.url} is too old to block a deployment: weight 0 is all there is")
        notes = lacking(desired, self._layout.backends(group))
        return Rehearsal(tuple(problems), (*changes_between(found, desired), *notes))

    def _views(self) -> tuple[list[_View], list[str]]:
        """Return what everybody who answered shows, the address for writes first, and who did not.

        Raises:
            RoutingError: nobody answered.
        """
        silent: list[str] = []
        try:
            replicas = self._replicas.found()
        except RoutingError as error:
            replicas = ()
            silent.append(error.detail)
        asked = [self._front, *(one for one in replicas if one.url != self._front.url)]
        with ThreadPoolExecutor(min(_AT_ONCE, len(asked))) as pool:
            answers = list(pool.map(self._tried, asked))
        views = [answer for answer in answers if isinstance(answer, _View)]
        failures = [answer for answer in answers if isinstance(answer, RoutingError)]
        if not views:
            raise failures[0]
        silent += [f"a replica does not tell what it does: {failure.detail}" for failure in failures]
        if any(one.blocked is None for view in views for one in view.group):
            self.capabilities = replace(self.capabilities, hard_cut=False)
        return views, silent

    def _tried(self, replica: Replica) -> "_View | RoutingError":
        try:
            return self._view(replica)
        except RoutingError as error:
            return error

    def _view(self, replica: Replica) -> _View:
        entries = self._api.models(replica)
        group = group_of(entries, self._group, replica.url)
        return _View(replica, group, entries, snapshot_of(group, self._layout))

    def _writable(self, desired: DesiredRoute, views: Sequence[_View]) -> tuple[Deployment, ...]:
        """Return the group as the address for writes shows it, after every check that needs no write."""
        front = next((view for view in views if view.url == self._front.url), None)
        if front is None:
            raise RoutingError(f"LiteLLM {self._front.url} does not answer: nothing was written")
        self._refuse_stale(desired, views)
        self._refuse_unknown(desired, front)
        self._refuse_closed(desired, front.group)
        self._refuse_unheeded(desired, front.group)
        return front.group

    def _refuse_stale(self, desired: DesiredRoute, views: Sequence[_View]) -> None:
        held, url = max(
            ((one.epoch, view.url) for view in views for one in view.group if one.epoch is not None),
            default=(desired.epoch, ""),
        )
        if held > desired.epoch:
            raise StaleEpochError(
                f"model group {self._group!r} at {url} holds epoch {held}, newer than {desired.epoch}: "
                "another writer was elected, stop writing"
            )

    def _refuse_unknown(self, desired: DesiredRoute, front: _View) -> None:
        backends = self._layout.backends(front.group)
        copied = mirrored_to(desired.mirror)
        if copied and not self._layout.mirror_groups:
            raise RoutingError(
                f"the mirror cannot be {mirror_text(desired.mirror)}: set mirror_groups to the model group of each "
                "backend; nothing was written"
            )
        serving = needed(replace(desired, mirror=None))  # copies go to groups of their own
        unknown = (serving - backends.keys()) | (copied - self._layout.mirror_groups.keys())
        if unknown:
            raise RoutingError(
                f"model group {self._group!r} at {front.url} has no backend {', '.join(sorted(unknown))}; "
                f"known: {', '.join(sorted(backends))}. "
                "Correct the variant's backend name (a model_info.id), deployments or mirror_groups; "
                "nothing was written"
            )
        groups = {entry.get("model_name") for entry in front.entries if isinstance(entry, Mapping)}
        missing = sorted({self._layout.mirror_groups[name] for name in copied} - groups)
        if missing:
            raise RoutingError(
                f"LiteLLM at {front.url} has no model group {', '.join(missing)} for copies: add it or correct "
                "mirror_groups; nothing was written"
            )

    def _refuse_closed(self, desired: DesiredRoute, group: Sequence[Deployment]) -> None:
        fixed = [one.id for one in group if not one.stored]
        if fixed:
            raise RoutingError(
                f"{', '.join(fixed)} of model group {self._group!r} is not in LiteLLM's database (db_model is false) "
                "and cannot be changed: set store_model_in_db and add it by /model/new; nothing was written"
            )
        weights = self._layout.weights(desired, group)
        held = [one.id for one in group if weights[one.id] and one.blocked and not one.cut]
        if held:
            raise RoutingError(
                f"{', '.join(held)} of model group {self._group!r} is blocked, and not by Fullback: "
                "unblock it in LiteLLM if it may serve; nothing was written"
            )

    def _refuse_unheeded(self, desired: DesiredRoute, group: Sequence[Deployment]) -> None:
        """Refuse where the proxy would not follow weights, unless everything but one backend is cut."""
        alone = sum(weight > 0 for weight in desired.weights.values()) == 1
        if desired.cut and alone and all(one.blocked is not None for one in group):
            return
        orders = {one.order for one in group if one.open}
        if len(orders) > 1:
            raise RoutingError(
                f"litellm_params.order differs in model group {self._group!r}: the lowest is asked first whatever the "
                "weights are; give all the same order. Nothing was written"
            )
        try:
            settings = self._api.router_settings(self._front)
        except RoutingError:  # a rollback is not held up by a page that only tells
            return
        strategy = None if settings is None else strategy_of(settings, self._group)
        if strategy not in {None, SHUFFLE}:
            raise RoutingError(
                f"routing_strategy of model group {self._group!r} is {strategy}: only {SHUFFLE} follows weights; "
                "nothing was written"
            )

    def _refuse_unstored(self, body: Mapping[str, Any], row: Mapping[str, Any], id_: str) -> None:
        """Refuse a 200 whose row is not what was sent: an older proxy drops fields that it does not know."""
        params = row.get("litellm_params")
        weight = params.get("weight") if isinstance(params, Mapping) else None
        if weight != body["litellm_params"]["weight"] or bool(row.get("blocked")) != body.get("blocked", False):
            raise RoutingError(
                f"LiteLLM at {self._front.url} answered that it changed {id_}, yet did not store it: "
                "look into the proxy's log; the next attempt writes it again"
            )


def _essence(snapshot: RouteSnapshot) -> tuple[object, ...]:
    return dict(snapshot.weights), snapshot.mirror, snapshot.epoch


def _state(snapshot: RouteSnapshot) -> str:
    weights = ", ".join(f"{name} {weight}" for name, weight in sorted(snapshot.weights.items()))
    return f"epoch {snapshot.epoch}, {weights}, mirror {mirror_text(snapshot.mirror)}"
