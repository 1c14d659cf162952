"""What holds for every fleet, every plan, every road and every order of events; see rollout_world.py for the rules."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.rollout_world import World


@pytest.mark.parametrize("seed", range(0, 600, 100))
def test_no_rollout_breaks_a_rule_and_every_one_ends(seed: int) -> None:
    for one in range(seed, seed + 100):
        World(Random(one)).live()  # noqa: S311  # repeatable fates, no secrets


@given(st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_nor_does_one_that_somebody_looks_for(rng: Random) -> None:
    World(rng).live()


def test_where_every_node_does_what_it_is_told_every_rollout_succeeds() -> None:
    for seed in range(300):
        World(Random(seed)).live_kindly()  # noqa: S311  # repeatable fates, no secrets
