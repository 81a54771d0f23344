"""A record's shape without its text, for the dead-letter table."""

from typing import Any, Final

import msgspec

__all__ = ["skeleton"]

KNOWN_KEYS: Final = frozenset(
    """
    request_id started_at event_id attempt backend host mirrored leg route variant requested_model session_id subject
    status error duration_ms ttft_ms queue_ms request response response_sse stream
    model messages role content text type name system prompt input output instructions tools tool_calls
    tool_choice functions function function_call parameters arguments input_schema response_format json_schema
    json_object schema format strict max_tokens max_completion_tokens max_output_tokens temperature top_p n
    seed stop stream_options choices index message delta refusal finish_reason stop_reason usage prompt_tokens
    completion_tokens total_tokens input_tokens output_tokens id object created system_fingerprint
    incomplete_details reason code call_id param
    start_time req_id x-request-id upstream_cluster cluster response_code duration response_flags
    response_code_details attempt_count upstream_request_attempt_count route_name authority :authority
    x-session-id method path protocol bytes_sent bytes_received upstream_host data events records
    """.split()  # noqa: SIM905
)
MAX_DEPTH: Final = 6
MAX_ITEMS: Final = 4
MAX_KEYS: Final = 32


def skeleton(raw: bytes, limit: int = 2048) -> str | None:
    """Return the shape of a record in at most ``limit`` characters, or None if it is not JSON.

    A string stands as ``"<N chars>"``, a number as ``"<number>"`` and a key that is no known field name as
    ``"<key>"``, so that nothing a user or a model wrote is left.
    """
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    shape = msgspec.json.encode(_shape(value, MAX_DEPTH)).decode()
    return shape if len(shape) <= limit else shape[: max(0, limit - 1)] + "…"


def _shape(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return f"<{len(value)} chars>"
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return "<number>"
    if depth == 0:
        return f"<{'object' if isinstance(value, dict) else 'array'} of {len(value)}>"
    if isinstance(value, list):
        shapes = [_shape(item, depth - 1) for item in value[:MAX_ITEMS]]
        return [*shapes, f"<{len(value) - MAX_ITEMS} more>"] if len(value) > MAX_ITEMS else shapes
    return _object_shape(value, depth)


def _object_shape(value: dict[str, Any], depth: int) -> dict[str, Any]:
    shapes: dict[str, Any] = {}
    for count, (key, item) in enumerate(value.items()):
        if count == MAX_KEYS:
            shapes[f"<{len(value) - MAX_KEYS} more>"] = None
            break
        if key in KNOWN_KEYS:
            shapes[key] = _shape(item, depth - 1)
        else:
            shapes.setdefault("<key>", _shape(item, depth - 1))
    return shapes
