"""What users can set, call or be told appears where they would look."""

from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from alerts.types import AlertKind
from detectors.registry import SIGNALS
from monitor import telemetry
from monitor.config import Settings
from monitor.factory import Factory
from monitor.main import create_app
from monitor.routing.registry import TARGETS
from monitor.services.policies import policy_schema

ROOT = Path(__file__).parents[2]
DOCS = {path.name: path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_documented(field):
    assert f"`FULLBACK_{field.upper()}`" in DOCS["reference.md"]


def metric_names():
    metrics = [value for value in vars(telemetry).values() if isinstance(value, MetricWrapperBase)]
    return [metric._name + ("_total" if metric._type == "counter" else "") for metric in metrics]


@pytest.mark.parametrize("name", metric_names())
def test_every_metric_is_documented(name):
    assert f"`{name}`" in DOCS["reference.md"]


def endpoints():
    app = create_app(Factory(Settings(database_url="postgresql://nobody@127.0.0.1:1/none")))
    return [f"{method.upper()} {path}" for path, methods in app.openapi()["paths"].items() for method in methods]


@pytest.mark.parametrize("endpoint", endpoints())
def test_every_endpoint_is_documented(endpoint):
    assert f"`{endpoint}`" in DOCS["reference.md"]


@pytest.mark.parametrize("kind", AlertKind)
def test_every_alert_has_a_runbook(kind):
    headings = [line for line in DOCS["operations.md"].splitlines() if line.startswith("### ")]
    assert any(kind.value in heading for heading in headings)


@pytest.mark.parametrize("signal", SIGNALS)
def test_every_signal_is_named_in_the_readme(signal):
    assert f"`{signal}`" in README


@pytest.mark.parametrize("field", policy_schema()["properties"])
def test_every_policy_field_is_documented(field):
    assert f"`{field}`" in DOCS["policies.md"]


def test_every_router_is_documented():
    known = {"memory", "envoy", "httproute", "litellm", "webhook"}
    assert set(TARGETS) == known, "a new target needs a section in docs/routers.md"
    for heading in ("## Envoy", "## Gateway API: HTTPRoute", "## LiteLLM proxy", "## Any other router: a webhook"):
        assert heading in DOCS["routers.md"]


def test_links_between_pages_lead_somewhere():
    import re

    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
