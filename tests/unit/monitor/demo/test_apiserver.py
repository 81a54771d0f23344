"""Where the parts of an API server are found, and who may do what there."""

import pytest

from monitor.demo.apiserver import GATEWAY, WORKER, Executables, find_executables, may


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """A machine with every part where its installer puts it."""
    go, programs = tmp_path / "go", tmp_path / "usr"
    kind = go / "pkg/mod/sigs.k8s.io/gateway-api@v1.4.1/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"
    for path in (go / "bin/apiextensions-apiserver", programs / "etcd", kind):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o755)
    monkeypatch.setattr("monitor.demo.apiserver.find_spec", lambda _: object())
    return {"GOPATH": str(go), "PATH": str(programs)}, Executables(
        go / "bin/apiextensions-apiserver", programs / "etcd", kind
    )


def test_the_parts_are_found_where_their_installers_put_them(parts):
    env, found = parts
    assert find_executables(env) == found


def test_what_is_named_wins_and_must_be_there(parts, tmp_path):
    env, _ = parts
    own = tmp_path / "own-etcd"
    own.touch()
    assert find_executables({**env, "FULLBACK_DEMO_ETCD": str(own)}).etcd == own
    with pytest.raises(FileNotFoundError, match="apt-get install etcd-server"):
        find_executables({**env, "FULLBACK_DEMO_ETCD": str(tmp_path / "nowhere")})


def test_all_that_is_missing_is_named_with_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr("monitor.demo.apiserver.find_spec", lambda _: None)
    with pytest.raises(FileNotFoundError) as caught:
        find_executables({"GOPATH": str(tmp_path), "PATH": str(tmp_path)})
    for how in (
        "go install k8s.io/apiextensions-apiserver@v0.35.7",
        "apt-get install etcd-server",
        "go mod download sigs.k8s.io/gateway-api@v1.4.1",
        "fullback[kubernetes]",
        "FULLBACK_DEMO_APISERVER",
    ):
        assert how in str(caught.value)


def asked(user, verb, subresource="", **changed):
    wanted = {"group": "gateway.networking.k8s.io", "resource": "httproutes", "namespace": "llm"}
    return may({"user": user, "resourceAttributes": {**wanted, "verb": verb, "subresource": subresource, **changed}})


def test_each_may_do_what_its_role_says():
    assert all(asked(WORKER, verb) for verb in ("get", "patch"))
    assert all(asked(GATEWAY, verb) for verb in ("get", "list", "watch"))
    assert asked(GATEWAY, "patch", "status")
    assert not asked(WORKER, "patch", "status")
    assert not asked(GATEWAY, "patch")
    assert not asked(WORKER, "get", namespace="other")
    assert not asked(WORKER, "get", resource="gateways")
    assert not asked("somebody", "get")
    assert not may({"user": WORKER, "nonResourceAttributes": {"path": "/", "verb": "get"}})
