"""Reconciliation: look, decide, write, one step at a time; a crash anywhere is healed by the next step."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Final

import structlog

from monitor.controller.look import Look
from monitor.controller.next_move import next_move
from monitor.controller.situation import Situation
from monitor.controller.transitions import Transitions
from monitor.errors import FullbackError
from monitor.models.policy import Policy
from monitor.models.route import Route
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database
from monitor.telemetry import STEP_FAILURES

__all__ = ["Reconciler"]

_MOST_STEPS: Final = 12
_AT_ONCE: Final = 4
_log = structlog.get_logger("fullback.controller")


class Reconciler:
    """Brings every route from what is decided to what traffic proves. Only the leader runs it.

    Level-triggered: each step starts from what the database and the routers say now, never from memory. So it does not
    matter where the process before it ended, nor how often a step is taken.
    """

    def __init__(
        self,
        database: Database,
        policy_of: Callable[[str], Policy],
        transitions: Transitions,
        look: Look,
        patience_s: float = 2.0,
    ) -> None:
        """``patience_s``: a round ends after so long; a route whose router hangs is not stepped again until through."""
        self._database = database
        self._policy_of = policy_of
        self._transitions = transitions
        self._look = look
        self._patience_s = patience_s
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="reconcile")
        self._busy: dict[int, Future[None]] = {}

    def run(self) -> None:
        """Step every route as far as it goes now. One route's trouble does not hold up another's."""
        with self._database.reading() as session:
            routes = RouteStore(session).all()
        self._busy = {route_id: future for route_id, future in self._busy.items() if not future.done()}
        for route in routes:
            if route.id not in self._busy:
                self._busy[route.id] = self._pool.submit(self._through, route)
        wait(self._busy.values(), timeout=self._patience_s)

    def _through(self, route: Route) -> None:
        try:
            for _ in range(_MOST_STEPS):
                if not self.step(route):
                    break
        except FullbackError as error:
            STEP_FAILURES.labels(route.name).inc()
            _log.warning("step failed", route=route.name, code=error.code, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - the other routes must not wait for it; the trace is logged
            STEP_FAILURES.labels(route.name).inc()
            _log.exception("step failed unexpectedly", route=route.name, error=type(error).__name__)

    def step(self, route: Route) -> bool:
        """Take one step; True if the route's state changed and another step may follow.

        The route is read anew: a person may have changed it since the step before.
        """
        seen = self._seen(route)
        readings = self._look.at(seen)
        if readings is None:
            return False
        move = next_move(seen, readings)
        return move is not None and self._transitions.carry_out(seen, move)

    def _seen(self, route: Route) -> Situation:
        seen = self._transitions.situation(route, self._policy_of(route.policy))
        if seen.route.policy == route.policy:
            return seen
        return replace(seen, policy=self._policy_of(seen.route.policy))
