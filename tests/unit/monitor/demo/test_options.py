"""Which faults which engines can have."""

import pytest

from monitor.demo.options import DemoOptions, EngineKind
from monitor.demo.routers import RouterKind


def test_the_default_fault_is_one_the_engines_can_have():
    assert DemoOptions().chosen_fault.name == "schema"
    assert DemoOptions(engines=EngineKind.LLAMACPP).chosen_fault.name == "none"
    assert DemoOptions().target is RouterKind.ENVOY


def test_a_fault_the_engines_cannot_have_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"schema: choose none, dead or quantized"):
        DemoOptions(engines=EngineKind.LLAMACPP, fault="schema")
    with pytest.raises(ValueError, match=r"quantized: add --engines llamacpp"):
        DemoOptions(fault="quantized")
    for name in ("none", "dead", "quantized"):
        assert DemoOptions(engines=EngineKind.LLAMACPP, fault=name).chosen_fault.name == name
