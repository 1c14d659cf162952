"""The update service over real slots and downloads: outages, wrong bytes, changes of mind, faulty releases."""

import contextlib
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.update_unit import CHUNK, DEAF, GOOD, NEW, OLD, EndedError, Unit, target_of
from wayside.errors import ResourceExhaustedError
from wayside_agent import boot
from wayside_agent.core.boot_choice import abandoned, decoded, encoded
from wayside_agent.core.update import MAX_RESUME_COUNT, Phase, ReleaseTarget, UpdateStatus
from wayside_agent.ports.errors import RestartRequestedError
from wayside_agent.services.update_world import LOOK_PERIOD_S


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


async def test_a_release_walks_through_every_phase(unit: Unit) -> None:
    status = await unit.ended(target_of(OLD), Phase.COMMITTED)
    assert unit.phases() == [
        Phase.IDLE,
        Phase.CHECKING,
        Phase.DOWNLOADING,
        Phase.VERIFYING,
        Phase.STAGED,
        Phase.INSTALLING,
        Phase.SWITCHING,
        Phase.PROVISIONAL,
        Phase.COMMITTED,
    ]
    assert (status.running_release, status.running_version) == ("releases/1.1.0", "1.1.0")
    assert status.downloaded_bytes == status.total_bytes == len(OLD)
    assert list((unit.root / "downloads").iterdir()) == []  # a test has nothing else to do


async def test_a_download_that_is_shed_waits_without_a_transfer_and_goes_on_where_it_was(unit: Unit) -> None:
    chunks, looks = 0, 0

    def on_chunk() -> None:
        nonlocal chunks
        chunks += 1

    def may_download() -> bool:
        nonlocal looks
        if chunks == 3 and looks < 5:
            looks += 1
            return False
        return True

    unit.manager.on_chunk, unit.may_download = on_chunk, may_download
    await unit.ended(target_of(OLD), Phase.COMMITTED)
    assert unit.manager.offsets == [0, 3 * CHUNK]
    assert looks == 5
    assert unit.now_s >= 4.0, "it looks once a second"


async def test_a_deaf_release_goes_back_with_the_reason_and_says_so_when_the_old_runs(unit: Unit) -> None:
    await unit.ended(target_of(OLD), Phase.COMMITTED)
    unit.vitals_on_trial = DEAF
    status = await unit.ended(target_of(NEW, "1.2.0", "rollouts/r2"), Phase.ROLLED_BACK)
    assert status.running_release == "releases/1.1.0"
    assert status.message == "radio: heard 0.0 messages/s, before the change 12.5"


async def test_a_release_that_failed_is_tried_again_only_for_another_rollout_and_without_a_download(
    unit: Unit,
) -> None:
    unit.vitals_on_trial = DEAF
    await unit.ended(target_of(OLD), Phase.ROLLED_BACK)
    transfers = len(unit.manager.offsets)
    unit.said.clear()
    assert unit.ota is not None
    await unit.ended(target_of(OLD), Phase.ROLLED_BACK)
    assert unit.phases() == [Phase.ROLLED_BACK]
    unit.vitals_on_trial = GOOD
    await unit.ended(target_of(OLD, rollout="rollouts/again"), Phase.COMMITTED)
    assert len(unit.manager.offsets) == transfers


async def test_a_download_survives_outages_and_goes_on_where_it_was(unit: Unit) -> None:
    unit.manager.cut_after = [3, 0, 0, 2]
    await unit.ended(target_of(OLD), Phase.COMMITTED)
    assert unit.manager.offsets == [0, 3 * CHUNK, 3 * CHUNK, 3 * CHUNK, 5 * CHUNK]
    assert max(status.resumed_from_bytes for status in unit.said) == 5 * CHUNK


async def test_a_download_goes_on_after_the_process_was_killed_even_before_the_manager_speaks(unit: Unit) -> None:
    unit.until = lambda status: status.downloaded_bytes >= 4 * CHUNK
    unit.rate = CHUNK  # one chunk a second of the test's clock, so that progress is reported
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    unit.until = lambda status: status.phase is Phase.INSTALLING
    with pytest.raises(EndedError):
        await unit.start(None, is_told=False)
    assert unit.manager.offsets[-1] >= 4 * CHUNK
    assert unit.said[-1].resumed_from_bytes == unit.manager.offsets[-1]


async def test_a_download_that_a_power_cut_has_torn_is_fetched_anew_and_costs_no_release(unit: Unit) -> None:
    unit.rate = CHUNK
    unit.until = lambda status: status.downloaded_bytes >= 4 * CHUNK
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    (part,) = (unit.root / "downloads").iterdir()
    part.write_bytes(bytes(part.stat().st_size))
    unit.rate = 0
    await unit.ended(target_of(OLD), Phase.COMMITTED)
    assert unit.manager.offsets[2:] == [0]


async def test_a_wrong_hash_fails_with_both_beginnings_and_leaves_nothing(unit: Unit) -> None:
    target = target_of(OLD)
    unit.manager.contents["releases/1.1.0"] = bytes(len(OLD))
    status = await unit.ended(target, Phase.FAILED)
    assert target.sha256[:12] in status.message
    assert hashlib.sha256(bytes(len(OLD))).hexdigest()[:12] in status.message
    assert list((unit.root / "downloads").iterdir()) == []  # a test has nothing else to do


async def test_more_bytes_than_announced_fail(unit: Unit) -> None:
    unit.manager.contents["releases/1.1.0"] = OLD + OLD
    status = await unit.ended(target_of(OLD), Phase.FAILED)
    assert "more than the announced" in status.message
    assert status.reason == "SIZE"


async def test_a_release_that_is_not_there_fails_at_once(unit: Unit) -> None:
    del unit.manager.contents["releases/1.1.0"]
    status = await unit.ended(target_of(OLD), Phase.FAILED)
    assert status.message == "releases/1.1.0: there is no such release"
    assert unit.manager.offsets == [0]


async def test_a_hash_that_is_a_path_fails(unit: Unit) -> None:
    status = await unit.ended(ReleaseTarget("releases/1.1.0", "1.1.0", "../x", 10, "rollouts/r1"), Phase.FAILED)
    assert "is no SHA-256" in status.message


async def test_an_artifact_that_is_no_release_fails_before_the_switch(unit: Unit) -> None:
    unit.manager.contents["releases/1.1.0"] = b"no archive"
    status = await unit.ended(target_of(b"no archive"), Phase.FAILED)
    assert "no complete .tar.gz" in status.message


async def test_a_withdrawn_release_stops_in_the_middle_of_its_download(unit: Unit) -> None:
    def withdraw() -> None:
        assert unit.ota is not None
        unit.ota.follow(None)

    unit.manager.on_chunk = withdraw
    unit.until = lambda status: status.phase is Phase.IDLE and bool(status.rollout)
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert unit.said[-1].message == "the manager withdrew the release"


async def test_a_release_that_was_withdrawn_and_is_told_again_is_fetched_from_where_it_was(unit: Unit) -> None:
    """Its window closed, or its rollout counts another try."""
    chunks = 0

    def withdraw() -> None:
        nonlocal chunks
        chunks += 1
        if chunks == 5:
            assert unit.ota is not None
            unit.ota.follow(None)

    unit.manager.on_chunk = withdraw
    unit.until = lambda status: status.phase is Phase.IDLE and bool(status.rollout)
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    await unit.ended(replace(target_of(OLD), attempt=1), Phase.COMMITTED)
    assert unit.manager.offsets[0] == 0
    assert unit.manager.offsets[-1] >= 4 * CHUNK
    assert list((unit.root / "downloads").iterdir()) == []  # a test has nothing else to do


async def test_what_a_withdrawn_release_left_goes_when_another_is_told(unit: Unit) -> None:
    def withdraw() -> None:
        assert unit.ota is not None
        unit.ota.follow(None)

    unit.manager.on_chunk = withdraw
    unit.until = lambda status: status.phase is Phase.IDLE and bool(status.rollout)
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    unit.manager.on_chunk = lambda: None
    await unit.ended(target_of(NEW, "1.2.0", "rollouts/r2"), Phase.COMMITTED)
    assert unit.manager.offsets[1:] == [0]
    assert list((unit.root / "downloads").iterdir()) == []  # a test has nothing else to do


async def test_a_newer_release_replaces_the_one_under_way(unit: Unit) -> None:
    newer = target_of(NEW, "1.2.0", "rollouts/r2")

    def change_mind() -> None:
        assert unit.ota is not None
        unit.ota.follow(newer)

    unit.manager.on_chunk = change_mind
    unit.until = lambda status: status.phase is Phase.INSTALLING
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert unit.said[-1].release == "releases/1.2.0"


async def test_a_running_release_is_adopted_by_a_new_rollout_without_a_restart(unit: Unit) -> None:
    await unit.ended(target_of(OLD), Phase.COMMITTED)
    transfers = len(unit.manager.offsets)
    await unit.ended(target_of(OLD, rollout="rollouts/r2"), Phase.COMMITTED)
    assert len(unit.manager.offsets) == transfers


async def test_a_committed_release_that_the_launcher_left_is_said_to_be_gone_and_written_anew_when_told_again(
    unit: Unit,
) -> None:
    await unit.ended(target_of(OLD), Phase.COMMITTED)
    boot_file = unit.root / "slots" / "boot.json"
    boot_file.write_bytes(encoded(abandoned(decoded(boot_file.read_bytes()))))
    status = await unit.ended(target_of(OLD), Phase.ROLLED_BACK)
    assert (status.running_release, status.reason) == ("", "LAUNCHER")
    assert "broke off 10 starts in a row" in status.message
    transfers = len(unit.manager.offsets)
    unit.said.clear()
    await unit.ended(target_of(OLD), Phase.ROLLED_BACK)
    assert unit.phases() == [Phase.ROLLED_BACK]
    status = await unit.ended(replace(target_of(OLD), attempt=1), Phase.COMMITTED)
    assert status.running_release == "releases/1.1.0"
    assert len(unit.manager.offsets) > transfers


async def test_reports_that_fail_undo_nothing(unit: Unit) -> None:
    unit.report_error = ResourceExhaustedError("spool: full")
    status = await unit.ended(target_of(OLD), Phase.COMMITTED)
    assert status.running_version == "1.1.0"


async def test_the_download_keeps_to_its_rate(unit: Unit) -> None:
    unit.rate = 10_000
    unit.until = lambda status: status.phase is Phase.INSTALLING
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert unit.now_s == pytest.approx(len(OLD) / 10_000, rel=0.1)
    progress = [status for status in unit.said if status.phase is Phase.DOWNLOADING]
    assert len(progress) <= 22


async def test_a_launcher_that_never_starts_the_slot_is_given_up(unit: Unit) -> None:
    restarts = 0
    unit.until = lambda status: status.phase is Phase.FAILED
    while not unit.said or unit.said[-1].phase is not Phase.FAILED:
        with contextlib.suppress(RestartRequestedError, EndedError):
            await unit.start(target_of(OLD), is_launched=False)
        restarts += 1
    assert restarts == MAX_RESUME_COUNT + 2
    assert boot.next_start(unit.root / "slots").slot == ""


async def test_a_slot_emptied_before_the_switch_fails_the_update(unit: Unit) -> None:
    unit.until = lambda status: status.phase is Phase.SWITCHING
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    shutil.rmtree(unit.root / "slots" / "a")
    status = await unit.ended(target_of(OLD), Phase.FAILED)
    assert "holds no complete release" in status.message


async def test_a_release_waits_for_the_configuration_on_trial_before_it_is_switched_to(unit: Unit) -> None:
    unit.config_looks_left = 40
    before_s = unit.now_s
    await unit.ended(target_of(OLD), Phase.COMMITTED)
    assert unit.now_s - before_s >= 40 * LOOK_PERIOD_S
    assert unit.phases().count(Phase.SWITCHING) == 1


async def test_a_release_that_waits_for_a_configuration_can_be_withdrawn(unit: Unit) -> None:
    unit.config_looks_left = 1_000_000

    def withdraw(status: UpdateStatus) -> bool:
        if status.phase is Phase.SWITCHING and unit.ota:
            unit.ota.follow(None)
        return status.phase is Phase.IDLE and status.message != ""

    unit.until = withdraw
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert unit.said[-1].message == "the manager withdrew the release"


async def test_a_configuration_waits_from_the_moment_a_release_is_about_to_be_switched_to(unit: Unit) -> None:
    seen: dict[Phase, bool] = {}

    def look(status: UpdateStatus) -> bool:
        if unit.ota:
            seen[status.phase] = unit.ota.is_on_trial
        return False

    unit.until = look
    with pytest.raises(RestartRequestedError):
        await unit.start(target_of(OLD))
    before = (Phase.IDLE, Phase.CHECKING, Phase.DOWNLOADING, Phase.VERIFYING, Phase.STAGED, Phase.INSTALLING)
    assert seen == {**dict.fromkeys(before, False), Phase.SWITCHING: True}
    unit.until = lambda status: look(status) or status.phase is Phase.PROVISIONAL
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert seen[Phase.PROVISIONAL]
    unit.until = lambda status: look(status) or status.phase is Phase.COMMITTED
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert not seen[Phase.COMMITTED]
