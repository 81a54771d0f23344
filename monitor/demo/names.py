"""The demo's names: the route, its variants, and what Envoy calls them; and how long Envoy waits for them."""

__all__ = ["BASELINE", "CANDIDATE", "GATEWAY_TIMEOUT_S", "ROUTE"]

ROUTE = "chat-70b"
BASELINE = "bf16"
CANDIDATE = "int4"
GATEWAY_TIMEOUT_S = 10
"""How long the gateway waits for a whole answer; a good one takes two seconds."""
