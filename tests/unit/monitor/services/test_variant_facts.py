"""A variant's facts: stated before suggested, confirmed before all; and documents of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ValidationError
from monitor.models.artifact import Artifact
from monitor.models.variant import Role, Tier, Variant
from monitor.services.artifact_document import artifact_schema, parse_artifact
from monitor.services.tier_defaults import policy_for
from monitor.services.variant_facts import facts_of
from tests.conftest import START


def variant(format_="awq-int4", tier=Tier.QUANTIZED, name="cand", base=None, facts=None, by=None):
    at = None if by is None else START
    artifact = Artifact(**facts or {})
    return Variant(2, 1, name, Role.CANDIDATE, "b", format_, tier, base, None, START, artifact, by, at)


def test_format_and_name_suggest():
    found = facts_of(variant("gguf q4_k_m", name="chat-8b-kv-fp8"))
    assert not found.confirmed
    assert found.artifact == Artifact(method="gguf", bits=4.0, parameters_b=8.0, kv_cache="fp8", instruct=True)


def test_a_base_model_tells_of_the_model_and_not_of_the_precision():
    found = facts_of(variant(base="acme/Qwen3-30B-A3B-Instruct-FP8")).artifact
    assert (found.parameters_b, found.active_parameters_b, found.mixture_of_experts) == (30.0, 3.0, True)
    assert (found.bits, found.method) == (4.0, "awq")
    assert facts_of(variant("custom", base="acme/Llama-8B-FP8")).artifact == Artifact(parameters_b=8.0)


def test_what_was_stated_outranks_what_is_suggested():
    found = facts_of(variant(facts={"bits": 3, "engine": "vllm"})).artifact
    assert (found.bits, found.engine, found.method) == (3, "vllm", "awq")


def test_what_was_confirmed_is_all_there_is():
    found = facts_of(variant(facts={"bits": 3}, by="ana"))
    assert (found.artifact, found.confirmed, found.warnings) == (Artifact(bits=3), True, ())


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (variant("fp8", Tier.SERVING), "declared serving, but 8 bits"),
        (variant("bf16", Tier.SERVING, facts={"bits": 8}), "declared serving, but 8 bits"),
        (variant("bf16", Tier.SERVING, name="chat-lora"), "declared serving, but the name is that of another model"),
        (variant("int4", name="pruned-8b"), "declared quantized, but the name is that of another model"),
        (variant("custom", name="chat-turbo"), "branding: confirm precision"),
    ],
)
def test_doubts_are_told(made, told):
    assert any(told in warning for warning in facts_of(made).warnings)


@pytest.mark.parametrize(
    "made",
    [
        variant("bf16", Tier.SERVING),
        variant(),
        variant("int4", Tier.DERIVED, name="chat-lora"),
        variant("custom", name="chat-turbo", facts={"bits": 4}),
    ],
)
def test_no_doubt_where_there_is_none(made):
    assert facts_of(made).warnings == ()


# Documents

FULL = {
    "method": "awq",
    "bits": 4,
    "activation_bits": 16,
    "group_size": 128,
    "kv_cache": "fp8",
    "engine": "vllm",
    "engine_version": "0.11.0",
    "speculative": "eagle3",
    "guided_decoding": "xgrammar",
    "chat_template_hash": "0123abcd",
    "tokenizer_hash": "0123abcd",
    "hardware": "2x h100",
    "calibration_set": "ultrachat",
    "parameters_b": 30,
    "active_parameters_b": 3,
    "mixture_of_experts": True,
    "instruct": True,
    "distilled": False,
    "pruned": False,
    "adapter": "lora",
    "lineage": ["acme/Qwen3-30B-A3B", "acme/Qwen3-30B-A3B-Base"],
    "reference": "bf16",
}


def test_the_schema_and_the_type_name_the_same_facts():
    assert set(artifact_schema()["properties"]) == set(Artifact.__dataclass_fields__) == set(FULL)


def test_a_document_survives_both_ways():
    assert parse_artifact("x", FULL).to_json() == FULL
    assert parse_artifact("x", {}).to_json() == {}


def test_a_fact_of_a_later_release_is_passed_over():
    assert Artifact.from_json({"bits": 4, "colour": "red"}) == Artifact(bits=4)


@pytest.mark.parametrize(
    ("document", "pointer", "allowed"),
    [
        ({"colour": "red"}, "/", "allowed: activation_bits"),
        ({"bits": 0}, "/bits", "minimum is 1"),
        ({"bits": 128}, "/bits", "maximum is 64"),
        ({"bits": "four"}, "/bits", "type is 'number'"),
        ({"bits": True}, "/bits", "type is 'number'"),
        ({"group_size": 1.5}, "/group_size", "type is 'integer'"),
        ({"method": "AWQ"}, "/method", "pattern"),
        ({"method": "awq\n"}, "/method", "pattern"),
        ({"engine": "vllm\0"}, "/engine", "pattern"),
        ({"hardware": "h100\n"}, "/hardware", "pattern"),
        ({"tokenizer_hash": "xyz"}, "/tokenizer_hash", "pattern"),
        ({"adapter": "magic"}, "/adapter", "allowed: lora, qlora"),
        ({"lineage": ["a"] * 17}, "/lineage", "too long"),
        ({"lineage": ["a\n"]}, "/lineage/0", "pattern"),
        ({"parameters_b": 0}, "/parameters_b", "exclusiveMinimum is 0"),
        ({"distilled": None}, "/distilled", "type is 'boolean'"),
    ],
)
def test_a_bad_document_is_answered_with_the_path_and_what_is_allowed(document, pointer, allowed):
    with pytest.raises(ValidationError) as caught:
        parse_artifact("int4", document)
    assert caught.value.detail.startswith(f"artifact of variant 'int4': {pointer}: ")
    assert allowed in caught.value.detail


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(Tier))
def test_whatever_a_variant_is_called_its_facts_are_a_document(format_, base, tier):
    found = facts_of(variant(format_, tier, base=base))
    assert parse_artifact("x", found.artifact.to_json()) == found.artifact


def test_facts_that_are_shown_and_not_confirmed_set_nothing():
    policy = object()
    one = variant()
    assert facts_of(one).artifact.bits == 4
    assert policy_for(policy, one, [one]) is policy
