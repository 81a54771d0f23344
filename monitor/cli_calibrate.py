"""``fullback calibrate``: prove the statistical promises by simulation; tables on standard output."""

import json
import sys
from time import perf_counter

import click

from detectors.calibration.report import Standing
from detectors.calibration.scale import FULL, QUICK, Run
from detectors.calibration.suite import SECTIONS, calibrate
from monitor.cli_output import json_option

__all__ = ["calibrate_command"]


@click.command("calibrate")
@click.option("--quick", is_flag=True, help="Under a minute instead of half an hour: few streams, wide bounds.")
@click.option("--only", multiple=True, type=click.Choice(list(SECTIONS)), help="Only these sections.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@json_option
def calibrate_command(quick: bool, only: tuple[str, ...], seed: int, as_json: bool) -> None:
    """Simulate false alarms, delays and intervals of the detectors that ship, and their rivals on the same streams.

    Progress goes to standard error. Every promise is "proved" (its exact binomial bounds, or two standard errors, lie
    within it), "open" (too few streams to tell) or "broken"; exit 1 if one is broken.
    """
    began = perf_counter()

    def say(line: str) -> None:
        click.echo(f"[{perf_counter() - began:7.1f} s] {line}", err=True)

    sections = []
    for section in calibrate(Run(QUICK if quick else FULL, seed, say), only):
        sections.append(section)
        if not as_json:
            click.echo("\n".join(section.lines()))
    standings = [row.standing for section in sections for row in section.rows if row.standing is not None]
    counts = {one.value: standings.count(one) for one in Standing}
    seconds = round(perf_counter() - began, 1)
    if as_json:
        found = [section.document() for section in sections]
        click.echo(json.dumps({"quick": quick, "seed": seed, "seconds": seconds, **counts, "sections": found}))
    else:
        click.echo(f"{', '.join(f'{n} {name}' for name, n in counts.items())}; seed {seed}, {seconds:.0f} s")
    if counts[Standing.BROKEN]:
        sys.exit(1)
