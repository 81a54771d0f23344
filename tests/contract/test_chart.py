"""The Helm chart, rendered by a real Helm engine, and the Dockerfile, as it is read."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import Settings

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "fullback"
CI_VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
DATABASE = {"database": {"existingSecret": "fullback-db"}}
ROUTES = {"httpRoutes": [{"namespace": "llm", "names": ["chat"]}]}


@pytest.fixture(scope="module")
def helm() -> Any:
    return pytest.importorskip("helm_python", reason="helm-python-sdk is not installed (a real Helm engine)")


def render(helm: Any, values: dict[str, Any], release: str = "rel") -> list[dict[str, Any]]:
    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(values, name=release, namespace="watch")
    texts = [text for path, text in files.items() if path.endswith(".yaml")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def notes(helm: Any, values: dict[str, Any]) -> str:
    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(values, name="rel", namespace="watch")
    return next(text for path, text in files.items() if path.endswith("NOTES.txt"))


def of_kind(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [document for document in documents if document["kind"] == kind]


def pods(documents: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents:
        if document["kind"] in {"Deployment", "Job"}:
            yield document["metadata"]["name"], document["spec"]["template"]["spec"]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def ci_values(name: str) -> dict[str, Any]:
    return yaml.safe_load((CHART / "ci" / f"{name}-values.yaml").read_text())


def every_rendering(helm: Any) -> list[list[dict[str, Any]]]:
    modes = [{**DATABASE, "migrations": {"mode": mode}, "rbac": ROUTES} for mode in ("initContainer", "job", "none")]
    return [render(helm, values) for values in [ci_values("default"), ci_values("full"), *modes]]


@pytest.mark.parametrize("path", CI_VALUES, ids=lambda path: path.stem)
def test_lint_is_clean(helm: Any, path: Path) -> None:
    report = helm.lint(str(CHART), yaml.safe_load(path.read_text()), strict=True)
    assert report["errors"] == []
    assert [m for m in report["messages"] if m["severity"] > 1] == []


def test_kinds_of_a_default_release(helm: Any) -> None:
    documents = render(helm, ci_values("default"))
    assert sorted((d["kind"], d["metadata"]["name"]) for d in documents) == [
        ("ConfigMap", "rel-fullback"),
        ("Deployment", "rel-fullback-api"),
        ("Deployment", "rel-fullback-worker"),
        ("PodDisruptionBudget", "rel-fullback-api"),
        ("Service", "rel-fullback"),
        ("ServiceAccount", "rel-fullback-api"),
        ("ServiceAccount", "rel-fullback-worker"),
    ]


def test_kinds_of_a_full_release(helm: Any) -> None:
    twice = ["Deployment", "PodDisruptionBudget", "Role", "RoleBinding", "Service", "ServiceAccount"]
    once = ["ConfigMap", "Ingress", "Job", "NetworkPolicy", "ServiceMonitor"]
    assert sorted(d["kind"] for d in render(helm, ci_values("full"))) == sorted([*twice, *twice, *once])


def test_one_short_manifest_per_file() -> None:
    for path in (CHART / "templates").glob("*.yaml"):
        text = path.read_text()
        assert len(text.splitlines()) <= 80, path.name
        assert len(re.findall(r"^apiVersion:", text, re.MULTILINE)) == (path.name != "validate.yaml"), path.name


def test_every_container_is_restricted(helm: Any) -> None:
    for documents in every_rendering(helm):
        for name, pod in pods(documents):
            assert pod["securityContext"]["runAsNonRoot"] is True, name
            assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
            assert {"name": "tmp", "emptyDir": {}} in pod["volumes"], name
            assert not any("hostPath" in volume for volume in pod["volumes"]), name
            for container in containers(pod):
                context = container["securityContext"]
                assert context["allowPrivilegeEscalation"] is False, name
                assert context["readOnlyRootFilesystem"] is True, name
                assert context["runAsNonRoot"] is True, name
                assert context["capabilities"] == {"drop": ["ALL"]}, name
                assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"], name  # noqa: S108
                assert container["resources"]["requests"], name
                assert container["resources"]["limits"]["memory"], name


def test_no_pod_gets_service_links(helm: Any) -> None:
    """A Service called ``fullback`` would put FULLBACK_PORT=tcp://… into every container."""
    for documents in every_rendering(helm):
        for name, pod in pods(documents):
            assert pod["enableServiceLinks"] is False, name


@pytest.mark.parametrize("routes", [[], ROUTES["httpRoutes"]], ids=["no routes", "routes"])
def test_only_a_worker_with_routes_gets_a_token(helm: Any, routes: list[dict[str, Any]]) -> None:
    documents = render(helm, {**DATABASE, "migrations": {"mode": "job"}, "rbac": {"httpRoutes": routes}})
    accounts = {d["metadata"]["name"]: d["automountServiceAccountToken"] for d in of_kind(documents, "ServiceAccount")}
    tokens = {name: pod["automountServiceAccountToken"] for name, pod in pods(documents)}
    assert accounts == {"rel-fullback-api": False, "rel-fullback-worker": bool(routes)}
    assert tokens == {**accounts, "rel-fullback-migrate-0-1-0": False}


def test_rbac_is_get_and_patch_on_the_named_routes(helm: Any) -> None:
    documents = render(helm, ci_values("full"))
    roles = {d["metadata"]["namespace"]: d["rules"] for d in of_kind(documents, "Role")}
    rule = {
        "apiGroups": ["gateway.networking.k8s.io"],
        "resources": ["httproutes"],
        "verbs": ["get", "patch"],
    }
    assert roles == {
        "llm": [{**rule, "resourceNames": ["chat", "embed"]}],
        "llm-staging": [{**rule, "resourceNames": ["chat"]}],
    }
    for binding in of_kind(documents, "RoleBinding"):
        assert binding["roleRef"]["kind"] == "Role"
        assert binding["roleRef"]["name"] == "watch-httproutes"
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "watch-worker", "namespace": "watch"}]
    assert not of_kind(documents, "ClusterRole")
    assert not of_kind(documents, "ClusterRoleBinding")


def test_secrets_are_referenced_and_never_rendered(helm: Any) -> None:
    for documents in every_rendering(helm):
        assert not of_kind(documents, "Secret")
        assert "://user" not in json.dumps(documents)
        for config in of_kind(documents, "ConfigMap"):
            assert not {"FULLBACK_DATABASE_URL", "FULLBACK_SLACK_WEBHOOK_URL"} & set(config["data"])
        for name, pod in pods(documents):
            for container in containers(pod):
                env = {variable["name"]: variable for variable in container["env"]}
                assert set(env["FULLBACK_DATABASE_URL"]) == {"name", "valueFrom"}, name
                assert "secretKeyRef" in env["FULLBACK_DATABASE_URL"]["valueFrom"], name


def test_the_secrets_are_those_of_the_values(helm: Any) -> None:
    pod = dict(pods(render(helm, ci_values("full"))))
    references = {
        name: {e["name"]: e["valueFrom"]["secretKeyRef"] for e in containers(p)[0]["env"] if "valueFrom" in e}
        for name, p in pod.items()
    }
    database = {"FULLBACK_DATABASE_URL": {"name": "fullback-db", "key": "dsn"}}
    both = {
        **database,
        "FULLBACK_SLACK_WEBHOOK_URL": {"name": "fullback-slack", "key": "url"},
        "FULLBACK_SUBJECT_KEY": {"name": "fullback-subjects", "key": "key"},
    }
    assert references == {"watch-api": both, "watch-worker": both, "watch-migrate-0-1-0-rc-1": database}


def test_roles_probes_and_rollout(helm: Any) -> None:
    deployments = {d["metadata"]["name"]: d["spec"] for d in of_kind(render(helm, ci_values("default")), "Deployment")}
    assert {name: spec["replicas"] for name, spec in deployments.items()} == {
        "rel-fullback-api": 2,
        "rel-fullback-worker": 1,
    }
    for name, spec in deployments.items():
        (container,) = spec["template"]["spec"]["containers"]
        assert container["args"] == ["serve", "--role", name.removeprefix("rel-fullback-")]
        assert container["ports"] == [{"name": "http", "containerPort": Settings.model_fields["port"].default}]
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        probes = {key: container[key]["httpGet"] for key in container if key.endswith("Probe")}
        assert probes == {
            "startupProbe": {"path": "/healthz", "port": "http"},
            "livenessProbe": {"path": "/healthz", "port": "http"},
            "readinessProbe": {"path": "/readyz", "port": "http"},
        }
    (api,) = deployments["rel-fullback-api"]["template"]["spec"]["containers"]
    assert api["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "5"]


def test_selectors_find_the_pods_of_their_component(helm: Any) -> None:
    documents = render(helm, ci_values("full"))
    templates = {d["metadata"]["name"]: d["spec"]["template"]["metadata"] for d in of_kind(documents, "Deployment")}
    selectors = {
        (d["kind"], d["metadata"]["name"]): d["spec"]["selector"].get("matchLabels", d["spec"]["selector"])
        for kind in ("Deployment", "Service", "PodDisruptionBudget")
        for d in of_kind(documents, kind)
    }
    for (_, name), selector in selectors.items():
        matched = {pod for pod, metadata in templates.items() if selector.items() <= metadata["labels"].items()}
        assert matched == {"watch-worker" if name.endswith("worker") else "watch-api"}
        assert "app.kubernetes.io/version" not in selector
    for metadata in templates.values():
        assert metadata["labels"]["team"] == "serving"
        assert metadata["annotations"]["example.com/owner"] == "serving"


def test_pods_are_scheduled_as_the_values_say(helm: Any) -> None:
    full = ci_values("full")
    for name, pod in pods(render(helm, full)):
        assert {key: pod[key] for key in ("nodeSelector", "tolerations", "affinity")} == {
            key: full[key] for key in ("nodeSelector", "tolerations", "affinity")
        }, name
        (spread,) = pod["topologySpreadConstraints"]
        component = spread["labelSelector"]["matchLabels"]["app.kubernetes.io/component"]
        assert component in {name.removeprefix("watch-"), "migrations"}


@pytest.mark.parametrize("mode", ["initContainer", "job", "none"])
def test_migration_modes(helm: Any, mode: str) -> None:
    documents = render(helm, {**DATABASE, "migrations": {"mode": mode}})
    initial = [pod.get("initContainers", []) for name, pod in pods(documents) if "migrate" not in name]
    jobs = of_kind(documents, "Job")
    assert [[c["args"] for c in some] for some in initial] == [[["migrate"]] if mode == "initContainer" else []] * 2
    assert len(jobs) == (mode == "job")
    for job in jobs:
        pod = job["spec"]["template"]["spec"]
        assert job["metadata"]["name"] == "rel-fullback-migrate-0-1-0"
        assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert "serviceAccountName" not in pod, "a hook runs before the chart's own ServiceAccounts exist"
        assert "envFrom" not in pod["containers"][0], "a hook runs before the ConfigMap exists"


def test_every_image_has_its_own_migration_job(helm: Any) -> None:
    images = [{"tag": "0.1.1"}, {"tag": "1.0_RC.2"}, {"digest": "sha256:" + "ab" * 32}]
    rendered = [render(helm, {**DATABASE, "migrations": {"mode": "job"}, "image": i}, "r" * 53) for i in images]
    names = [of_kind(documents, "Job")[0]["metadata"]["name"] for documents in rendered]
    assert len(set(names)) == len(images)
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) and len(name) <= 63 for name in names)


def test_a_changed_setting_restarts_the_pods(helm: Any) -> None:
    def checksums(values: dict[str, Any]) -> list[str]:
        deployments = of_kind(render(helm, values), "Deployment")
        return [d["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for d in deployments]

    before, after = checksums(DATABASE), checksums({**DATABASE, "config": {"logLevel": "debug"}})
    assert len(before) == len(after) == 2
    assert not set(before) & set(after)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "database.existingSecret is required"),
        ({**DATABASE, "extraEnv": [{"name": "FULLBACK_DATABASE_URL"}]}, "must not set FULLBACK_DATABASE_URL"),
        ({**DATABASE, "ingress": {"enabled": True}}, "ingress.host is required"),
        ({**DATABASE, "rbac": {"httpRoutes": ROUTES["httpRoutes"] * 2}}, 'the namespace "llm" twice'),
        (
            {**DATABASE, "rbac": ROUTES, "worker": {"serviceAccount": {"create": False}}},
            "of the worker's own",
        ),
    ],
)
def test_values_that_cannot_work_are_refused(helm: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(helm.errors.HelmRenderError, match=re.escape(message)):
        render(helm, values)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"replicas": 2}, "replicas"),
        ({"config": {"databaseUrl": "postgresql://h/d"}}, "databaseUrl"),
        ({"config": {"logLevel": "loud"}}, "logLevel"),
        ({"config": {"leaseS": 0}}, "leaseS"),
        ({"config": {"leaseS": "yes"}}, "leaseS"),
        ({"database": {"url": "postgresql://h/d"}}, "url"),
        ({"api": {"replicas": "two"}}, "replicas"),
        ({"worker": {"replicas": 0}}, "replicas"),
        ({"image": {"tag": 1.0}}, "tag"),
        ({"migrations": {"mode": "sidecar"}}, "mode"),
        ({"rbac": {"httpRoutes": [{"namespace": "llm", "names": []}]}}, "names"),
        ({"rbac": {"httpRoutes": [{"namespace": "llm", "names": ["*"]}]}}, "names"),
        ({"service": {"port": 70000}}, "port"),
    ],
)
def test_the_schema_refuses(helm: Any, values: dict[str, Any], named: str) -> None:
    with helm.Chart.load(str(CHART)) as chart, pytest.raises(helm.errors.HelmValuesError, match=named):
        chart.validate_schema({**DATABASE, **values})


def test_the_schema_allows_global(helm: Any) -> None:
    with helm.Chart.load(str(CHART)) as chart:
        chart.validate_schema({**DATABASE, "global": {"anything": [1]}})


def test_the_schema_knows_exactly_the_values() -> None:
    def compare(values: dict[str, Any], schema: dict[str, Any], path: str) -> None:
        if schema.get("additionalProperties") is not False:
            return
        assert set(values) == set(schema["properties"]) - {"global"}, path
        for key, value in values.items():
            if isinstance(value, dict):
                compare(value, schema["properties"][key], f"{path}.{key}")

    schema = json.loads((CHART / "values.schema.json").read_text())
    assert schema["additionalProperties"] is False
    compare(yaml.safe_load((CHART / "values.yaml").read_text()), schema, "values")


def test_the_address_in_alerts(helm: Any) -> None:
    def url(values: dict[str, Any]) -> str:
        return of_kind(render(helm, {**DATABASE, **values}), "ConfigMap")[0]["data"]["FULLBACK_PUBLIC_URL"]

    ingress = {"enabled": True, "host": "f.example.com"}
    assert url({"service": {"port": 80}}) == "http://rel-fullback.watch.svc:80"
    assert url({"ingress": ingress}) == "http://f.example.com"
    assert url({"ingress": {**ingress, "tlsSecret": "t"}}) == "https://f.example.com"
    assert url({"ingress": ingress, "config": {"publicUrl": "https://x.example.com"}}) == "https://x.example.com"


def test_network_policy_opens_only_the_http_port(helm: Any) -> None:
    (policy,) = of_kind(render(helm, ci_values("full")), "NetworkPolicy")
    (rule,) = policy["spec"]["ingress"]
    dns, *others = policy["spec"]["egress"]
    assert rule["ports"] == [{"port": "http", "protocol": "TCP"}]
    assert rule["from"] == ci_values("full")["networkPolicy"]["ingressFrom"]
    assert {port["port"] for port in dns["ports"]} == {53}
    assert others == ci_values("full")["networkPolicy"]["egress"]
    (open_policy,) = of_kind(render(helm, {**DATABASE, "networkPolicy": {"enabled": True}}), "NetworkPolicy")
    assert open_policy["spec"]["policyTypes"] == ["Ingress"]


def test_metrics_of_both_components_are_scraped(helm: Any) -> None:
    documents = render(helm, ci_values("full"))
    (monitor,) = of_kind(documents, "ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    found = {s["metadata"]["name"] for s in of_kind(documents, "Service") if wanted <= s["metadata"]["labels"].items()}
    assert found == {"watch", "watch-worker"}
    assert monitor["spec"]["endpoints"] == [{"port": "http", "path": "/metrics", "interval": "15s"}]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def test_notes_say_what_uninstall_leaves(helm: Any) -> None:
    assert "leaves every route as it is" in notes(helm, ci_values("default"))
    assert "llm: chat, embed" in notes(helm, ci_values("full"))


def values_table() -> list[str]:
    """The rows of the README's table, from the ``# --`` comments of values.yaml."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    rows, path, comment = [], [], ""
    for line in (CHART / "values.yaml").read_text().splitlines():
        key = re.match(r"( *)([A-Za-z]+):", line)
        if said := re.match(r" *# -- (.*)", line):
            comment = said[1]
        elif key:
            path = [*path[: len(key[1]) // 2], key[2]]
            if comment:
                default: Any = values
                for part in path:
                    default = default[part]
                rows.append(f"| `{'.'.join(path)}` | {comment} | `{json.dumps(default)}` |")
            comment = ""
    return rows


def test_readme_has_every_value_with_its_default() -> None:
    expected = values_table()
    actual = [row for row in (CHART / "README.md").read_text().splitlines() if row.startswith("| `")]
    assert actual == expected, "write into charts/fullback/README.md:\n" + "\n".join(expected)
    documented = {row.split("`")[1].split(".")[0] for row in expected}
    assert documented == set(yaml.safe_load((CHART / "values.yaml").read_text()))


def test_chart_image_and_package_have_one_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["apiVersion"] == "v2"
    assert chart["appVersion"] == version
    assert f"ARG VERSION={version}\n" in (ROOT / "Dockerfile").read_text()


def dockerfile() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def final_stage() -> dict[str, str]:
    lines = dockerfile()
    last = max(number for number, (word, _) in enumerate(lines) if word == "FROM")
    return dict(lines[last:])


def test_dockerfile_has_a_build_stage_and_pinned_bases() -> None:
    bases = [rest.split()[0] for word, rest in dockerfile() if word == "FROM"]
    assert len(bases) == 2
    assert all(re.fullmatch(r"python:3\.\d+-slim", base) for base in bases)


def test_dockerfile_runs_unprivileged_and_serves() -> None:
    final = final_stage()
    assert int(final["USER"].split(":")[0]) == 10001
    assert json.loads(final["ENTRYPOINT"]) == ["fullback"]
    assert json.loads(final["CMD"]) == ["serve"]
    assert int(final["EXPOSE"]) == Settings.model_fields["port"].default
    assert final["COPY"] == "--from=build /opt/fullback /opt/fullback"
    assert not re.search(r"\b(apt|apt-get|gcc|make|pip|build-essential)\b", final["RUN"])
    assert "org.opencontainers.image.licenses" in final["LABEL"]


def test_dockerfile_holds_no_secret() -> None:
    words = re.compile(r"(PASSWORD|TOKEN|SECRET|API_KEY|DATABASE_URL|WEBHOOK|https?://)", re.IGNORECASE)
    assert not words.search((ROOT / "Dockerfile").read_text())


def test_image_is_built_from_what_the_wheel_is_made_of() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "packages"
    ]
    copied = {
        source for word, rest in dockerfile() if word == "COPY" and "--from" not in rest for source in rest.split()[:-1]
    }
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert copied == {"pyproject.toml", "README.md", "LICENSE", *packages}
    assert set(allowed) == copied
