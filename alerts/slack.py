"""Delivers alerts to a Slack channel through an incoming webhook.

The webhook's address is the credential. It is kept inside the client and appears in no message,
representation or log.
"""

import logging
import math
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, ClassVar, Self, final
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient, WebhookResponse
from typing_extensions import override

from alerts.errors import NotifyError
from alerts.render import Rendered, render
from alerts.settings import required, seconds, secret_url
from alerts.types import Alert

__all__ = ["SlackWebhookNotifier"]

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT_S = 10.0
BODY_LIMIT = 4096

# Slack's own error words. Only these are ever repeated: a body could echo the address.
NEXT_STEPS = {
    "action_prohibited": "ask a workspace administrator to allow the app to post",
    "channel_is_archived": "restore the channel or create a webhook for another one",
    "channel_not_found": "create a new webhook for an existing channel and set webhook_url",
    "invalid_attachments": "report this message as a defect",
    "invalid_blocks": "report this message as a defect",
    "invalid_payload": "report this message as a defect",
    "invalid_token": "create a new webhook and set webhook_url",
    "msg_blocks_too_long": "report this message as a defect",
    "no_active_hooks": "the webhook is disabled: create a new one and set webhook_url",
    "no_service": "the webhook was removed or disabled: create a new one and set webhook_url",
    "no_service_id": "check webhook_url: a part of it is missing",
    "no_team": "check webhook_url: the workspace is unknown",
    "no_text": "report this message as a defect",
    "posting_to_general_channel_denied": "use a webhook for a channel the app may post to",
    "team_disabled": "the workspace is disabled: use a webhook of an active one",
    "user_not_found": "create a new webhook for an existing user or channel and set webhook_url",
}
REFUSED_LAYOUT = {"invalid_attachments", "invalid_blocks", "invalid_payload", "msg_blocks_too_long"}


@final
class SlackWebhookNotifier:
    """Posts to one incoming webhook. One call is one delivery attempt: retrying is the caller's decision."""

    name: ClassVar[str] = "slack"

    def __init__(self, url: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        if not (math.isfinite(timeout_s) and timeout_s > 0):
            raise ValueError(f"timeout_s must be finite and above 0, got {timeout_s}")
        self._timeout_s = timeout_s
        self._client = _QuietClient(secret_url(url, "webhook_url"), timeout_s)

    @classmethod
    def from_settings(cls, settings: Mapping[str, str]) -> Self:
        """A notifier from ``{"webhook_url": ...}``, optionally with ``timeout_s``."""
        return cls(required(settings, "webhook_url"), timeout_s=seconds(settings, "timeout_s", DEFAULT_TIMEOUT_S))

    def notify(self, alert: Alert) -> None:
        """Deliver the alert, as plain text if Slack refuses its layout."""
        rendered = render(alert)
        outcome = self._post(_message(rendered))
        if isinstance(outcome, WebhookResponse) and (word := _word(outcome)) in REFUSED_LAYOUT:
            logger.warning("Slack refused the layout of a %s alert (%s); sending its text", alert.kind, word)
            outcome = self._post({"text": rendered.text})
        error = outcome if isinstance(outcome, NotifyError) else _failure(outcome)
        if error is not None:
            raise error

    def _post(self, message: dict[str, Any]) -> WebhookResponse | NotifyError:
        # The error is returned and raised outside of the handler: the original, which may name the address,
        # is then not even in its context.
        try:
            return self._client.send_dict(message)
        except (OSError, HTTPException, SlackClientError, ValueError) as error:
            return _unreachable(error, self._timeout_s)

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}(url=<secret>, timeout_s={self._timeout_s})"


def _message(rendered: Rendered) -> dict[str, Any]:
    details = list(rendered.blocks[rendered.lead :])
    return {
        "text": rendered.text,
        "blocks": list(rendered.blocks[: rendered.lead]),
        "attachments": [{"color": rendered.color, "fallback": rendered.text, "blocks": details}],
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _failure(response: WebhookResponse) -> NotifyError | None:
    status, word = response.status_code, _word(response)
    said = f"Slack answered {status}" + (f" {word}" if word else "")
    match status:
        case _ if 200 <= status < 300:  # noqa: PLR2004
            return None
        case 429:
            return _later(f"{said}: rate limited", response)
        case 408:
            return _later(f"{said}: it timed out", response)
        case _ if status >= 500:  # noqa: PLR2004
            return _later(f"{said}: it is failing", response)
        case _ if 300 <= status < 400:  # noqa: PLR2004
            step = "redirects are not followed, as the address is a secret: check webhook_url"
        case 403:
            step = "the webhook may not post: create a new one and set webhook_url"
        case 404 | 410:
            step = "the webhook no longer exists: create a new one and set webhook_url"
        case _:
            step = "check webhook_url"
    return NotifyError(f"{said}: {NEXT_STEPS.get(word, step)}", retryable=False)


def _later(reason: str, response: WebhookResponse) -> NotifyError:
    return NotifyError(reason, retryable=True, retry_after_s=_retry_after_s(response))


def _unreachable(error: Exception, timeout_s: float) -> NotifyError:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return NotifyError(f"Slack did not answer within {timeout_s:g} s", retryable=True)
    reason = f"Slack could not be reached ({type(cause).__name__}): check the network, proxy and TLS trust"
    return NotifyError(reason, retryable=True)


def _word(response: WebhookResponse) -> str:
    word = response.body.strip()
    return word if word in NEXT_STEPS else ""


def _retry_after_s(response: WebhookResponse) -> float | None:
    try:
        seconds = float(response.headers.get("Retry-After", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


class _NoRedirect(HTTPRedirectHandler):
    @override
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class _QuietClient(WebhookClient):
    """The SDK's client without its logging (it logs the address), its retries (they sleep) and redirects."""

    def __init__(self, url: str, timeout_s: float) -> None:
        # Not from getLogger: no handler, no parent, and no configuration can switch it on.
        silent = logging.Logger("silent", level=logging.CRITICAL + 1)  # noqa: LOG001
        super().__init__(url, logger=silent, retry_handlers=[])
        self._timeout_s = timeout_s
        # urllib's own proxy handling, which honours NO_PROXY.
        self._opener = build_opener(_NoRedirect, HTTPSHandler(context=self.ssl))

    @override
    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        try:
            answer = self._opener.open(req, timeout=self._timeout_s)
        except HTTPError as error:
            answer = error
        with answer:
            # An accepted message counts as delivered even if the rest of the answer never comes.
            accepted = answer.status < 300  # noqa: PLR2004
            body = "" if accepted else answer.read(BODY_LIMIT).decode("utf-8", "replace")
            return WebhookResponse(url=url, status_code=answer.status, body=body, headers=answer.headers)
