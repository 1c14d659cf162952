"""A configuration on trial: proven, decided on, withdrawn, forgotten by nobody; over a real state file."""

import asyncio

import pytest

from tests.contract.config_unit import DEAF, GOOD, Decision, Outcome, Unit, awake
from wayside.errors import ResourceExhaustedError
from wayside.node_config import NodeConfig
from wayside.v1 import node_pb2
from wayside_agent.core.config_state import Phase
from wayside_agent.core.config_trial import MAX_START_COUNT
from wayside_agent.core.gate import Vitals

OLD, NEW, NEWER = 10.0, 20.0, 30.0  # report periods, by which a test knows a configuration
FULL = ResourceExhaustedError("disk full")
CAUSES = {
    "deaf": "radio: heard 0.0 messages/s, before the change 10.0",
    "silent": "manager: not reached since the change",
}


@pytest.fixture
async def unit(tmp_path_factory: pytest.TempPathFactory) -> Unit:
    """A unit that runs OLD, committed."""
    unit = Unit(tmp_path_factory.mktemp("unit"))
    async with awake(unit):
        await unit.verdict(unit.offer(1, OLD, "r1"))
    unit.restart()
    return unit


async def held(unit: Unit, period_s: float = NEW) -> node_pb2.ConfigReport:
    """Puts a configuration on trial that only a person can end in time."""
    return await unit.on_trial(unit.offer(2, period_s, "r2", timeout_s=3600, decision=Decision.DECISION_HOLD))


@pytest.mark.parametrize("cause", CAUSES)
async def test_what_makes_the_unit_worse_goes_back_by_itself_and_says_why(unit: Unit, cause: str) -> None:
    async with awake(unit):
        if cause == "deaf":
            unit.vitals_of = lambda config: DEAF if config.report_period_s == NEW else GOOD
        unit.acknowledges = cause != "silent"
        report = await unit.verdict(unit.offer(2, NEW, "r2"))
        assert (report.outcome, report.revision, report.trial) == (Outcome.OUTCOME_REVERTED, 2, "r2")
        assert report.message == CAUSES[cause]
        assert (report.running_revision, report.running_config) == (1, b'{"report_period_s":10}')
        assert unit.running.report_period_s == OLD


async def test_a_session_alone_is_no_proof_the_manager_must_hold_the_report_of_the_trial(unit: Unit) -> None:
    async with awake(unit):
        unit.acknowledges = False
        await unit.on_trial(unit.offer(2, NEW, "r2", timeout_s=1000))
        await unit.looked(100)
        assert unit.desired.trial == "r2"
        unit.acknowledges = True
        assert (await unit.word()).outcome == Outcome.OUTCOME_APPLIED


async def test_it_is_tried_once_per_trial_also_after_a_restart(unit: Unit) -> None:
    unit.vitals_of = lambda config: DEAF if config.report_period_s == NEW else GOOD
    async with awake(unit):
        await unit.verdict(unit.offer(2, NEW, "r2"))
        await unit.desired.follow(unit.offer(2, NEW, "r2"))
    unit.restart()
    unit.fetched.clear()
    unit.vitals_of = lambda _: GOOD
    async with awake(unit):
        await unit.desired.follow(unit.offer(2, NEW, "r2"))
        assert (await unit.verdict(unit.offer(2, NEW, "r3"))).outcome == Outcome.OUTCOME_APPLIED
        assert unit.fetched == [2]


async def test_held_it_goes_back_when_nobody_confirms_however_good_it_is(unit: Unit) -> None:
    async with awake(unit):
        report = await unit.verdict(unit.offer(2, NEW, "r2", decision=Decision.DECISION_HOLD))
        assert (report.outcome, report.message) == (Outcome.OUTCOME_REVERTED, "nobody confirmed it within 20 s")


@pytest.mark.parametrize("is_good", [True, False])
async def test_confirmed_it_commits_at_once_whatever_the_gate_says(unit: Unit, is_good: bool) -> None:
    unit.vitals_of = lambda config: DEAF if config.report_period_s == NEW and not is_good else GOOD
    async with awake(unit):
        await held(unit)
        report = await unit.verdict(unit.offer(2, NEW, "r2", decision=Decision.DECISION_CONFIRM))
        assert (report.outcome, report.running_revision) == (Outcome.OUTCOME_APPLIED, 2)
    unit.restart()
    async with awake(unit):
        assert unit.running.report_period_s == NEW


async def test_cancelled_it_goes_back_at_once(unit: Unit) -> None:
    async with awake(unit):
        await held(unit)
        report = await unit.verdict(unit.offer(2, NEW, "r2", decision=Decision.DECISION_CANCEL))
        assert (report.outcome, report.message) == (Outcome.OUTCOME_REVERTED, "cancelled by the manager")
        assert unit.running.report_period_s == OLD


async def test_cancelled_before_it_began_it_never_runs(unit: Unit) -> None:
    seen: list[NodeConfig] = []
    unit.on_switch = seen.append
    async with awake(unit):
        report = await unit.verdict(unit.offer(2, NEW, "r2", decision=Decision.DECISION_CANCEL))
        assert (report.outcome, report.running_revision) == (Outcome.OUTCOME_REVERTED, 1)
        assert [config.report_period_s for config in seen] == [OLD]
        assert 2 not in unit.fetched


async def test_a_longer_time_extends_it_and_a_shorter_one_does_not(unit: Unit) -> None:
    async with awake(unit):
        await unit.on_trial(unit.offer(2, NEW, "r2", timeout_s=100, decision=Decision.DECISION_HOLD))
        hold = Decision.DECISION_HOLD
        longer = await unit.on_trial(unit.offer(2, NEW, "r2", timeout_s=1000, decision=hold))
        assert 800 < longer.trial_remaining.seconds <= 1000
        await unit.desired.follow(unit.offer(2, NEW, "r2", timeout_s=5, decision=hold))
        await unit.looked(200)
        assert unit.desired.trial == "r2"
        assert unit.reports.empty()


async def test_saying_the_same_again_changes_nothing(unit: Unit) -> None:
    async with awake(unit):
        await held(unit)
        for _ in range(3):
            await unit.desired.follow(unit.offer(2, NEW, "r2", timeout_s=3600, decision=Decision.DECISION_HOLD))
            await unit.looked(10)
        assert unit.reports.empty()
        assert unit.fetched == [1, 2]
        confirm = unit.offer(2, NEW, "r2", decision=Decision.DECISION_CONFIRM)
        assert (await unit.verdict(confirm)).outcome == Outcome.OUTCOME_APPLIED
        await unit.desired.follow(confirm)
        await unit.desired.follow(unit.offer(2, NEW, "r2", decision=Decision.DECISION_CANCEL))
        assert (await unit.verdict(unit.offer(3, NEWER, "r3"))).outcome == Outcome.OUTCOME_APPLIED
        assert unit.running.report_period_s == NEWER


async def test_what_ran_before_is_wanted_again_so_the_trial_is_withdrawn_at_once(unit: Unit) -> None:
    async with awake(unit):
        await held(unit)
        report = await unit.verdict(unit.offer(1, OLD, "back-r2"))
        assert (report.outcome, report.trial) == (Outcome.OUTCOME_APPLIED, "back-r2")
        assert report.message == "withdrawn: configuration 2 was on trial"
        assert unit.running.report_period_s == OLD
        assert unit.reports.empty()
        assert unit.fetched == [1, 2]


async def test_a_newer_one_ends_the_trial_and_is_measured_by_what_was_before_the_first(unit: Unit) -> None:
    seen: list[NodeConfig] = []
    unit.vitals_of = lambda config: GOOD if config.report_period_s == OLD else DEAF
    async with awake(unit):
        await held(unit)
        unit.on_switch = seen.append
        # the radio is still deaf when the second trial begins: it must not count as what was before
        unit.vitals_of = lambda _: DEAF
        report = await unit.verdict(unit.offer(3, NEWER, "r3"))
        assert (report.outcome, report.revision, report.message) == (Outcome.OUTCOME_REVERTED, 3, CAUSES["deaf"])
        assert [config.report_period_s for config in seen] == [OLD, NEWER, OLD]


async def test_back_to_one_that_was_refused_it_is_not_tried_again_but_said_once_more(unit: Unit) -> None:
    unit.vitals_of = lambda config: DEAF if config.report_period_s == NEW else GOOD
    async with awake(unit):
        await unit.verdict(unit.offer(2, NEW, "r2"))
        await unit.on_trial(unit.offer(3, NEWER, "r3", timeout_s=3600, decision=Decision.DECISION_HOLD))
        report = await unit.verdict(unit.offer(2, NEW, "r2"))
        assert (report.outcome, report.trial, report.running_revision) == (Outcome.OUTCOME_REVERTED, "r2", 1)
        assert unit.fetched == [1, 2, 3]


async def test_a_reboot_forgets_neither_what_was_before_nor_the_time_that_has_passed(unit: Unit) -> None:
    async with awake(unit):
        await unit.on_trial(unit.offer(2, NEW, "r2", timeout_s=300, decision=Decision.DECISION_HOLD))
        await unit.looked(100)
    unit.restart(boot_id="boot-2")
    unit.vitals_of = lambda _: Vitals(manager_reached=True)
    async with awake(unit):
        assert unit.running.report_period_s == NEW
        again = await unit.reports.get()
        assert again.outcome == Outcome.OUTCOME_PROVISIONAL
        assert again.trial_remaining.seconds < 200
        report = await unit.word()
        assert report.message.startswith("nobody confirmed it within 300 s; gnss: no fix, before the change 3D")


async def test_it_may_be_proven_after_a_restart_by_a_report_made_since(unit: Unit) -> None:
    async with awake(unit):
        unit.acknowledges = False
        await unit.on_trial(unit.offer(2, NEW, "r2", timeout_s=300))
    unit.restart()
    unit.acknowledges = True
    async with awake(unit):
        assert (await unit.word()).outcome == Outcome.OUTCOME_APPLIED


async def test_one_that_ends_the_agent_is_taken_back_before_it_runs_once_more(unit: Unit) -> None:
    async with awake(unit):
        await held(unit)
    seen: list[float] = []
    unit.on_switch = lambda config: seen.append(config.report_period_s)
    for _ in range(MAX_START_COUNT):
        unit.restart()
        await unit.desired.start()  # and the process is gone
    assert seen == [NEW] * MAX_START_COUNT
    unit.restart()
    async with awake(unit):
        report = await unit.word()
        assert (report.outcome, report.running_revision) == (Outcome.OUTCOME_REVERTED, 1)
        assert report.message == "the agent started more than 3 times with it"
        assert seen == [NEW] * MAX_START_COUNT + [OLD]


async def test_one_whose_time_ran_out_while_the_unit_was_off_never_runs_again(unit: Unit) -> None:
    async with awake(unit):
        await held(unit)
    unit.restart()
    unit.now_s += 4000
    seen: list[float] = []
    unit.on_switch = lambda config: seen.append(config.report_period_s)
    async with awake(unit):
        assert (await unit.word()).message == "its 3600 s were over before the agent was back"
        assert seen == [OLD]


async def test_one_that_cannot_be_prepared_any_more_is_taken_back(unit: Unit) -> None:
    async with awake(unit):
        await held(unit)
    unit.restart()
    unit.cannot_prepare = lambda config: "the database is gone" if config.report_period_s == NEW else ""
    async with awake(unit):
        report = await unit.word()
        assert report.message == "the agent cannot start with it: the database is gone"
        assert unit.running.report_period_s == OLD


async def test_a_start_that_cannot_be_counted_does_not_run_what_is_on_trial(unit: Unit) -> None:
    async with awake(unit):
        await held(unit)
    unit.restart()
    unit.store_errors = [FULL] * 3
    async with awake(unit):
        assert unit.running.report_period_s == OLD
        assert (await unit.word()).outcome == Outcome.OUTCOME_REVERTED


async def test_a_full_disk_does_not_keep_it_on_trial(unit: Unit) -> None:
    async with awake(unit):
        unit.acknowledges = False
        await unit.on_trial(unit.offer(2, NEW, "r2"))
        unit.store_errors = [FULL] * 30
        report = await unit.word()
        assert report.outcome == Outcome.OUTCOME_REVERTED
        assert unit.store_errors == []
        state = unit.file.load()
        assert state
        assert (state.phase, state.committed.revision) == (Phase.REVERTED, 1)


async def test_cancelled_on_a_full_disk_it_goes_back_at_once(unit: Unit) -> None:
    async with awake(unit):
        await held(unit)
        switched = asyncio.Event()
        unit.on_switch = lambda _: switched.set()
        unit.store_errors = [FULL] * 100_000
        await unit.desired.follow(unit.offer(2, NEW, "r2", decision=Decision.DECISION_CANCEL))
        await switched.wait()
        assert unit.running.report_period_s == OLD
        unit.store_errors.clear()
        assert (await unit.word()).message == "cancelled by the manager"


async def test_proven_but_not_durable_it_goes_back_when_its_time_is_over(unit: Unit) -> None:
    async with awake(unit):
        unit.acknowledges = False
        await unit.on_trial(unit.offer(2, NEW, "r2"))
        unit.store_errors = [FULL] * 100_000
        switched = asyncio.Event()
        unit.on_switch = lambda _: switched.set()
        unit.acknowledges = True
        await switched.wait()
        unit.store_errors.clear()
        report = await unit.word()
        assert (report.outcome, report.running_revision) == (Outcome.OUTCOME_REVERTED, 1)
        assert report.message == "it is proven, but cannot be made durable: disk full"


async def test_a_report_that_is_lost_is_made_again(unit: Unit) -> None:
    made = unit.report
    lost = 3

    async def some(report: node_pb2.ConfigReport) -> int:
        nonlocal lost
        lost -= 1
        return 0 if lost >= 0 else await made(report)

    unit.report = some  # type: ignore[method-assign]
    unit.restart()
    async with awake(unit):
        assert (await unit.on_trial(unit.offer(2, NEW, "r2"))).revision == 2
        assert (await unit.word()).outcome == Outcome.OUTCOME_APPLIED


async def test_a_trial_of_a_part_that_cannot_run_leads_back_to_what_can(unit: Unit) -> None:
    unit.cannot_prepare = lambda config: "the receiver is gone" if config.report_period_s == OLD else ""
    async with awake(unit):
        assert (await unit.word()).outcome == Outcome.OUTCOME_REVERTED
        unit.vitals_of = lambda config: DEAF if config.report_period_s == NEW else GOOD
        report = await unit.verdict(unit.offer(2, NEW, "r2"))
        assert (report.outcome, report.running_revision) == (Outcome.OUTCOME_REVERTED, 0)
        assert unit.running == NodeConfig()


@pytest.mark.parametrize("decision", ["gate", "hold"])
async def test_a_trial_that_was_called_back_before_it_began_is_tried_when_it_is_told_again(
    unit: Unit, decision: str
) -> None:
    word = Decision.DECISION_HOLD if decision == "hold" else Decision.DECISION_UNSPECIFIED
    async with awake(unit):
        unit.is_release_on_trial = True  # so a configuration waits
        await unit.desired.follow(unit.offer(2, NEW, "c1", decision=word))
        await unit.looked(20)
        back = await unit.verdict(unit.offer(1, OLD, "back-c1"))
        assert (back.outcome, back.trial, back.message) == (Outcome.OUTCOME_APPLIED, "back-c1", "")
        unit.is_release_on_trial = False
        again = await unit.on_trial(unit.offer(2, NEW, "c1", decision=word))
        assert again.trial == "c1"
        if word == Decision.DECISION_HOLD:
            await unit.desired.follow(unit.offer(2, NEW, "c1", decision=Decision.DECISION_CONFIRM))
        assert (await unit.word()).outcome == Outcome.OUTCOME_APPLIED
        assert unit.running.report_period_s == NEW


async def test_a_trial_that_was_called_back_on_its_way_is_tried_when_it_is_told_again_also_after_a_restart(
    unit: Unit,
) -> None:
    async with awake(unit):
        await held(unit)
        back = await unit.verdict(unit.offer(1, OLD, "back-r2"))
        assert (back.outcome, back.message) == (Outcome.OUTCOME_APPLIED, "withdrawn: configuration 2 was on trial")
    unit.restart()
    async with awake(unit):
        await held(unit)
        report = await unit.verdict(unit.offer(2, NEW, "r2", decision=Decision.DECISION_CONFIRM))
        assert (report.outcome, report.trial) == (Outcome.OUTCOME_APPLIED, "r2")
