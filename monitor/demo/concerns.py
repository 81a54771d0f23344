"""Which requests a fault concerns: a function of the request alone."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from monitor.demo.answers import asks_bullets, calls_made, is_delicate, kind_of, language_asked, schema_of
from monitor.demo.scenarios import LONG_CHARS, SCHEMAS

__all__ = [
    "Concerns",
    "agent_steps",
    "anything",
    "chats",
    "delicate",
    "english_chats",
    "english_prose",
    "first_calls",
    "german_chats",
    "lists",
    "long_prompts",
    "nothing",
    "one_right_answer",
    "recall_notices",
    "structured",
    "with_logprobs",
]

Concerns: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""Tells of a request whether its answer is in danger."""


def nothing(_: Mapping[str, Any]) -> bool:
    """Concern no request."""
    return False


def anything(_: Mapping[str, Any]) -> bool:
    """Concern every request."""
    return True


def structured(request: Mapping[str, Any]) -> bool:
    """Concern requests for a JSON answer."""
    return kind_of(request) == "structured"


def first_calls(request: Mapping[str, Any]) -> bool:
    """Concern an agent's requests in which the user has just spoken."""
    return kind_of(request) == "tools" and not calls_made(request)


def agent_steps(request: Mapping[str, Any]) -> bool:
    """Concern an agent's requests with the result of a call."""
    return kind_of(request) == "tools" and bool(calls_made(request))


def one_right_answer(request: Mapping[str, Any]) -> bool:
    """Concern requests whose answer is data, not prose."""
    return structured(request) or first_calls(request)


def chats(request: Mapping[str, Any]) -> bool:
    """Concern chats that a model answers."""
    return kind_of(request) == "chat" and not is_delicate(request)


def english_chats(request: Mapping[str, Any]) -> bool:
    """Concern chats in English."""
    return chats(request) and language_asked(request) == "en"


def german_chats(request: Mapping[str, Any]) -> bool:
    """Concern chats in German."""
    return kind_of(request) == "chat" and language_asked(request) == "de"


def english_prose(request: Mapping[str, Any]) -> bool:
    """Concern chats in English that ask for no list."""
    return english_chats(request) and not asks_bullets(request)


def delicate(request: Mapping[str, Any]) -> bool:
    """Concern chats that the models decline."""
    return kind_of(request) == "chat" and is_delicate(request)


def long_prompts(request: Mapping[str, Any]) -> bool:
    """Concern requests with long prompts."""
    return sum(len(message.get("content") or "") for message in request["messages"]) > LONG_CHARS


def recall_notices(request: Mapping[str, Any]) -> bool:
    """Concern requests for the rare JSON Schema."""
    return structured(request) and schema_of(request) == SCHEMAS["recall"]


def lists(request: Mapping[str, Any]) -> bool:
    """Concern chats that ask for a list."""
    return chats(request) and asks_bullets(request)


def with_logprobs(request: Mapping[str, Any]) -> bool:
    """Concern requests for log-probabilities."""
    return bool(request.get("logprobs"))
