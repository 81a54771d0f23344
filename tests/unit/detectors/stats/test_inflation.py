import numpy as np
import pytest

from detectors.stats.inflation import APPLY_LAG_TICKS, NEVER, RECOMPUTE_TICKS, Inflations, combined, estimate


def run(discordance, *, pairs=100, discordant=4, state=None, hold=False):
    """Fold contrasts of one stream and return its state."""
    state = Inflations.initial(np.ones((1, 1))) if state is None else state
    for d in discordance:
        state.observe(np.array([d, pairs, discordant], dtype=float).reshape(3, 1, 1), hold=np.array([hold]))
    return state


def independent(ticks, seed=1):
    return 2 * np.random.default_rng(seed).binomial(4, 0.5, ticks) - 4


def bursts(ticks, length=32, seed=2):
    return np.repeat(np.random.default_rng(seed).choice([-4, 4], ticks // length), length)


def direct(discordance, scale, pairs=100.0, discordant=4.0):
    """The definition, without forgetting."""
    d = np.asarray(discordance, float)
    blocks = d[: len(d) // scale * scale].reshape(-1, scale)
    mu = d.mean() / pairs
    num = ((blocks.sum(1) - mu * pairs * scale) ** 2).sum()
    return num / (discordant * blocks.size) * (1 + (2 / len(blocks)) ** 0.5)


def test_estimate_matches_the_definition():
    d = bursts(2_048)
    expected = max(direct(d, 2**j) for j in range(8))
    assert estimate(run(d)) == pytest.approx(expected, rel=0.08)


def test_the_mean_is_taken_out():
    d = bursts(2_048) + 2
    assert estimate(run(d, discordant=6)) == pytest.approx(
        max(direct(d, 2**j, discordant=6.0) for j in range(8)), rel=0.08
    )


def test_independent_pairs_need_no_tempering():
    assert estimate(run(independent(6_000))) == 1.0


BLOCKS = np.array([3_000.0, 1_500.0, 750.0, 375.0])
SLACK = np.sqrt(2 / BLOCKS)


@pytest.mark.parametrize(
    ("z", "inflated"),
    [
        ([0.0, 0.0, 2.6, 0.0], False),
        ([0.0, 0.0, 2.8, 0.0], True),
        ([1.5, 1.5, 1.5, 1.5], False),
        ([1.7, 1.7, 1.7, 1.7], True),
        ([-3.0, 0.0, 0.0, 2.8], True),
        ([-3.0, -3.0, -3.0, -3.0], False),
    ],
)
def test_a_ratio_counts_where_it_stands_out_alone_or_with_the_others(z, inflated):
    ratios = 1 + np.array(z) * SLACK
    assert combined(ratios, BLOCKS) == pytest.approx(max(ratios * (1 + SLACK)) if inflated else 1.0)


def test_phi_of_independent_blocks_hardly_ever_rises():
    rng, found = np.random.default_rng(4), []
    for _ in range(4):
        d = rng.binomial(8, 0.5, (250, 2_944)) - 4.0
        sums = [d.reshape(250, -1, 2**j).sum(axis=2) for j in range(8)]
        ratios = np.stack([(each**2).mean(axis=1) / (2.0 * 2**j) for j, each in enumerate(sums)])
        found.append(combined(ratios, np.array([each.shape[1] for each in sums], dtype=float)))
    assert (np.concatenate(found) > 1).mean() < 0.06
    assert np.mean(found) < 1.05


def test_bursts_of_one_arm_inflate():
    assert estimate(run(bursts(6_000))) > 20


def test_a_steady_difference_alone_does_not_inflate():
    assert estimate(run(independent(4_000) + 2, discordant=6)) < 1.6


def test_nothing_is_known_before_fifteen_blocks():
    assert np.isnan(estimate(run(independent(14))))
    assert estimate(run(independent(16))) >= 1


def test_no_discordance_is_no_information():
    assert np.isnan(estimate(run([0] * 100, discordant=0)))


def test_applied_only_after_the_lag():
    state = run(bursts(RECOMPUTE_TICKS + APPLY_LAG_TICKS - 1 + 32)[: RECOMPUTE_TICKS + APPLY_LAG_TICKS - 1])
    assert state.phi == 1.0
    assert run([4], state=state).phi > 5


def test_held_while_evidence_is_high():
    state = run(bursts(6_400), hold=True)
    assert state.phi == 1.0
    assert (state.pending_at == NEVER).all()
    assert estimate(state) > 20, "moments are gathered all the same"


def test_size_is_constant():
    state = run(bursts(9_600))
    assert len(state.pending_at) == APPLY_LAG_TICKS // RECOMPUTE_TICKS + 1
    assert (state.pending_at < NEVER).sum() == 2


def test_streams_of_one_age_and_of_several_are_folded_alike():
    together, apart = run(bursts(130)), Inflations.initial(np.ones((1, 2)))
    apart.age[0, 1] = 1
    apart.refresh()
    for d in bursts(130):
        contrast = np.repeat(np.array([d, 100, 4], dtype=float)[:, None, None], 2, axis=2)
        apart.observe(contrast, hold=np.array([False, False]))
    assert apart.moments[..., 0] == pytest.approx(together.moments[..., 0])
    assert apart.moments[..., 1] != pytest.approx(together.moments[..., 0]), "its blocks close a tick earlier"
    assert estimate(apart, np.array([0])) == pytest.approx(estimate(together))
