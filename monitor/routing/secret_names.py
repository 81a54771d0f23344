"""Which environment variables a route's settings may name as secrets."""

import re
from typing import Final

__all__ = ["ENV_PREFIX", "is_secret_name"]

ENV_PREFIX: Final = "FULLBACK_TARGET_"
"""Whoever may change a route chooses both an address and the name of a secret that is sent there: the service's other
secrets must not be within reach."""

_NAME = re.compile(rf"{ENV_PREFIX}[A-Za-z0-9_]{{1,100}}")


def is_secret_name(name: object) -> bool:
    """Tell whether a setting may name this variable."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None
