"""What operators decide about a trial a node was told."""

from datetime import timedelta

import pytest

from tests.contract.manager_store import START, batch, enrolled, layer, word
from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from wayside_manager.core.nodes import ConfigDecision
from wayside_manager.core.reports import ConfigOutcome
from wayside_manager.ports.store import Store

CONFIRM, CANCEL = ConfigDecision.CONFIRM, ConfigDecision.CANCEL
TRIAL = "node-1"


@pytest.fixture
async def told(store: Store) -> Store:
    """A unit on trial, for two minutes."""
    await store.apply_layer(layer("base", {"report_period_s": 5}), now=START)
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", word(1, TRIAL, ConfigOutcome.PROVISIONAL, running=b"{}"))])
    return store


@pytest.mark.parametrize("decision", [CONFIRM, CANCEL])
async def test_a_decision_is_told_once_and_repeating_it_changes_nothing(told: Store, decision: ConfigDecision) -> None:
    before = await told.get_desired("rsu-1")
    assert await told.decide_trial("rsu-1", TRIAL, now=START, decision=decision)
    after = await told.get_desired("rsu-1")
    assert (after.config_decision, after.revision) == (decision, before.revision + 1)
    assert after.config_trial == TRIAL
    assert not await told.decide_trial("rsu-1", TRIAL, now=START, decision=decision)
    assert (await told.get_desired("rsu-1")).revision == after.revision


@pytest.mark.parametrize(("first", "second"), [(CONFIRM, CANCEL), (CANCEL, CONFIRM)])
async def test_a_decision_stays(told: Store, first: ConfigDecision, second: ConfigDecision) -> None:
    await told.decide_trial("rsu-1", TRIAL, now=START, decision=first)
    with pytest.raises(FailedPreconditionError, match=r"was (confirmed|cancelled) already"):
        await told.decide_trial("rsu-1", TRIAL, now=START, decision=second)
    with pytest.raises(FailedPreconditionError, match="already"):
        await told.decide_trial("rsu-1", TRIAL, now=START, timeout=timedelta(hours=1))


async def test_a_trial_is_given_more_time_and_never_less(told: Store) -> None:
    assert await told.decide_trial("rsu-1", TRIAL, now=START, timeout=timedelta(minutes=10))
    assert (await told.get_desired("rsu-1")).config_trial_timeout_s == 600.0
    assert not await told.decide_trial("rsu-1", TRIAL, now=START, timeout=timedelta(minutes=10))
    with pytest.raises(InvalidArgumentError, match="300 s is shorter than the 600 s it has"):
        await told.decide_trial("rsu-1", TRIAL, now=START, timeout=timedelta(minutes=5))


@pytest.mark.parametrize("timeout_s", [4, 86_401])
async def test_a_timeout_out_of_range_is_refused(told: Store, timeout_s: int) -> None:
    with pytest.raises(InvalidArgumentError, match="outside 5 s to 24 h"):
        await told.decide_trial("rsu-1", TRIAL, now=START, timeout=timedelta(seconds=timeout_s))


@pytest.mark.parametrize("outcome", [ConfigOutcome.APPLIED, ConfigOutcome.REVERTED, ConfigOutcome.REJECTED])
async def test_a_trial_that_is_over_takes_no_decision(told: Store, outcome: ConfigOutcome) -> None:
    await told.record_reports([batch("rsu-1", word(2, TRIAL, outcome))])
    with pytest.raises(FailedPreconditionError, match=f"is over: {outcome}"):
        await told.decide_trial("rsu-1", TRIAL, now=START, decision=CONFIRM)


async def test_only_the_trial_that_was_told_can_be_decided(told: Store) -> None:
    with pytest.raises(FailedPreconditionError, match="it was told trial node-1"):
        await told.decide_trial("rsu-1", "other", now=START, decision=CONFIRM)
    with pytest.raises(NotFoundError):
        await told.decide_trial("rsu-9", TRIAL, now=START, decision=CONFIRM)
    await told.delete_layer("base", now=START)
    await enrolled(told, "rsu-2")
    with pytest.raises(FailedPreconditionError, match="it was told none"):
        await told.decide_trial("rsu-2", "", now=START, decision=CONFIRM)
