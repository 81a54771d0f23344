"""The whole suite on a tiny scale, and its report."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from detectors.calibration import suite
from detectors.calibration.report import Row, Section, Standing, standing
from detectors.calibration.scale import FULL, QUICK, Run
from monitor import cli_calibrate
from monitor.cli import main

pytestmark = pytest.mark.calibration

TINY = replace(
    QUICK,
    streams=20,
    ticks=60,
    runs=20,
    clean=5,
    races=10,
    race_ticks=40,
    tail_races=4,
    tail_race_ticks=60,
    certificates=2,
    longest=120,
    effects=slice(6, None),
)


@pytest.mark.parametrize("name", [name for name in suite.SECTIONS if name not in {"certificates", "false-alarms"}])
def test_every_section_fills_its_columns(name):
    told = []
    (section,) = suite.calibrate(Run(TINY, 1, told.append), [name])
    assert section.name == name
    assert told or not section.rows
    for row in section.rows:
        assert set(row.figures) >= set(section.columns), "a column that is never filled"
    json.dumps(section.document(), allow_nan=False)
    lines = section.lines()
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_a_row_does_not_depend_on_what_else_is_run():
    run = Run(TINY, 1)
    assert run.rng("drift").random() == run.rng("drift").random() != run.rng("rare").random()
    assert replace(run, seed=2).rng("drift").random() != run.rng("drift").random()


def test_the_full_run_is_what_is_promised():
    assert FULL.streams >= 2_000
    assert FULL.ticks * 100 >= 1_000_000
    assert FULL.clean >= 5_000


def test_unknown_sections_are_named():
    with pytest.raises(ValueError, match=r"sections of false-alarms.*got nonsense"):
        list(suite.calibrate(Run(TINY), ["nonsense"]))


def broken(run):
    run.say("simulating")
    row = Row("a truth", {"share": 0.2, "delay": float("inf")}, standing(0.1, 0.3, most=0.05))
    return Section("delay", "A table", {"share": "{:.1%}", "delay": "{:.0f}"}, [row])


def test_a_broken_promise_is_told_and_exits_1(monkeypatch):
    monkeypatch.setattr(cli_calibrate, "calibrate", lambda run, _: [broken(run)])
    told = CliRunner().invoke(main, ["calibrate", "--quick"])
    assert told.exit_code == 1
    assert "| a truth | 20.0% | never | broken |" in told.stdout
    assert "simulating" in told.stderr
    assert "0 proved, 0 open, 1 broken" in told.stdout
    told = CliRunner().invoke(main, ["calibrate", "--quick", "--json"])
    document = json.loads(told.stdout)
    assert told.exit_code == 1
    assert document["broken"] == 1
    assert document["sections"][0]["rows"] == [{"title": "a truth", "share": 0.2, "delay": None, "standing": "broken"}]


def test_standing_is_open_where_bounds_reach_beyond():
    assert standing(0.93, 0.97, least=0.93, most=0.97) is Standing.PROVED
    assert standing(0.92, 0.96, least=0.93, most=0.97) is Standing.OPEN
    assert standing(0.90, 0.92, least=0.93, most=0.97) is Standing.BROKEN
