"""Secrets by reference, and signatures that any implementation of the standard accepts."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from monitor.clock import SystemClock
from monitor.errors import RoutingError
from monitor.routing.webhook_signing import BearerToken, SigningSecrets, signed_headers

NAME = "FULLBACK_TARGET_TEST"
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def secret(length: int = 32, fill: bytes = b"k") -> str:
    return f"whsec_{base64.b64encode(fill * length).decode()}"


def test_the_signature_is_the_standards():
    # echo -n 'msg_1.1772452800.{"a":1}' | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk -binary | base64
    assert signed_headers([b"k" * 32], "msg_1", AT, '{"a":1}') == {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1772452800",
        "webhook-signature": "v1,0+opcRW7WTSF3KEUxURhE77K/FPge5zk1Lc8hfTbRtg=",
    }


@given(
    keys=st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=4),
    message_id=st.text("abcdefgh_0123", min_size=1),
    body=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_each_key_signs_what_was_sent(keys, message_id, body):
    headers = signed_headers(keys, message_id, AT, body)
    text = f"{message_id}.{headers['webhook-timestamp']}.{body}".encode()
    expected = [base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode() for key in keys]
    assert headers["webhook-signature"] == " ".join(f"v1,{one}" for one in expected)


def test_the_receivers_package_accepts_it():
    headers = signed_headers([b"a" * 32, b"k" * 32], "msg_1", SystemClock().now(), '{"a":1}')
    assert Webhook(secret()).verify('{"a":1}', headers) == {"a": 1}


@pytest.mark.parametrize("separator", [" ", "\n", ",", ", \n"])
def test_several_secrets(monkeypatch, separator):
    monkeypatch.setenv(NAME, separator.join([secret(24, b"a"), secret(64, b"b"), secret().rstrip("=")]))
    assert SigningSecrets(NAME, None).load() == (b"a" * 24, b"b" * 64, b"k" * 32)


@pytest.mark.parametrize(
    "wrong",
    [
        secret().removeprefix("whsec_"),
        secret(23),
        secret(65),
        "whsec_",
        "whsec_!!!hunter2!!!",
        f"{secret()} hunter2",
        f"{secret()}ü",
    ],
)
def test_a_malformed_secret_is_told_and_not_shown(monkeypatch, tmp_path, wrong):
    monkeypatch.setenv(NAME, wrong)
    file = tmp_path / "secret"
    file.write_text(wrong, "utf-8")
    for secrets in (SigningSecrets(NAME, None), SigningSecrets(None, str(file))):
        with pytest.raises(RoutingError, match="holds something that is no signing secret: write whsec_ and") as caught:
            secrets.load()
        assert "hunter2" not in caught.value.detail
        assert caught.value.__cause__ is None
        assert wrong not in f"{secrets!r} {secrets}"


@pytest.mark.parametrize(("value", "found"), [("", 0), (" \n", 0), (" ".join([secret()] * 9), 9)])
def test_too_few_and_too_many(monkeypatch, value, found):
    monkeypatch.setenv(NAME, value)
    with pytest.raises(RoutingError, match=f"secret_env {NAME} must hold 1 to 8 signing secrets, it holds {found}"):
        SigningSecrets(NAME, None).load()


def test_what_is_not_there_is_told(monkeypatch, tmp_path):
    monkeypatch.delenv(NAME, raising=False)
    with pytest.raises(RoutingError, match="it holds 0"):
        SigningSecrets(NAME, None).load()
    with pytest.raises(RoutingError, match=r"secret_file .*/none cannot be read \(No such file"):
        SigningSecrets(None, str(tmp_path / "none")).load()
    with pytest.raises(RoutingError, match=f"read_token_env {NAME} holds no token"):
        BearerToken(NAME, "read_token_env").load()


@pytest.mark.parametrize("value", ["a b", "a\nb", "ü", " ", "x" * 5000])
def test_a_token_that_no_header_can_carry_is_not_sent(monkeypatch, value):
    monkeypatch.setenv(NAME, value)
    with pytest.raises(RoutingError, match="holds no token"):
        BearerToken(NAME, "read_token_env").load()


def test_a_token_may_end_in_a_line_break(monkeypatch):
    monkeypatch.setenv(NAME, "abc\n")
    assert BearerToken(NAME, "read_token_env").load() == "abc"


@pytest.mark.parametrize(
    "name", ["FULLBACK_DATABASE_URL", "FULLBACK_SUBJECT_KEY", "AWS_SECRET_ACCESS_KEY", "FULLBACK_TARGET_", "", 5, True]
)
def test_the_services_other_secrets_cannot_be_named(name):
    with pytest.raises(ValueError, match=r"secret_env must be the name of .* that begins with FULLBACK_TARGET_"):
        SigningSecrets(name, None)
    with pytest.raises(ValueError, match="read_token_env must be the name of"):
        BearerToken(name, "read_token_env")


@pytest.mark.parametrize("settings", [(None, None), (NAME, "/a")])
def test_exactly_one_place(settings):
    with pytest.raises(ValueError, match="exactly one of secret_env and secret_file"):
        SigningSecrets(*settings)


@pytest.mark.parametrize("file", ["secret", "", 5, "/a\x00"])
def test_a_file_is_named_in_full(file):
    with pytest.raises(ValueError, match="secret_file must be an absolute path"):
        SigningSecrets(None, file)


def test_any_zone_gives_the_same_stamp():
    west = AT.astimezone(timezone(timedelta(hours=-7)))
    assert signed_headers([b"k" * 32], "m", west, "") == signed_headers([b"k" * 32], "m", AT, "")
