"""The service as ``fullback serve --role api`` runs it, with the writer's variations that are only compared here."""

import sys

import uvicorn

from monitor.config import Settings
from monitor.factory import Factory
from monitor.main import ServiceRole, calm_collector, create_app
from monitor.services.writer import GroupWriter
from monitor.storage.schema import check_schema
from monitor.telemetry import configure_logging

__all__ = ["main"]


def main(group_commit: bool) -> None:
    """Serve until a signal comes."""
    settings = Settings()
    configure_logging(settings.log_level)
    factory = Factory(settings)
    check_schema(factory.database)
    factory.__dict__["writer"] = GroupWriter(
        factory.database.url,
        factory.clock,
        queue_records=settings.queue_records,
        commit_timeout_s=settings.commit_timeout_s,
        group_commit=group_commit,
    )
    app = create_app(factory, ServiceRole.API)
    calm_collector()
    uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main(group_commit=sys.argv[1:] != ["--group-commit=off"])
