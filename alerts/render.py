"""An alert as a Slack message. Pure: the same alert always renders to the same message."""

from dataclasses import dataclass
from typing import Any

from alerts.markup import clean, code, date, escape, link_url, one_line, utc_iso
from alerts.types import Alert, AlertKind, Effect, Fact
from alerts.wording import KINDS, SEVERITIES, arms, difference, interval, sample

__all__ = ["Rendered", "render"]

HEADER_LIMIT = 150
FIELDS_LIMIT = 10

# Tighter than Slack's limits for each part (section 3000, field 2000, address 3000), because a message whose
# blocks add up to about 13 000 characters is refused although every part fits.
HEADLINE_LIMIT = 2000
LABEL_LIMIT = 60
VALUE_LIMIT = 400
NEXT_STEP_LIMIT = 1000
URL_LIMIT = 1000
NAME_LIMIT = 200

RESTORED_COLOR = "#2eb886"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message: ``text`` stands alone (notifications, screen readers); ``blocks`` are what a channel shows.

    The first ``lead`` blocks are the message proper; the rest is detail, shown beside a bar of ``color``.
    """

    text: str
    blocks: tuple[dict[str, Any], ...]
    color: str
    lead: int


def render(alert: Alert) -> Rendered:
    """The message for an alert: within Slack's limits and safe, whatever the fields hold."""
    evidence = link_url(alert.evidence_url, URL_LIMIT)
    lead = [_header(alert), _headline(alert), *_next_step(alert), *_actions(evidence)]
    details = [*_fields(alert), _context(alert, evidence)]
    return Rendered(text=_text(alert), blocks=(*lead, *details), color=_color(alert), lead=len(lead))


def _text(alert: Alert) -> str:
    candidate, baseline = _name(alert.candidate, NAME_LIMIT), _name(alert.baseline, NAME_LIMIT)
    words, at = KINDS[alert.kind], utc_iso(alert.occurred_at)
    where = words.where.format(route=_name(alert.route, NAME_LIMIT))
    what = words.sentence.format(candidate=candidate, baseline=baseline)
    sentences = [f"{SEVERITIES[alert.severity].label}: {where}{what}, at {at}"]
    if headline := clean(alert.headline, 1000):
        sentences.append(headline)
    if alert.effect is not None:
        sentences.append(_effect_sentence(alert.effect))
    text = " ".join(s if s.endswith((".", "!", "?", "…")) else f"{s}." for s in sentences)
    step = clean(alert.next_step or "", 600)
    return f"{text} Next step: {step}" if step else text  # no full stop after a command


def _effect_sentence(effect: Effect) -> str:
    estimate = f"difference {difference(effect)} ({interval(effect)}; {sample(effect)})"
    return f"{_name(effect.signal, 100)}: {arms(effect)}, {clean(estimate, 300)}."


def _header(alert: Alert) -> dict[str, Any]:
    kind, severity = KINDS[alert.kind], SEVERITIES[alert.severity]
    route, candidate = (escape(one_line(name) or "–", 48) for name in (alert.route, alert.candidate))
    line = f"{kind.emoji} {kind.label} · {severity.emoji} {severity.label} · {route} / {candidate}"
    return {"type": "header", "text": {"type": "plain_text", "text": line, "emoji": False}}


def _headline(alert: Alert) -> dict[str, Any]:
    headline = clean(alert.headline, HEADLINE_LIMIT) or "No headline was given."
    return {"type": "section", "text": _mrkdwn(headline)}


def _next_step(alert: Alert) -> list[dict[str, Any]]:
    step = code(alert.next_step or "", NEXT_STEP_LIMIT)
    return [{"type": "section", "text": _mrkdwn(f"*Next step*\n```{step}```")}] if step else []


def _actions(evidence: str | None) -> list[dict[str, Any]]:
    if evidence is None:
        return []
    label = {"type": "plain_text", "text": "Open evidence", "emoji": False}
    return [
        {
            "type": "actions",
            "elements": [{"type": "button", "action_id": "evidence", "text": label, "url": evidence}],
        }
    ]


def _fields(alert: Alert) -> list[dict[str, Any]]:
    facts = [*_effect_facts(alert.effect), *alert.facts]
    if len(facts) > FIELDS_LIMIT:
        left = len(facts) - FIELDS_LIMIT + 1
        facts = [*facts[: FIELDS_LIMIT - 1], Fact("And", f"{left} more facts, shown with the evidence")]
    fields = [_mrkdwn(f"*{_name(f.label, LABEL_LIMIT)}*\n{_name(f.value, VALUE_LIMIT)}") for f in facts]
    return [{"type": "section", "fields": fields}] if fields else []


def _effect_facts(effect: Effect | None) -> list[Fact]:
    if effect is None:
        return []
    return [
        Fact(effect.signal, arms(effect)),
        Fact("Difference", f"{difference(effect)} ({interval(effect)})"),
        Fact("Sample", sample(effect)),
    ]


def _context(alert: Alert, evidence: str | None) -> dict[str, Any]:
    parts = [date(alert.occurred_at)]
    if alert.incident_id is not None:
        parts.append(f"incident {alert.incident_id}")
    parts.append(f"baseline {_name(alert.baseline, NAME_LIMIT)}")
    if evidence is not None:
        parts.append(f"<{evidence.replace('&', '&amp;')}|Evidence>")
    return {"type": "context", "elements": [_mrkdwn(" · ".join(parts))]}


def _color(alert: Alert) -> str:
    return RESTORED_COLOR if alert.kind is AlertKind.RESTORED else SEVERITIES[alert.severity].color


def _name(text: str, limit: int) -> str:
    return clean(text, limit) or "–"


def _mrkdwn(text: str) -> dict[str, Any]:
    # verbatim: Slack must not turn names into links, channels or mentions by itself.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
