"""What stands for a variant's build in its streams' fingerprints."""

from datetime import timedelta

from monitor.models.variant import Role, Tier, Variant
from monitor.services.fingerprints import builds_of
from monitor.services.policies import DEFAULT_POLICY, parse_policy
from monitor.services.watch import watch
from monitor.storage.fingerprints import Fingerprint
from tests.conftest import START

VARIANTS = [
    Variant(id_, 1, name, role, name, "bf16", Tier.SERVING, None, None, START)
    for id_, name, role in ((11, "base", Role.BASELINE), (12, "int4", Role.CANDIDATE), (13, "fp8", Role.CANDIDATE))
]


def seen(*texts: str, variant: int = 12, apart: timedelta = timedelta(hours=1)) -> list[Fingerprint]:
    return [Fingerprint(1, variant, t, START + n * apart, START + n * apart) for n, t in enumerate(texts)]


def test_the_first_fingerprint_is_no_change():
    assert builds_of([]) == builds_of(seen("a")) == {}


def test_the_newest_counts():
    assert builds_of([*seen("a", "b"), *seen("x", variant=11)]) == {12: "b"}


def test_a_pool_of_unlike_servers_has_one_constant():
    names = [str(n) for n in range(20)]
    assert builds_of(seen(*names[:8])) == {12: "7"}
    assert builds_of(seen(*names[:9])) == builds_of(seen(*names)) == {12: "unstable"}
    assert builds_of(seen(*names, apart=timedelta(days=1))) == {12: "19"}


def test_a_new_build_restarts_the_variants_streams_and_no_others():
    def prints(builds):
        watched = watch(parse_policy(DEFAULT_POLICY, 0, {}), VARIANTS, [], epoch=0, fleet=1, builds=builds)
        return {(w.stream.candidate_id, w.stream.signal, w.stream.slice): w.stream.fingerprint for w in watched}

    before, candidate, baseline = prints({}), prints({12: "b"}), prints({11: "b"})
    assert {key[0] for key in before if before[key] != candidate[key]} == {12}
    assert all(before[key] != baseline[key] for key in before)
    assert prints({12: "b"}) == candidate != prints({12: "c"})
