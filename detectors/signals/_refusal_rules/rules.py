"""The shape of one language's rules for refusals."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["LanguageRules", "expressions"]


@dataclass(frozen=True, slots=True)
class LanguageRules:
    """Regular expressions over folded text, each kind a text with one rule a paragraph; line breaks are not part of it.

    A name in capitals stands for the fragment of that name. Gaps are bounded, so that matching a bounded text
    takes bounded time.
    """

    inability: str
    """Declines by "cannot": said of knowledge or access, it is no refusal (``unknowing``)."""
    unwilling: str = ""
    """Declines outright: "I must decline", "I refuse"."""
    policy: str = ""
    """Names the model's rules as the reason."""
    moral: str = ""
    """Declines by calling the request wrong."""
    lecture: str = ""
    """What lectures are made of, a paragraph for each of seven kinds of words: what is wrong, what must not be, what is
    important, rights and respect, everyone, what to do instead, and harm. Several kinds together decline. Words are
    beginnings in small letters, with commas between them."""
    unknowing: str = ""
    """Does not know, has no access, cannot be sure: what excuses an ``inability``."""
    caveat: str = ""
    """Says what the answer is not ("medical advice"); with an ``offer`` it excuses an ``inability``."""
    later: str = ""
    """Phrases, one a line, of which a sentence after the opening must have one to be looked at."""
    offer: str = ""
    """Turns to what the model does give after all."""
    fragments: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def expressions(text: str, fragments: Mapping[str, str]) -> Iterator[re.Pattern[str]]:
    """Yield the rules of one text of :class:`LanguageRules`, compiled."""
    for name, fragment in fragments.items():
        text = text.replace(name, fragment)
    for paragraph in text.strip().split("\n\n"):
        if rule := "".join(paragraph.split("\n")):
            yield re.compile(rule)
