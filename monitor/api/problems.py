"""Errors as RFC 9457 problems: one handler for the tree, one for what FastAPI itself raises."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from monitor.errors import DatabaseUnavailableError, FullbackError, ValidationError

__all__ = ["install", "problem"]

_log = structlog.get_logger("fullback.api")


def problem(
    status: int, code: str, title: str, detail: str, headers: dict[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return a problem document."""
    return JSONResponse(
        {
            "type": f"https://fullback.dev/problems/{code}",
            "title": title,
            "status": status,
            "detail": detail,
            "code": code,
            **more,
        },
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Install the handlers."""

    @app.exception_handler(FullbackError)
    def own(_: Request, error: FullbackError) -> JSONResponse:
        return problem(error.status, error.code, error.title, error.detail, dict(error.headers), **error.extensions)

    @app.exception_handler(PoolTimeoutError)
    def busy(request: Request, _: PoolTimeoutError) -> JSONResponse:
        return own(request, DatabaseUnavailableError("no connection to PostgreSQL was free in time; send again"))

    @app.exception_handler(DataError)
    def not_storable(request: Request, _: DataError) -> JSONResponse:
        return own(request, ValidationError("a value cannot be stored: a NUL character, or a number out of range"))

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"pointer": "/" + "/".join(str(part) for part in one["loc"]), "detail": one["msg"]}
            for one in error.errors()
        ]
        detail = f"{errors[0]['pointer']}: {errors[0]['detail']}" if errors else "the request is not valid"
        return problem(422, "invalid", "Invalid request", detail, errors=errors[:20])

    @app.exception_handler(HTTPException)
    def http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, "http", str(error.detail), str(error.detail), dict(error.headers or {}))

    @app.exception_handler(Exception)
    def unexpected(_: Request, error: Exception) -> JSONResponse:
        _log.error("unexpected", error=type(error).__name__)
        return problem(500, "internal", "Internal error", f"unexpected {type(error).__name__}; nothing was changed")
