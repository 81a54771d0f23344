"""What the operating commands share: calling the running service, and reading the files it is given."""

import os
from pathlib import Path
from typing import Any

import click
import yaml

__all__ = ["call_api", "read_document"]


def call_api(method: str, path: str, **arguments: Any) -> Any:
    """Call the running service as ``FULLBACK_URL`` with the key in ``FULLBACK_API_KEY``.

    Raises:
        ClickException: there is no key or no answer, or the answer is a problem.
    """
    import httpx

    base = os.environ.get("FULLBACK_URL", "http://127.0.0.1:8400").rstrip("/")
    key = os.environ.get("FULLBACK_API_KEY")
    if not key:
        raise click.ClickException("set FULLBACK_API_KEY (make one: fullback keys create --source me --scope admin)")
    try:
        answer = httpx.request(
            method, f"{base}{path}", headers={"Authorization": f"Bearer {key}"}, **{"timeout": 30, **arguments}
        )
    except httpx.HTTPError as error:
        raise click.ClickException(
            f"no answer from {base} ({type(error).__name__}); is `fullback serve` running? set FULLBACK_URL"
        ) from None
    document = answer.json()
    if answer.is_error:
        raise click.ClickException(f"{document.get('title', answer.status_code)}: {document.get('detail', '')}")
    return document


def read_document(path: str) -> Any:
    """Read a YAML or JSON file."""
    try:
        return yaml.safe_load(Path(path).read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise click.ClickException(f"cannot read {path}: {type(error).__name__}") from None
