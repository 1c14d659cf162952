"""A configuration on trial in bad company: managers that disagree, hung disks, early orders, files changed by hand."""

import asyncio
from dataclasses import replace
from hashlib import sha256

import pytest

from tests.contract.config_unit import GOOD, Decision, Outcome, Unit, awake
from wayside.node_config import NodeConfig, canonical
from wayside.v1 import node_pb2, node_service_pb2
from wayside_agent.core.config_state import Config, ConfigState
from wayside_agent.core.config_trial import MAX_WITHDRAWN_COUNT
from wayside_manager.api.report_messages import stored_form
from wayside_manager.core.configs import DriftCause
from wayside_manager.core.drift import cause_of
from wayside_manager.core.nodes import DesiredRecord, NodeStatus
from wayside_manager.core.reports import ConfigFacts

OLD, NEW, NEWER = 10.0, 20.0, 30.0  # report periods, by which a test knows a configuration
REPORT_MAX_BYTES = 64 * 1024
"""The manager refuses more for good (`wayside_manager.api.report_messages`)."""


@pytest.fixture
async def unit(tmp_path_factory: pytest.TempPathFactory) -> Unit:
    """A unit that runs OLD, committed."""
    unit = Unit(tmp_path_factory.mktemp("unit"))
    async with awake(unit):
        await unit.verdict(unit.offer(1, OLD, "r1"))
    unit.restart()
    return unit


async def test_a_configuration_larger_than_a_report_is_said_by_its_revision_alone(unit: Unit) -> None:
    signals = [f"Message{n:04}.Signal_with_a_long_name" for n in range(3000)]
    large = canonical({"can": {"buses": {"body": {"database_name": "car.dbc", "signal_names": signals}}}})
    assert len(large) > REPORT_MAX_BYTES
    async with awake(unit):
        provisional = await unit.on_trial(unit.offer_bytes(2, large, "r2"))
        applied = await unit.word()
    assert [report.running_config for report in (provisional, applied)] == [b"", b""]
    assert (applied.outcome, applied.running_revision) == (Outcome.OUTCOME_APPLIED, 2)


async def test_what_was_refused_is_said_again_when_it_is_asked_for_after_another(unit: Unit) -> None:
    unit.cannot_prepare = lambda config: "it is too slow" if config.report_period_s == NEW else ""
    async with awake(unit):
        first = await unit.verdict(unit.offer(2, NEW, "r2"))
        await unit.verdict(unit.offer(3, NEWER, "r3"))
        again = await unit.verdict(unit.offer(2, NEW, "r2"))
        assert (again.outcome, again.trial, again.message) == (first.outcome, "r2", first.message)
        assert again.running_revision == 3
        await unit.desired.follow(unit.offer(2, NEW, "r2"))
        await unit.rests()
        assert unit.reports.empty()


async def test_what_is_proven_is_said_again_when_it_is_asked_for_after_one_that_was_refused(unit: Unit) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(2, NEW, "r2", decision=Decision.DECISION_CANCEL))
        report = await unit.verdict(unit.offer(1, OLD, "r1"))
        assert (report.outcome, report.trial, report.running_revision) == (Outcome.OUTCOME_APPLIED, "r1", 1)


async def test_confirmed_before_it_began_it_still_has_to_reach_the_manager(unit: Unit) -> None:
    async with awake(unit):
        unit.acknowledges = False
        report = await unit.verdict(unit.offer(2, NEW, "r2", decision=Decision.DECISION_CONFIRM))
        assert (report.outcome, report.message) == (
            Outcome.OUTCOME_REVERTED,
            "manager: not reached since the change",
        )
        assert unit.running.report_period_s == OLD


async def test_managers_that_send_the_unit_to_and_fro_do_not_for_ever(unit: Unit) -> None:
    there = canonical({"manager": {"device_address": "there:8443"}})
    move, other = unit.offer_bytes(2, there, "r2", timeout_s=1000), unit.offer(3, NEWER, "r3")
    del unit.configs[3]  # the manager here has no such revision
    moved_count = 0
    following: set[asyncio.Task[None]] = set()

    def spoken_to(config: NodeConfig) -> None:
        nonlocal moved_count
        moved_count += bool(config.manager.device_address)
        word = other if config.manager.device_address else move
        following.add(asyncio.get_running_loop().create_task(unit.desired.follow(word)))

    unit.on_switch = spoken_to
    async with awake(unit):
        report = await unit.word()
        assert (report.outcome, report.trial) == (Outcome.OUTCOME_REVERTED, "r2")
        assert "another manager" in report.message
        await unit.desired.follow(move)
        await unit.rests()
    assert moved_count == MAX_WITHDRAWN_COUNT


async def test_a_disk_that_hangs_does_not_keep_it_on_trial(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wayside_agent.services.config_trial.REPORT_TIMEOUT_S", 0.01)
    works = asyncio.Event()
    made = unit.report

    async def hung(report: node_pb2.ConfigReport) -> int:
        await works.wait()
        return await made(report)

    async with awake(unit):
        unit.report = hung  # type: ignore[method-assign]
        unit.restart()
        went_back = asyncio.Event()
        unit.on_switch = lambda config: went_back.set() if config.report_period_s == OLD else None
    async with awake(unit):
        went_back.clear()
        await unit.desired.follow(unit.offer(2, NEW, "r2"))
        await went_back.wait()
        works.set()
        assert (await unit.word()).outcome == Outcome.OUTCOME_REVERTED


async def test_content_changed_by_hand_runs_and_is_said_with_its_own_hash(unit: Unit) -> None:
    state = unit.file.load()
    assert state
    await unit.file.save(replace(state, committed=replace(state.committed, content=canonical({"report_period_s": 11}))))
    unit.restart()
    async with awake(unit):
        report = await unit.reports.get()
        assert (report.outcome, report.trial) == (Outcome.OUTCOME_APPLIED, "r1")
        assert report.running_config == b'{"report_period_s":11}'
        assert "changed on the unit" in report.message
        assert unit.desired.running.sha256 == _sha256(b'{"report_period_s":11}')
        assert (await unit.verdict(unit.offer(2, OLD, "r2"))).running_config == b'{"report_period_s":10}'


async def test_a_trial_whose_content_was_changed_by_hand_ends(unit: Unit) -> None:
    async with awake(unit):
        await unit.on_trial(unit.offer(2, NEW, "r2", timeout_s=3600, decision=Decision.DECISION_HOLD))
    state = unit.file.load()
    assert state
    assert state.trial
    other = replace(state.trial.config, content=canonical({"report_period_s": 21}))
    await unit.file.save(replace(state, trial=replace(state.trial, config=other)))
    unit.restart()
    async with awake(unit):
        report = await unit.word()
        assert (report.outcome, report.trial, report.running_revision) == (Outcome.OUTCOME_REVERTED, "r2", 1)


async def test_what_cannot_run_any_more_is_said_for_the_trial_that_brought_it(unit: Unit) -> None:
    await unit.file.save(ConfigState(committed=_known(3, {"report_period_s": 10, "radar": {}}, "r3")))
    unit.restart()
    async with awake(unit):
        report = await unit.reports.get()
        assert (report.outcome, report.trial) == (Outcome.OUTCOME_APPLIED, "r3")
        assert "radar" in report.message


async def test_the_last_word_of_a_unit_that_lacks_a_part_is_still_on_what_was_asked_last(unit: Unit) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(2, NEW, "r2", decision=Decision.DECISION_CANCEL))
    state = unit.file.load()
    assert state
    await unit.file.save(replace(state, committed=_known(1, {"report_period_s": 10, "radar": {}}, "r1")))
    unit.restart()
    async with awake(unit):
        report = await unit.reports.get()
        assert (report.outcome, report.revision, report.trial) == (Outcome.OUTCOME_REVERTED, 2, "r2")
        assert "radar" in report.message
        assert unit.reports.empty()


async def test_a_refusal_without_end_is_kept_short(unit: Unit) -> None:
    unit.cannot_prepare = lambda config: "no signal " * 100_000 if config.report_period_s == NEW else ""
    async with awake(unit):
        report = await unit.verdict(unit.offer(2, NEW, "r2"))
        assert report.ByteSize() < REPORT_MAX_BYTES
    state = unit.file.load()
    assert state
    assert len(state.refused[0].message) < 16 * 1024
    assert unit.vitals_of(unit.running) == GOOD


def _known(revision: int, config: dict[str, object], trial: str) -> Config:
    content = canonical(config)
    return Config(revision, content, _sha256(content), trial)


def _sha256(content: bytes) -> str:
    return sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("sent", "kept", "cause"),
    [
        ({"report_period_s": 10}, {"report_period_s": 11}, DriftCause.CHANGED),
        ({"report_period_s": 10, "radar": {}}, {"report_period_s": 10, "radar": {}}, DriftCause.CHANGED),
        ({"report_period_s": -1}, {"report_period_s": -1}, DriftCause.REVERTED),
        ({"report_period_s": 10}, {"report_period_s": 10}, None),
    ],
    ids=["changed by hand", "a part left out", "nothing of it runs", "untouched"],
)
async def test_the_manager_sees_by_the_report_that_something_else_runs(
    unit: Unit, sent: dict[str, object], kept: dict[str, object], cause: DriftCause | None
) -> None:
    told = _known(1, sent, "r1")
    stored = replace(told, content=canonical(kept))
    await unit.file.save(ConfigState(committed=stored, is_said=cause is not None))
    unit.restart()
    async with awake(unit):
        report = await unit.reports.get()
    facts = stored_form(node_service_pb2.Report(sequence=1, config=report)).facts
    assert isinstance(facts, ConfigFacts)
    assert facts.running_config_sha256 == unit.desired.running.sha256
    desired = DesiredRecord(
        "rsu-1",
        config_revision=told.revision,
        config_sha256=told.sha256,
        config_trial=told.trial,
        target_config_revision=told.revision,
        target_config_sha256=told.sha256,
    )
    status = NodeStatus(
        running_config_sha256=facts.running_config_sha256, config_outcome=facts.outcome, config_trial=facts.trial
    )
    assert cause_of(desired, status) is cause
