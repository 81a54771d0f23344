"""What is kept of a route's texts: nothing, until its owner says otherwise."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from typing_extensions import override

__all__ = ["BUILT_IN_RULES", "NO_TEXT", "RedactionRule", "TextMode", "TextPolicy"]

BUILT_IN_RULES: Final = ("email", "key", "card", "ip", "phone")
"""Redaction rules known by name, in the order they are applied."""

_MOST_RULES = 16
_LONGEST_PATTERN = 512
_LONGEST_REPLACEMENT = 64
_LONGEST_RETENTION_DAYS = 3650
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class TextMode(StrEnum):
    """Which events' texts are kept."""

    NONE = "none"
    FAILURES = "failures"
    """Those with a bad signal or a failed outcome."""
    SAMPLE = "sample"
    """A fixed share of the requests, both legs or neither."""
    ALL = "all"


@dataclass(frozen=True, slots=True)
class RedactionRule:
    """A pattern of the route's own, and what stands in its place. RE2 syntax.

    Raises:
        ValueError: the name, the pattern's length or the replacement breaks its rule.
    """

    name: str
    pattern: str
    replace: str = ""
    """Literal text; empty stands for the name in brackets."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in BUILT_IN_RULES:
            raise ValueError(
                f"redact: name must be a lower-case word that is not built in ({', '.join(BUILT_IN_RULES)}), "
                f"got {self.name[:64]!r}"
            )
        if not 0 < len(self.pattern) <= _LONGEST_PATTERN:
            raise ValueError(
                f"redact rule {self.name!r}: pattern must have 1 to {_LONGEST_PATTERN} characters, "
                f"got {len(self.pattern)}"
            )
        if len(self.replace) > _LONGEST_REPLACEMENT or "\0" in self.pattern + self.replace:
            raise ValueError(
                f"redact rule {self.name!r}: replace must have at most {_LONGEST_REPLACEMENT} characters, without NUL"
            )

    @property
    def replacement(self) -> str:
        """What stands in the place of a match."""
        return self.replace or f"[{self.name}]"


@dataclass(frozen=True, slots=True)
class TextPolicy:
    """Which texts of a route are kept, how long, and what is taken out of them first.

    Raises:
        ValueError: a field is out of its range, or a rule is unknown or doubled.
    """

    mode: TextMode = TextMode.NONE
    sample_percent: float = 1.0
    """Share of the requests kept by ``sample``."""
    retention_days: int = 7
    redact: tuple[str | RedactionRule, ...] = BUILT_IN_RULES
    """Names of built-in rules, and rules of the route's own."""

    def __post_init__(self) -> None:
        if not 0 <= self.sample_percent <= 100:  # noqa: PLR2004 - percent
            raise ValueError(f"sample_percent must be in 0 to 100, got {self.sample_percent!r}")
        if not 1 <= self.retention_days <= _LONGEST_RETENTION_DAYS:
            raise ValueError(f"retention_days must be in 1 to {_LONGEST_RETENTION_DAYS}, got {self.retention_days!r}")
        if len(self.redact) > _MOST_RULES:
            raise ValueError(f"redact must have at most {_MOST_RULES} rules, got {len(self.redact)}")
        names = [rule if isinstance(rule, str) else rule.name for rule in self.redact]
        for rule in self.redact:
            if isinstance(rule, str) and rule not in BUILT_IN_RULES:
                raise ValueError(f"redact: there is no rule {rule[:64]!r}; built in: {', '.join(BUILT_IN_RULES)}")
        if len(set(names)) != len(names):
            raise ValueError("redact: every name may appear once")

    @override
    def __str__(self) -> str:
        share = f" {self.sample_percent:g} %" if self.mode is TextMode.SAMPLE else ""
        names = ", ".join(rule if isinstance(rule, str) else rule.name for rule in self.redact) or "nothing"
        return f"{self.mode.value}{share}, {self.retention_days} days, redacting {names}"

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "mode": self.mode.value,
            "sample_percent": self.sample_percent,
            "retention_days": self.retention_days,
            "redact": [
                rule
                if isinstance(rule, str)
                else {"name": rule.name, "pattern": rule.pattern, "replace": rule.replacement}
                for rule in self.redact
            ],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TextPolicy":
        """Inverse of ``to_json``; what is absent has its default."""
        fields = dict(document)
        if "mode" in fields:
            fields["mode"] = TextMode(fields["mode"])
        if "redact" in fields:
            fields["redact"] = tuple(
                rule if isinstance(rule, str) else RedactionRule(**rule) for rule in fields["redact"]
            )
        return cls(**fields)


NO_TEXT: Final = TextPolicy()
"""The default: no text is kept."""
