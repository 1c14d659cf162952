"""The power-cut matrix: a sample of `make bench NAME=power-cut`, and every fate that once ended badly."""

from collections.abc import Iterator

import pytest

from wayside_agent.core.update import Phase
from wayside_agent.update import artifact
from wayside_demo.power_cut.campaign import MATRIX, Campaign, Tally, quick_folder
from wayside_demo.power_cut.fate import Fate, Kind, Start, Strike, Worth

LOST_IN = 12
"""Cuts of which one at least must lose what is not synced."""
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
    assert tally.by_delta > tally.runs / 5


def test_a_run_can_be_repeated(campaign: Campaign) -> None:
    assert campaign.run(1_234_567) == campaign.run(1_234_567)


FATES = {
    "a-trial-that-could-not-be-counted-is-over-once-that-is-said": Fate(
        1603, Start.FACTORY, Worth.LATE, 0.0, (Strike(Kind.FULL, Phase.PROVISIONAL, 1, 48.2),)
    ),
    **{
        f"a-download-that-a-cut-has-torn-costs-no-release-{seed}": Fate(
            seed, Start.RELEASE, Worth.GOOD, 0.0, (Strike(Kind.POWER, Phase.DOWNLOADING, 11),)
        )
        for seed in (8, 9, 11)
    },
}
"""Every fate that was found to end badly, in the words of what must hold."""


@pytest.mark.parametrize("fate", FATES.values(), ids=FATES)
def test_a_fate_that_once_ended_badly_ends_well(campaign: Campaign, fate: Fate) -> None:
    assert campaign.run_fate(fate).problems == []


def test_a_product_that_forgets_to_sync_is_found(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds in every run must be able not to."""
    monkeypatch.setattr(artifact, "sync_tree", lambda _: None)
    cuts = [
        Fate(seed, Start.RELEASE, Worth.GOOD, 0.0, (Strike(Kind.POWER, Phase.SWITCHING, 5),)) for seed in range(LOST_IN)
    ]
    problems = [problem for fate in cuts for problem in campaign.run_fate(fate).problems]
    assert any(problem.startswith("brick:") for problem in problems)
