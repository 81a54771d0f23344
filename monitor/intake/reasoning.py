"""Whether a request asks the model to reason before it answers, in the spellings of the APIs and of the engines.

Known from the request alone. A model that reasons whatever it is asked is not told by this.
"""

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["REASONING_FIELDS", "asks_reasoning"]

_DIRECT: Final = ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "think")
_TEMPLATE: Final = "chat_template_kwargs"
REASONING_FIELDS: Final = (*_DIRECT, _TEMPLATE)
"""The fields of a request's body that tell: OpenAI's two, Anthropic's, Qwen's, Ollama's, and vLLM's and SGLang's."""
_OFF: Final = frozenset({"none", "off", "disabled", "false"})
_IN_TEMPLATE: Final = ("enable_thinking", "thinking", "reasoning_effort")


def asks_reasoning(body: Mapping[str, Any]) -> bool:
    """Tell whether a request's body turns reasoning on: an effort, a budget, or a switch; ``none`` turns it off."""
    template = body.get(_TEMPLATE)
    if isinstance(template, dict) and any(_switched_on(template.get(name)) for name in _IN_TEMPLATE):
        return True
    return any(name in body and (_switched_on(body[name]) or _configured(body[name])) for name in _DIRECT)


def _switched_on(given: Any) -> bool:
    """Tell whether a switch is on, or an effort is named."""
    return given is True or (isinstance(given, str) and given != "" and given.lower() not in _OFF)


def _configured(given: Any) -> bool:
    """Tell whether an object such as ``{"effort": "high"}`` or ``{"type": "enabled"}`` turns reasoning on."""
    if not isinstance(given, dict) or given.get("enabled") is False:
        return False
    told = given.get("effort", given.get("type"))
    if told is not None:
        return isinstance(told, str) and _switched_on(told)
    budget = given.get("max_tokens", given.get("budget_tokens"))
    return given.get("enabled") is True or (isinstance(budget, int) and budget > 0)
