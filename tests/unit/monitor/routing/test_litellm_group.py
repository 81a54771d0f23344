"""What a LiteLLM group means and what a write to it does, step by step."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute, Writer
from monitor.routing.litellm_group import (
    Deployment,
    Layout,
    group_of,
    patch_of,
    served_weights,
    snapshot_of,
    write_order,
)

PLAIN = Layout({}, {})
MIRRORED = Layout({}, {"base": "chat-base", "cand": "chat-cand"})
IDS = ("base", "cand", "other")


def entry(id_="base", name="chat", **info):
    params = {key: info.pop(key) for key in ("weight", "silent_model", "order", "model", "api_base") if key in info}
    return {"model_name": name, "litellm_params": params, "model_info": {"id": id_, "db_model": True, **info}}


def shuffle(group: list[Deployment]) -> set[str]:
    """LiteLLM's rule, written down once more: weights of the open ones if any is over 0, else each alike."""
    serving = [one for one in group if one.blocked is not True]
    weighted = [one for one in serving if (one.weight or 0) > 0]
    return {one.id for one in weighted or serving}


deployments = st.builds(
    lambda weights, blocked: [
        Deployment(id_, weight, blocked=block) for id_, weight, block in zip(IDS, weights, blocked, strict=True)
    ],
    st.tuples(*[st.none() | st.integers(0, 100)] * 3),
    st.tuples(*[st.sampled_from([False, False, True, None])] * 3),
)
desires = st.builds(
    lambda base, cand, cut: DesiredRoute(5, {"base": base, "cand": cand}, None, cut),
    st.integers(1, 100),
    st.sampled_from([0, 0, 1, 50]),
    st.booleans(),
)


def written(one: Deployment, desired: DesiredRoute, weight: int) -> Deployment:
    body = patch_of(one, weight, None, desired)
    blocked = body.get("blocked", one.blocked)
    info = body["model_info"]
    return Deployment(one.id, weight, blocked=blocked, epoch=info["fullback_epoch"], wrote=info["fullback_wrote"])


def lost_share(group, weights) -> float:
    served = served_weights(group)
    total = sum(served.values())
    return sum(weight for id_, weight in served.items() if not weights[id_]) / total if total else 0.0


@given(deployments, desires)
def test_after_every_single_write_somebody_answers_and_the_candidates_share_never_grows(group, desired):
    weights = PLAIN.weights(desired, group)
    share = lost_share(group, weights)
    for one in write_order(group, weights):
        group = [written(one, desired, weights[one.id]) if other.id == one.id else other for other in group]
        assert shuffle(group), "nobody is left to answer"
        assert lost_share(group, weights) <= share + 1e-12
        share = lost_share(group, weights)


@given(deployments, desires)
def test_after_all_writes_only_those_with_a_share_answer(group, desired):
    weights = PLAIN.weights(desired, group)
    done = [written(one, desired, weights[one.id]) for one in group]
    wanted = {name for name, weight in desired.weights.items() if weight}
    assert shuffle(done) == wanted
    assert snapshot_of(done, PLAIN).says(desired)
    if desired.cut:
        assert all(one.blocked is not False for one in done if one.id not in wanted)


@given(deployments)
def test_effective_weights_are_of_those_that_answer(group):
    assert {id_ for id_, weight in served_weights(group).items() if weight} == shuffle(group)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 100), st.integers(1, 100))
def test_backends_of_several_deployments_keep_their_shares(candidates, baselines, cand, base):
    layout = Layout(
        {"cand": tuple(f"c{i}" for i in range(candidates)), "base": tuple(f"b{i}" for i in range(baselines))}, {}
    )
    group = [Deployment(id_, 1) for ids in layout.deployments.values() for id_ in ids] + [Deployment("stray", 7)]
    desired = DesiredRoute(1, {"cand": cand, "base": base}, None)
    weights = layout.weights(desired, group)
    assert weights["stray"] == 0
    totals = [sum(weights[id_] for id_ in layout.deployments[name]) for name in ("cand", "base")]
    assert totals[0] * base == totals[1] * cand
    done = [written(one, desired, weights[one.id]) for one in group]
    assert snapshot_of(done, layout).says(desired)


MIRRORS = st.sampled_from(
    [None, "base", "cand", {"base": "cand"}, {"cand": "base"}, {"base": "cand", "cand": "base"}, {"base": "base"}]
)


@given(MIRRORS, st.sampled_from([{"base": 1, "cand": 0}, {"base": 0, "cand": 1}, {"base": 1, "cand": 1}]))
def test_mirror_is_read_as_it_was_asked_for(mirror, weights):
    group = [Deployment("base", 0), Deployment("cand", 0)]
    desired = DesiredRoute(1, weights, mirror)
    silent = MIRRORED.silent(mirror, group)
    entries = []
    for one in group:
        body = patch_of(one, weights[one.id], silent[one.id], desired)
        entries.append({"model_name": "chat", **{key: body[key] for key in ("litellm_params", "model_info")}})
    found = snapshot_of(group_of(entries, "chat", "here"), MIRRORED)
    assert found.mirror == mirror
    assert found.says(desired)
    assert found.writer is Writer.FULLBACK


def test_mirror_of_a_hand_made_configuration():
    serving = group_of([entry("base", weight=0), entry("cand", weight=1, silent_model="chat-base")], "chat", "here")
    assert snapshot_of(serving, MIRRORED).mirror == "base"
    crossed = group_of(
        [entry("base", weight=1, silent_model=["chat-cand"]), entry("cand", weight=1, silent_model="x")], "chat", "here"
    )
    assert snapshot_of(crossed, MIRRORED).mirror == {"base": "cand", "cand": "x"}
    unmanaged = snapshot_of(crossed, PLAIN)
    assert unmanaged.mirror is None
    assert "base to chat-cand, cand to x" in unmanaged.overrides["silent_model"]


def test_changed_by_another_hand():
    one = written(Deployment("base", 0), DesiredRoute(3, {"base": 5}, None), 5)
    stamp = {"fullback_epoch": 3, "fullback_wrote": one.wrote}
    same = snapshot_of(group_of([entry(weight=5, blocked=False, **stamp)], "chat", "here"), PLAIN)
    assert (same.epoch, same.writer) == (3, Writer.FULLBACK)
    info = {"blocked": False, "updated_by": "robin", "updated_at": "2026-11-21T10:00:00"}
    other = snapshot_of(group_of([entry(weight=6, **info, **stamp)], "chat", "here"), PLAIN)
    assert (other.writer, other.writer_name) == (Writer.OTHER, "robin")


def test_half_a_write_has_the_older_epoch():
    group = [Deployment("base", 1, epoch=4), Deployment("cand", 1, epoch=3)]
    assert snapshot_of(group, PLAIN).epoch == 3
    assert snapshot_of([*group, Deployment("other", 0)], PLAIN).epoch is None


def test_order_and_blocks_are_named():
    said = snapshot_of([Deployment("base", 1, order=2), Deployment("cand", 0, order=1)], PLAIN).overrides
    assert said == {"order": "the lowest goes first whatever the weights are: base 2, cand 1"}
    gone = snapshot_of([Deployment("base", 1, blocked=True)], PLAIN)
    assert dict(gone.weights) == {"base": 0}
    assert "nobody answers" in gone.overrides["blocked"]


def test_block_that_is_not_ours_is_left_closed_and_not_claimed():
    body = patch_of(Deployment("cand", 5, blocked=True), 0, None, DesiredRoute(1, {"base": 1}, None, cut=True))
    assert body["blocked"] is True
    assert body["model_info"]["fullback_wrote"]["cut"] is False
    uncut = patch_of(Deployment("cand", 5, blocked=True), 0, None, DesiredRoute(1, {"base": 1}, None))
    assert uncut["blocked"] is True


def test_proxy_that_knows_no_block_is_not_sent_one():
    body = patch_of(Deployment("cand", 5, blocked=None), 0, (), DesiredRoute(1, {"base": 1}, None, cut=True))
    assert "blocked" not in body
    assert body["litellm_params"] == {"weight": 0, "silent_model": []}


@pytest.mark.parametrize(
    "bad",
    [
        {"model_name": "chat"},
        {"model_name": "chat", "litellm_params": {}, "model_info": {}},
        {"model_name": "chat", "litellm_params": [], "model_info": {"id": "a"}},
        entry(weight="many"),
        entry(weight=-1),
        entry(weight=0.5),
        entry(weight=True),
        entry(weight=float("nan")),
        entry(weight=float("inf")),
    ],
)
def test_what_cannot_be_understood_is_no_snapshot(bad):
    with pytest.raises(RoutingError, match="LiteLLM here"):
        group_of([bad], "chat", "here")


json_values = st.sampled_from(
    [
        None,
        True,
        False,
        -1,
        0,
        7,
        2.0,
        0.5,
        1e300,
        float("nan"),
        float("inf"),
        "",
        "x",
        [],
        ["x", 3],
        {},
        {"a": 1},
        {"mirror": 3},
        {"mirror": {"base": []}},
    ]
)
names = st.sampled_from(
    ["weight", "silent_model", "order", "blocked", "fullback_epoch", "fullback_wrote", "updated_at"]
)


@given(st.lists(st.dictionaries(names, json_values, max_size=5), max_size=3), st.randoms(use_true_random=False))
def test_no_answer_crashes_the_reading(parts, rng: random.Random):
    entries = [entry(rng.choice(IDS), **part) for part in parts] + [None, 3, "x"]
    try:
        found = snapshot_of(group_of(entries, "chat", "here"), MIRRORED)
    except RoutingError:
        return
    assert all(weight >= 0 for weight in found.weights.values())


def test_group_that_is_not_there():
    with pytest.raises(RoutingError, match="has no deployment of model group 'chat'"):
        group_of([entry(name="another")], "chat", "here")
