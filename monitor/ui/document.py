"""HTML documents: templates, security headers, static files, and errors as pages."""

import hashlib
import json
from collections.abc import Callable, Coroutine
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from typing_extensions import override

from monitor import __version__
from monitor.errors import AuthError, FullbackError, PayloadTooLargeError
from monitor.ui.session import COOKIE, forget

__all__ = ["ASSETS", "HEADERS", "PageRoute", "asset", "page"]

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_KINDS = {"fullback.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
ASSETS = {name: files("monitor.ui").joinpath("static", name).read_bytes() for name in _KINDS}
_HASHES = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in ASSETS.items()}
_MOST_FORM_BYTES = 4096
_log = structlog.get_logger("fullback.ui")

_templates = Environment(
    loader=PackageLoader("monitor.ui"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_templates.globals.update(
    version=__version__, static={name: f"/static/{name}?v={digest}" for name, digest in _HASHES.items()}
)
_templates.filters["pretty"] = lambda value: json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
_templates.filters["path"] = lambda text: quote(text, safe="")


def page(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template into a page with the headers every page carries."""
    return HTMLResponse(_templates.get_template(template).render(**values), status, HEADERS)


def asset(name: str, version: str) -> Response | None:
    """Return a static file, None if there is none; it may be kept for good under the address that names its hash."""
    if name not in ASSETS:
        return None
    keep = "public, max-age=31536000, immutable" if version == _HASHES[name] else "public, max-age=300"
    return Response(ASSETS[name], 200, {**HEADERS, "Cache-Control": keep}, _KINDS[name])


class PageRoute(APIRoute):
    """A route whose errors are pages, too."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                _refuse_large_form(request)
                return await answer(request)
            except AuthError:
                return _to_login(request)
            except FullbackError as error:
                return _failure(error.status, error.title, error.detail, error.headers)
            except RequestValidationError as error:
                first = error.errors()[0]
                return _failure(422, "Invalid request", f"{first['loc'][-1]}: {first['msg']}")
            except HTTPException as error:
                return _failure(error.status_code, "The request was refused", str(error.detail))
            except Exception as error:  # noqa: BLE001 - the border of the console: nobody is shown a stack trace
                _log.error("unexpected", error=type(error).__name__, path=request.url.path)
                return _failure(500, "Internal error", f"unexpected {type(error).__name__}; nothing was changed")

        return guarded


def _refuse_large_form(request: Request) -> None:
    if request.method != "POST":
        return
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > _MOST_FORM_BYTES:
        raise PayloadTooLargeError(f"a form must state its length and have at most {_MOST_FORM_BYTES} bytes")


def _to_login(request: Request) -> Response:
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    ended = "&ended=1" if COOKIE in request.cookies else ""
    response = RedirectResponse(f"/login?next={quote(target, safe='/')}{ended}", 303, HEADERS)
    if ended:
        forget(response, request)
    return response


def _failure(status: int, title: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    temporary = "Retry-After" in (headers or {})
    response = page("failure.html", status, title=title, detail=detail, code=status, reload=temporary)
    response.headers.update(headers or {})
    return response
