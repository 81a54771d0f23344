"""What the commands share: options, and printing for people or for scripts."""

import json
from collections.abc import Sequence
from typing import Any

import click

__all__ = ["file_argument", "json_option", "print_document", "reason_option"]

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
reason_option = click.option("--reason", required=True, help="Why; goes into the audit.")
file_argument = click.argument("path", type=click.Path(exists=True, dir_okay=False), metavar="FILE")


def print_document(document: Any, *, as_json: bool, lines: Sequence[str]) -> None:
    """Print a document as JSON, or its lines."""
    if as_json:
        click.echo(json.dumps(document, default=str))
    else:
        for line in lines:
            click.echo(line)
