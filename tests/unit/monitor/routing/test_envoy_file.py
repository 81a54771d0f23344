"""The route file: locking, loading, replacing."""

import fcntl
from datetime import UTC, datetime

import pytest
import yaml

from monitor.clock import FakeClock
from monitor.errors import RoutingError
from monitor.routing.envoy_file import EnvoyFile

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rds.yaml"


def test_a_lock_that_is_never_given_up_is_told_after_the_timeout(path, clock):
    with path.with_name("rds.yaml.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with (
            pytest.raises(RoutingError, match=r"rds\.yaml\.lock for over 5 s: find it"),
            EnvoyFile(str(path), "route_file", 5, clock).locked(),
        ):
            pass
    assert (clock.now() - START).total_seconds() >= 5
    with EnvoyFile(str(path), "route_file", 5, clock).locked():
        pass


def test_a_lock_ends_with_an_error_inside(path, clock):
    with pytest.raises(KeyError), EnvoyFile(str(path), "route_file", 5, clock).locked():
        raise KeyError
    with EnvoyFile(str(path), "route_file", 5, clock).locked():
        assert clock.now() == START


def test_scalars_are_written_back_as_envoy_read_them(path, clock):
    text = "a: 12:30\nb: 2026-01-01\nc: 0.50\nd: '5'\ne: 5\nf: true\ng: 08\nh: null\ni: 0s\nj: 1e3\nk: ü\n"
    path.write_text(text, encoding="utf-8")
    file = EnvoyFile(str(path), "route_file", 5, clock)
    document = file.load()
    assert document == {
        "a": "12:30",
        "b": "2026-01-01",
        "c": "0.50",
        "d": "5",
        "e": 5,
        "f": True,
        "g": "08",
        "h": None,
        "i": "0s",
        "j": "1e3",
        "k": "ü",
    }
    file.replace(document)
    assert file.load() == document
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["b"] == "2026-01-01"


def test_what_an_alias_shares_is_separate_afterwards(path, clock):
    path.write_text("a: &x {weight: 1}\nb: *x\n")
    document = EnvoyFile(str(path), "route_file", 5, clock).load()
    document["a"]["weight"] = 2
    assert document["b"] == {"weight": 1}


@pytest.mark.parametrize("name", ["rds.yaml", "rds.json"])
@pytest.mark.parametrize("text", ["{", "[1, 2]", "", "a: !!python/object:os.system {}", "\x00"])
def test_broken_files_are_told_and_left(tmp_path, clock, name, text):
    broken = tmp_path / name
    broken.write_text(text)
    with pytest.raises(RoutingError, match=r"repair it") as caught:
        EnvoyFile(str(broken), "route_file", 5, clock).load()
    assert name in caught.value.detail
    assert broken.read_text() == text


def test_a_file_that_is_not_there_is_told(path, clock):
    with pytest.raises(RoutingError, match=r"cannot be read \(No such file"):
        EnvoyFile(str(path), "route_file", 5, clock).load()
    with pytest.raises(RoutingError, match=r"cannot be replaced \(No such file"):
        EnvoyFile(str(path), "route_file", 5, clock).replace({})
    with (
        pytest.raises(RoutingError, match=r"cannot be opened \(No such file .*let the service write"),
        EnvoyFile(str(path.parent / "no" / "rds.yaml"), "route_file", 5, clock).locked(),
    ):
        pass


def test_a_failed_write_leaves_the_file_and_no_rubbish(path, clock, monkeypatch):
    path.write_text("a: 1\n")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RoutingError, match=r"cannot be replaced \(No space left"):
        EnvoyFile(str(path), "route_file", 5, clock).replace({"a": 2})
    assert path.read_text() == "a: 1\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["rds.yaml"]
