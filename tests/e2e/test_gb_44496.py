# ruff: noqa: N802, PLC2401, RUF001  # the names are those of the standard, and Chinese has punctuation of its own
"""The six tests of GB 44496-2024, chapter 5, on the unit's side of an update, each under its name."""

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.contract.update_unit import DEAF, NEW, OLD, EndedError, Unit, target_of
from tests.releases import archive
from wayside.errors import FailedPreconditionError
from wayside.release_manifest import Notice
from wayside_agent import boot
from wayside_agent.core.health_samples import PowerSample
from wayside_agent.core.preconditions import Limits, Motion, Situation
from wayside_agent.core.update import Phase, Preconditions, ReleaseTarget, UpdateStatus
from wayside_agent.drivers.update_notice import FILE_NAME


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


def shown(unit: Unit) -> dict[str, object]:
    document: dict[str, object] = json.loads((unit.root / FILE_NAME).read_text(encoding="utf-8"))
    return document


async def staged(unit: Unit, target: ReleaseTarget) -> UpdateStatus:
    """The status once the release waits for something."""
    unit.until = lambda status: status.phase is Phase.STAGED and bool(status.blockers)
    with pytest.raises(EndedError):
        await unit.start(target)
    return unit.said[-1]


async def test_用户告知_user_notice_in_both_languages_and_consent_that_is_kept(unit: Unit) -> None:
    asked = replace(target_of(OLD), preconditions=Preconditions(needs_consent=True))
    waiting = await staged(unit, asked)
    assert [each.partition(":")[0] for each in waiting.blockers] == ["consent"]
    assert boot.next_start(unit.root / "slots").slot == "", "nothing is installed before a person has agreed"
    assert unit.ota is not None
    await unit.ota.answer(is_given=False, who="driver")
    assert "refused by driver" in (await staged(unit, asked)).blockers[0]
    told = unit.said[-1]
    await unit.ota.answer(is_given=True, who="driver")
    done = await unit.ended(asked, Phase.COMMITTED)
    assert "agreed by driver at 2027-01-15" in done.consent
    assert told.phase is Phase.STAGED
    assert (shown(unit)["zh"], shown(unit)["en"]) == ("已更新到版本 1.1.0。", "The unit was updated to version 1.1.0.")
    with pytest.raises(FailedPreconditionError):
        await unit.ota.answer(is_given=True, who="driver")


NOTICES = {
    "zh": Notice(
        purpose="修复路侧告警延迟。",
        changes="改进 V2X 消息处理",
        duration_s=90.0,
        unavailable="V2X 提示",
        safety="请停车并拉起驻车制动",
    ),
    "en": Notice(
        purpose="Mends late warnings.",
        changes="V2X messages are handled faster",
        duration_s=90.0,
        unavailable="V2X warnings",
        safety="Park and set the brake",
    ),
}


async def test_用户告知_what_the_release_says_reaches_the_user_before_and_after_in_both_languages(
    unit: Unit,
) -> None:
    content = archive(notices=NOTICES)
    unit.manager.contents["releases/1.1.0"] = content
    asked = replace(target_of(content), preconditions=Preconditions(needs_consent=True))
    await staged(unit, asked)
    assert shown(unit)["zh"] == (
        "版本 1.1.0 等待安装。目的：修复路侧告警延迟。内容：改进 V2X 消息处理。预计用时：2 分钟。期间不可用：V2X 提示。"
        "安全提示：请停车并拉起驻车制动。"
        "需要您的同意：wayside-agent update confirm，拒绝：wayside-agent update refuse。"
    )
    assert shown(unit)["en"] == (
        "Version 1.1.0 waits to be installed. Purpose: Mends late warnings. Changes: V2X messages are handled faster. "
        "It takes about 2 minutes. Not available meanwhile: V2X warnings. Be safe: Park and set the brake. "
        "You have to agree: wayside-agent update confirm; to refuse: wayside-agent update refuse."
    )
    assert shown(unit)["release"] == {language: msgspec.to_builtins(each) for language, each in NOTICES.items()}
    assert unit.ota is not None
    await unit.ota.answer(is_given=True, who="driver")
    await unit.ended(asked, Phase.COMMITTED)
    assert shown(unit)["zh"] == "已更新到版本 1.1.0。目的：修复路侧告警延迟。内容：改进 V2X 消息处理。"
    assert shown(unit)["en"] == (
        "The unit was updated to version 1.1.0. Purpose: Mends late warnings. Changes: V2X messages are handled faster."
    )


async def test_版本号读取_version_read_out_before_and_after(unit: Unit) -> None:
    unit.until = lambda status: status.phase is Phase.CHECKING
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    factory = unit.said[-1].running_version
    assert factory not in {"", "1.1.0"}
    done = await unit.ended(target_of(OLD), Phase.COMMITTED)
    assert (done.running_version, done.running_release) == ("1.1.0", "releases/1.1.0")
    assert shown(unit)["running_version"] == "1.1.0"


@pytest.mark.parametrize("place", [0, 1, 2], ids=["begin", "middle", "end"])
async def test_安全保护_protection_against_changed_bytes(unit: Unit, place: int) -> None:
    content = bytearray(OLD)
    content[(len(OLD) - 1) * place // 2] ^= 1
    unit.manager.contents["releases/1.1.0"] = bytes(content)
    failed = await unit.ended(target_of(OLD), Phase.FAILED)
    assert failed.reason == "ARTIFACT_HASH"
    assert failed.message
    assert not list((unit.root / "slots").glob("*/slot.json"))
    assert boot.next_start(unit.root / "slots").slot == ""


async def test_先决条件_preconditions_are_waited_for_and_asked_again_right_before_the_switch(unit: Unit) -> None:
    unit.situation = Situation(
        motion=Motion(speed_mps=14.0), broadcast="a warning of roadworks", lock="a map is written"
    )
    waiting = await staged(unit, target_of(OLD))
    assert [each.partition(":")[0] for each in waiting.blockers] == ["motion", "broadcast", "lock"]
    unit.situation = Situation(motion=Motion(speed_mps=0.0))

    def drive_off(status: UpdateStatus) -> bool:
        if status.phase is Phase.INSTALLING:
            unit.situation = Situation(motion=Motion(speed_mps=5.0))
        return status.phase is Phase.STAGED and bool(status.blockers) and Phase.SWITCHING in unit.phases()

    unit.until = drive_off
    with pytest.raises(EndedError):
        await unit.start(target_of(OLD))
    assert boot.next_start(unit.root / "slots").slot == "", "it moves: the new release is not chosen"
    unit.situation = Situation(motion=Motion(speed_mps=0.0))
    assert (await unit.ended(target_of(OLD), Phase.COMMITTED)).running_version == "1.1.0"


async def test_电量保障_power_is_enough_to_finish_and_to_come_back(unit: Unit) -> None:
    unit.limits = Limits(min_free_bytes=0, min_battery_ratio=0.5, min_input_v=11.0)
    unit.situation = Situation(power=PowerSample(on_battery=True, battery_ratio=0.42, input_v=10.1))
    waiting = await staged(unit, target_of(OLD))
    assert waiting.blockers == (
        "power: the battery has 42%, 50% are needed to finish and to come back; charge it",
        "power: 10.1 V at the input, 11.0 V are needed; check the supply",
    )
    unit.situation = Situation(power=PowerSample(on_battery=False, battery_ratio=0.42, input_v=12.4))
    assert (await unit.ended(target_of(OLD), Phase.COMMITTED)).running_version == "1.1.0"


async def test_失败处理_failure_handling_brings_the_old_release_back_and_tells_the_user(unit: Unit) -> None:
    await unit.ended(target_of(OLD), Phase.COMMITTED)
    unit.vitals_on_trial = DEAF
    failed = await unit.ended(target_of(NEW, "1.2.0", "rollouts/r2"), Phase.ROLLED_BACK)
    assert (failed.running_version, failed.reason) == ("1.1.0", "GATE")
    assert Phase.REVERTING in unit.phases()
    assert {each.check: each.passed for each in failed.gate}["radio"] is False
    assert {each.check: each.passed for each in failed.gate}["manager"] is True
    assert shown(unit)["zh"] == "更新未成功，原版本 1.1.0 继续运行。"
    assert "radio" in str(shown(unit)["reason"])
