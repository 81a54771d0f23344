"""The LiteLLM target against LiteLLM's own proxy: its routes, checks, merge rules and router, two replicas."""

from collections.abc import Iterator

import httpx
import pytest

from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, Writer
from monitor.routing.base import ReadBack
from monitor.routing.registry import build
from tests.support.envoy import wait_until
from tests.support.litellm_proxy import ADMIN_KEY, USER_ENV, LiteLLM, running_litellm

BACK = DesiredRoute(1, {"base": 100, "cand": 0}, "cand")
CUT = DesiredRoute(2, {"base": 100, "cand": 0}, "cand", cut=True)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory) -> Iterator[LiteLLM]:
    with running_litellm(tmp_path_factory.mktemp("litellm")) as litellm:
        yield litellm


@pytest.fixture
def litellm(proxy) -> LiteLLM:
    proxy.reset()
    return proxy


def settled(litellm: LiteLLM, desired: DesiredRoute, **settings) -> None:
    target = build(litellm.ref(**settings))
    wait_until(lambda: target.read().shows(desired), f"{desired} to be in force")


def test_traffic_follows_the_write_on_every_replica(litellm):
    assert litellm.send(20) == {"cand": 20}
    build(litellm.ref()).apply(BACK)
    settled(litellm, BACK)
    for replica in (0, 1):
        assert litellm.send(15, replica) == {"base": 15}


def test_copies_go_where_the_mirror_says_and_stop_when_it_is_off(litellm):
    build(litellm.ref()).apply(BACK)
    settled(litellm, BACK)
    litellm.send(10)
    wait_until(lambda: litellm.models.asked["cand-copy"] >= 10, "ten copies at the candidate")
    assert litellm.models.asked == {"base": 10, "cand-copy": 10}
    off = DesiredRoute(2, BACK.weights, None)
    build(litellm.ref()).apply(off)
    settled(litellm, off)
    litellm.models.reset()
    litellm.send(10)
    assert litellm.models.asked == {"base": 10}


def test_who_gets_copies_may_depend_on_who_serves(litellm):
    crossed = DesiredRoute(1, {"base": 50, "cand": 50}, {"base": "cand", "cand": "base"})
    build(litellm.ref()).apply(crossed)
    settled(litellm, crossed)
    served = litellm.send(16)
    wait_until(lambda: litellm.models.asked["cand-copy"] + litellm.models.asked["base-copy"] >= 16, "sixteen copies")
    assert litellm.models.asked["cand-copy"] == served["base"]
    assert litellm.models.asked["base-copy"] == served["cand"]
    one_sided = DesiredRoute(2, {"base": 100, "cand": 0}, {"base": "cand"})
    build(litellm.ref()).apply(one_sided)
    settled(litellm, one_sided)


def test_trap_weight_zero_alone_in_a_group_serves_all_and_a_block_does_not(litellm):
    """Why there is a hard cut: where nothing with a weight is left, LiteLLM picks any that is left."""
    litellm.reset(litellm.deployment("base", weight=0), litellm.deployment("cand", weight=0))
    assert litellm.send(30).keys() == {"base", "cand"}
    read = build(litellm.ref()).read()
    assert dict(read.weights) == {"base": 1, "cand": 1}
    assert "each gets the same" in read.overrides["weight"]
    build(litellm.ref()).apply(CUT)
    settled(litellm, CUT)
    litellm.patch("base", {"litellm_params": {"weight": 0}})
    assert litellm.send(20) == {"base": 20}
    assert litellm.send(15, replica=1) == {"base": 15}


def test_trap_deployment_without_a_weight(litellm):
    litellm.reset(litellm.deployment("base"), litellm.deployment("cand"))
    read = build(litellm.ref()).read()
    assert dict(read.weights) == {"base": 1, "cand": 1}
    assert "not set on base, cand" in read.overrides["weight"]
    build(litellm.ref()).apply(BACK)
    settled(litellm, BACK)
    assert litellm.row("cand")["litellm_params"]["weight"] == 0
    assert litellm.row("base")["litellm_params"]["weight"] == 100
    assert litellm.send(20) == {"base": 20}


def test_cut_holds_while_the_baseline_fails_and_weight_zero_need_not(litellm):
    build(litellm.ref()).apply(CUT)
    settled(litellm, CUT)
    litellm.models.failing.add("base")
    for _ in range(5):
        with pytest.raises(httpx.HTTPStatusError):
            litellm.send(1)
    assert litellm.models.asked["cand"] == 0


def test_cut_is_taken_back_with_the_first_share(litellm):
    build(litellm.ref()).apply(CUT)
    settled(litellm, CUT)
    assert litellm.row("cand")["blocked"] is True
    again = DesiredRoute(3, {"base": 50, "cand": 50}, None)
    build(litellm.ref()).apply(again)
    settled(litellm, again)
    assert litellm.row("cand")["blocked"] is False
    assert litellm.send(30).keys() == {"base", "cand"}


def test_what_a_person_blocked_is_not_opened(litellm):
    litellm.patch("base", {"blocked": True})
    before = litellm.row("cand")
    with pytest.raises(RoutingError, match=r"base of model group 'chat' is blocked, and not by Fullback"):
        build(litellm.ref()).apply(BACK)
    assert litellm.row("cand") == before
    assert build(litellm.ref()).rehearse(BACK).problems[0].startswith("base of model group")


def test_a_block_of_a_person_is_not_taken_for_ours_after_a_write(litellm):
    litellm.patch("cand", {"blocked": True})
    build(litellm.ref()).apply(CUT)
    settled(litellm, CUT)
    with pytest.raises(RoutingError, match=r"cand .*is blocked, and not by Fullback"):
        build(litellm.ref()).apply(DesiredRoute(3, {"base": 50, "cand": 50}, None))


def test_stale_replica_is_named_and_holds_back_the_proof(litellm):
    litellm.hold(1)
    target = build(litellm.ref())
    target.apply(BACK)
    found = target.read()
    assert found.says(BACK)
    assert not found.shows(BACK)
    assert len(found.pending) == 1
    assert litellm.replicas[1] in found.pending[0]
    assert "epoch None, base 0, cand 100, mirror base" in found.pending[0]
    assert litellm.send(10, replica=1) == {"cand": 10}, "the pending word is true: this replica is stale"
    litellm.release(1)
    settled(litellm, BACK)
    assert litellm.send(10, replica=1) == {"base": 10}


def test_one_address_alone_is_a_claim(litellm):
    assert build(litellm.ref(replicas=None)).capabilities.read_back is ReadBack.CLAIM
    assert build(litellm.ref()).capabilities.read_back is ReadBack.PER_REPLICA


def test_replica_that_is_away_is_pending_and_does_not_hold_back_a_write(litellm):
    target = build(litellm.ref(replicas=[*litellm.replicas, "http://127.0.0.1:1"], timeout_s=5))
    target.apply(BACK)
    wait_until(lambda: target.read().says(BACK), "the write")
    pending = target.read().pending
    assert any("http://127.0.0.1:1/model/info cannot be reached" in line for line in pending)


def test_replicas_by_name(litellm):
    port = httpx.URL(litellm.replicas[1]).port
    target = build(litellm.ref(replicas=None, replicas_dns=f"http://localhost:{port}"))
    target.apply(BACK)
    found = target.read()
    assert found.says(BACK)
    litellm.followed()
    own = [line for line in target.read().pending if "::1" not in line]  # the proxy listens on IPv4 alone
    assert own == []


def test_failure_between_the_writes_is_safe_and_the_next_attempt_completes_it(litellm):
    litellm.fail("cand")
    target = build(litellm.ref())
    with pytest.raises(RoutingError, match="answered 500 to PATCH"):
        target.apply(BACK)
    litellm.followed()
    half = target.read()
    assert dict(half.weights) == {"base": 100, "cand": 100}, "the baseline is up first"
    assert not half.says(BACK)
    assert half.epoch is None, "half a write is not this epoch"
    assert litellm.send(40)["base"] > 0
    litellm.mend("cand")
    target.apply(BACK)
    settled(litellm, BACK)
    assert litellm.send(20) == {"base": 20}


def test_baseline_that_cannot_be_raised_leaves_everything_as_it_was(litellm):
    litellm.fail("base")
    before = litellm.row("cand")
    with pytest.raises(RoutingError, match="answered 500"):
        build(litellm.ref()).apply(BACK)
    assert litellm.row("cand") == before
    assert litellm.send(10) == {"cand": 10}


def test_newer_epoch_on_any_replica_refuses(litellm):
    newer = DesiredRoute(9, {"base": 100, "cand": 0}, None)
    build(litellm.ref()).apply(newer)
    settled(litellm, newer)
    with pytest.raises(StaleEpochError, match="holds epoch 9, newer than 8"):
        build(litellm.ref(url=litellm.replicas[1], replicas=None)).apply(DesiredRoute(8, {"cand": 1}, None))
    assert build(litellm.ref()).rehearse(DesiredRoute(8, {"cand": 1}, None)).problems
    settled(litellm, newer)


def test_a_change_by_somebody_else_is_told_from_ours(litellm):
    target = build(litellm.ref())
    assert target.read().writer is None
    target.apply(BACK)
    settled(litellm, BACK)
    assert target.read().writer is Writer.FULLBACK
    litellm.patch("cand", {"litellm_params": {"weight": 100}})
    found = target.read()
    assert found.writer is Writer.OTHER
    assert dict(found.weights) == {"base": 100, "cand": 100}
    assert not found.says(BACK)


def test_config_deployments_are_refused(litellm):
    with pytest.raises(RoutingError, match=r"fixed-chat-1 .*db_model is false.*/model/new"):
        build(litellm.ref(model_group="fixed-chat", mirror_groups=None)).apply(
            DesiredRoute(1, {"fixed-chat-1": 1}, None)
        )


def test_strategy_that_ignores_weights_is_refused_unless_the_rest_is_cut(litellm):
    litellm.reset(routing_strategy="least-busy")
    target = build(litellm.ref())
    with pytest.raises(RoutingError, match="routing_strategy of model group 'chat' is least-busy"):
        target.apply(BACK)
    assert "least-busy" in target.read().overrides["routing_strategy"]
    target.apply(CUT)
    settled(litellm, CUT)
    assert litellm.send(20) == {"base": 20}
    litellm.reset()


def test_fallback_that_leads_back_to_the_candidate_is_named(litellm):
    litellm.reset(fallbacks=[{"chat": ["chat-cand"]}])
    said = build(litellm.ref()).read().overrides
    assert said == {}, "the copies' group asks another endpoint here"
    litellm.reset(
        litellm.deployment("base", weight=0),
        {**litellm.deployment("cand", weight=100), "model_info": {"id": "cand"}},
        {**litellm.deployment("cand"), "model_name": "spare", "model_info": {"id": "spare-1"}},
        fallbacks=[{"chat": ["spare"]}],
    )
    assert build(litellm.ref()).read().overrides == {"fallbacks": "chat falls back to spare (asks what cand asks)"}
    litellm.reset()


def test_several_deployments_of_a_backend_share_its_weight(litellm):
    litellm.reset(
        litellm.deployment("base", weight=0),
        litellm.deployment("base2", weight=0),
        litellm.deployment("base3", weight=0),
        litellm.deployment("cand", weight=1),
    )
    backends = {"bf16": ["base", "base2", "base3"], "int4": ["cand"]}
    target = build(litellm.ref(deployments=backends, mirror_groups=None))
    assert dict(target.read().weights) == {"bf16": 0, "int4": 1}
    part = DesiredRoute(1, {"bf16": 50, "int4": 50}, None)
    target.apply(part)
    wait_until(lambda: target.read().shows(part), "the split")
    rows = {id_: litellm.row(id_)["litellm_params"]["weight"] for id_ in ("base", "base2", "base3", "cand")}
    assert rows == {"base": 50, "base2": 50, "base3": 50, "cand": 150}


def test_other_parameters_and_secrets_stay(litellm):
    before = litellm.row("cand")
    build(litellm.ref()).apply(BACK)
    after = litellm.row("cand")
    assert {**before["litellm_params"], "weight": 0, "silent_model": after["litellm_params"]["silent_model"]} == (
        after["litellm_params"]
    )
    assert after["model_info"]["id"] == "cand", "LiteLLM invents an id for a model_info without one"


def test_rehearsal_goes_through_the_proxys_own_checks_and_writes_nothing(litellm):
    before = (litellm.row("base"), litellm.row("cand"))
    good = build(litellm.ref()).rehearse(BACK)
    assert good.ok
    assert "weight of cand: 100 -> 0" in good.changes
    bad = build(litellm.ref(key_env=USER_ENV)).rehearse(BACK)
    assert not bad.ok
    assert "proxy_admin" in bad.problems[0]
    assert (litellm.row("base"), litellm.row("cand")) == before


def test_key_of_an_ordinary_user_writes_nothing_and_no_key_is_shown(litellm, monkeypatch):
    with pytest.raises(RoutingError, match="role proxy_admin") as refused:
        build(litellm.ref(key_env=USER_ENV)).apply(BACK)
    monkeypatch.setenv("FULLBACK_TARGET_WRONG", "sk-a-wrong-key-98765")
    with pytest.raises(RoutingError, match="refused the key") as unknown:
        build(litellm.ref(key_env="FULLBACK_TARGET_WRONG")).read()
    for error in (refused, unknown):
        assert "sk-" not in str(error.value)
        assert "8765" not in str(error.value)
    assert ADMIN_KEY not in repr(build(litellm.ref()).__dict__)
