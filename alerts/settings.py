"""Reading a notifier's settings. Values may be secrets: no message ever shows one."""

import math
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["required", "seconds", "secret_url"]


def required(settings: Mapping[str, str], name: str) -> str:
    """The setting's value; ValueError names the setting when it is missing or blank."""
    value = settings.get(name, "").strip()
    if not value:
        raise ValueError(f"setting {name!r} is missing or empty; set it to enable this notifier")
    return value


def seconds(settings: Mapping[str, str], name: str, default: float) -> float:
    """The setting as a number of seconds above 0."""
    text = settings.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"setting {name!r} must be a number of seconds above 0")
    return value


def secret_url(url: str, name: str) -> str:
    """The address unchanged when it is safe to post to; ValueError names the setting and the broken rule."""
    problem = _url_problem(url)
    if problem is not None:
        raise ValueError(f"setting {name!r} {problem}")
    return url


def _url_problem(url: str) -> str | None:
    if not url.isascii() or not url.isprintable() or " " in url:
        return "must be a URL of printable ASCII characters without spaces"
    try:
        parts = urlsplit(url)
        host, has_user = parts.hostname, "@" in parts.netloc
        _ = parts.port
    except ValueError:
        return "is not a valid URL"
    if not host or has_user:
        return "must be a URL with a host and without a user name or password"
    if parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host)):
        return None
    return "must start with https:// (http:// is allowed for loopback hosts only)"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
