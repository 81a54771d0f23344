"""A stored reference becomes a target, or a message that says what to change."""

import pytest

from monitor.errors import ValidationError
from monitor.models.route import TargetRef
from monitor.routing.registry import TARGETS, build, validate

ENVOY = {
    "admin_url": "http://127.0.0.1:1",
    "route_file": "/nowhere/rds.yaml",
    "route_config": "llm",
    "route_name": "chat",
}

WEBHOOK = {"url": "http://127.0.0.1:1", "route": "chat", "secret_file": "/nowhere/secret"}
LITELLM = {"url": "http://127.0.0.1:1", "model_group": "chat", "key_env": "FULLBACK_TARGET_LITELLM"}


@pytest.mark.parametrize("kind", sorted(TARGETS))
def test_keys_are_the_kinds(kind):
    settings = {
        "envoy": ENVOY,
        "httproute": {"namespace": "llm", "name": "chat"},
        "litellm": LITELLM,
        "memory": {"name": "registry"},
        "webhook": WEBHOOK,
    }[kind]
    target = build(TargetRef(kind, settings))
    assert target.kind == kind
    assert target.capabilities.propagation_s >= 0


def test_validate_connects_to_nothing():
    validate((TargetRef("envoy", ENVOY),))


def test_an_unknown_kind_lists_the_known_ones():
    with pytest.raises(ValidationError, match=r"kind 'nginx'; known: envoy, httproute, litellm, memory, webhook$"):
        validate((TargetRef("nginx", {}),))


def test_unknown_and_missing_settings_are_named_with_the_allowed_ones():
    settings = {name: value for name, value in ENVOY.items() if name != "route_name"} | {"rout_name": "chat"}
    with pytest.raises(ValidationError) as caught:
        validate((TargetRef("envoy", settings),))
    assert caught.value.detail == (
        "settings of route target 'envoy': unknown 'rout_name', missing 'route_name'; "
        "allowed: route_config, route_name, admin_url (optional), admin_urls (optional), route_file (optional), "
        "runtime_file (optional), timeout_s (optional)"
    )


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("admin_url", "ftp://host", r"admin_url must be http\(s\)://host:port, got 'ftp://host'"),
        ("admin_url", "http://", "admin_url must be http"),
        ("admin_url", "http://host:port", "admin_url must be http"),
        ("admin_url", 9901, "admin_url must be a text"),
        ("route_file", "/etc/rds.pb", r"route_file must be a path that ends in \.json, \.yaml, \.yml"),
        ("route_file", None, "give route_file .RDS. or runtime_file .RTDS., exactly one of the two"),
        ("route_config", "", "route_config must be a text that is not empty, got ''"),
        ("route_name", 5, "route_name must be a text that is not empty, got 5"),
        ("timeout_s", 0, "timeout_s must be seconds over 0 and up to 60, got 0"),
        ("timeout_s", True, "timeout_s must be"),
        ("timeout_s", "5", "timeout_s must be"),
    ],
)
def test_a_wrong_value_is_told(setting, value, message):
    with pytest.raises(ValidationError, match=message):
        validate((TargetRef("envoy", {**ENVOY, setting: value}),))


def test_credentials_in_the_url_are_refused_and_not_repeated():
    with pytest.raises(ValidationError, match="must not carry credentials") as caught:
        validate((TargetRef("envoy", {**ENVOY, "admin_url": "http://user:hunter2@host:9901"}),))
    assert "hunter2" not in caught.value.detail
