"""HTTPRoutes of invented services."""

from typing import Any


def backend(name: str, weight: int | None = None, **fields: Any) -> dict[str, Any]:
    return {"name": name, "port": 8000, **({} if weight is None else {"weight": weight}), **fields}


def mirror(to: str | dict[str, Any], **options: Any) -> dict[str, Any]:
    return {
        "type": "RequestMirror",
        "requestMirror": {"backendRef": backend(to) if isinstance(to, str) else to, **options},
    }


def rule(name: str | None, *refs: dict[str, Any], path: str = "/v1", **fields: Any) -> dict[str, Any]:
    return {
        **({} if name is None else {"name": name}),
        "matches": [{"path": {"type": "PathPrefix", "value": path}}],
        "backendRefs": list(refs),
        **fields,
    }


def main_rule(**fields: Any) -> dict[str, Any]:
    """The candidate serves and a tenth is copied to the baseline."""
    filters = {"filters": [mirror("base", percent=10)]}
    return rule("main", backend("base", 0), backend("cand", 100), **{**filters, **fields})


def http_route(name: str, *rules: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": "llm", **metadata},
        "spec": {"parentRefs": [{"name": "edge"}], "rules": list(rules) or [main_rule()]},
    }
