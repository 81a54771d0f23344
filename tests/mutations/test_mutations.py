"""The list of mutations fits the code, and a few of them are caught here and now; all: python -m tests.mutations."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutations.mutation import Mutation, Outcome, mutations, problem_with
from tests.mutations.runner import Scratch

ROOT = Path(__file__).parents[2]
KNOWN = mutations()
FEW = ("the cap forgotten", "a tick applied twice", "counting: n11 dropped")


@pytest.mark.parametrize("one", KNOWN, ids=lambda one: f"{one.group}: {one.name}")
def test_every_mutation_fits_the_code(one):
    assert problem_with(one, ROOT) is None
    assert one.becomes != one.text


def test_names_tell_mutations_apart():
    assert len({(one.group, one.name) for one in KNOWN}) == len(KNOWN)


def test_a_list_that_no_longer_fits_says_so():
    one = KNOWN[0]
    assert "0 times" in problem_with(replace(one, text="no such text"), ROOT)
    assert "0 times" in problem_with(replace(one, file="no/such/file.py"), ROOT)
    assert "no test" in problem_with(replace(one, tests=("tests/none.py",)), ROOT)
    assert "no test" in problem_with(replace(one, tests=(f"{one.tests[0].partition('::')[0]}::test_none",)), ROOT)


def test_every_suite_is_told_of():
    told = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## Mutations")[2].partition("## Migrations")[0]
    assert [group for group in sorted({one.group for one in KNOWN}) if f"`{group}`" not in told] == []


def test_tests_that_skip_show_nothing():
    with Scratch(ROOT, 60.0) as scratch:
        skipped = "import pytest\n\n\n@pytest.mark.skip(reason='a part')\ndef test_none():\n    pass\n"
        (scratch.tree / "tests" / "skips.py").write_text(skipped)
        assert scratch.outcome_of(replace(KNOWN[0], tests=("tests/skips.py",)))[0] is Outcome.BROKEN


@pytest.mark.timeout(900)
def test_a_few_mutations_are_caught_and_what_changes_nothing_survives():
    chosen = [one for one in KNOWN if one.name in FEW]
    assert len(chosen) == len(FEW)
    with Scratch(ROOT, 250.0) as scratch:
        assert [scratch.outcome_of(one)[0] for one in chosen] == [Outcome.CAUGHT] * len(chosen)
        none = replace(chosen[0], text="def update(", becomes="def update(")
        assert scratch.outcome_of(replace(none, file="detectors/stats/shiryaev_roberts.py"))[0] is Outcome.SURVIVED
        lost = Mutation("none", "none", chosen[0].file, "no such text", "", ("tests/none.py",))
        assert scratch.outcome_of(lost)[0] is Outcome.BROKEN
