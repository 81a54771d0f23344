"""A flip by real processes: leader killed or stopped, PostgreSQL killed, Envoy's admin interface cut off, at each step.

Two services, a PostgreSQL and an Envoy of their own, users that never stop asking, and events by who answered them.
The long form: ``python -m tests.e2e.flip_matrix --real --runs 5 --json``.
"""

import pytest

from tests.support.flip_real import run_one
from tests.support.flip_real_site import real_site


@pytest.mark.e2e
def test_a_flip_survives_the_death_and_the_sleep_of_its_leader():
    with real_site() as site:
        for number, (fault, step) in enumerate(
            (
                ("SIGKILL of the leader", "applying"),
                ("SIGSTOP of the leader", "applying"),
                ("SIGKILL of PostgreSQL", "verifying-traffic"),
            )
        ):
            outcome = run_one(site, fault, step, number)
            assert not outcome.wrong, outcome
