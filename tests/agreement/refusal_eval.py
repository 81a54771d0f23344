"""How far the refusal signals agree with labelled answers: ``python -m tests.agreement.refusal_eval DIR``.

``DIR`` holds files of gzipped JSON, one object a line with ``source, model, lang, prompt, response, label,
label_raw`` and ``meta``; other files are left out. Only counts are printed, never a text. Rules were tuned on
the prompts of the half ``tuned`` (by a hash of the prompt); ``held`` are the others. Prompts repeat over
models, so rows of several models are not independent: figures over models count prompts (``n`` of the
interval), those within a model count rows.
"""

import argparse
import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from detectors.registry import signal
from detectors.stats.intervals import rate_interval
from detectors.types import Answer, Exchange, Message, Outcome, Request

CHAT = Request(messages=(Message("user", None),))
HALVES = ("tuned", "held")
_FIELDS = {"source", "model", "lang", "prompt", "response", "label", "label_raw", "meta"}
_CLASS_KEYS = ("source", "model", "language", "label_raw", "arm")
_HALF_KEYS = ("source", "language", "label_raw", "half")
_AGREEMENT_KEYS = (
    ("source", "model", "language", "half"),
    ("source", "model", "language"),
    ("source", "language", "half"),
    ("source", "language"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled answer with the two readings; no text."""

    source: str
    model: str
    language: str
    label: str
    label_raw: str
    arm: str
    prompt: str
    half: str
    refusal: bool
    partial: bool


@dataclass(frozen=True, slots=True)
class Rates:
    """How many of a group were flagged, with the 95 % interval of each share."""

    group: str
    rows: int
    prompts: int
    refusal: int
    refusal_share: tuple[float, float, float]
    partial: int
    partial_share: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Refusals against full compliance; other labels are left out. The intervals are of recall and precision."""

    group: str
    true_positive: int
    false_negative: int
    false_positive: int
    true_negative: int
    precision: tuple[float, float, float]
    recall: tuple[float, float, float]
    f1: float


def read_rows(folder: Path) -> Iterator[Row]:
    """Yield the rows of every file, read by the signals."""
    for path in sorted(folder.rglob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if not record.keys() >= _FIELDS:
                    break
                yield _row(record)


def _row(record: dict[str, Any]) -> Row:
    exchange = Exchange(CHAT, Answer(text=record["response"], finish_reason="stop"), Outcome(status=200))
    english = record["meta"].get("prompt_en") or record["prompt"]  # a prompt and its translations are one cluster
    prompt = sha256(f"h{english}".encode()).digest()
    return Row(
        source=record["source"],
        model=record["model"],
        language=record["lang"],
        label=record["label"],
        label_raw=str(record["label_raw"]),
        arm=str(record["meta"].get("arm", "-")),
        prompt=prompt.hex(),
        half=HALVES[prompt[0] & 1],
        refusal=_bit("refusal", exchange),
        partial=_bit("partial_refusal", exchange),
    )


def _bit(name: str, exchange: Exchange) -> bool:
    reading = signal(name).read(exchange)
    return reading is not None and reading.value == 1.0


def rates_of(group: str, rows: Sequence[Row]) -> Rates:
    """Return the flagged shares of a group; over several models the intervals count prompts."""
    clusters: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        clusters[row.prompt].append(row)

    def share(flagged: Callable[[Row], bool]) -> tuple[float, float, float]:
        mean = sum(sum(map(flagged, each)) / len(each) for each in clusters.values()) / len(clusters)
        return (mean, *_wilson(mean * len(clusters), len(clusters)))

    return Rates(
        group,
        len(rows),
        len(clusters),
        sum(row.refusal for row in rows),
        share(lambda row: row.refusal),
        sum(row.partial for row in rows),
        share(lambda row: row.partial),
    )


def agreement_of(group: str, rows: Iterable[Row]) -> Agreement:
    """Return how refusals and full compliance are told apart."""
    counts: dict[tuple[str, bool], int] = defaultdict(int)
    for row in rows:
        counts[row.label, row.refusal] += 1
    hit, miss = counts["refusal", True], counts["refusal", False]
    alarm, silent = counts["compliance", True], counts["compliance", False]
    return Agreement(
        group,
        hit,
        miss,
        alarm,
        silent,
        _share(hit, hit + alarm),
        _share(hit, hit + miss),
        2 * hit / max(1, 2 * hit + alarm + miss),
    )


def _share(part: int, whole: int) -> tuple[float, float, float]:
    return (part / whole, *_wilson(part, whole)) if whole else (0.0, 0.0, 1.0)


def _wilson(part: float, whole: int) -> tuple[float, float]:
    found = rate_interval(round(part), whole)
    return found.low, found.high


def evaluate(rows: Sequence[Row]) -> dict[str, list[dict[str, Any]]]:
    """Return the tables: raw classes by model, raw classes by half, and agreement by model, language and half."""
    return {
        "classes": [asdict(rates_of(*each)) for each in _grouped(rows, _CLASS_KEYS)],
        "halves": [asdict(rates_of(*each)) for each in _grouped(rows, _HALF_KEYS)],
        "agreement": [asdict(agreement_of(*each)) for keys in _AGREEMENT_KEYS for each in _grouped(rows, keys)],
    }


def _grouped(rows: Iterable[Row], keys: Sequence[str]) -> list[tuple[str, list[Row]]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[" ".join(getattr(row, key) for key in keys)].append(row)
    return sorted(groups.items())


def render(tables: dict[str, list[dict[str, Any]]]) -> str:
    """Return the tables as text."""
    lines = []
    for name, table in tables.items():
        lines.append(name)
        for row in table:
            cells = [f"{key} {_cell(value)}" for key, value in row.items() if key != "group"]
            lines.append(f"  {row['group']:<66} " + "  ".join(cells))
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return "{:.3f} [{:.3f}, {:.3f}]".format(*value)
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def main() -> None:
    """Print the tables of a data directory."""
    parser = argparse.ArgumentParser(description="Agreement of the refusal signals with labelled answers.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    rows = list(read_rows(options.folder))
    if not rows:
        sys.exit(f"no labelled answers under the directory given ({options.folder.name!r})")
    tables = evaluate(rows)
    print(json.dumps(tables, indent=1) if options.json else render(tables))


if __name__ == "__main__":
    main()
