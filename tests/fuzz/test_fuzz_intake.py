"""A short seeded run of the fuzzer, and proof that it would notice."""

import pytest

from tests.fuzz import fuzz_intake
from tests.fuzz.fuzz_intake import case_of, fuzz


def test_nothing_comes_out_that_should_not():
    report = fuzz(1_000_000, seconds=5)
    assert not report.findings
    assert report.cases > 200
    assert report.events > 100
    assert report.readings > 100
    assert len(report.rejections) > 4
    assert len(report.refused_bodies) > 1


def test_a_seed_names_its_case():
    assert case_of(7) == case_of(7)
    assert len({case_of(seed).sent for seed in range(200)}) > 150


@pytest.mark.parametrize("broken", [KeyError("x"), RecursionError()])
def test_an_undocumented_error_is_a_finding(monkeypatch, broken):
    def fail(_):
        raise broken

    monkeypatch.setattr(fuzz_intake, "readings_of", fail)
    found = fuzz(0, cases=60).findings
    assert found
    assert all(type(broken).__name__ in one["error"] for one in found)
