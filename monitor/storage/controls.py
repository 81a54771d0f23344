"""The controller's row per route; every change is conditional on what the writer last saw."""

from dataclasses import replace

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.models.route import DesiredRoute, Goal, Phase, RouteControl, RouteSnapshot, Stage
from monitor.storage.tables import RouteControlRow

__all__ = ["ControlStore"]


class ControlStore:
    """Rows of ``route_controls``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, control: RouteControl) -> None:
        """Store the first row of a route."""
        self._session.add(RouteControlRow(route_id=control.route_id, **_values(control)))
        self._session.flush()

    def get(self, route_id: int) -> RouteControl:
        """Return the row of a route."""
        return _control(self._session.get_one(RouteControlRow, route_id, populate_existing=True))

    def all(self) -> list[RouteControl]:
        """Return the row of every route."""
        return [_control(row) for row in self._session.scalars(select(RouteControlRow))]

    def replace(self, seen: RouteControl, new: RouteControl) -> bool:
        """Store ``new``, one version on, if the row still is as ``seen``; one writer wins, False is a loss.

        The version tells of every write, those too that keep the phase. The rest is compared for the release before
        the version, which raises none while it is being replaced: a person's pin is never written over.
        """
        result = self._session.execute(
            update(RouteControlRow)
            .where(
                RouteControlRow.route_id == seen.route_id,
                RouteControlRow.version == seen.version,
                RouteControlRow.phase == seen.phase,
                RouteControlRow.phase_since == seen.phase_since,
                RouteControlRow.epoch == seen.epoch,
                RouteControlRow.pinned_by.is_not_distinct_from(seen.pinned_by),
                RouteControlRow.pinned_until.is_not_distinct_from(seen.pinned_until),
            )
            .values(**_values(replace(new, version=seen.version + 1)))
        )
        return result.rowcount == 1  # type: ignore[attr-defined, no-any-return]


def _values(control: RouteControl) -> dict[str, object]:
    return {
        "phase": control.phase,
        "phase_since": control.phase_since,
        "goal": control.goal,
        "actor": control.actor,
        "epoch": control.epoch,
        "desired": {name: one.to_json() for name, one in control.desired.items()},
        "before": {name: one.to_json() for name, one in control.before.items()},
        "applied_at": control.applied_at,
        "incident_id": control.incident_id,
        "pinned_by": control.pinned_by,
        "pinned_until": control.pinned_until,
        "stages": [stage.to_json() for stage in control.stages],
        "stage": control.stage,
        "backed_off": control.backed_off,
        "reasserted": control.reasserted,
        "told": control.told,
        "condemned": dict(control.condemned),
        "version": control.version,
    }


def _control(row: RouteControlRow) -> RouteControl:
    return RouteControl(
        route_id=row.route_id,
        phase=Phase(row.phase),
        phase_since=row.phase_since,
        goal=Goal(row.goal),
        actor=row.actor,
        epoch=row.epoch,
        desired={name: DesiredRoute.from_json(one) for name, one in row.desired.items()},
        before={name: RouteSnapshot.from_json(one) for name, one in row.before.items()},
        applied_at=row.applied_at,
        incident_id=row.incident_id,
        pinned_by=row.pinned_by,
        pinned_until=row.pinned_until,
        stages=tuple(Stage.from_json(one) for one in row.stages),
        stage=row.stage,
        backed_off=row.backed_off,
        reasserted=row.reasserted,
        told=row.told,
        condemned=dict(row.condemned),
        version=row.version,
    )
