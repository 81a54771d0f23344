"""What refusals look like, by language: a new language is a file here and a line below."""

from detectors.signals._refusal_rules import (
    arabic,
    chinese,
    dutch,
    english,
    french,
    german,
    hindi,
    italian,
    japanese,
    korean,
    polish,
    portuguese,
    russian,
    spanish,
    turkish,
)
from detectors.signals._refusal_rules.rules import LanguageRules, expressions

__all__ = ["LANGUAGES", "LanguageRules", "expressions"]

LANGUAGES = tuple(
    language.RULES
    for language in (
        english,
        german,
        french,
        spanish,
        italian,
        portuguese,
        dutch,
        polish,
        russian,
        turkish,
        arabic,
        hindi,
        chinese,
        japanese,
        korean,
    )
)
