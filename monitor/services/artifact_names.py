"""What an artifact's name and metadata suggest that it is. Pure; a person confirms it.

Names are read by the rules of ``artifact_rules``. At most 512 characters are looked at, each rule once, so that the
time is bounded whatever the name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from monitor.models.artifact import Artifact
from monitor.models.variant import Tier
from monitor.services.artifact_metadata import stated_facts
from monitor.services.artifact_rules import BRANDING, FAMILIES, PUBLISHERS, RULES, Certainty, Rule, Value

__all__ = ["Reading", "Suggestion", "suggest"]

_MOST_CHARACTERS: Final = 512
_MOST_PIECE: Final = 64
_FULL_PRECISION: Final = 16
_CONVENTIONS: Final = {"awq": Certainty.LIKELY, "gptq": Certainty.GUESS}
"""Methods whose artifacts have 4 bits where their name does not say."""
_ON_INTEGERS: Final = frozenset({"awq", "gptq", "hqq", "aqlm", "autoround"})
_WIDTH_ONLY = re.compile(r"int\d|\d-bit")
_FP8_AND_CACHE = re.compile(r"fp8[-_.]kv", re.IGNORECASE)
"""Weights and cache in FP8, where nothing else tells the weights' precision."""
_FOR_THE_TIER: Final = frozenset({"retrained", "quantized"})
_QUARTER = re.compile(r"(?<![A-Za-z0-9])i?q([1-8])(?![A-Za-z0-9_])", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_UNREAD = re.compile(r"[^\x20-\x7e]")
_EDGES = " -_.,:@/+"
_PRECISION = frozenset({"bits", "method", "format", "adapter", "kv_cache", "speculative", "group_size"})
"""Facts whose pieces end the part of a name that tells the base model."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One fact, the piece of the name it was read from (or ``metadata: KEY``), and how sure that is."""

    value: Value
    piece: str
    certainty: Certainty

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {"value": self.value, "from": self.piece, "certainty": self.certainty.value}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a name suggests: a reading for each fact, the tier, format and base model among them, and doubts."""

    readings: Mapping[str, Reading]
    warnings: tuple[str, ...] = ()

    def value(self, name: str) -> Value | None:
        """Return what is suggested for a fact, None when nothing is."""
        found = self.readings.get(name)
        return None if found is None else found.value

    @property
    def artifact(self) -> Artifact:
        """The facts as they would be stored."""
        return Artifact.from_json({name: reading.value for name, reading in self.readings.items()})

    @property
    def tier(self) -> Tier:
        """What the artifact is to the same model in full precision."""
        return Tier(str(self.readings["tier"].value))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "readings": {name: reading.to_json() for name, reading in self.readings.items()},
            "artifact": self.artifact.to_json(),
            "warnings": list(self.warnings),
        }


def suggest(name: str, metadata: Mapping[str, Any] | None = None) -> Suggestion:
    """Return what a name and its metadata suggest.

    Args:
        name: A repository, file or served-model name; at most 512 characters are read.
        metadata: Fields of a model's configuration or of an engine's options, as far as they are known; what they
            state outranks the name.
    """
    warnings: list[str] = []
    folders, last = _parts(name, warnings)
    facts: dict[str, Reading] = {
        field: Reading(value, f"metadata: {key}", Certainty.STATED)
        for field, (value, key) in stated_facts(metadata or {}).items()
    }
    first = _read(last, facts, warnings)
    if len(folders) > 1:
        # in "org/name" the folder is a publisher's name; in a deeper path it may say more than the file
        _read(folders[-1], facts, warnings)
    publisher = folders[-1].lower() if folders else ""
    if publisher in PUBLISHERS:
        facts.setdefault("engine", Reading(PUBLISHERS[publisher], publisher, Certainty.LIKELY))
    _complete(facts, warnings)
    base = last[:first].strip(_EDGES)
    if base:
        facts.setdefault("base_model", Reading(base, base[:_MOST_PIECE], Certainty.GUESS))
    facts["tier"] = _tier(facts, warnings)
    shown = {field: reading for field, reading in facts.items() if field not in _FOR_THE_TIER}
    return Suggestion(shown, tuple(dict.fromkeys(warnings)))


def _parts(name: str, warnings: list[str]) -> tuple[list[str], str]:
    """Return the folders of a name and its last part, as printable ASCII."""
    if len(name) > _MOST_CHARACTERS:
        warnings.append(f"the name has {len(name)} characters; the first {_MOST_CHARACTERS} were read")
        name = name[:_MOST_CHARACTERS]
    if _CONTROL.search(name):
        warnings.append("the name has control characters; they were taken out")
    plain = _UNREAD.sub(" ", name).replace("\\", "/")
    *folders, last = [part.strip() for part in plain.split("/") if part.strip()] or [""]
    return folders, last


def _read(text: str, facts: dict[str, Reading], warnings: list[str]) -> int:
    """Read a name by every rule, and return where the first piece about precision stands."""
    left, first = text, len(text)
    for rule in RULES:
        for match in rule.pattern.finditer(left):
            if _take(rule, match, facts, warnings):
                first = min(first, match.start())
            if rule.warning is not None:
                warnings.append(rule.warning)
            left = f"{left[: match.start()]}{' ' * len(match[0])}{left[match.end() :]}"
    family = FAMILIES.search(text)
    if family is not None:
        facts.setdefault("mixture_of_experts", Reading(True, family[0], Certainty.LIKELY))
    return min(first, _bare(left, facts, warnings))


def _take(rule: Rule, match: re.Match[str], facts: dict[str, Reading], warnings: list[str]) -> bool:
    """Keep what a match gives, and return whether it is about precision."""
    piece = match[0].strip(_EDGES)[:_MOST_PIECE]
    about = False
    for name, given in rule.gives:
        value = given(match) if callable(given) else given
        if value is None:
            continue
        about = about or name in _PRECISION
        known = facts.get(name)
        if known is None:
            facts[name] = Reading(value, piece, rule.certainty)
        elif name == "bits" and known.value != value:
            warnings.append(f"{known.piece!r} and {piece!r} name different bit widths: confirm precision")
    return about


def _bare(left: str, facts: dict[str, Reading], warnings: list[str]) -> int:
    """Read a bare ``Q4``: a quantization beside GGUF, else as well a quarter of a year."""
    found = _QUARTER.search(left)
    if found is None:
        return len(left)
    if facts.get("method") is not None and facts["method"].value == "gguf":
        facts.setdefault("bits", Reading(float(found[1]), found[0], Certainty.LIKELY))
        facts.setdefault("format", Reading(f"gguf {found[0].lower()}", found[0], Certainty.LIKELY))
        return found.start()
    warnings.append(f"{found[0]!r} alone may be a quarter or a quantization: confirm precision")
    return len(left)


def _complete(facts: dict[str, Reading], warnings: list[str]) -> None:
    """Add what follows from the facts: bits by convention, a format; and doubt what contradicts."""
    cache = facts.get("kv_cache")
    if cache is not None and "bits" not in facts and _FP8_AND_CACHE.fullmatch(cache.piece):
        eight = Reading(8.0, cache.piece, Certainty.LIKELY)
        facts |= {"bits": eight, "activation_bits": eight}
        facts |= {name: Reading("fp8", cache.piece, Certainty.LIKELY) for name in ("method", "format")}
    method = facts.get("method")
    if method is None:
        return
    if "bits" not in facts and method.value in _CONVENTIONS:
        facts["bits"] = Reading(4.0, method.piece, _CONVENTIONS[str(method.value)])
    bits = facts.get("bits")
    if bits is None:
        warnings.append(f"{method.piece!r} does not say how many bits: confirm precision")
    known = facts.get("format")
    if known is None or (method.value in _ON_INTEGERS and _WIDTH_ONLY.fullmatch(str(known.value))):
        width = f"-int{float(bits.value):g}" if bits is not None and method.value in _ON_INTEGERS else ""
        facts["format"] = Reading(f"{method.value}{width}", method.piece, method.certainty)


def _tier(facts: Mapping[str, Reading], warnings: list[str]) -> Reading:
    for name in ("adapter", "pruned", "retrained"):
        if name in facts:
            return Reading(Tier.DERIVED.value, facts[name].piece, facts[name].certainty)
    bits = facts.get("bits")
    fewer = bits is not None and float(bits.value) < _FULL_PRECISION
    if "distilled" in facts:
        warnings.append("distilled: `derived`, unless the route's baseline is the same distilled model")
        if not fewer:
            return Reading(Tier.DERIVED.value, facts["distilled"].piece, Certainty.GUESS)
    if bits is not None:
        tier = Tier.QUANTIZED if fewer else Tier.SERVING
        return Reading(tier.value, bits.piece, bits.certainty)
    for name in ("method", "quantized"):
        if name in facts:
            return Reading(Tier.QUANTIZED.value, facts[name].piece, facts[name].certainty)
    if BRANDING not in warnings and "quantized" not in facts:
        warnings.append("nothing in the name tells the precision: confirm precision")
    return Reading(Tier.SERVING.value, "", Certainty.GUESS)
