"""The faults that the demo can show, as data."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from detectors.types import Request
from monitor.demo import concerns, damage
from monitor.demo.fault import WHOLE, Fault
from monitor.demo.names import GATEWAY_TIMEOUT_S
from monitor.demo.scenarios import SCHEMAS
from monitor.intake.slices import slices_of

__all__ = ["FAULTS", "fault"]

_TOLERATED = 0.02
"""Of the slice faults, as a share of answers."""
_KNOWN = 1_100
"""Pairs after which tails have thresholds: 2,000 values of both legs."""
_HORIZON_S = GATEWAY_TIMEOUT_S + 6
"""A tick that waits so long hears of the requests that the gateway gave up on."""
_WITH_SLICES = ("schema_validity", "request_error", "empty_output", "language_switch")
_REACTIONS: Mapping[str, Any] = {"reactions": {"matures_after_s": 20}}


def _slice_of(schema: str) -> str:
    return next(name for name in slices_of(Request(response_schema=SCHEMAS[schema])) if name.startswith("schema:"))


def _watching(family: str, signal: str) -> Mapping[str, Any]:
    """Watch the slices of a family; tolerate more than by default, so that what is rare stays within it in ``all``."""
    return {"slices": [*WHOLE, family], "signals": {signal: {"margin_absolute": _TOLERATED}}}


_REGISTERED: tuple[Fault, ...] = (
    Fault("none", "nothing"),
    Fault(
        "schema",
        "8 % of the candidate's structured answers break their schema from now on",
        ("schema_validity",),
        concerns=concerns.structured,
        share=0.08,
        change=damage.break_structure,
    ),
    Fault(
        "tools",
        "13 % of the candidate's tool calls name an unknown tool or break its arguments from now on",
        ("schema_validity",),
        ("kind:tools",),
        concerns=concerns.first_calls,
        share=0.13,
        change=damage.break_call,
        policy=_watching("kind:*", "schema_validity"),
        only=_WITH_SLICES,
        limit_s=150.0,
    ),
    Fault(
        "tool_loop",
        "the candidate repeats its last tool call in 30 % of an agent's steps from now on",
        ("tool_loop",),
        concerns=concerns.agent_steps,
        share=0.3,
        change=damage.repeat_call,
    ),
    Fault(
        "agreement",
        "35 % of the candidate's greedy JSON answers and tool calls have other values from now on, all of them valid",
        ("agreement",),
        concerns=concerns.one_right_answer,
        share=0.35,
        change=damage.answer_differently,
        policy={"signals": {"agreement": {"weight": 1}}},
    ),
    Fault(
        "refusal",
        "12 % of the candidate's chat answers are refusals from now on",
        ("refusal",),
        concerns=concerns.chats,
        share=0.12,
        change=damage.decline,
    ),
    Fault(
        "partial_refusal",
        "the candidate declines a part of 15 % of the English chats from now on",
        ("partial_refusal",),
        concerns=concerns.english_chats,
        share=0.15,
        change=damage.decline_part,
    ),
    Fault(
        "compliance",
        "the candidate writes 90 % of what the baseline declines from now on",
        ("refusal_fall",),
        concerns=concerns.delicate,
        share=0.9,
        change=damage.comply,
    ),
    Fault(
        "truncation",
        "10 % of the candidate's chat answers are cut off at the limit of tokens from now on",
        ("truncation",),
        concerns=concerns.chats,
        share=0.1,
        change=damage.cut_off,
    ),
    Fault(
        "empty",
        "10 % of the candidate's chat answers are empty from now on",
        ("empty_output",),
        concerns=concerns.chats,
        share=0.1,
        change=damage.say_nothing,
    ),
    Fault(
        "repetition",
        "10 % of the candidate's chat answers go round in circles from now on",
        ("repetition",),
        concerns=concerns.chats,
        share=0.1,
        change=damage.loop,
    ),
    Fault(
        "language",
        "15 % of the candidate's answers to English chats are in another language from now on",
        ("language_switch",),
        concerns=concerns.english_chats,
        share=0.15,
        change=damage.switch_language,
    ),
    Fault(
        "format",
        "40 % of the lists that users ask the candidate for are plain paragraphs from now on",
        ("format_drift",),
        concerns=concerns.lists,
        share=0.4,
        change=damage.drop_format,
    ),
    Fault(
        "length",
        "60 % of the candidate's English chat answers are far too long from now on, though it writes twice as fast",
        ("output_length",),
        concerns=concerns.english_prose,
        share=0.6,
        change=damage.lengthen,
        slowdown=0.5,
        healthy_pairs=_KNOWN,
    ),
    Fault(
        "length-fall",
        "60 % of the candidate's English chat answers are a few words from now on",
        ("output_length_fall",),
        concerns=concerns.english_prose,
        share=0.6,
        change=damage.shorten,
        healthy_pairs=_KNOWN,
    ),
    Fault(
        "logprobs",
        "the candidate is less sure of every word from now on: 1.6 times the surprise per token",
        ("logprob_shift",),
        concerns=concerns.with_logprobs,
        share=1.0,
        change=damage.surprise,
        healthy_pairs=2 * _KNOWN,
    ),
    Fault(
        "latency",
        "the candidate is 1.8 times slower from now on",
        ("latency_ttft", "latency_tpot", "latency_e2e"),
        slowdown=1.8,
        healthy_pairs=_KNOWN,
    ),
    Fault(
        "queue",
        "requests wait 2.5 times longer in the candidate's queue from now on",
        ("latency_queue",),
        queueing=2.5,
        healthy_pairs=_KNOWN,
    ),
    Fault(
        "error",
        "5 % of the candidate's answers are server errors from now on",
        ("request_error",),
        concerns=concerns.anything,
        share=0.05,
        change=damage.fail,
    ),
    Fault(
        "timeout",
        f"the candidate never answers 4 % of its requests from now on; Envoy gives up after {GATEWAY_TIMEOUT_S} s",
        ("request_error",),
        concerns=concerns.anything,
        share=0.04,
        change=damage.hang,
        policy={"horizon_floor_s": _HORIZON_S},
    ),
    Fault("dead", "the candidate's server was killed", ("request_error",), kills=True),
    Fault(
        "quantized",
        "the candidate's f16 artifact was replaced by the q4_0 artifact of the same weights",
        ("agreement",),
        replaces=True,
        policy={"signals": {"agreement": {"weight": 1}}, "verify": {"requests": 150}},
        healthy_s=5.0,
        healthy_pairs=100,
    ),
    Fault(
        "slice-schema",
        "60 % of the candidate's answers to one rare schema break it from now on",
        ("schema_validity",),
        (_slice_of("recall"),),
        concerns=concerns.recall_notices,
        share=0.6,
        change=damage.break_structure,
        policy=_watching("schema:*", "schema_validity"),
        only=_WITH_SLICES,
        limit_s=150.0,
    ),
    Fault(
        "slice-language",
        "80 % of the candidate's answers to the few German chats are in another language from now on",
        ("language_switch",),
        ("lang:de",),
        concerns=concerns.german_chats,
        share=0.8,
        change=damage.switch_language,
        policy=_watching("lang:*", "language_switch"),
        only=_WITH_SLICES,
        limit_s=150.0,
    ),
    Fault(
        "slice-long",
        "80 % of the candidate's answers to the few long prompts are empty from now on",
        ("empty_output",),
        ("prompt:32k",),
        concerns=concerns.long_prompts,
        share=0.8,
        change=damage.say_nothing,
        policy=_watching("prompt:*", "empty_output"),
        only=_WITH_SLICES,
        limit_s=150.0,
    ),
    Fault(
        "correction",
        "60 % of the candidate's chat answers are about another number than the user's from now on, and users say so",
        ("correction",),
        concerns=concerns.english_chats,
        share=0.6,
        change=damage.answer_of_another,
        policy=_REACTIONS,
        limit_s=250.0,
    ),
    Fault(
        "retry",
        "60 % of the candidate's chat answers say nothing of what the user named from now on, and users ask again",
        ("retry_loop", "regenerate"),
        concerns=concerns.english_chats,
        share=0.6,
        change=damage.say_nothing_of_it,
        policy=_REACTIONS,
        limit_s=250.0,
    ),
)

FAULTS: Mapping[str, Fault] = MappingProxyType({each.name: each for each in _REGISTERED})
"""Faults by name: a new one is an entry here."""


def fault(name: str) -> Fault:
    """Return the fault of that name.

    Raises:
        ValueError: there is none; the message lists the known ones.
    """
    if name not in FAULTS:
        raise ValueError(f"there is no fault {name!r}: choose one of {', '.join(FAULTS)}")
    return FAULTS[name]
