import pytest

from detectors.stats.budget import shares, threshold


def test_threshold_is_ticks_over_granted_budget():
    assert threshold(259_200, 0.1, 1.0) == pytest.approx(2_592_000)
    assert threshold(259_200, 0.1, 1 / 40) == pytest.approx(1.0368e8)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((0, 0.1, 1.0), "ticks_per_month"),
        ((float("nan"), 0.1, 1.0), "ticks_per_month"),
        ((10, 0, 1.0), "false_rollbacks_per_month"),
        ((10, 0.1, 0.0), "share"),
        ((10, 0.1, 1.5), "share"),
        ((10, 100, 1.0), "threshold"),
    ],
)
def test_threshold_names_the_bad_argument(arguments, named):
    with pytest.raises(ValueError, match=named):
        threshold(*arguments)


def test_shares_follow_weights_and_give_half_to_all():
    found = shares({"refusal": 1, "schema_validity": 3}, ["lang:de", "lang:fr"])
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["schema_validity", "all"] == pytest.approx(0.375)
    assert found["refusal", "lang:fr"] == pytest.approx(0.0625)


def test_without_slices_everything_goes_to_all():
    assert shares({"refusal": 2.0}, ["all", "all"]) == {("refusal", "all"): 1.0}


@pytest.mark.parametrize("signals", [{}, {"refusal": 0.0}, {"refusal": float("inf")}])
def test_shares_reject_weights_that_cannot_be_shared(signals):
    with pytest.raises(ValueError, match="signals"):
        shares(signals, [])


def test_a_familys_part_is_split_over_all_it_may_hold():
    found = shares({"refusal": 1.0}, ["all", "first_turn", "lang:*"], {"lang:*": 5, "tag:*": 9})
    assert found == {("refusal", "all"): 0.5, ("refusal", "first_turn"): 0.25, ("refusal", "lang:*"): 0.05}


def test_shares_reject_a_name_for_no_slice():
    with pytest.raises(ValueError, match=r"members\['lang:\*'\] must be >= 1, got 0"):
        shares({"refusal": 1.0}, ["lang:*"], {"lang:*": 0})
