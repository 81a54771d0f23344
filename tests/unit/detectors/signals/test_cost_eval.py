import json

from detectors.registry import SIGNALS
from monitor.bench.events import Generator
from tests.agreement.cost_eval import ALL, OF_TEXT, PARSE, exchanges, main
from tests.agreement.cost_eval import NOW as STARTED


def test_every_signal_is_timed_beside_the_decoder(capsys):
    assert main(["--events", "30", "--passes", "1", "--json"]) == 0
    costs = json.loads(capsys.readouterr().out)
    assert set(costs) == {PARSE, ALL, OF_TEXT, *SIGNALS}
    assert all(0.0 < costs[name]["median"] <= costs[name]["p99"] for name in (PARSE, ALL, OF_TEXT))


def test_the_table_says_how_many_times_the_decoder_it_is(capsys):
    assert main(["--events", "30", "--passes", "1"]) == 0
    assert f"| {PARSE} |" in capsys.readouterr().out


def test_every_event_becomes_an_exchange():
    found = exchanges(list(Generator(1, STARTED).events(20)))
    assert len(found) == 20
    assert all(each.request and each.request.messages for each in found)
