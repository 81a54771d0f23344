"""Attribution rules made ready for the ingest path: compiled once, looked up by what an event says of itself. Pure."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from monitor.models.event import Event, Leg
from monitor.models.route import Route
from monitor.models.rule import Comparison, MatchField, Pattern, Rule
from monitor.models.variant import Variant

__all__ = ["NO_RULES", "ReadyRule", "RuleSet", "ready"]

_REMEMBERED = 4096
_Traits = tuple[str | None, ...]
_Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class ReadyRule:
    """A rule with its names looked up and its patterns compiled."""

    name: str
    tests: tuple[tuple[int, _Test], ...]
    route: Route
    variant: Variant | None
    leg: Leg | None

    def covers(self, traits: _Traits) -> bool:
        """Tell whether every condition holds."""
        for place, test in self.tests:
            value = traits[place]
            if not value or not test(value):
                return False
        return True


class RuleSet:
    """The rules in their order. Which of them cover a combination of values is worked out once and remembered."""

    def __init__(self, rules: Iterable[ReadyRule] = ()) -> None:
        self._rules = tuple(rules)
        self._seen: dict[_Traits, tuple[ReadyRule, ...]] = {}

    def __len__(self) -> int:
        return len(self._rules)

    def covering(self, event: Event, source: str) -> Sequence[ReadyRule]:
        """Return the rules that cover an event, in their order."""
        if not self._rules:
            return ()
        traits = _traits(event, source)
        found = self._seen.get(traits)
        if found is None:
            found = tuple(rule for rule in self._rules if rule.covers(traits))
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[traits] = found
        return found


NO_RULES = RuleSet()


def ready(rules: Iterable[Rule], routes: Mapping[str, Route], variants: Mapping[int, Sequence[Variant]]) -> RuleSet:
    """Compile rules. One whose route or variant is gone covers nothing."""
    compiled = []
    for rule in rules:
        route = routes.get(rule.route)
        if route is None:
            continue
        variant = next((one for one in variants.get(route.id, ()) if one.name == rule.variant), None)
        if rule.variant is not None and variant is None:
            continue
        tests = tuple((_PLACES[field], _test(pattern)) for field, pattern in rule.match.items())
        compiled.append(ReadyRule(rule.name, tests, route, variant, rule.leg))
    return RuleSet(compiled)


_PLACES = {field: place for place, field in enumerate(MatchField)}


def _traits(event: Event, source: str) -> _Traits:
    """Return what rules look at, in the order of ``MatchField``."""
    return (
        event.service,
        event.namespace,
        event.backend,
        event.requested_model,
        event.response_model,
        event.system_fingerprint,
        source,
        event.host,
    )


def _test(pattern: Pattern) -> _Test:
    match pattern.comparison:
        case Comparison.EXACT:
            return pattern.text.__eq__
        case Comparison.PREFIX:
            prefix = pattern.text
            return lambda value: value.startswith(prefix)
        case Comparison.GLOB:
            compiled = re.compile(fnmatch.translate(pattern.text))
            return lambda value: compiled.match(value) is not None
