"""The application: routers, error handling, and what runs while it does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

from fastapi import FastAPI

from monitor import __version__
from monitor.api import health, history, ingest, policies, problems, routes
from monitor.factory import Factory
from monitor.scheduler import Worker
from monitor.storage.schema import check_schema
from monitor.ui import views

__all__ = ["ServiceRole", "create_app"]


class ServiceRole(StrEnum):
    """What a process does."""

    ALL = "all"
    API = "api"
    WORKER = "worker"


def create_app(factory: Factory, role: ServiceRole = ServiceRole.ALL) -> FastAPI:
    """Build the application of a role. A worker serves only health and metrics."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.factory = factory
        check_schema(factory.database)
        worker = None if role is ServiceRole.API else Worker(factory)
        if role is not ServiceRole.WORKER:
            factory.writer.start()
        if worker is not None:
            worker.start()
        try:
            yield
        finally:
            if worker is not None:
                worker.stop()
            if role is not ServiceRole.WORKER:
                await factory.writer.stop()
            factory.database.close()

    app = FastAPI(
        title="Fullback",
        version=__version__,
        summary="Watches quantized LLM variants in production and falls back to full precision when they drift.",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    problems.install(app)
    app.include_router(health.router)
    if role is not ServiceRole.WORKER:
        for router in (ingest.router, routes.router, policies.router, history.router):
            app.include_router(router)
        views.install(app)
    return app
