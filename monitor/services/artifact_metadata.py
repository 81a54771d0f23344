"""What a model's configuration or an engine's options state of an artifact. Pure.

Nested objects are read two levels deep under dotted names, so that a Hugging Face ``config.json``, the metadata of a
GGUF file and the options of an engine can be given as they are. Values of an unexpected type are passed over.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from monitor.services.artifact_rules import Value

__all__ = ["stated_facts"]

_MOST_KEYS = 200
_MOST_TEXT = 128
_DTYPES: Final = {"bfloat16": 16.0, "bf16": 16.0, "float16": 16.0, "fp16": 16.0, "half": 16.0, "float32": 32.0}
_GGUF_TYPES: Final = {
    0: ("f32", 32), 1: ("f16", 16), 2: ("q4_0", 4), 3: ("q4_1", 4), 7: ("q8_0", 8), 8: ("q5_0", 5), 9: ("q5_1", 5),
    10: ("q2_k", 2), 11: ("q3_k_s", 3), 12: ("q3_k_m", 3), 13: ("q3_k_l", 3), 14: ("q4_k_s", 4), 15: ("q4_k_m", 4),
    16: ("q5_k_s", 5), 17: ("q5_k_m", 5), 18: ("q6_k", 6), 32: ("bf16", 16),
}  # fmt: skip
"""Name and bits of llama.cpp's file types, by number."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+/: -]*")
_HASH = re.compile(r"[0-9a-f]{8,128}")
_WORD = re.compile(r"[a-z0-9][a-z0-9._+#-]{0,31}")

_Read = Callable[[Any], Value | None]


def _name(value: Any) -> Value | None:
    text = value.strip()[:_MOST_TEXT] if isinstance(value, str) else ""
    return text if _PLAIN.fullmatch(text) else None


def _lower(pattern: re.Pattern[str], most: int) -> _Read:
    def read(value: Any) -> Value | None:
        text = value.strip().lower()[:most] if isinstance(value, str) else ""
        return text if pattern.fullmatch(text) else None

    return read


def _bits(value: Any) -> Value | None:
    return float(value) if _is_number(value) and 1 <= value <= 64 else None  # noqa: PLR2004 - as in the schema


def _billions(value: Any) -> Value | None:
    return float(value) if _is_number(value) and 0 < value <= 100_000 else None  # noqa: PLR2004 - as in the schema


def _group(value: Any) -> Value | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 1 <= value <= 65_536 else None  # noqa: PLR2004 - as in the schema


def _truth(value: Any) -> Value | None:
    return value if isinstance(value, bool) else None


def _experts(value: Any) -> Value | None:
    return value > 1 if _is_number(value) else None


def _dtype(value: Any) -> float | None:
    return _DTYPES.get(value.removeprefix("torch.").lower()) if isinstance(value, str) else None


def _kv(value: Any) -> Value | None:
    text = _word(value)
    return None if text in {"auto", "none"} else text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_word, _hash = _lower(_WORD, 32), _lower(_HASH, 128)

_KEYS: Final[tuple[tuple[str, str, _Read], ...]] = (
    ("method", "quantization_config.quant_method", _word),
    ("method", "quantization", _word),
    ("bits", "quantization_config.bits", _bits),
    ("bits", "quantization_config.weight_bits", _bits),
    ("bits", "bits", _bits),
    ("activation_bits", "activation_bits", _bits),
    ("group_size", "quantization_config.group_size", _group),
    ("group_size", "group_size", _group),
    ("kv_cache", "kv_cache_dtype", _kv),
    ("kv_cache", "cache_type_k", _kv),
    ("kv_cache", "kv_cache", _kv),
    ("engine", "engine", _word),
    ("engine_version", "engine_version", _word),
    ("speculative", "speculative_config.method", _word),
    ("speculative", "speculative_config.model", _name),
    ("speculative", "speculative", _word),
    ("guided_decoding", "guided_decoding_backend", _word),
    ("guided_decoding", "guided_decoding", _word),
    ("chat_template_hash", "chat_template_hash", _hash),
    ("tokenizer_hash", "tokenizer_hash", _hash),
    ("hardware", "hardware", _name),
    ("calibration_set", "quantization_config.dataset", _name),
    ("calibration_set", "calibration_set", _name),
    ("parameters_b", "parameters_b", _billions),
    ("mixture_of_experts", "num_local_experts", _experts),
    ("mixture_of_experts", "num_experts", _experts),
    ("mixture_of_experts", "n_routed_experts", _experts),
    ("mixture_of_experts", "mixture_of_experts", _truth),
    ("distilled", "distilled", _truth),
    ("pruned", "pruned", _truth),
    ("base_model", "base_model", _name),
    ("base_model", "base_model_name_or_path", _name),
    ("base_model", "general.base_model.0.name", _name),
)
"""Fact, key, how its value is read; the first key that is there counts."""


def stated_facts(metadata: Mapping[str, Any]) -> dict[str, tuple[Value, str]]:
    """Return, per fact, what metadata state and under which key."""
    flat = _flat(metadata)
    found: dict[str, tuple[Value, str]] = {}
    for fact, key, read in _KEYS:
        value = read(flat[key]) if key in flat else None
        if value is not None:
            found.setdefault(fact, (value, key))
    if flat.get("quantization_config.load_in_4bit") is True:
        found.setdefault("bits", (4.0, "quantization_config.load_in_4bit"))
    if flat.get("quantization_config.load_in_8bit") is True:
        found.setdefault("bits", (8.0, "quantization_config.load_in_8bit"))
    if "peft_type" in flat:
        found["adapter"] = ("lora", "peft_type")
    _add_gguf(flat.get("general.file_type"), found)
    for key in ("torch_dtype", "dtype"):
        bits = _dtype(flat.get(key))
        if bits is not None and not {"bits", "method"} & found.keys():
            found["bits"] = (bits, key)
    return found


def _add_gguf(type_: Any, found: dict[str, tuple[Value, str]]) -> None:
    """Add what the file type of a GGUF file states."""
    if not isinstance(type_, int) or type_ not in _GGUF_TYPES:
        return
    name, bits = _GGUF_TYPES[type_]
    found |= {
        fact: (value, "general.file_type")
        for fact, value in (("method", "gguf"), ("bits", float(bits)), ("format", f"gguf {name}"))
    }


def _flat(metadata: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in list(metadata.items())[:_MOST_KEYS]:
        if isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": one for inner, one in list(value.items())[:_MOST_KEYS]}
        else:
            flat[str(key)] = value
    return flat
