"""What a served artifact is: the facts that decide what it may be compared with, and how strictly."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

__all__ = ["NO_FACTS", "Artifact"]


@dataclass(frozen=True, slots=True)
class Artifact:
    """Facts of a variant; what is not known is None. The base model, the format and the tier are the variant's own."""

    method: str | None = None
    """How it was quantized: awq, gptq, gguf, bitsandbytes, exl2, compressed-tensors, ..."""
    bits: float | None = None
    """Bits per weight; 16 and more are full precision."""
    activation_bits: float | None = None
    group_size: int | None = None
    """Weights that share a scale."""
    kv_cache: str | None = None
    """Type of the cached keys and values: fp8, q8_0, auto, ..."""
    engine: str | None = None
    engine_version: str | None = None
    speculative: str | None = None
    """How drafts are made (eagle3, mtp, a draft model's name)."""
    guided_decoding: str | None = None
    """What holds answers to a schema: xgrammar, outlines, llguidance, ..."""
    chat_template_hash: str | None = None
    tokenizer_hash: str | None = None
    hardware: str | None = None
    calibration_set: str | None = None
    parameters_b: float | None = None
    """All parameters, in billions."""
    active_parameters_b: float | None = None
    """Parameters used per token by a mixture of experts, in billions."""
    mixture_of_experts: bool | None = None
    instruct: bool | None = None
    distilled: bool | None = None
    pruned: bool | None = None
    adapter: str | None = None
    """``lora`` or ``qlora``."""
    lineage: tuple[str, ...] = ()
    """The models it was made from, the nearest first."""
    reference: str | None = None
    """The route's variant that a derived model's quality is compared with: the same model, in full precision."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; what is not known is left out."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
            if value is not None and value != ()
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Artifact":
        """Inverse of ``to_json``. A fact that a later release wrote is passed over."""
        known = {field.name for field in fields(cls)}
        found = {name: value for name, value in document.items() if name in known}
        if "lineage" in found:
            found["lineage"] = tuple(found["lineage"])
        return cls(**found)


NO_FACTS: Final = Artifact()
