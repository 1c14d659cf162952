"""Faults of the unit that may pass: an update outlives a helper that is killed and a disk that is full for a while."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.update_unit import DEAF, GOOD, OLD, EndedError, Unit, target_of
from wayside import release_manifest
from wayside.errors import ResourceExhaustedError, WaysideError
from wayside_agent.core.agreement import Refusal, RefusedError
from wayside_agent.core.update import Phase, UpdateStatus
from wayside_agent.ports.errors import DeviceFaultError, DeviceTimeoutError
from wayside_agent.services.update_faults import BASE_S, MAX_FAULTS

KILLED = DeviceFaultError("the helper was killed by signal 9 without an answer: no word")
PASSING: dict[str, WaysideError] = {
    "killed": KILLED,
    "silent": DeviceTimeoutError("the helper did not end within 900 s and was stopped"),
    "input-output error": DeviceFaultError("the disk refuses (Input/output error); check it"),
    "full disk": ResourceExhaustedError("no space is left; free some", reason="DISK_FULL"),
}


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
async def test_a_fault_that_passes_ends_no_update(unit: Unit, fault: WaysideError) -> None:
    unit.faults += [fault] * MAX_FAULTS
    status = await unit.ended(target_of(OLD), Phase.COMMITTED)
    assert status.running_version == "1.1.0"
    said = {one.message for one in unit.said if one.message}
    assert said == {f"{fault}; tried again ({count} of {MAX_FAULTS})" for count in range(1, MAX_FAULTS + 1)}
    assert unit.now_s >= BASE_S * (2**MAX_FAULTS - 1), "each pause is twice as long as the one before"


async def test_faults_of_one_step_leave_the_next_one_all_its_tries(unit: Unit) -> None:
    def fail_each(status: UpdateStatus) -> bool:
        if status.phase in {Phase.CHECKING, Phase.VERIFYING, Phase.INSTALLING} and not status.message:
            unit.faults += [KILLED] * MAX_FAULTS
        return status.phase is Phase.SWITCHING

    unit.until = fail_each
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert not unit.faults
    assert sum("tried again" in status.message for status in unit.said) == 3 * MAX_FAULTS


async def test_a_fault_that_stays_ends_the_update_with_its_reason(unit: Unit) -> None:
    unit.faults += [KILLED] * (MAX_FAULTS + 1)
    status = await unit.ended(target_of(OLD), Phase.FAILED)
    assert (status.message, status.reason) == (str(KILLED), "DEVICE_FAULT")
    assert not unit.faults


async def test_the_count_of_faults_outlives_the_process(unit: Unit) -> None:
    for _ in range(MAX_FAULTS):
        unit.faults.append(KILLED)
        unit.until = lambda status: "tried again" in status.message
        with pytest.raises(EndedError):
            await unit.start(target_of(OLD))
    unit.faults.append(KILLED)
    status = await unit.ended(target_of(OLD), Phase.FAILED)
    assert status.reason == "DEVICE_FAULT"


async def test_a_release_that_failed_is_tried_again_when_the_rollout_counts_another_attempt(unit: Unit) -> None:
    unit.faults += [KILLED] * (MAX_FAULTS + 1)
    failed = await unit.ended(target_of(OLD), Phase.FAILED)
    status = await unit.ended(replace(target_of(OLD), attempt=1), Phase.COMMITTED)
    assert (failed.attempt, status.attempt) == (0, 1)


async def test_a_newer_attempt_of_what_is_under_way_costs_no_byte(unit: Unit) -> None:
    def count_up() -> None:
        if unit.ota is not None:
            unit.ota.follow(replace(target_of(OLD), attempt=1))

    unit.manager.on_chunk = count_up
    unit.until = lambda status: status.phase is Phase.INSTALLING
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert unit.manager.offsets == [0]
    assert unit.said[-1].attempt == 1


async def test_a_refusal_is_no_such_fault(unit: Unit) -> None:
    unit.faults.append(RefusedError(Refusal.SIGNATURE, "it is not signed"))
    before_s = unit.now_s
    status = await unit.ended(target_of(OLD), Phase.FAILED)
    assert (status.reason, unit.now_s) == ("SIGNATURE", before_s)


async def test_a_release_that_is_withdrawn_while_a_fault_is_waited_out_ends_at_once(unit: Unit) -> None:
    unit.faults += [KILLED] * 2

    def withdraw(status: UpdateStatus) -> bool:
        if "tried again" in status.message and unit.ota is not None:
            unit.ota.follow(None)
        return status.phase is Phase.IDLE and bool(status.rollout)

    unit.until = withdraw
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert unit.said[-1].message == "the manager withdrew the release"
    assert len(unit.faults) == 1, "nobody asked once more"


async def test_the_manager_may_change_its_mind_while_a_refusal_is_being_said(unit: Unit) -> None:
    unit.faults.append(RefusedError(Refusal.SIGNATURE, "it is not signed"))

    def change_mind(status: UpdateStatus) -> bool:
        if status.phase is Phase.FAILED and unit.ota is not None:
            unit.ota.follow(target_of(OLD, rollout="rollouts/r2"))
        return status.phase is Phase.STAGED

    unit.until = change_mind
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert unit.said[-1].rollout == "rollouts/r2"


async def test_a_slot_that_the_disk_has_damaged_is_written_anew(unit: Unit) -> None:
    unit.vitals_on_trial = DEAF
    await unit.ended(target_of(OLD), Phase.ROLLED_BACK)
    (unit.root / "slots" / "a" / release_manifest.NAME).write_bytes(b"\0" * 100)
    unit.vitals_on_trial = GOOD
    status = await unit.ended(target_of(OLD, rollout="rollouts/r2"), Phase.COMMITTED)
    assert status.running_version == "1.1.0"
