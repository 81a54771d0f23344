"""The chart and ``Settings`` say the same: names, defaults, bounds."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import Settings

CHART = Path(__file__).resolve().parents[2] / "charts" / "fullback"
PREFIX = "FULLBACK_"
DATABASE = {"database": {"existingSecret": "fullback-db"}}

NOT_IN_CONFIG = {
    "database_url": "a secret: database.existingSecret",
    "slack_webhook_url": "a secret: slack.existingSecret",
    "subject_key": "a secret: subjects.existingSecret",
    "data_dir": "belongs to the embedded PostgreSQL, which the chart never uses",
    "host": "the chart binds to all addresses of the pod",
    "port": "fixed in the pod; service.port is the one clients see",
}
OTHER_DEFAULT = {"public_url": "empty in the chart: the Ingress host or the Service's address"}


def camel(field: str) -> str:
    return re.sub(r"_(.)", lambda match: match[1].upper(), field)


def schema_of_config() -> dict[str, Any]:
    return json.loads((CHART / "values.schema.json").read_text())["properties"]["config"]["properties"]


def rendered_env(values: dict[str, Any]) -> dict[str, str | None]:
    """Every variable that any container gets, from the ConfigMap or by itself (None: from a secret)."""
    helm = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (a real Helm engine)")
    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(values, name="fullback", namespace="watch")
    documents = [d for path, text in files.items() if path.endswith(".yaml") for d in yaml.safe_load_all(text) if d]
    env: dict[str, str | None] = {}
    for document in documents:
        if document["kind"] == "ConfigMap":
            env |= document["data"]
        if document["kind"] in {"Deployment", "Job"}:
            pod = document["spec"]["template"]["spec"]
            for container in [*pod.get("initContainers", []), *pod["containers"]]:
                env |= {e["name"]: e.get("value") for e in container["env"]}
    return env


def full_values() -> dict[str, Any]:
    return yaml.safe_load((CHART / "ci" / "full-values.yaml").read_text())


def test_every_rendered_variable_is_a_setting() -> None:
    rendered = {name for name in rendered_env(full_values()) if name.startswith(PREFIX)}
    fields = {PREFIX + field.upper() for field in Settings.model_fields}
    assert rendered <= fields
    assert fields - rendered == {"FULLBACK_DATA_DIR"}


def test_every_setting_has_a_value_or_a_reason() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())["config"]
    expected = {camel(field) for field in Settings.model_fields if field not in NOT_IN_CONFIG}
    assert set(values) == expected
    assert set(schema_of_config()) == expected
    assert set(NOT_IN_CONFIG) <= set(Settings.model_fields)


@pytest.mark.parametrize("field", [name for name in Settings.model_fields if name not in NOT_IN_CONFIG])
def test_bounds_and_defaults_agree(field: str) -> None:
    said = Settings.model_json_schema()["properties"][field]
    ours = schema_of_config()[camel(field)]
    if field in OTHER_DEFAULT:
        assert ours["type"] == said["type"]
        return
    bounds = ("type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "pattern")
    assert ours == {key: said[key] for key in bounds if key in said}
    assert yaml.safe_load((CHART / "values.yaml").read_text())["config"][camel(field)] == said["default"]


def test_the_service_starts_on_what_the_chart_renders(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in rendered_env(full_values()).items():
        monkeypatch.setenv(name, value or "postgresql://user:password@db/fullback")
    settings = Settings()
    assert settings.port == 8400
    assert settings.host == "0.0.0.0"  # noqa: S104
    assert settings.max_batch_records == 2_000_000
    assert settings.reconcile_every_s == 0.25
    assert settings.ui_auth == "off"
    assert settings.public_url == "https://fullback.example.com"


def test_the_defaults_of_the_chart_are_those_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in rendered_env(DATABASE).items():
        monkeypatch.setenv(name, value or "postgresql://user:password@db/fullback")
    changed = {"host", "public_url", "database_url"}
    assert Settings().model_dump(exclude=changed) == {
        name: field.default for name, field in Settings.model_fields.items() if name not in changed
    }


def test_a_removed_value_leaves_the_default_to_the_service() -> None:
    assert "FULLBACK_LEASE_S" not in rendered_env({**DATABASE, "config": {"leaseS": None}})
