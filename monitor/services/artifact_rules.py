"""What pieces of an artifact's name mean: data for ``artifact_names``, the most specific notation first.

Two facts are for the tier alone: ``retrained`` (weights were trained or edited further) and ``quantized`` (fewer bits,
nobody says how many).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["BRANDING", "FAMILIES", "PUBLISHERS", "RULES", "Certainty", "Given", "Rule", "Value"]

Value = str | float | int | bool
Given = Value | Callable[[re.Match[str]], Value | None]


class Certainty(StrEnum):
    """How sure a reading is, in one word."""

    STATED = "stated"
    """Metadata says so in a field of its own."""
    CLEAR = "clear"
    """A notation with one meaning."""
    LIKELY = "likely"
    """The usual meaning of a word that has others."""
    GUESS = "guess"
    """What most artifacts of that kind are."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A piece of a name and the facts it gives, each a value or read off the match."""

    pattern: re.Pattern[str]
    gives: tuple[tuple[str, Given], ...]
    certainty: Certainty = Certainty.CLEAR
    warning: str | None = None


def _rule(
    pattern: str,
    certainty: Certainty = Certainty.CLEAR,
    *,
    warning: str | None = None,
    **gives: Given,
) -> Rule:
    """Return a rule whose piece is no part of a longer word or number."""
    bounded = re.compile(rf"(?<![A-Za-z0-9])(?:{pattern})(?![A-Za-z0-9])", re.IGNORECASE | re.ASCII)
    return Rule(bounded, tuple(gives.items()), certainty, warning)


def _text(group: str) -> Given:
    return lambda match: None if match[group] is None else match[group].lower()


def _number(group: str, scale: float = 1.0) -> Given:
    return lambda match: _within(float(match[group].replace("_", ".")) * scale)


def _whole(group: str) -> Given:
    return lambda match: None if match[group] is None else int(match[group])


def _experts(match: re.Match[str]) -> float | None:
    return _within(int(match["experts"]) * float(match["each"]))


def _within(size: float) -> float | None:
    """Return a size, or None for one that no model has: the name means something else."""
    return size if 0.0 < size <= _MOST_BILLIONS else None


_LIKELY, _GUESS = Certainty.LIKELY, Certainty.GUESS
_MOST_BILLIONS = 100_000.0
_SIZE = r"\d{1,4}(?:\.\d{1,2})?"
_KV_TYPE = r"(?P<type>fp8(?:_e[45]m[23])?|int8|int4|nvfp4|fp4|q8_0|q5_[01]|q4_[01]|[48]bit)"

BRANDING: Final = "branding: confirm precision"

RULES: Final[tuple[Rule, ...]] = (
    # the cache of keys and values, before its type can be taken for that of the weights
    _rule(rf"kv[-_.]?(?:cache)?[-_.]?{_KV_TYPE}", kv_cache=_text("type")),
    _rule(rf"{_KV_TYPE}[-_.]?kv(?:[-_.]?cache)?", kv_cache=_text("type")),
    # speculative decoding, guided decoding
    _rule(
        r"(?P<how>eagle-?[23]?|medusa|hydra|mtp|ngram|lookahead)(?:[-_.](?:draft|spec|head|speculator)s?)?",
        _LIKELY,
        speculative=_text("how"),
    ),
    _rule(r"spec(?:ulative|ulator)?[-_.]?(?:dec(?:oding)?)?(?:\.(?P<how>\w+))?|draft", _LIKELY, speculative="draft"),
    _rule(
        r"(?P<by>xgrammar|outlines|llguidance|lm[-_]?format[-_]?enforcer|guidance)",
        _LIKELY,
        guided_decoding=_text("by"),
    ),
    # bit widths of weights and activations
    _rule(r"w4a?fp8|w4afp8", method="compressed-tensors", bits=4, activation_bits=8, format="w4afp8"),
    _rule(
        r"(?P<all>w(?P<w>[1-8])a(?P<a>4|8|16))(?:[-_.](?:(?P<kind>fp|int)8?|a?sym))?(?:[-_.]?g(?P<g>[1-9]\d{1,3}))?",
        bits=_number("w"),
        activation_bits=_number("a"),
        format=_text("all"),
        method=lambda m: "fp8" if (m["kind"] or "").lower() == "fp" else None,
        group_size=_whole("g"),
    ),
    _rule(r"nvfp4a16", method="nvfp4", bits=4, activation_bits=16, format="nvfp4"),
    _rule(r"nvfp4(?:[-_.]?w4a4)?", method="nvfp4", bits=4, activation_bits=4, format="nvfp4", group_size=16),
    _rule(r"mxfp4[-_.]moe", method="mxfp4", bits=4, format="mxfp4", group_size=32, mixture_of_experts=True),
    _rule(r"mxfp(?P<b>[468])", bits=_number("b"), method="mxfp", format=lambda m: f"mxfp{m['b']}", group_size=32),
    _rule(
        r"(?:ud[-_.])?(?P<q>i?q(?P<b>[1-8])_(?:k(?:_(?:xxl|xl|[sml]))?|xxs|xs|nl|xl|[01sm](?:_(?:4_4|4_8|8_8))?))",
        method="gguf",
        bits=_number("b"),
        format=lambda m: f"gguf {m['q'].lower()}",
    ),
    _rule(r"(?P<q>tq(?P<b>[12])_0)", method="gguf", bits=_number("b"), format=lambda m: f"gguf {m['q'].lower()}"),
    _rule(r"q0f(?P<a>16|32)(?:[-_.]mlc)?", bits=_number("a"), engine="mlc", format=lambda m: f"fp{m['a']}"),
    _rule(
        r"(?P<q>q(?P<b>[348])f(?P<a>16|32)_(?:\d|awq|ft))",
        engine="mlc",
        bits=_number("b"),
        activation_bits=_number("a"),
        format=_text("q"),
    ),
    _rule(r"exl3", method="exl3", format="exl3"),
    _rule(r"(?P<b>[1-9](?:[._]\d{1,3})?)[-_ ]?bpw", method="exl2", bits=_number("b"), format="exl2"),
    _rule(r"(?:bnb|bitsandbytes)[-_.]?(?:nf4|4[-_]?bit)", method="bitsandbytes", bits=4, format="bnb-4bit"),
    _rule(r"(?:bnb|bitsandbytes)[-_.]?(?:int8|8[-_]?bit)", method="bitsandbytes", bits=8, format="bnb-8bit"),
    _rule(r"llm[-_.]?int8", method="bitsandbytes", bits=8, format="bnb-8bit"),
    _rule(r"nf4(?:[-_.]dq)?", method="bitsandbytes", bits=4, format="nf4"),
    _rule(r"bitnet(?:[-_.]b1\.58)?|b1\.58|1\.58[-_]?bit", method="bitnet", bits=1.58, format="bitnet"),
    _rule(r"e8p(?:rvq)?[-_.](?P<b>[234])[-_]?bit", method="quip#", bits=_number("b"), format="quip#"),
    _rule(
        r"(?:fp8|float8)(?:[-_.](?:e4m3(?:fn)?|e5m2|dynamic|static|block|tensorwise|rowwise))*"
        r"|float8(?:dq|wo|sq)|e4m3(?:fn)?|e5m2",
        method="fp8",
        bits=8,
        activation_bits=8,
        format="fp8",
    ),
    _rule(r"u?int(?P<b>[2348])(?:wo|dq)?", bits=_number("b"), format=lambda m: f"int{m['b']}"),
    _rule(r"fp(?P<b>[46])", bits=_number("b"), format=lambda m: f"fp{m['b']}"),
    _rule(r"(?P<b>[1-8])[-_ ]?bits?", bits=_number("b"), format=lambda m: f"{m['b']}-bit"),
    _rule(r"bf16|bfloat16", bits=16, format="bf16"),
    _rule(r"fp16|f16|float16", bits=16, format="fp16"),
    _rule(r"fp32|f32|float32", bits=32, format="fp32"),
    # methods
    _rule(r"awq", method="awq"),
    _rule(r"gptq(?:model|v2)?|marlin", method="gptq"),
    _rule(r"gguf|ggml", method="gguf"),
    _rule(r"imatrix|imat", _LIKELY, method="gguf"),
    _rule(r"exl2", method="exl2"),
    _rule(r"aqlm", method="aqlm"),
    _rule(r"quip(?:[-_]?sharp|#)?|qtip", method="quip#"),
    _rule(r"(?P<m>hqq|eetq|vptq|spqr|squeezellm|smoothquant|autoround|omniquant|quarot|spinquant)", method=_text("m")),
    _rule(r"auto[-_]?round|intel-autoround", method="autoround"),
    _rule(r"compressed[-_]tensors|llm[-_]?compressor|quantized\.(?= )", _LIKELY, method="compressed-tensors"),
    _rule(r"quanti[sz]ed|quants?", _LIKELY, quantized=True),
    _rule(r"modelopt", method="modelopt"),
    _rule(r"torch[-_]?ao", method="torchao"),
    _rule(r"qat", _LIKELY, method="qat"),
    _rule(
        r"(?:gs?|group[-_]?(?:size)?[-_]?)(?P<g>16|32|64|128|256|512|1024)|(?P<h>32|64|128)g",
        group_size=lambda m: int(m["g"] or m["h"]),
    ),
    # engines and hardware
    _rule(
        r"(?P<e>vllm|sglang|lmdeploy|ollama|tgi|mlc|deepsparse|ctranslate2|ct2|openvino|onnx|mlx)"
        r"(?:[-_=]?v?(?P<v>\d{1,3}\.\d{1,3}(?:\.\d{1,3})?))?",
        _LIKELY,
        engine=_text("e"),
        engine_version=_text("v"),
    ),
    _rule(r"llama[._-]?cpp(?:[-_]?(?P<v>b\d{3,5}))?", engine="llama.cpp", engine_version=_text("v")),
    _rule(
        r"(?:tensorrt|trt)[-_]?llm(?:[-_=]?v?(?P<v>\d{1,3}\.\d{1,3}(?:\.\d{1,3})?))?",
        engine="tensorrt-llm",
        engine_version=_text("v"),
    ),
    _rule(
        r"(?:\dx[-_]?)?(?P<hw>[ah]100|h200|h20|gb?[23]00|a10g?|a40|a6000|l40s?|mi3\d\dx?|rtx[-_]?\d{4}|gaudi[23]?|tpu(?:v\d[ep]?)?)",
        _LIKELY,
        hardware=_text("hw"),
    ),
    _rule(r"(?P<c>ultrachat|wikitext-?2?|open-?platypus|c4-?calib|pile-?calib)", _LIKELY, calibration_set=_text("c")),
    # size and kind
    _rule(
        rf"(?P<experts>\d{{1,3}})x(?P<each>{_SIZE})b",
        mixture_of_experts=True,
        parameters_b=_experts,
        warning="experts share layers: the product of experts and size is above the real number of parameters",
    ),
    _rule(rf"a(?P<n>{_SIZE})b", mixture_of_experts=True, active_parameters_b=_number("n")),
    _rule(rf"(?P<n>{_SIZE})b-(?P<e>\d{{1,3}})e", mixture_of_experts=True, active_parameters_b=_number("n")),
    _rule(r"moe", mixture_of_experts=True),
    _rule(rf"(?P<n>{_SIZE})b", parameters_b=_number("n")),
    _rule(rf"(?P<n>{_SIZE})t", _LIKELY, parameters_b=_number("n", 1000.0)),
    _rule(r"(?P<n>\d{2,3})m", _LIKELY, parameters_b=_number("n", 0.001)),
    _rule(r"instruct(?:ion|ed)?", instruct=True),
    _rule(r"chat|it", _LIKELY, instruct=True),
    _rule(r"qlora", adapter="qlora"),
    _rule(r"(?:dora|lora)s?|peft|adapters?", adapter="lora"),
    _rule(r"distill(?:ed|ation)?", distilled=True),
    _rule(
        r"(?:wanda|sparsegpt|depth[-_.]?pruned|width[-_.]?pruned)?[-_.]?prun(?:ed|ing)(?:[-_.]?\d[\d.]{0,3})?",
        pruned=True,
    ),
    _rule(r"spars(?:e|ity)(?:[-_.]?\d{1,3})?|2of4|2:4|minitron|wanda|sparsegpt|reap", _LIKELY, pruned=True),
    _rule(
        r"(?P<w>abliterated|uncensored|merged?|slerp|dare[-_]ties|fine-?tuned?|sft|dpo|orpo)",
        _LIKELY,
        retrained=_text("w"),
    ),
    _rule(r"(?P<w>turbo|lite|fast|instant)", _GUESS, warning=BRANDING),
)
"""In this order: the first rule that gives a fact wins, and the piece it read is not read again."""

FAMILIES: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:mixtral|dbrx|gpt-oss|olmoe|kimi-k2|grok|deepseek-v[23]|deepseek-r1(?!-distill))(?![A-Za-z0-9])",
    re.IGNORECASE | re.ASCII,
)
"""Families that are mixtures of experts, whatever else their names say."""

PUBLISHERS: Final = {"mlx-community": "mlx", "neuralmagic": "vllm", "redhatai": "vllm"}
"""Publishers whose artifacts are made for one engine."""
