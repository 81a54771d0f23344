"""The settings of an HTTPRoute target."""

import subprocess
import sys

import pytest

from monitor.routing.httproute import HttpRouteTarget

GIVEN = {"namespace": "llm", "name": "chat"}


def test_settings_connect_to_nothing():
    target = HttpRouteTarget(
        **GIVEN, kubeconfig="/nowhere", context="a", rules=["main"], controllers=["c"], timeout_s=1.5
    )
    assert target.capabilities == HttpRouteTarget.capabilities


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("namespace", "", "namespace must be the name of a Kubernetes object, got ''"),
        ("namespace", None, "namespace must be"),
        ("name", "Chat", "name must be"),
        ("name", "chat/../../secrets", "name must be"),
        ("name", "chat\n", "name must be"),
        ("name", "a" * 254, "name must be"),
        ("kubeconfig", "", "kubeconfig must be a text that is not empty, or absent, got ''"),
        ("kubeconfig", {"token": 1}, "kubeconfig must be"),
        ("context", 5, "context must be"),
        ("context", "alone", "set kubeconfig, too"),
        ("rules", [], "rules must be a list of names, at least one, or absent, got"),
        ("rules", "main", "rules must be"),
        ("controllers", [1], "controllers must be"),
        ("expect_status", 0, "expect_status must be true or false, got 0"),
        ("gitops_ignores", "yes", "gitops_ignores must be true or false, got 'yes'"),
        ("timeout_s", 0, "timeout_s must be seconds over 0 and up to 60, got 0"),
        ("timeout_s", True, "timeout_s must be"),
        ("timeout_s", float("nan"), "timeout_s must be"),
    ],
)
def test_a_wrong_value_is_told(setting, value, message):
    with pytest.raises(ValueError, match=message):
        HttpRouteTarget(**{**GIVEN, setting: value})


def test_the_client_is_imported_when_it_is_needed():
    program = "import sys, monitor.routing.registry; print('kubernetes.client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_the_client_the_error_says_what_to_install():
    program = """
import sys
sys.modules["kubernetes"] = None
from monitor.routing.httproute import HttpRouteTarget
try:
    HttpRouteTarget("llm", "chat").read()
except Exception as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "RoutingError the Kubernetes client is not installed: pip install 'fullback[kubernetes]'" in done.stdout
