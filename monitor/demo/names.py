"""The demo's names: the route, its variants, and what Envoy calls them."""

__all__ = ["BASELINE", "CANDIDATE", "ROUTE"]

ROUTE = "chat-70b"
BASELINE = "bf16"
CANDIDATE = "int4"
