"""Following the desired state: changes of mind, hostile configurations, disks that are full."""

import logging
from pathlib import Path

import pytest

from tests.contract.config_unit import GOOD, Outcome, Unit, awake
from wayside.errors import ResourceExhaustedError, UnavailableError
from wayside.node_config import NodeConfig, canonical
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.core.config_state import Config, ConfigState
from wayside_agent.drivers.files import StateFile


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


async def test_a_configuration_runs_and_survives_a_restart(unit: Unit) -> None:
    async with awake(unit):
        report = await unit.verdict(unit.offer(1, 10))
        assert (report.outcome, report.trial, report.message) == (Outcome.OUTCOME_APPLIED, "r1", "")
        assert report.running_config == b'{"report_period_s":10}'
    unit.restart()
    unit.running = NodeConfig()
    async with awake(unit):
        assert unit.running.report_period_s == 10
        assert unit.desired.running.revision == 1
        await unit.desired.follow(unit.offer(1, 10))
        assert (await unit.verdict(unit.offer(2, 20))).running_revision == 2
        assert unit.fetched == [1, 2]


async def test_it_is_said_to_be_on_trial_before_it_is_said_to_run(unit: Unit) -> None:
    async with awake(unit):
        report = await unit.on_trial(unit.offer(1, 10, timeout_s=20))
        assert (report.running_revision, report.trial, unit.desired.trial) == (1, "r1", "r1")
        assert 15 < report.trial_remaining.ToMilliseconds() / 1000 <= 20
        assert (await unit.word()).outcome == Outcome.OUTCOME_APPLIED
        assert unit.desired.trial == ""


async def test_the_same_content_is_taken_over_without_a_trial(unit: Unit) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(1, 10, "r1"))
        await unit.desired.follow(unit.offer(4, 10, "r2"))
        report = await unit.reports.get()
        assert (report.outcome, report.revision, report.trial) == (Outcome.OUTCOME_APPLIED, 4, "r2")
        assert unit.desired.running.revision == 4
        assert unit.fetched == [1]


async def test_no_configuration_is_the_same_as_an_empty_one(unit: Unit) -> None:
    async with awake(unit):
        await unit.desired.follow(unit.offer_bytes(1, b"{}"))
        report = await unit.reports.get()
        assert (report.outcome, report.running_revision) == (Outcome.OUTCOME_APPLIED, 1)
        assert unit.fetched == []


async def test_a_refused_one_changes_nothing_and_is_tried_again_only_in_another_trial(unit: Unit) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(1, 10))
        refused = await unit.verdict(unit.offer(2, 999_999))
        assert (refused.outcome, refused.running_revision) == (Outcome.OUTCOME_REJECTED, 1)
        assert "report_period_s" in refused.message
        assert unit.running.report_period_s == 10
    unit.restart()
    async with awake(unit):
        assert unit.desired.running.revision == 1
        await unit.desired.follow(unit.offer(2, 999_999))
        assert (await unit.verdict(unit.offer(2, 999_999, "r2"))).trial == "r2"
        assert unit.fetched == [1, 2, 2]


async def test_a_full_disk_leaves_the_old_configuration_running_and_is_said_once(
    unit: Unit, caplog: pytest.LogCaptureFixture
) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(1, 10))
        await unit.rests()
        seen: list[float] = []
        unit.before_fetch = lambda: seen.append(unit.running.report_period_s)
        unit.store_errors = [ResourceExhaustedError("disk full")] * 4
        assert (await unit.verdict(unit.offer(2, 20))).outcome == Outcome.OUTCOME_APPLIED
        assert seen == [10.0] * 5
    assert sum("disk full" in record.message for record in caplog.records if record.levelno >= logging.WARNING) == 1


async def test_an_outage_while_fetching_is_waited_out_and_said_once(
    unit: Unit, caplog: pytest.LogCaptureFixture
) -> None:
    async with awake(unit):
        unit.fetch_errors = [UnavailableError("the manager is away")] * 5
        assert (await unit.verdict(unit.offer(1, 10))).outcome == Outcome.OUTCOME_APPLIED
    assert sum("away" in record.message for record in caplog.records if record.levelno >= logging.WARNING) == 1


async def test_of_two_that_come_together_only_the_newest_runs(unit: Unit) -> None:
    newest = unit.offer(2, 20)

    class Mind:
        """Changes while the first is on its way."""

        async def fetch_config(self, revision: int) -> bytes:
            if revision == 1:
                await unit.desired.follow(newest)
            return unit.configs[revision]

    unit.desired._fetcher = Mind()
    async with awake(unit):
        report = await unit.on_trial(unit.offer(1, 10))
        assert report.revision == 2
        assert (await unit.word()).revision == 2
        assert unit.running.report_period_s == 20
        assert unit.reports.empty()


async def test_the_newest_word_counts_even_with_a_lower_revision(unit: Unit, caplog: pytest.LogCaptureFixture) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(7, 10))
        assert (await unit.verdict(unit.offer(5, 20))).running_revision == 5
    assert "went back from revision 7 to 5" in caplog.text


async def test_a_restored_manager_may_use_a_revision_again(unit: Unit) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(1, 10))
        assert (await unit.verdict(unit.offer(1, 20))).outcome == Outcome.OUTCOME_APPLIED
        assert unit.running.report_period_s == 20


async def test_bytes_of_another_hash_are_refused(unit: Unit) -> None:
    async with awake(unit):
        state = unit.offer(1, 10)
        unit.configs[1] = b"{}"
        report = await unit.verdict(state)
        assert report.outcome == Outcome.OUTCOME_REJECTED
        assert "SHA-256" in report.message


async def test_a_desired_state_without_a_configuration_keeps_what_runs(unit: Unit) -> None:
    async with awake(unit):
        await unit.verdict(unit.offer(1, 10))
        await unit.desired.follow(wire.DesiredState(revision=2))
        assert (await unit.verdict(unit.offer(3, 30))).running_revision == 3


@pytest.mark.parametrize("what", ["is_release_on_trial", "is_renewing"])
async def test_a_trial_waits_for_the_release_on_trial_and_for_new_credentials(unit: Unit, what: str) -> None:
    async with awake(unit):
        setattr(unit, what, True)
        await unit.desired.follow(unit.offer(1, 10))
        await unit.looked(30)
        assert unit.fetched == []
        setattr(unit, what, False)
        assert (await unit.word()).outcome == Outcome.OUTCOME_APPLIED


HOSTILE = {
    "no JSON": b"\xff\xff\xff",
    "a list": b"[]",
    "5 MB": canonical({"telemetry": {"topic_prefix": "x" * 5_000_000}}),
    "a deep hole": b"[" * 100_000,
    "ten thousand buses": canonical({"can": {"buses": {f"b{n}": {} for n in range(10_000)}}}),
    "ten thousand unknown names": canonical({f"n{n}": 1 for n in range(10_000)}),
    "negative durations": canonical({"report_period_s": -1, "update": {"health_gate_timeout_s": -1}}),
    "durations of ages": b'{"report_period_s":1e308}',
    "negative rate": canonical({"update": {"max_download_bytes_per_s": -(2**53)}}),
    "port": canonical({"telemetry": {"broker_port": 2**31}}),
    "zero byte in host": canonical({"telemetry": {"broker_host": "a\0b"}}),
    "endless topic": canonical({"telemetry": {"topic_prefix": "x" * 70_000}}),
    "line end in topic": canonical({"telemetry": {"topic_prefix": "a\nb"}}),
    "zero byte in file": canonical({"can": {"buses": {"body": {"database_name": "a\0b"}}}}),
    "a secret that is not there": canonical({"telemetry": {"username": "u", "password_secret": "p"}}),
}


@pytest.mark.parametrize("config", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_configuration_is_refused_in_a_report_that_fits(unit: Unit, config: bytes) -> None:
    async with awake(unit):
        report = await unit.verdict(unit.offer_bytes(1, config))
        assert report.outcome == Outcome.OUTCOME_REJECTED
        assert report.ByteSize() < 16 * 1024
        assert unit.running == NodeConfig()


async def test_a_stored_configuration_keeps_what_an_older_agent_knows_of_it_and_says_the_rest(unit: Unit) -> None:
    newer = canonical(
        {"report_period_s": -5, "manager": {"device_address": "manager.example:8443"}, "radar": {"range_m": 200}}
    )
    await unit.file.save(ConfigState(committed=Config(3, newer, "ab", "r1")))
    async with awake(unit):
        report = await unit.reports.get()
        assert (report.revision, report.outcome, report.running_revision) == (3, Outcome.OUTCOME_APPLIED, 3)
        assert (report.running_config, report.trial) == (
            b'{"manager":{"device_address":"manager.example:8443"}}',
            "r1",
        )
        assert "report_period_s" in report.message
        assert "radar" in report.message
        assert unit.running.manager.device_address == "manager.example:8443"


async def test_a_part_that_cannot_run_any_more_costs_only_that_part(unit: Unit) -> None:
    stored = canonical({"report_period_s": 10, "can": {"buses": {"body": {"database_name": "gone.dbc"}}}})
    await unit.file.save(ConfigState(committed=Config(3, stored, "ab", "r1")))
    async with awake(unit):
        report = await unit.reports.get()
        assert (report.outcome, report.running_config) == (Outcome.OUTCOME_APPLIED, b'{"report_period_s":10}')
        assert "gone.dbc" in report.message


@pytest.mark.parametrize("stored", [b"no JSON", canonical({"report_period_s": -5})])
async def test_a_stored_configuration_of_which_nothing_fits_gives_way_to_the_defaults(
    unit: Unit, stored: bytes
) -> None:
    await unit.file.save(ConfigState(committed=Config(3, stored, "ab", "r1")))
    async with awake(unit):
        report = await unit.reports.get()
        assert (report.revision, report.outcome, report.running_revision) == (3, Outcome.OUTCOME_REVERTED, 0)
        assert unit.running == NodeConfig()
        assert report.running_config == b"{}"


async def test_the_file_of_an_older_agent_is_left_for_its_return(tmp_path: Path) -> None:
    old = tmp_path / "config.state"
    StateFile(old, tuple).save((7, b"\x0a\x02\x08\x1e"))
    before = old.read_bytes()
    unit = Unit(tmp_path)
    async with awake(unit):
        assert unit.running == NodeConfig()
        assert (await unit.verdict(unit.offer(8, 10))).outcome == Outcome.OUTCOME_APPLIED
    assert old.read_bytes() == before


async def test_a_report_that_was_not_made_before_the_process_ended_is_made_at_the_next_start(unit: Unit) -> None:
    await unit.file.save(ConfigState(committed=Config(3, b"{}", trial="r1"), is_said=False))
    async with awake(unit):
        report = await unit.reports.get()
        assert (report.revision, report.outcome, report.trial) == (3, Outcome.OUTCOME_APPLIED, "r1")
    unit.restart()
    async with awake(unit):
        await unit.verdict(unit.offer(4, 10))
        assert unit.reports.empty()
        assert unit.vitals_of(unit.running) == GOOD
