"""What doubts a baseline's full precision, and what does not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.models.artifact import Artifact
from monitor.models.variant import Role, Tier, Variant
from monitor.services.precision_claims import precision_doubts
from tests.conftest import START

BASE = Variant(1, 1, "chat-bf16", Role.BASELINE, "base", "bf16", Tier.SERVING, None, None, START)


def confirmed(**facts):
    return replace(BASE, artifact=Artifact(**facts), confirmed_by="ana", confirmed_at=START)


@pytest.mark.parametrize(
    ("name", "piece"),
    [
        ("acme/Llama-3.1-70B-FP8-dynamic", "8 bits ('FP8-dynamic')"),
        ("llama-70b-q4_K_M.gguf", "4 bits ('q4_K_M')"),
        ("acme/Qwen3-30B-A3B-AWQ-INT4", "4 bits ('INT4')"),
    ],
)
def test_a_name_of_fewer_bits_doubts_and_only_its_piece_is_shown(name, piece):
    assert precision_doubts(BASE, [name, name]) == (f"its answers name a model of {piece}",)


@pytest.mark.parametrize(
    "name",
    [
        "acme/Llama-3.1-70B-AWQ",
        "acme/Llama-3.1-70B-GPTQ",
        "acme/Llama-3.1-70B-Instruct",
        "chat-bf16",
        "fp_44709d6fcb",
        "b6710-5d1a",
        "Llama-70B-Turbo",
        "qwen-q4",
        "",
    ],
)
def test_other_names_do_not(name):
    assert precision_doubts(BASE, [name]) == ()


@given(st.integers(0, 16**10 - 1))
def test_no_hexadecimal_fingerprint_does(number):
    assert precision_doubts(BASE, [f"fp_{number:010x}", f"{number:x}"]) == ()


def test_only_what_claims_full_precision_is_doubted():
    name = ["llama-FP8"]
    assert precision_doubts(replace(BASE, tier=Tier.QUANTIZED), name) == ()
    assert precision_doubts(confirmed(bits=8), name) == ()
    assert precision_doubts(confirmed(bits=8), ["llama-INT4"]) != ()
    assert precision_doubts(confirmed(), name) != ()
    assert precision_doubts(confirmed(bits=32), ["llama-BF16"]) == (), "full precision is 16 bits"
    unconfirmed = precision_doubts(replace(BASE, artifact=Artifact(bits=8)), name)
    assert [doubt.split(" ")[1] for doubt in unconfirmed] == ["answers", "name,"], (
        "facts nobody confirmed claim nothing"
    )


def test_its_own_name_or_facts_doubt_until_they_are_confirmed():
    named = replace(BASE, format="fp8")
    (doubt,) = precision_doubts(named, [])
    assert doubt.endswith("say 8 bits, which nobody confirmed")
    assert precision_doubts(replace(named, confirmed_by="ana", confirmed_at=START), []) == ()
    assert precision_doubts(replace(BASE, artifact=Artifact(bits=4)), []) != ()
