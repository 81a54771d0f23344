"""The application: routers, error handling, and what runs while it does."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

from fastapi import FastAPI

from monitor import __version__
from monitor.api import (
    attribution,
    faults,
    findings,
    freezes,
    health,
    history,
    ingest,
    policies,
    problems,
    routes,
    streams,
    subjects,
    timeline,
    variants,
)
from monitor.api.bodies import Bodies
from monitor.api.lookups import LookUps
from monitor.factory import Factory
from monitor.scheduler import Worker
from monitor.server import CloseWhileDraining
from monitor.storage.schema import check_schema
from monitor.ui import views

__all__ = ["ServiceRole", "calm_collector", "create_app"]

_OBJECTS_PER_COLLECTION = 100_000


class ServiceRole(StrEnum):
    """What a process does."""

    ALL = "all"
    API = "api"
    WORKER = "worker"


def calm_collector() -> None:
    """Look for cycles of garbage seldom: decoded records hold many objects and no cycles."""
    gc.freeze()
    gc.set_threshold(_OBJECTS_PER_COLLECTION, 20, 20)


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
            app.state.look_ups.close()
            factory.database.close()

    app = FastAPI(
        title="Fullback",
        version=__version__,
        summary="Watches quantized LLM variants in production and falls back to full precision when they drift.",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.bodies = Bodies(max_bytes=factory.limits.max_body_bytes, timeout_s=factory.settings.body_timeout_s)
    app.state.look_ups = LookUps(factory.settings.commit_timeout_s)
    app.add_middleware(CloseWhileDraining, drain=factory.drain)
    problems.install(app)
    app.include_router(health.router)
    if role is not ServiceRole.WORKER:
        for router in (
            ingest.router,
            routes.router,
            variants.router,
            policies.router,
            history.router,
            streams.router,
            faults.router,
            subjects.router,
            attribution.router,
            findings.router,
            freezes.router,
            timeline.router,
        ):
            app.include_router(router)
        views.install(app)
    return app
