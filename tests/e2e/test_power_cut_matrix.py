"""The power-cut matrix: a sample of `make bench NAME=power-cut`, and every fate that once ended badly."""

from collections.abc import Iterator

import pytest

from wayside_agent.core.update import Phase
from wayside_demo.power_cut.campaign import MATRIX, Campaign, Tally, quick_folder
from wayside_demo.power_cut.fate import Fate, Kind, Start, Strike, Worth

ROUNDS = 2
"""Through the whole matrix; about 10 s."""


@pytest.fixture(scope="module")
def campaign() -> Iterator[Campaign]:
    with quick_folder() as folder:
        yield Campaign(folder)


def test_every_fault_in_every_phase_leaves_the_old_or_the_new_release_and_says_which(campaign: Campaign) -> None:
    tally = Tally()
    for seed in range(ROUNDS * len(MATRIX)):
        tally.add(campaign.run(seed))
    assert [(each.fate, each.problems) for each in tally.defects] == []
    assert {phase for phase, _ in tally.struck} == {phase for phase, _ in MATRIX}
    assert {kind for _, kind in tally.struck} == set(Kind)


def test_a_run_can_be_repeated(campaign: Campaign) -> None:
    assert campaign.run(1_234_567) == campaign.run(1_234_567)


FATES = {
    "a-trial-that-could-not-be-counted-is-over-once-that-is-said": Fate(
        1603, Start.FACTORY, Worth.LATE, 0.0, (Strike(Kind.FULL, Phase.PROVISIONAL, 1, 48.2),)
    ),
}
"""Every fate that was found to end badly, in the words of what must hold."""


@pytest.mark.parametrize("fate", FATES.values(), ids=FATES)
def test_a_fate_that_once_ended_badly_ends_well(campaign: Campaign, fate: Fate) -> None:
    assert campaign.run_fate(fate).problems == []
