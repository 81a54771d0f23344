"""The service as ``fullback serve --role api`` runs it, with the writer's variations that are only compared here."""

import argparse
import asyncio
from collections.abc import Sequence

import uvicorn

from monitor.config import Settings
from monitor.factory import Factory
from monitor.main import ServiceRole, calm_collector, create_app
from monitor.services.writer import Batch, BatchResult, GroupWriter
from monitor.storage.schema import check_schema
from monitor.telemetry import configure_logging

__all__ = ["WriterPool", "main"]


class WriterPool:
    """Several writers, each with a connection of its own; a request goes to the one with the shortest queue."""

    def __init__(self, writers: Sequence[GroupWriter]) -> None:
        self._writers = tuple(writers)

    def start(self) -> None:
        """Start every writer."""
        for writer in self._writers:
            writer.start()

    async def stop(self) -> None:
        """Commit what is queued, then end."""
        await asyncio.gather(*(writer.stop() for writer in self._writers))

    @property
    def queued(self) -> int:
        """Records that wait for a commit."""
        return sum(writer.queued for writer in self._writers)

    @property
    def queued_bytes(self) -> int:
        """What they take of the memory, about."""
        return sum(writer.queued_bytes for writer in self._writers)

    async def submit(self, batch: Batch) -> BatchResult:
        """Store a batch; returns after its commit."""
        return await min(self._writers, key=lambda writer: writer.queued).submit(batch)


def main(writers: int, *, group_commit: bool) -> None:
    """Serve until a signal comes."""
    settings = Settings()
    configure_logging(settings.log_level)
    factory = Factory(settings)
    check_schema(factory.database)
    factory.__dict__["writer"] = WriterPool(
        [
            GroupWriter(
                factory.database.url,
                factory.clock,
                queue_records=settings.queue_records,
                commit_timeout_s=settings.commit_timeout_s,
                group_commit=group_commit,
            )
            for _ in range(writers)
        ]
    )
    app = create_app(factory, ServiceRole.API)
    calm_collector()
    uvicorn.run(app, host=settings.host, port=settings.port, log_config=None, access_log=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--group-commit", choices=["on", "off"], default="on")
    parser.add_argument("--writers", type=int, default=1)
    told = parser.parse_args()
    main(told.writers, group_commit=told.group_commit == "on")
