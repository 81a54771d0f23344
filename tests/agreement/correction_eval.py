"""How well user reactions are read: ``python -m tests.agreement.correction_eval DATA_DIR [--json]``.

Recall on labelled corrections (``DATA_DIR/*.jsonl.gz``), false positives on invented follow-ups. Rows are
halved by a hash of their source: rules were tuned on the half ``tuned`` and not on ``held_out``. No text is printed.
"""

import argparse
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from detectors.registry import SIGNALS
from detectors.stats.intervals import rate_interval
from detectors.types import Exchange, Message, Request
from tests.agreement.dialogues import SETS, Dialogue, dialogues
from tests.agreement.follow_ups import follow_ups
from tests.agreement.repairs import REPAIRS

SIGNAL_NAMES = ("correction", "retry_loop", "regenerate")
REPAIR_FILE = "repair_qa_train.jsonl.gz"
FEEDBACK_FILE = "feedback_ukplab_selffeeding.jsonl.gz"
STATED = "It has about 40 inhabitants."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tables = evaluate(options.data)
    if options.json:
        json.dump(tables, sys.stdout, indent=1)
        return
    for title, rows in tables.items():
        print(f"\n{title}\n")
        for row in rows:
            print("  " + "  ".join(f"{name} {value}" for name, value in row.items()))


def evaluate(data: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the tables by title."""
    repairs = list(_rows(data / REPAIR_FILE))
    feedback = list(_rows(data / FEEDBACK_FILE))
    turns = follow_ups()
    first = [Message("user", "How many people live there?")]
    return {
        "repair_qa: read as a reaction (all rows are corrections)": _table(
            (_half(str(row["meta"]["source_id"])), found) for row in repairs for found in [_found(_dialogue(row))]
        ),
        "feedback: read as a reaction, by label and reaction": _table(
            (f"{row['label']}/{_reaction(row)}", found)
            for row in feedback
            for found in [_found(_dialogue(row))]
            if found is not None
        ),
        "invented corrections: recall by language": _table(
            (lang, _found([*first, Message("assistant", STATED), Message("user", turn)]))
            for lang, turns_of in REPAIRS.items()
            for turn in turns_of
        ),
        "invented corrections in dialogues: recall by language": _table(
            (each.lang, _found(_invented(each))) for each in dialogues("repairs")
        ),
        "invented dialogues: false positives by set, as written": _table(
            (f"{at}. {name}", _found(_invented(each))) for at, name in enumerate(SETS, 1) for each in dialogues(name)
        ),
        "invented dialogues: false positives by language": _table(
            (each.lang, _found(_invented(each))) for name in SETS for each in dialogues(name)
        ),
        "invented follow-ups: false positives by language": _table(
            (each.lang, _found([*first, Message("assistant", each.said), Message("user", each.turn)])) for each in turns
        ),
        "invented follow-ups: false positives by kind": _table(
            (each.kind, _found([*first, Message("assistant", each.said), Message("user", each.turn)])) for each in turns
        ),
    }


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _dialogue(row: dict[str, Any]) -> list[Message]:
    return [Message(turn["role"], turn["text"]) for turn in row["dialogue"][: row["turn"] + 1]]


def _invented(each: Dialogue) -> list[Message]:
    return [Message("user", each.asked), Message("assistant", each.said), Message("user", each.turn)]


def _reaction(row: dict[str, Any]) -> str:
    """Return what most annotators called the reaction."""
    return Counter(row["label_raw"]["user_reaction"]).most_common(1)[0][0] or "-"


def _half(name: str) -> str:
    return "held_out" if sha256(name.encode()).digest()[0] % 2 else "tuned"


def _found(messages: list[Message]) -> frozenset[str] | None:
    """Return the signals that read 1, None when none applies."""
    exchange = Exchange(Request(messages=tuple(messages)))
    readings = {name: SIGNALS[name].read(exchange) for name in SIGNAL_NAMES}
    applied = {name: reading.value for name, reading in readings.items() if reading is not None}
    return frozenset(name for name, value in applied.items() if value) if applied else None


def _table(found: Iterable[tuple[str, frozenset[str] | None]]) -> list[dict[str, Any]]:
    groups: dict[str, list[frozenset[str]]] = defaultdict(list)
    for group, names in found:
        if names is not None:
            groups[group].append(names)
    everything = [names for rows in groups.values() for names in rows]
    return [_row(group, rows) for group, rows in [*sorted(groups.items()), ("all", everything)]]


def _row(group: str, rows: list[frozenset[str]]) -> dict[str, Any]:
    row: dict[str, Any] = {"group": group, "n": len(rows)}
    tests: dict[str, Callable[[frozenset[str]], bool]] = {"any": bool}
    tests |= {name: lambda names, name=name: name in names for name in SIGNAL_NAMES}
    for name, test in tests.items():
        hits = sum(map(test, rows))
        row[name] = f"{hits / max(1, len(rows)):.3f}"
        if name == "any":
            interval = rate_interval(hits, max(1, len(rows)))
            row["interval"] = f"[{interval.low:.3f}, {interval.high:.3f}]"
    return row


if __name__ == "__main__":
    main()
