"""Addresses that may be asked, and how they are shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.routing.bounded_http import Question, checked_url, shown_url


@pytest.mark.parametrize("url", ["http://host", "https://host:8443/a/b", "http://[::1]:80/x", "http://10.0.0.1"])
def test_plain_addresses_are_taken(url):
    assert checked_url(url, "url") == url


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://host", r"url must be http\(s\)://host:port/path, got 'ftp://host'"),
        ("file:///etc/passwd", "url must be http"),
        ("http://", "url must be http"),
        ("host/path", "url must be http"),
        ("http://host:port", "url must be http"),
        ("http://host/#part", "url must be http"),
        ("http://host/?a=b", "url must be http"),
        ("http://ho st/\n", "url must be http"),
        ("", "url must be an address"),
        (5, "url must be an address such as .*, got int"),
        (None, "url must be an address"),
        ("http://host/" + "a" * 3000, "url must be an address"),
    ],
)
def test_others_are_refused(url, message):
    with pytest.raises(ValueError, match=message):
        checked_url(url, "url")


def test_credentials_are_refused_and_not_repeated():
    with pytest.raises(ValueError, match="url must not carry credentials") as caught:
        checked_url("https://user:hunter2@host/", "url")
    assert "hunter2" not in str(caught.value)


def test_a_query_is_taken_where_it_may_be_and_never_shown():
    assert checked_url("http://host/a?b=c", "read_url", query=True) == "http://host/a?b=c"
    assert shown_url("http://host/a?b=c") == "http://host/a"


@given(st.text() | st.text().map("http://".__add__) | st.from_regex(r"\Ahttps?://[!-~]{1,30}\Z"))
def test_any_text_is_taken_or_refused(text):
    try:
        assert checked_url(text, "url", query=True).startswith(("http", "HTTP"))
    except ValueError as error:
        assert "url must" in str(error)  # noqa: PT017 - both ends are right


def test_a_question_does_not_show_its_secrets():
    question = Question("POST", "http://host", {"authorization": "Bearer hunter2"}, b"hunter2")
    assert "hunter2" not in repr(question)
