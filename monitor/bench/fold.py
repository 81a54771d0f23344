"""How many ticks of streams the detector folds in a second, with everything the service needs of it."""

from collections.abc import Iterator
from cProfile import Profile
from dataclasses import asdict, dataclass
from pstats import Stats
from time import perf_counter, process_time
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.stats.fleet import Fleet, Terms, fold
from detectors.stats.fleet_states import fleet_of, stored_of
from detectors.stats.stream import StreamConfig, initial
from detectors.types import Design, Margin
from monitor.bench.options import Say, at_least
from monitor.bench.tables import medians, options_line, table

__all__ = ["FoldOptions", "render", "run"]

_DRAWN: Final = 64
"""Ticks that are drawn, and then folded again and again."""
_COVER: Final = 200
"""Ticks a certificate covers: short, so that mixtures are looked at as they are in a service a day old."""
_PAIRS: Final = 100
_CELLS: Final = (0.003, 0.007, 0.007, 0.983)
_MARGINS: Final = (Margin(absolute=0.005), Margin(absolute=0.01), Margin(relative=0.5), Margin(0.002, 0.2))
_PARTS: Final = {
    ("designs.py", "<lambda>"): "evidence",
    ("shiryaev_roberts.py", "advance"): "detector",
    ("fleet.py", "log_statistics"): "statistic",
    ("onset.py", "observe"): "onset",
    ("safe.py", "observe"): "certificates",
    ("inflation.py", "observe"): "phi",
    ("baseline_rate.py", "observe"): "baseline rate",
    ("fleet.py", "_cells"): "counts in",
}
"""Functions whose time is told apart, evidence being the e-values for harm and for safety and phi's contrast."""


@dataclass(frozen=True, slots=True)
class FoldOptions:
    """What is folded.

    Raises:
        ValueError: a number is too small.
    """

    streams: int = 500
    """In one fleet, each with a margin and a floor of phi of its own."""
    ticks: int = 400
    """Folded in one round."""
    rounds: int = 5
    seed: int = 1

    def __post_init__(self) -> None:
        at_least(1, self, "streams", "ticks", "rounds")
        at_least(0, self, "seed")


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    design: Design
    levels: int
    ages: int = 1
    """How many different ages the streams have: the blocks that phi watches then close apart."""


_CASES: Final = (
    _Case("paired", Design.PAIRED, 1),
    _Case("paired, of unlike ages", Design.PAIRED, 1, ages=7),
    _Case("paired, three levels", Design.PAIRED, 3),
    _Case("unpaired", Design.UNPAIRED, 1),
)


def run(options: FoldOptions, say: Say) -> dict[str, Any]:
    """Fold the same ticks of counts in every case and return what each took."""
    cases = []
    for case in _CASES:
        cases.append(_measure(case, options))
        say(f"{case.name}: {cases[-1]['median']['per_cpu_s']:,.0f} ticks of streams a second")
    return {"mode": "fold", "options": asdict(options), "cases": cases}


def _measure(case: _Case, options: FoldOptions) -> dict[str, Any]:
    rng = np.random.default_rng(options.seed)
    config = [
        StreamConfig(
            _MARGINS[i % len(_MARGINS)], levels=case.levels, threshold=1e7, safe_ticks=_COVER, design=case.design
        )
        for i in range(options.streams)
    ]
    fleet, terms = fleet_of([initial(one) for one in config]), Terms.of(config)
    fleet.inflations.age[:] = np.arange(options.streams) % case.ages
    fleet.inflations.refresh()
    floors = rng.uniform(1.0, 2.0, options.streams)
    drawn = [_counts(rng, case, options.streams) for _ in range(_DRAWN)]
    at = _ticks()
    _fold(fleet, terms, at, drawn, floors, 2 * _COVER)
    rounds = []
    for _ in range(options.rounds):
        began, spent = perf_counter(), process_time()
        _fold(fleet, terms, at, drawn, floors, options.ticks)
        cpu, wall, folded = process_time() - spent, perf_counter() - began, options.ticks * options.streams
        rounds.append({"ns": 1e9 * cpu / folded, "per_cpu_s": folded / cpu, "per_wall_s": folded / wall})
    profile = Profile(process_time)
    profile.runcall(_fold, fleet, terms, at, drawn, floors, options.ticks)
    return {
        "name": case.name,
        "rounds": rounds,
        "median": medians({name: [each[name] for each in rounds] for name in rounds[0]}),
        "best_per_cpu_s": round(max(each["per_cpu_s"] for each in rounds)),
        "profile": _shares(Stats(profile)),
        "stored_ms": round(1e3 * min(_stored(fleet) for _ in range(options.rounds)), 3),
    }


def _stored(fleet: Fleet) -> float:
    """Return the seconds that writing the stored form of every stream takes."""
    fleet.stored = None
    began = process_time()
    stored_of(fleet)
    return process_time() - began


def _counts(rng: np.random.Generator, case: _Case, streams: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw a tick scored for harm and for safety: a hundredth of the requests lack a leg."""
    shape = (streams, case.levels)
    if case.design is Design.PAIRED:
        cells = rng.multinomial(_PAIRS, _CELLS, size=shape)
        lost = rng.binomial(1, 0.5, shape)
        return cells + lost[..., None] * np.array([0, 0, 1, 0]), cells + lost[..., None] * np.array([0, 1, 0, 0])
    n_v, n_b = np.full(shape, _PAIRS), np.full(shape, _PAIRS // 5)
    arms = np.stack([n_v, rng.binomial(n_v, 0.01), n_b, rng.binomial(n_b, 0.01)], axis=-1)
    return arms, arms


def _ticks() -> Iterator[int]:
    tick = 0
    while True:
        yield tick
        tick += 1


def _fold(
    fleet: Fleet,
    terms: Terms,
    at: Iterator[int],
    drawn: list[tuple[NDArray[np.int64], NDArray[np.int64]]],
    floors: NDArray[np.float64],
    ticks: int,
) -> None:
    for i in range(ticks):
        harm, safe = drawn[i % len(drawn)]
        fold(fleet, terms, next(at), harm, safe, sibling_phi=floors)


def _shares(stats: Stats) -> dict[str, float]:
    """Return the share of the time that each part of the fold took, with what it called."""
    spent: dict[str, float] = {}
    total = 1e-9
    for (path, _, name), (_, _, _, cumulative, _) in stats.stats.items():  # type: ignore[attr-defined]
        place = (path.rsplit("/", 1)[-1], name)
        if place == ("fleet.py", "fold"):
            total = cumulative
        elif place in _PARTS:
            spent[_PARTS[place]] = spent.get(_PARTS[place], 0.0) + cumulative
    spent["rest"] = max(0.0, total - sum(spent.values()))
    return {name: round(seconds / total, 3) for name, seconds in sorted(spent.items(), key=lambda each: -each[1])}


def render(document: dict[str, Any]) -> list[str]:
    """Return the result as lines for people: the medians of every case, then where the time went."""
    rows = [
        [
            case["name"],
            f"{case['median']['ns']:,.0f}",
            f"{case['median']['per_cpu_s']:,.0f}",
            f"{case['best_per_cpu_s']:,}",
            f"{case['median']['per_wall_s']:,.0f}",
            f"{case['stored_ms']:.1f}",
        ]
        for case in document["cases"]
    ]
    return [
        options_line(document),
        *table(("case", "CPU ns", "per CPU second", "best round", "per second", "stored forms, ms"), rows),
        *(
            f"{case['name']}: " + ", ".join(f"{part} {100 * share:.0f} %" for part, share in case["profile"].items())
            for case in document["cases"]
        ),
    ]
