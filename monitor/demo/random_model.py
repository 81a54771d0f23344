"""Writes a tiny llama with random weights as GGUF, so that a real engine runs without any download."""

from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["WeightFormat", "write_model"]

_HIDDEN, _FEED_FORWARD, _LAYERS, _HEADS, _CONTEXT = 256, 512, 2, 4, 16384
_SPECIAL = ("<s>", "</s>", "<pad>")
_MERGES = ("t h", "i n", "e r", "a n", "r e", "o n", "e s", "Ġ t", "Ġ a", "Ġ s")
_VOCABULARY = 288
_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


class WeightFormat(StrEnum):
    """How the weights are stored."""

    F16 = "f16"
    Q4_0 = "q4_0"


def write_model(path: Path, weights: WeightFormat, seed: int) -> None:
    """Write the model; equal seeds give equal weights before they are rounded to the format."""
    import gguf

    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("fullback-demo")
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{weights.upper()}"])
    _add_shape(writer)
    _add_tokens(writer, gguf)
    for name, values in _tensors(np.random.default_rng(seed)).items():
        _add_tensor(writer, gguf, name, values, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_shape(writer: Any) -> None:
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_HIDDEN)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_FEED_FORWARD)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_HIDDEN // _HEADS)
    writer.add_vocab_size(_VOCABULARY)


def _add_tokens(writer: Any, gguf: Any) -> None:
    """A byte-level vocabulary with a few merges: any text can be read and written."""
    plain = [*_SPECIAL, *_byte_letters(), *(merge.replace(" ", "") for merge in _MERGES)]
    unused = [f"<unused{number}>" for number in range(_VOCABULARY - len(plain))]
    control, normal = [gguf.TokenType.CONTROL] * len(_SPECIAL), gguf.TokenType.NORMAL
    types = [*control, *[normal] * (len(plain) - len(control)), *[gguf.TokenType.UNUSED] * len(unused)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*plain, *unused])
    writer.add_token_types(types)
    writer.add_token_merges(list(_MERGES))
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(_TEMPLATE)


def _byte_letters() -> list[str]:
    """Return GPT-2's letter for each byte: itself when printable, else one above the first 256."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    letters, spare = [], 256
    for byte in range(256):
        letters.append(chr(byte if byte in printable else spare))
        spare += byte not in printable
    return letters


def _tensors(rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    def matrix(rows: int, columns: int, scale: float = 0.06) -> NDArray[np.float32]:
        return rng.standard_normal((rows, columns)).astype(np.float32) * np.float32(scale)

    ones = np.ones(_HIDDEN, dtype=np.float32)
    tensors = {
        "token_embd.weight": matrix(_VOCABULARY, _HIDDEN),
        "output_norm.weight": ones,
        "output.weight": matrix(_VOCABULARY, _HIDDEN, 0.36),
    }
    for layer in range(_LAYERS):
        block = f"blk.{layer}."
        tensors |= {f"{block}attn_norm.weight": ones, f"{block}ffn_norm.weight": ones}
        tensors |= {f"{block}attn_{part}.weight": matrix(_HIDDEN, _HIDDEN) for part in ("q", "k", "v", "output")}
        tensors |= {f"{block}ffn_{part}.weight": matrix(_FEED_FORWARD, _HIDDEN) for part in ("gate", "up")}
        tensors[f"{block}ffn_down.weight"] = matrix(_HIDDEN, _FEED_FORWARD)
    return tensors


def _add_tensor(writer: Any, gguf: Any, name: str, values: NDArray[np.float32], weights: WeightFormat) -> None:
    if values.ndim == 1:
        writer.add_tensor(name, values)
    elif weights is WeightFormat.F16:
        writer.add_tensor(name, values.astype(np.float16))
    else:
        kind = gguf.GGMLQuantizationType[weights.upper()]
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
