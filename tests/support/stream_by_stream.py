"""One stream folded record by record, as one would write it down: what the arrays of a fleet are held to."""

from dataclasses import replace
from math import exp, inf, log, log1p, sqrt

import pytest

from detectors.stats import baseline_rate, conditional, inflation, paired, safe, unpaired
from detectors.stats.baseline_rate import BaselineRate
from detectors.stats.designs import DESIGNS
from detectors.stats.fleet import DAY_S, DROP_COARSE_ABOVE
from detectors.stats.inflation import InflationState, Scale
from detectors.stats.onset import OnsetState
from detectors.stats.safe import SafeState
from detectors.stats.stream import Alarm
from detectors.types import Design

__all__ = ["alike", "estimate_phi", "fold_plainly"]


def fold_plainly(state, config, tick, harm, mirrored, *, sibling_phi=1.0, frozen=False):
    """Return a stream's state after a tick and the alarm, if any."""
    if frozen:
        return replace(state, last_tick=tick), None
    bets = DESIGNS[config.design]
    rates = [rate.expected for rate in state.rates] or [None] * config.levels
    gain, certified, phis = [], [], []
    for level in range(config.levels):
        phi = max(state.inflation[level].phi, sibling_phi)
        for s in increments(config, harm[level], rates[level]):
            gain.append(min(s / phi, config.cap))
            phis.append(phi)
        certified += [s / phi for s in increments(config, mirrored[level], rates[level], against_harm=False)]
    log_r = [softplus(before) + s for before, s in zip(state.log_r, gain, strict=True)]
    coarse = [*bets.coarse] * config.levels
    log_r = [-inf if c and phi > DROP_COARSE_ABOVE else r for r, c, phi in zip(log_r, coarse, phis, strict=True)]
    statistic = log_sum(
        [r + log(w / config.levels) for r, w in zip(log_r, [*bets.weights] * config.levels, strict=True)]
    )
    hold = statistic > 0.5 * log(config.threshold)
    new = replace(
        state,
        log_r=tuple(log_r),
        onset=follow(state.onset, tick, gain, harm),
        safe=certify(state.safe, config, tick, certified),
        inflation=tuple(
            learn(part, contrast(config, counts), hold=hold) for part, counts in zip(state.inflation, harm, strict=True)
        ),
        totals=tuple(before + now for before, now in zip(state.totals, harm, strict=True)),
        last_tick=tick,
        sibling_phi=sibling_phi,
        rates=tuple(
            BaselineRate(
                bad=baseline_rate.KEEP * rate.bad + counts.baseline_bad,
                n=baseline_rate.KEEP * rate.n + counts.baseline_n,
            )
            for rate, counts in zip(state.rates, harm, strict=False)
        ),
    )
    began = new.onset_now
    if statistic < log(config.threshold) or began is None:
        return new, None
    alarm = Alarm(tick, statistic, log(config.threshold), began.tick, began.counts, began.component // bets.size)
    return replace(new, log_r=(-inf,) * len(log_r), safe=safe.initial(len(log_r))), alarm


def increments(config, counts, rate, *, against_harm=True):
    if config.design is Design.PAIRED:
        found = (paired.log_increments if against_harm else paired.safe_log_increments)(counts.cells, config.margin)
    elif config.design is Design.CONDITIONAL:
        form = conditional.log_increments if against_harm else conditional.safe_log_increments
        found = form(counts.cells, config.margin)
    else:
        form = unpaired.log_increments if against_harm else unpaired.safe_log_increments
        found = form(counts.cells, config.margin, rate)
    return found.tolist()


def contrast(config, counts):
    return (paired if config.design is Design.PAIRED else unpaired).contrast(counts.cells).tolist()


def softplus(x):
    return max(x, 0.0) + log1p(exp(-abs(x)))


def log_sum(logs):
    top = max(logs)
    return top if top == -inf else top + log(sum(exp(each - top) for each in logs))


def follow(state, tick, gain, counts):
    """The runs: ``L <- max(0, L + s)`` with the first tick and the counts of each."""
    bets, nothing = len(gain) // len(counts), (0.0, 0, type(counts[0])())
    rows = []
    for k, s in enumerate(gain):
        before, now = state.values[k], counts[k // bets]
        if before + s <= 0.0:
            rows.append(nothing)
        elif before > 0.0:
            rows.append((before + s, state.starts[k], state.counts[k] + now))
        else:
            rows.append((s, tick, now))
    return OnsetState(*map(tuple, zip(*rows, strict=True)))


def certify(state, config, tick, gain):
    day = max(1, round(DAY_S / config.tick_s))
    weights = DESIGNS[config.design].weights
    start = tick if state.start_tick is None else state.start_tick
    log_e = [before + s for before, s in zip(state.log_e, gain, strict=True)]
    covered, fresh = state.covered_ticks + 1, (0.0,) * len(log_e)
    levels = [log_e[i : i + len(weights)] for i in range(0, len(log_e), len(weights))]
    mixtures = [log_sum([e + log(w) for e, w in zip(level, weights, strict=True)]) for level in levels]
    if covered >= config.safe_ticks and min(mixtures) >= safe.LOG_THRESHOLD:
        return SafeState(fresh, until_tick=tick + day)
    if tick - start + 1 >= 7 * max(day, config.safe_ticks):
        return SafeState(fresh, until_tick=state.until_tick)
    return SafeState(tuple(log_e), start, covered, state.until_tick)


def learn(state, contrast, *, hold):
    d, n, v = contrast
    age, scales, block = state.age + 1, list(state.scales), (d, n, v)
    for j in range(inflation.SCALES):
        keep, old = 0.5 ** (2.0**j / inflation.HALF_LIFE_TICKS), scales[j]
        scales[j] = Scale(
            sum_dd=keep * old.sum_dd + block[0] * block[0],
            sum_dn=keep * old.sum_dn + block[0] * block[1],
            sum_nn=keep * old.sum_nn + block[1] * block[1],
            sum_v=keep * old.sum_v + block[2],
            blocks=keep * old.blocks + 1.0,
        )
        if j + 1 == inflation.SCALES:
            break
        above = scales[j + 1]
        block = (above.open_d + block[0], above.open_n + block[1], above.open_v + block[2])
        if age % 2 ** (j + 1):
            scales[j + 1] = replace(above, open_d=block[0], open_n=block[1], open_v=block[2])
            break
    keep = 0.5 ** (1.0 / inflation.HALF_LIFE_TICKS)
    new = InflationState(state.phi, age, keep * state.sum_d + d, keep * state.sum_n + n, tuple(scales), state.pending)
    if hold:
        return new
    due = [phi for at, phi in new.pending if at <= age]
    waiting = tuple(entry for entry in new.pending if entry[0] > age)
    if age % inflation.RECOMPUTE_TICKS == 0 and (found := estimate_phi(new)) is not None:
        waiting += ((age + inflation.APPLY_LAG_TICKS, found),)
    return replace(new, phi=due[-1] if due else new.phi, pending=waiting)


def estimate_phi(state):
    """Return the estimate of phi by its definition, None while it has none."""
    mu = state.sum_d / state.sum_n if state.sum_n else 0.0
    scales = [s for s in state.scales if s.blocks >= inflation.MIN_BLOCKS]
    if not any(s.sum_v > 0.0 for s in scales):
        return None
    ratios = [(s.sum_dd - 2.0 * mu * s.sum_dn + mu * mu * s.sum_nn) / s.sum_v if s.sum_v > 0.0 else 1.0 for s in scales]
    slacks = [sqrt(2.0 / s.blocks) for s in scales]
    z = [(ratio - 1.0) / slack for ratio, slack in zip(ratios, slacks, strict=True)]
    spread = sqrt(sum(2.0 ** (-abs(i - j) / 2.0) for i in range(len(z)) for j in range(len(z))))
    if sum(z) / spread <= inflation.TOGETHER and max(z) <= inflation.ALONE:
        return 1.0
    raised = [ratio * (1.0 + inflation.COEFFICIENT * slack) for ratio, slack in zip(ratios, slacks, strict=True)]
    return max(1.0, *raised)


def alike(found, expected):
    """Assert that two states are the same up to rounding."""
    assert (found.last_tick, found.totals, found.design) == (expected.last_tick, expected.totals, expected.design)
    assert found.log_r == pytest.approx(expected.log_r, rel=1e-9, abs=1e-9)
    assert found.log_statistic == pytest.approx(expected.log_statistic, rel=1e-9, abs=1e-9)
    assert found.onset.values == pytest.approx(expected.onset.values, rel=1e-9, abs=1e-9)
    assert (found.onset.starts, found.onset.counts) == (expected.onset.starts, expected.onset.counts)
    assert found.safe.log_e == pytest.approx(expected.safe.log_e, rel=1e-9, abs=1e-8)
    assert replace(found.safe, log_e=()) == replace(expected.safe, log_e=())
    assert found.sibling_phi == expected.sibling_phi
    for mine, theirs in zip(found.inflation, expected.inflation, strict=True):
        assert (mine.age, [at for at, _ in mine.pending]) == (theirs.age, [at for at, _ in theirs.pending])
        assert [mine.phi, *(p for _, p in mine.pending)] == pytest.approx([theirs.phi, *(p for _, p in theirs.pending)])
        for scale, other in zip(mine.scales, theirs.scales, strict=True):
            assert [getattr(scale, name) for name in scale.__slots__] == pytest.approx(
                [getattr(other, name) for name in other.__slots__], rel=1e-9, abs=1e-7
            )
    assert [(r.bad, r.n) for r in found.rates] == [pytest.approx((r.bad, r.n)) for r in expected.rates]
