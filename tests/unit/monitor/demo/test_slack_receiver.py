"""The receiver that stands in for Slack."""

import httpx
import pytest

from monitor.demo.slack_receiver import SlackReceiver, render


@pytest.fixture
def slack():
    with SlackReceiver() as receiver:
        yield receiver


def post(url, **body):
    reply = httpx.post(url, trust_env=False, **body)
    return reply.status_code, reply.text


def test_messages_are_kept_in_order(slack):
    assert post(slack.url, json={"text": "one"}) == (200, "ok")
    assert post(slack.url, json={"text": "two"}) == (200, "ok")
    assert [message["text"] for message in slack.messages] == ["one", "two"]


def test_what_slack_refuses_is_refused(slack):
    assert post(slack.url, content=b"{") == (400, "invalid_payload")
    assert post(slack.url, json={}) == (400, "no_text")
    assert post(slack.url.replace("/services/", "/other/"), json={"text": "x"}) == (404, "no_service")
    assert slack.messages == ()


def test_a_message_reads_well_in_a_terminal():
    message = {
        "text": "fallback",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "chat-70b rolled back"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": "line one\nline two"}},
            {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Signal*\nschema_validity"}]},
            {"type": "divider"},
            {
                "type": "context",
                "elements": [{"type": "mrkdwn", "text": "<!date^1^{time}|noon> · <http://x/r|Evidence>"}],
            },
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Evidence"},
                        "url": "http://x/1",
                    }
                ],
            },
        ],
    }
    assert render(message).splitlines() == [
        "*chat-70b rolled back*",
        "line one",
        "line two",
        "  *Signal* schema_validity",
        "-" * 40,
        "  noon · Evidence (http://x/r)",
        "[Evidence] http://x/1",
    ]
    assert render({"text": "only text"}) == "only text"
    assert render({"attachments": [{"blocks": message["blocks"][:1]}]}) == "*chat-70b rolled back*"
