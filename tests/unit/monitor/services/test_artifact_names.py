"""What names and metadata suggest: a table of names as they are met, hostile ones, and laws."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models.variant import Tier
from monitor.services.artifact_document import parse_artifact
from monitor.services.artifact_names import suggest
from monitor.services.artifact_rules import BRANDING, RULES, Certainty

TABLE = """
acme/Llama-3.1-8B-Instruct                                  serving 8b
acme/Llama-3.1-70B                                          serving 70b
acme/Qwen3-32B-BF16                                         serving 32b w16
acme/Qwen3-32B-bf16                                         serving 32b w16
acme/mistral-7b-v0.3-fp16                                   serving 7b w16
acme/Falcon-40B-float32                                     serving 40b w32
acme/Llama-3.1-8B-Instruct-FP8                              quantized 8b w8 a8 fp8
acme/Llama-3.1-70B-Instruct-FP8-dynamic                     quantized 70b w8 a8 fp8
acme/Llama-3.1-70B-Instruct-FP8_DYNAMIC                     quantized 70b w8 a8 fp8
acme/Qwen3-8B-FP8-block                                     quantized 8b w8 a8 fp8
acme/Llama-3.1-8B-Instruct-fp8-e4m3                         quantized 8b w8 a8 fp8
acme/Qwen3-8B-float8dq                                      quantized 8b w8 a8 fp8
acme/Llama-3.1-405B-Instruct-FP8-KV                         quantized 405b w8 a8 fp8 kv=fp8
acme/Llama-3.1-8B-Instruct-quantized.w8a8                   quantized 8b w8 a8 compressed-tensors
acme/Llama-3.1-8B-Instruct-quantized.w4a16                  quantized 8b w4 a16 compressed-tensors
acme/Llama-3.1-8B-W8A8                                      quantized 8b w8 a8
acme/Llama-3.1-8B-W8A8-FP8                                  quantized 8b w8 a8 fp8
acme/Llama-3.1-8B-W8A8-INT8                                 quantized 8b w8 a8
acme/Llama-3.1-8B-W8A16                                     quantized 8b w8 a16
acme/Llama-3.1-8B-W4A16                                     quantized 8b w4 a16
acme/Llama-3.1-8B-W4A16-G128                                quantized 8b w4 a16 g128
acme/Llama-3.1-8B-W4A16-asym                                quantized 8b w4 a16
acme/Llama-3.1-8B-W4A8                                      quantized 8b w4 a8
acme/Llama-3.1-8B-w4a4                                      quantized 8b w4 a4
acme/Mistral-24B-W4A16-compressed-tensors                   quantized 24b w4 a16 compressed-tensors
acme/DeepSeek-V3-W4AFP8                                     quantized w4 a8 compressed-tensors moe
acme/Llama-3.3-70B-Instruct-NVFP4                           quantized 70b w4 a4 nvfp4 g16
acme/Qwen3-14B-NVFP4A16                                     quantized 14b w4 a16 nvfp4
acme/Llama-3.1-405B-Instruct-NVFP4-FP8-KV                   quantized 405b w4 a4 nvfp4 g16 kv=fp8
acme/Llama-3.3-70B-Instruct-FP4                             quantized 70b w4
acme/gpt-oss-120b-MXFP4                                     quantized 120b w4 mxfp g32 moe
acme/gpt-oss-20b                                            serving 20b moe
gpt-oss-20b-mxfp4_moe.gguf                                  quantized 20b w4 mxfp4 g32 moe
acme/Llama-3.1-8B-MXFP8                                     quantized 8b w8 mxfp g32
acme/Llama-3.1-8B-MXFP6                                     quantized 8b w6 mxfp g32
acme/Llama-3.1-8B-Instruct-AWQ                              quantized 8b w4 awq
acme/Llama-3.1-70B-Instruct-AWQ-INT4                        quantized 70b w4 awq
acme/Qwen2.5-32B-Instruct-AWQ                               quantized 32b w4 awq
acme/qwen2.5-7b-awq-w4-g128                                 quantized 7b w4 awq g128
acme/Llama-2-13B-chat-GPTQ                                  quantized 13b w4 gptq
acme/Llama-2-13B-GPTQ-4bit-128g                             quantized 13b w4 gptq g128
acme/Llama-2-13B-GPTQ-4bit-32g-actorder                     quantized 13b w4 gptq g32
acme/Qwen2.5-7B-Instruct-GPTQ-Int8                          quantized 7b w8 gptq
acme/Qwen2.5-7B-Instruct-GPTQ-Int4                          quantized 7b w4 gptq
acme/Llama-3-8B-gptq-3bit                                   quantized 8b w3 gptq
acme/Llama-3-8B-gptq-8bit-gs64                              quantized 8b w8 gptq g64
acme/Llama-3-8B-GPTQ-marlin                                 quantized 8b w4 gptq
Llama-3.1-8B-Instruct-Q4_K_M.gguf                           quantized 8b w4 gguf
Llama-3.1-8B-Instruct.Q4_K_S.gguf                           quantized 8b w4 gguf
Llama-3.1-8B-Instruct-Q5_K_M.gguf                           quantized 8b w5 gguf
Llama-3.1-8B-Instruct-Q6_K.gguf                             quantized 8b w6 gguf
Llama-3.1-8B-Instruct-Q6_K_L.gguf                           quantized 8b w6 gguf
Llama-3.1-8B-Instruct-Q8_0.gguf                             quantized 8b w8 gguf
Llama-3.1-8B-Instruct-Q2_K.gguf                             quantized 8b w2 gguf
Llama-3.1-8B-Instruct-Q3_K_XL.gguf                          quantized 8b w3 gguf
Llama-3.1-8B-Instruct-Q4_0_4_4.gguf                         quantized 8b w4 gguf
Llama-3.1-8B-Instruct-IQ2_XXS.gguf                          quantized 8b w2 gguf
Llama-3.1-8B-Instruct-IQ3_M.gguf                            quantized 8b w3 gguf
Llama-3.1-8B-Instruct-IQ4_NL.gguf                           quantized 8b w4 gguf
Llama-3.1-8B-Instruct-IQ4_XS.gguf                           quantized 8b w4 gguf
Llama-3.1-8B-Instruct-IQ1_S.gguf                            quantized 8b w1 gguf
Falcon3-10B-TQ2_0.gguf                                      quantized 10b w2 gguf
Llama-3.1-8B-Instruct-f16.gguf                              serving 8b w16 gguf
Llama-3.1-8B-Instruct-BF16.gguf                             serving 8b w16 gguf
Qwen3-235B-A22B-UD-Q4_K_XL-00001-of-00003.gguf              quantized 235b w4 gguf moe active22
UD-Q2_K_XL/DeepSeek-R1-UD-Q2_K_XL-00001-of-00005.gguf       quantized w2 gguf moe
gemma-3-27b-it-qat-q4_0.gguf                                quantized 27b w4 gguf
hf.co/acme/Llama-3.2-3B-Instruct-GGUF:Q4_K_M                quantized 3b w4 gguf
hf.co/acme/Llama-3.2-3B-Instruct-GGUF:IQ3_M                 quantized 3b w3 gguf
acme/Mistral-Small-24B-i1-GGUF                              quantized 24b gguf
acme/Mistral-7B-imatrix-Q5_K_S                              quantized 7b w5 gguf
llama3.1:8b-instruct-q4_K_M                                 quantized 8b w4 gguf
llama3.1:70b-instruct-q8_0                                  quantized 70b w8 gguf
llama3.1:8b-instruct-fp16                                   serving 8b w16
qwen3:30b-a3b-q4_K_M                                        quantized 30b w4 gguf moe active3
llama-7b-gguf-q5                                            quantized 7b w5 gguf
mlx-community/Qwen2.5-7B-Instruct-4bit                      quantized 7b w4 engine=mlx
mlx-community/Llama-3.3-70B-Instruct-8bit                   quantized 70b w8 engine=mlx
mlx-community/Qwen3-8B-4bit-DWQ                             quantized 8b w4 engine=mlx
mlx-community/Qwen3-30B-A3B-bf16                            serving 30b w16 moe active3 engine=mlx
acme/Llama-3-8B-mlx-6bit                                    quantized 8b w6 engine=mlx
acme/Llama-3-8B-Instruct-q4f16_1-MLC                        quantized 8b w4 a16 engine=mlc
acme/Llama-3-8B-Instruct-q0f16-MLC                          serving 8b w16 engine=mlc
acme/Mistral-7B-bnb-4bit                                    quantized 7b w4 bitsandbytes
acme/Mistral-7B-bnb-8bit                                    quantized 7b w8 bitsandbytes
acme/Mistral-7B-nf4                                         quantized 7b w4 bitsandbytes
acme/Llama-3.2-1B-bitsandbytes-nf4                          quantized 1b w4 bitsandbytes
acme/bloom-176b-llm-int8                                    quantized 176b w8 bitsandbytes
acme/Mixtral-8x7B-v0.1-4.65bpw-h6-exl2                      quantized 56b w4.65 exl2 moe
acme/Llama-3-70B-Instruct-exl2-2.4bpw                       quantized 70b w2.4 exl2
acme/Llama-3-70B-8.0bpw-h8-exl2                             quantized 70b w8 exl2
acme/Llama-3-70B-4_25bpw-exl2                               quantized 70b w4.25 exl2
acme/Qwen3-32B-exl3-3.0bpw                                  quantized 32b w3 exl3
acme/Qwen3-32B-4.0bpw_h6-exl3                               quantized 32b w4 exl3
acme/Llama-2-7b-AQLM-2Bit-1x16-hf                           quantized 7b w2 aqlm
acme/Mixtral-8x7b-AQLM-2Bit-1x16-hf                         quantized 56b w2 aqlm moe
acme/Llama-2-70b-E8P-2Bit                                   quantized 70b w2 quip#
acme/Llama-2-70b-E8PRVQ-4Bit                                quantized 70b w4 quip#
acme/Llama-2-70b-QuIP-sharp-2bit                            quantized 70b w2 quip#
acme/Llama-2-7b-chat-hf-2bit_g16-HQQ                        quantized 7b w2 g16 hqq
acme/Llama-3-8b-4bit_g64-HQQ                                quantized 8b w4 g64 hqq
acme/Llama-3-8b-int4wo-hqq                                  quantized 8b w4 hqq
acme/Phi-4-mini-instruct-INT4-torchao                       quantized w4 torchao
acme/Llama-3.1-8B-int8-ov                                   quantized 8b w8
acme/Llama-3.1-8B-int4-openvino                             quantized 8b w4 engine=openvino
acme/Llama-3.1-8B-onnx-int4                                 quantized 8b w4 engine=onnx
acme/Llama-3.1-8B-autoround-int2                            quantized 8b w2 autoround
acme/Llama-3.1-8B-modelopt-fp8                              quantized 8b w8 a8 fp8
acme/Llama-3.1-8B-SmoothQuant-W8A8                          quantized 8b w8 a8 smoothquant
acme/Llama-3.1-8B-eetq-int8                                 quantized 8b w8 eetq
acme/bitnet-b1.58-2B-4T                                     quantized 2b w1.58 bitnet
chat-70b-trtllm-0.12.0-int8                                 quantized 70b w8 engine=tensorrt-llm
chat-70b-TensorRT-LLM-fp8                                   quantized 70b w8 a8 fp8 engine=tensorrt-llm
chat-70b-int4-kv-fp8-vllm-0.6.3                             quantized 70b w4 kv=fp8 engine=vllm
chat-70b-bf16-kv_cache_fp8                                  serving 70b w16 kv=fp8
chat-70b-awq-kv-int8                                        quantized 70b w4 awq kv=int8
chat-70b-bf16-fp8-kv-cache                                  serving 70b w16 kv=fp8
chat-70b-q8_0-kv-q4_0                                       quantized 70b w8 gguf kv=q4_0
chat-70b-sglang-fp8-h100                                    quantized 70b w8 a8 fp8 engine=sglang
chat-70b-bf16-eagle3                                        serving 70b w16 spec=eagle3
chat-70b-fp8-mtp                                            quantized 70b w8 a8 fp8 spec=mtp
chat-70b-bf16-medusa-heads                                  serving 70b w16 spec=medusa
/mnt/models/gptq/llama-7b-128g                              quantized 7b w4 gptq g128
/srv/models/Meta-Llama-3.1-8B-Instruct-FP8                  quantized 8b w8 a8 fp8
C:\\models\\awq\\mistral-7b                                   quantized 7b w4 awq
acme/support-llama-8b-lora                                  derived 8b lora
acme/support-lora-r16-alpha32                               derived lora
acme/llama-3-8b-qlora-sql                                   derived 8b qlora
acme/llama-3-8b-peft-adapter                                derived 8b lora
acme/llama-3-8b-finetuned-tickets                           derived 8b
acme/Llama-3.1-8B-abliterated                               derived 8b
acme/Llama-3.1-8B-merged-slerp-Q4_K_M                       derived 8b w4 gguf
acme/DeepSeek-R1-Distill-Qwen-7B                            derived 7b distilled
acme/DeepSeek-R1-Distill-Llama-70B-AWQ                      quantized 70b w4 awq distilled
acme/DeepSeek-R1-Distill-Qwen-1.5B-Q8_0.gguf                quantized 1.5b w8 gguf distilled
acme/DeepSeek-R1                                            serving moe
acme/Sparse-Llama-3.1-8B-2of4                               derived 8b pruned
acme/Llama-3.1-8B-pruned50                                  derived 8b pruned
acme/Llama-3.1-8B-pruned2.4-w4a16                           derived 8b w4 a16 pruned
acme/Llama-3.1-Minitron-4B-Width-Base                       derived 4b pruned
acme/Qwen3-Coder-REAP-246B-A35B-FP8                         derived 246b w8 a8 fp8 pruned moe active35
acme/Qwen3-30B-A3B-FP8                                      quantized 30b w8 a8 fp8 moe active3
acme/Qwen3-235B-A22B-Instruct-2507                          serving 235b moe active22
acme/Llama-4-Scout-17B-16E-Instruct                         serving moe active17
acme/Llama-4-Maverick-17B-128E-Instruct-FP8                 quantized w8 a8 fp8 moe active17
acme/Mixtral-8x22B-Instruct-v0.1                            serving 176b moe
acme/Mixtral-8x7B-Instruct-v0.1-AWQ                         quantized 56b w4 awq moe
acme/phi-3.5-MoE-instruct                                   serving moe
acme/Kimi-K2-1T-fp8                                         quantized 1000b w8 a8 fp8 moe
acme/SmolLM2-135M-Instruct                                  serving 0.135b
acme/gemma-2-9b-it                                          serving 9b
acme/Qwen2.5-7B-Instruct-1M                                 serving 7b
GPT-4-Turbo                                                 serving
acme-chat-lite                                              serving
acme/chat-fast-fp8                                          quantized w8 a8 fp8
acme/my-quantized-model                                     quantized
sales-forecast-Q4-2024-13b                                  serving 13b
report-q3-7b                                                serving 7b
llama-7b-Q8                                                 serving 7b
pint4less-7b                                                serving 7b
print8bit-tools                                             serving
mint4u-13b                                                  serving 13b
sawq-lab-7b                                                 serving 7b
explorer-7b                                                 serving 7b
chatter-8b                                                  serving 8b
w4a16b-7b                                                   serving 7b
fp8x-7b                                                     serving 7b
lorax-7b                                                    serving 7b
distillery-7b                                               serving 7b
breakfast-elite-turbotax                                    serving
v8-8-8b                                                     serving 8b
awq/mistral-7b                                              serving 7b
int4-labs/mistral-7b                                        serving 7b
2024-11-21                                                  serving
"""
ROWS = [
    (name, frozenset(words))
    for name, *words in (
        line.rsplit("  ", 1)[0].split() + line.rsplit("  ", 1)[1].split() for line in TABLE.strip().splitlines()
    )
]
METHODS = frozenset(
    {
        "awq",
        "gptq",
        "gguf",
        "bitsandbytes",
        "exl2",
        "exl3",
        "fp8",
        "nvfp4",
        "mxfp",
        "mxfp4",
        "aqlm",
        "quip#",
        "hqq",
        "eetq",
    }
    | {"autoround", "smoothquant", "bitnet", "torchao", "compressed-tensors"}
)


def words_of(name):
    """A suggestion in the words of the table."""
    found = suggest(name.replace("\\\\", "\\")).readings
    value = {field: reading.value for field, reading in found.items()}
    numbers = {"parameters_b": "{:g}b", "bits": "w{:g}", "activation_bits": "a{:g}", "group_size": "g{:g}"}
    numbers |= {"active_parameters_b": "active{:g}"}
    named = {"kv_cache": "kv={}", "engine": "engine={}", "speculative": "spec={}"}
    words = {value["tier"]} | {text.format(value[field]) for field, text in (numbers | named).items() if field in value}
    words |= {value[field] for field in ("method", "adapter") if field in value}
    flags = {"mixture_of_experts": "moe", "distilled": "distilled", "pruned": "pruned"}
    return frozenset(words | {word for field, word in flags.items() if value.get(field)})


def test_the_table_is_large():
    assert len(ROWS) >= 160
    assert len({name for name, _ in ROWS}) == len(ROWS)
    assert {word for _, words in ROWS for word in words} >= METHODS


@pytest.mark.parametrize(("name", "words"), ROWS, ids=[name for name, _ in ROWS])
def test_a_name_suggests(name, words):
    assert words_of(name) == words


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.pattern.pattern[:60])
def test_every_rule_reads_something_in_the_table_or_below(rule):
    others = "chat-7b-xgrammar 7b-draft llama.cpp-b4321 imatrix-7b ultrachat 7b-quantized-x llm-qat-7b"
    assert any(rule.pattern.search(name) for name in [*(name for name, _ in ROWS), others])


def test_a_reading_names_its_piece_and_how_sure_it_is():
    found = suggest("acme/Llama-3.1-8B-Instruct-AWQ").readings
    assert (found["bits"].value, found["bits"].piece, found["bits"].certainty) == (4.0, "AWQ", Certainty.LIKELY)
    assert (found["parameters_b"].piece, found["parameters_b"].certainty) == ("8B", Certainty.CLEAR)
    assert (found["base_model"].value, found["base_model"].certainty) == ("Llama-3.1-8B-Instruct", Certainty.GUESS)
    assert suggest("x-7b-gptq").readings["bits"].certainty is Certainty.GUESS
    assert suggest("x-7b-gptq-int4").readings["bits"].certainty is Certainty.CLEAR


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gpt-9-turbo", BRANDING),
        ("acme-lite-70b", BRANDING),
        ("acme-fast-fp8", BRANDING),
        ("acme/Llama-70B", "nothing in the name tells the precision"),
        ("forecast-Q4-2024", "'Q4' alone may be a quarter"),
        ("acme/x-attn-4bit-moe-2bit-hqq", "'4bit' and '2bit' name different bit widths"),
        ("acme/x-7b-gguf", "'gguf' does not say how many bits"),
        ("acme/R1-distill-7b", "distilled"),
        ("acme/Mixtral-8x7B-awq", "experts share layers"),
        ("x-7b-fp8\x00", "control characters"),
        ("x-7b-\u202efp8", "control characters"),
        ("x" * 513, "the first 512 were read"),
    ],
)
def test_doubts_are_told(name, told):
    assert any(told in warning for warning in suggest(name).warnings)


def test_a_clear_name_raises_no_doubt():
    assert suggest("acme/Llama-3.1-8B-Instruct-FP8").warnings == ()


@pytest.mark.parametrize("name", ["breakfast", "elite-7b-fp8", "turbocharged-bf16"])
def test_branding_is_a_word_of_its_own(name):
    assert BRANDING not in suggest(name).warnings


@pytest.mark.parametrize(
    "unit",
    ["a", "4bit-", "Q4_K_M-", "8x7b-", "fp8-", "-", "/", "\x00", "1", "9.", "kv-fp8_", "é", "fp8-dynamic-", "w4a16-g"],
)
def test_a_megabyte_takes_no_longer_than_a_short_name(unit):
    name = unit * (1_000_000 // len(unit))
    before = time.process_time()
    found = suggest(name)
    assert time.process_time() - before < 0.5
    assert any("characters; the first 512 were read" in warning for warning in found.warnings)
    assert all(len(reading.piece) <= 64 for reading in found.readings.values())


PIECES = st.sampled_from(
    [*(name for name, _ in ROWS), "-", "_", "/", " ", "Q4", "0b", "999x9999b", "00", "\x07", "ｆｐ８", "#"]
)


@given(st.lists(PIECES | st.text(max_size=8), max_size=12).map("".join))
def test_whatever_the_name_the_facts_are_a_valid_document(name):
    found = suggest(name)
    assert parse_artifact("x", found.artifact.to_json()) == found.artifact
    assert found.tier in Tier
    assert suggest(name) == found
    for field, reading in found.readings.items():
        assert reading.piece.isascii(), field
        assert reading.piece.isprintable(), field


@given(st.sampled_from([name for name, _ in ROWS]))
def test_the_case_of_a_name_does_not_matter(name):
    assert words_of(name.upper()) == words_of(name.lower()) == words_of(name)


# Metadata


def test_what_metadata_state_outranks_the_name():
    config = {"quantization_config": {"quant_method": "awq", "bits": 8, "group_size": 64}, "torch_dtype": "bfloat16"}
    found = suggest("acme/Llama-3-8B-GPTQ-4bit-128g", config)
    read = {field: (one.value, one.piece) for field, one in found.readings.items()}
    assert read["method"] == ("awq", "metadata: quantization_config.quant_method")
    assert read["bits"] == (8.0, "metadata: quantization_config.bits")
    assert read["group_size"][0] == 64
    assert found.readings["bits"].certainty is Certainty.STATED
    assert any("'4bit' name different bit widths" in warning for warning in found.warnings)


@pytest.mark.parametrize(
    ("metadata", "field", "value"),
    [
        ({"torch_dtype": "bfloat16"}, "bits", 16.0),
        ({"dtype": "torch.float32"}, "bits", 32.0),
        ({"general.file_type": 15}, "format", "gguf q4_k_m"),
        ({"general.file_type": 15}, "bits", 4.0),
        ({"general.file_type": 1}, "bits", 16.0),
        ({"quantization_config": {"load_in_4bit": True}}, "bits", 4.0),
        ({"quantization_config": {"load_in_8bit": True}}, "bits", 8.0),
        ({"kv_cache_dtype": "fp8_e5m2"}, "kv_cache", "fp8_e5m2"),
        ({"cache_type_k": "q8_0"}, "kv_cache", "q8_0"),
        ({"num_local_experts": 8}, "mixture_of_experts", True),
        ({"num_experts": 1}, "mixture_of_experts", False),
        ({"peft_type": "LORA"}, "adapter", "lora"),
        ({"speculative_config": {"method": "eagle3"}}, "speculative", "eagle3"),
        ({"speculative_config": {"model": "acme/Qwen3-0.6B"}}, "speculative", "acme/Qwen3-0.6B"),
        ({"guided_decoding_backend": "xgrammar"}, "guided_decoding", "xgrammar"),
        ({"engine": "vllm", "engine_version": "0.11.0"}, "engine_version", "0.11.0"),
        ({"tokenizer_hash": "A1B2C3D4E5"}, "tokenizer_hash", "a1b2c3d4e5"),
        ({"base_model": "acme/Llama-3.1-8B"}, "base_model", "acme/Llama-3.1-8B"),
        ({"hardware": "2x L40S"}, "hardware", "2x L40S"),
    ],
)
def test_metadata_are_read(metadata, field, value):
    assert suggest("model", metadata).value(field) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.dictionaries(st.text(max_size=8), inner, max_size=4) | st.lists(inner, max_size=3),
)
KEYS = st.sampled_from(
    [
        "quantization_config",
        "bits",
        "group_size",
        "kv_cache",
        "engine",
        "hardware",
        "general.file_type",
        "torch_dtype",
        "speculative_config",
        "parameters_b",
        "num_experts",
        "tokenizer_hash",
        "method",
    ]
)


@given(
    st.dictionaries(
        KEYS | st.text(max_size=8), JSON | st.dictionaries(st.sampled_from(["bits", "quant_method", "method"]), JSON)
    )
)
def test_whatever_the_metadata_the_facts_are_a_valid_document(metadata):
    found = suggest("model-7b", metadata)
    assert parse_artifact("x", found.artifact.to_json()) == found.artifact
