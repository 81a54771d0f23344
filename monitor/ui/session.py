"""Who is looking: the console's cookie, its check, and what keeps other sites from posting here."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import Request, Response

from monitor.errors import ForbiddenError
from monitor.factory import Factory
from monitor.models.finding import Finding
from monitor.models.key import ApiKey, Scope

__all__ = ["COOKIE", "Viewer", "forget", "local_path", "refuse_foreign_post", "remember", "viewer_of"]

COOKIE = "fullback_key"
_FROM_HERE = {"same-origin", "none"}


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person at the console; without a key (``ui_auth`` "off") everything is shown."""

    key: ApiKey | None = None

    @property
    def name(self) -> str | None:
        """Who holds the key."""
        return None if self.key is None else self.key.source

    def sees(self, route: str) -> bool:
        """Tell whether a route is shown."""
        return self.key is None or self.key.bound_to(route)

    def sees_finding(self, finding: Finding) -> bool:
        """Tell whether a finding is shown."""
        return self.key is None or finding.shown_to(self.key)


def viewer_of(parts: Factory, request: Request) -> Viewer:
    """Return the viewer.

    Raises:
        AuthError: the console asks for a key, and the cookie holds none that is valid.
        ForbiddenError: the key may not read.
    """
    if parts.settings.ui_auth == "off":
        return Viewer()
    return Viewer(parts.keys.check(request.cookies.get(COOKIE), Scope.READ))


def remember(response: Response, request: Request, text: str) -> None:
    """Put the key into a cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(COOKIE, text, path="/", httponly=True, samesite="strict", secure=_is_https(request))


def forget(response: Response, request: Request) -> None:
    """Take the cookie back."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=_is_https(request))


def _is_https(request: Request) -> bool:
    """Tell whether the browser speaks https; a proxy in front says so, and a lie only costs its teller a cookie."""
    return "https" in {request.url.scheme, request.headers.get("x-forwarded-proto", "").lower()}


def local_path(text: str) -> str:
    """Return a path on this site, ``/`` for anything that could lead elsewhere."""
    if not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable():
        return "/"
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else text


def refuse_foreign_post(parts: Factory, request: Request) -> None:
    """Refuse a form that another site posts. A client that sends neither header is not a browser and has no cookie.

    Raises:
        ForbiddenError: the request comes from another site.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        foreign = site.lower() not in _FROM_HERE
    elif origin is not None:
        own = {request.headers.get("host", "").lower(), urlsplit(parts.settings.public_url).netloc.lower()}
        foreign = origin.lower().partition("://")[2] not in own
    else:
        foreign = False
    if foreign:
        raise ForbiddenError("the form was posted from another site; open the console and send it from there")
