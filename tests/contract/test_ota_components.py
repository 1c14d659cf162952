"""Components of a release beside its slot: all new or all old, whatever fails and whenever the process is killed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.component_unit import DEAF_VERSION, ComponentUnit, KilledError, again, ordered, release
from tests.contract.update_unit import EndedError
from tests.releases import archive
from wayside.release_manifest import Component
from wayside_agent import boot
from wayside_agent.core.firmware_frames import Kind
from wayside_agent.core.preconditions import Motion, Situation
from wayside_agent.core.update import Phase
from wayside_agent.drivers.sim_firmware import SimFirmware
from wayside_agent.ports.components import Activation

OLD = {"radio": "1.0.0", "map": "1.0.0"}
NEW = {"radio": "2.0.0", "map": "2.0.0"}
GOOD = release(radio="2.0.0", map="2.0.0")
BAD = release(radio=DEAF_VERSION, map="2.0.0")


@pytest.fixture
async def unit(tmp_path: Path) -> ComponentUnit:
    made = ComponentUnit(tmp_path)
    await made.has(**OLD)
    return made


async def test_components_are_staged_activated_proven_and_confirmed_with_the_agent(unit: ComponentUnit) -> None:
    done = await unit.rested(ordered(unit, GOOD))
    assert (done.phase, done.message) == (Phase.COMMITTED, "")
    assert unit.deeds == [
        "install radio",
        "install map",
        "activate radio",
        "activate map",
        "confirm radio",
        "confirm map",
    ]
    assert await unit.versions() == NEW
    assert {each.name: each.version for each in done.components} == NEW
    assert {each.check: each.passed for each in done.gate if each.check.startswith("component")} == {
        "component.radio": True,
        "component.map": True,
    }
    assert (done.running_release, unit.radio.device.state().is_trial) == ("releases/1.1.0", False)


async def test_components_are_activated_behind_what_they_require_and_taken_back_the_other_way_round(
    unit: ComponentUnit,
) -> None:
    ended = await unit.rested(ordered(unit, release(requires="map", radio=DEAF_VERSION, map="2.0.0")))
    assert ended.phase is Phase.ROLLED_BACK
    assert [each for each in unit.deeds if each.startswith("activate")] == ["activate map", "activate radio"]
    assert [each for each in unit.deeds if each.startswith("revert")] == ["revert radio", "revert map"]


async def test_a_component_that_runs_already_is_not_written_again(unit: ComponentUnit) -> None:
    done = await unit.rested(ordered(unit, release(radio="1.0.0", map="2.0.0")))
    assert done.phase is Phase.COMMITTED
    assert not [each for each in unit.deeds if each.endswith("radio")]
    assert await unit.versions() == {"radio": "1.0.0", "map": "2.0.0"}
    assert [each.check for each in done.gate if not each.passed] == []


async def test_radio_firmware_that_hears_nothing_is_taken_back_by_the_v2x_gate_with_all_that_came_with_it(
    unit: ComponentUnit,
) -> None:
    failed = await unit.rested(ordered(unit, BAD))
    assert (failed.phase, failed.reason, failed.running_release) == (Phase.ROLLED_BACK, "GATE", "")
    assert failed.message == "radio: heard 0.0 messages/s, before the change 12.5"
    assert Phase.REVERTING in unit.phases()
    assert await unit.versions() == OLD


async def test_after_one_that_was_taken_back_the_next_release_goes_in(unit: ComponentUnit) -> None:
    await unit.rested(ordered(unit, BAD))
    done = await unit.rested(ordered(unit, release("1.2.0", radio="2.0.0", map="2.0.0"), "1.2.0", "rollouts/r2"))
    assert (done.phase, await unit.versions()) == (Phase.COMMITTED, NEW)


async def test_a_component_whose_version_is_not_the_wanted_one_fails_the_gate(unit: ComponentUnit) -> None:
    unit.on_trial = lambda: power_twice(unit)
    failed = await unit.rested(ordered(unit, GOOD))
    assert (failed.phase, failed.reason) == (Phase.ROLLED_BACK, "GATE")
    assert failed.message == "component radio: 1.0.0 runs, the release brings 2.0.0"
    assert {each.check: each.passed for each in failed.gate}["component.radio"] is False
    assert await unit.versions() == OLD


def power_twice(unit: ComponentUnit) -> None:
    """The radio loses its supply twice; its boot loader leaves what nobody has confirmed."""
    unit.radio.device.power_on()
    unit.radio.device.power_on()


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        (Kind.BEGIN, Phase.FAILED),
        (Kind.FINISH, Phase.FAILED),
        (Kind.ACTIVATE, Phase.ROLLED_BACK),
        (Kind.CONFIRM, Phase.ROLLED_BACK),
    ],
    ids=str,
)
async def test_a_component_that_fails_takes_all_of_them_and_the_slot_back(
    unit: ComponentUnit, kind: Kind, phase: Phase
) -> None:
    unit.radio.device.faults.fails_at = kind
    failed = await unit.rested(ordered(unit, GOOD))
    assert (failed.phase, failed.reason, failed.running_release) == (phase, "COMPONENT", "")
    assert failed.message.startswith("component radio: the simulated device")
    assert await unit.versions() == OLD
    assert boot.next_start(unit.root / "slots").slot == ""
    unit.radio.device.faults.fails_at = None
    done = await unit.rested(again(ordered(unit, GOOD), "rollouts/r2"))
    assert (done.phase, await unit.versions()) == (Phase.COMMITTED, NEW)


async def test_a_device_that_is_deaf_once_activated_is_taken_back_when_it_has_power_again(unit: ComponentUnit) -> None:
    unit.radio.device.faults.is_deaf_after_activation = True
    target = ordered(unit, GOOD)
    said = await unit.reached(target, lambda status: status.phase is Phase.REVERTING and "again" in status.message)
    assert "component radio" in said.message
    unit.radio.device.power_on()
    ended = await unit.rested(target)
    assert (ended.phase, await unit.versions()) == (Phase.ROLLED_BACK, OLD)


async def test_a_device_that_never_answers_again_holds_no_other_order_up(unit: ComponentUnit) -> None:
    unit.radio.device.faults.is_deaf_after_activation = True
    first = ordered(unit, GOOD)
    await unit.reached(first, lambda status: status.phase is Phase.REVERTING)
    agent_only = ordered(unit, release("1.2.0"), "1.2.0", "rollouts/r2")
    done = await unit.rested(agent_only)
    assert (done.phase, done.running_release) == (Phase.COMMITTED, "releases/1.2.0")
    ended = next(each for each in unit.said if each.phase is Phase.ROLLED_BACK)
    assert "component radio: the simulated device" in ended.message
    unit.radio.device.faults.is_deaf_after_activation = False
    unit.radio.device.power_on()
    last = await unit.rested(ordered(unit, release("1.3.0", radio="2.0.0"), "1.3.0", "rollouts/r3"))
    assert last.phase is Phase.COMMITTED
    assert not unit.radio.device.state().is_trial
    assert unit.radio.device.state().version == "2.0.0"


async def test_a_device_that_cannot_be_confirmed_holds_no_configuration_up_for_ever(tmp_path: Path) -> None:
    holds: list[bool] = []

    class Settling(ComponentUnit):
        async def pause(self, seconds: float) -> None:
            assert self.ota is not None
            if "tried again" in self.ota.status().message:
                holds.append(self.ota.is_on_trial)
            if len(holds) > 20:
                raise EndedError
            await super().pause(seconds)

    unit = Settling(tmp_path)
    await unit.has(**OLD)
    unit.radio.device.faults.fails_at = Kind.CONFIRM
    said = await unit.reached(ordered(unit, release(map="2.0.0", radio="2.0.0")), lambda _: False)
    assert said.phase is Phase.PROVISIONAL
    assert (holds[0], holds[-1]) == (True, False)


async def test_a_device_that_was_left_is_not_forgotten_by_a_release_without_it(unit: ComponentUnit) -> None:
    unit.radio.device.faults.is_deaf_after_activation = True
    await unit.reached(ordered(unit, GOOD), lambda status: status.phase is Phase.REVERTING)
    done = await unit.rested(ordered(unit, release("1.2.0", map="2.0.0"), "1.2.0", "rollouts/r2"))
    assert done.phase is Phase.COMMITTED
    unit.radio.device.faults.is_deaf_after_activation = False
    unit.radio.device.power_on()
    last = await unit.rested(ordered(unit, release("1.3.0", **NEW), "1.3.0", "rollouts/r3"))
    assert (last.phase, await unit.versions()) == (Phase.COMMITTED, NEW)
    assert not unit.radio.device.state().is_trial


async def test_a_device_that_goes_back_before_it_is_confirmed_is_installed_again_for_the_slot_is_committed(
    unit: ComponentUnit,
) -> None:
    kills = [KilledError()]

    def on_commit() -> None:
        if kills:
            power_twice(unit)
            raise kills.pop()

    unit.on_commit = on_commit
    done = await unit.rested(ordered(unit, GOOD))
    assert (done.phase, await unit.versions()) == (Phase.COMMITTED, NEW)
    assert unit.deeds.count("install radio") == 2
    assert not kills


REFUSED = {
    "unknown": (release(rootfs="2.0.0"), "component rootfs: this unit has none of that name"),
    "another driver": (
        archive(
            files={"site/a": b"", "payload/map": b"x"},
            components=(
                Component(name="agent", version="1.1.0", driver="slot"),
                Component(name="map", version="2", driver="swupdate", file="payload/map"),
            ),
        ),
        "component map: the release brings it for 'swupdate', this unit's driver takes 'file'",
    ),
    "no file": (
        archive(
            files={"site/a": b""},
            components=(
                Component(name="agent", version="1.1.0", driver="slot"),
                Component(name="map", version="2", driver="file"),
            ),
        ),
        "component map: the release names no file for it",
    ),
    "no agent": (
        archive(
            files={"payload/map": b"x"},
            components=(Component(name="map", version="2", driver="file", file="payload/map"),),
        ),
        "it does not bring the agent",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_a_unit_has_no_place_for_is_refused_before_anything_is_touched(
    unit: ComponentUnit, name: str
) -> None:
    content, sentence = REFUSED[name]
    failed = await unit.rested(ordered(unit, content))
    assert (failed.phase, failed.reason) == (Phase.FAILED, "COMPONENT")
    assert failed.message.startswith(sentence)
    assert unit.deeds == []
    assert Phase.STAGED not in unit.phases()
    assert not list((unit.root / "slots").glob("*/slot.json"))


async def test_what_runs_once_the_machine_starts_again_needs_a_command_for_it(unit: ComponentUnit) -> None:
    unit.use(radio=unit.radio, map=unit.map, rootfs=unit.rootfs)
    unit.computer.can_restart = False
    failed = await unit.rested(ordered(unit, release(rootfs="2.0.0")))
    assert (failed.phase, failed.reason) == (Phase.FAILED, "COMPONENT")
    assert "set update.reboot_command in the unit's settings" in failed.message


async def test_an_image_that_is_no_good_fails_before_anything_is_written(unit: ComponentUnit) -> None:
    content = archive(
        files={"site/a": b"", "payload/radio": b"no firmware", "payload/map": b"map"},
        components=(
            Component(name="agent", version="1.1.0", driver="slot"),
            Component(name="map", version="2.0.0", driver="file", file="payload/map"),
            Component(name="radio", version="2.0.0", driver="firmware", file="payload/radio"),
        ),
    )
    failed = await unit.rested(ordered(unit, content))
    assert failed.phase is Phase.FAILED
    assert unit.deeds == []


async def test_a_release_that_is_withdrawn_gives_up_what_was_staged(unit: ComponentUnit) -> None:
    target = ordered(unit, GOOD)
    await unit.reached(target, lambda status: status.phase is Phase.SWITCHING)
    await unit.reached(None, lambda status: status.phase is Phase.IDLE)
    assert unit.deeds[2:] == ["revert map", "revert radio"]
    assert (unit.radio.device.state().spare_version, await unit.versions()) == ("", OLD)


async def test_nothing_is_activated_while_the_vehicle_moves(unit: ComponentUnit) -> None:
    target = ordered(unit, GOOD)
    await unit.reached(target, lambda status: status.phase is Phase.SWITCHING)
    unit.situation = Situation(motion=Motion(speed_mps=9.0))
    await unit.reached(target, lambda status: bool(status.blockers))
    assert unit.deeds == ["install radio", "install map"]
    unit.situation = Situation(motion=Motion(speed_mps=0.0))
    done = await unit.rested(target)
    assert (done.phase, unit.deeds.count("install radio")) == (Phase.COMMITTED, 1)


async def test_a_release_that_crashes_on_trial_is_left_with_its_components(unit: ComponentUnit) -> None:
    def crash() -> None:
        raise KilledError

    unit.on_trial = crash
    ended = await unit.rested(ordered(unit, GOOD))
    assert (ended.phase, ended.reason, await unit.versions()) == (Phase.ROLLED_BACK, "LAUNCHER", OLD)


async def test_a_root_file_system_is_switched_by_one_start_of_the_machine(unit: ComponentUnit) -> None:
    unit.use(radio=unit.radio, map=unit.map, rootfs=unit.rootfs)
    done = await unit.rested(ordered(unit, release(rootfs="2.0.0", **NEW)))
    assert (done.phase, unit.computer.starts) == (Phase.COMMITTED, 2)
    assert await unit.versions() == {**NEW, "rootfs": "2.0.0"}
    assert not unit.rootfs.disk.is_trial


async def test_a_root_file_system_that_does_not_start_is_taken_back_with_the_rest(unit: ComponentUnit) -> None:
    unit.use(radio=unit.radio, map=unit.map, rootfs=unit.rootfs)
    unit.rootfs.starts_badly = True
    failed = await unit.rested(ordered(unit, release(rootfs="2.0.0", **NEW)))
    assert (failed.phase, failed.reason) == (Phase.ROLLED_BACK, "GATE")
    assert "component rootfs: 1.0.0 runs, the release brings 2.0.0" in failed.message
    assert await unit.versions() == {**OLD, "rootfs": "1.0.0"}


async def test_a_gate_that_refuses_starts_the_machine_with_the_old_root_file_system(unit: ComponentUnit) -> None:
    unit.use(radio=unit.radio, map=unit.map, rootfs=unit.rootfs)
    failed = await unit.rested(ordered(unit, release(rootfs="2.0.0", radio=DEAF_VERSION)))
    assert (failed.phase, unit.computer.starts) == (Phase.ROLLED_BACK, 3)
    assert await unit.versions() == {**OLD, "rootfs": "1.0.0"}


async def test_a_machine_that_does_not_start_again_ends_the_update_and_leaves_all_of_it_old(
    unit: ComponentUnit,
) -> None:
    unit.use(radio=unit.radio, map=unit.map, rootfs=unit.rootfs)
    unit.computer.refusal = "update.reboot_command: may the agent's user do this?"
    failed = await unit.rested(ordered(unit, release(rootfs="2.0.0", **NEW)))
    assert (failed.phase, failed.reason, failed.running_release) == (Phase.ROLLED_BACK, "DEVICE_FAULT", "")
    assert failed.message == unit.computer.refusal
    assert await unit.versions() == {**OLD, "rootfs": "1.0.0"}
    assert boot.next_start(unit.root / "slots").slot == ""
    unit.computer.refusal = ""
    unit.reboot()
    done = await unit.rested(again(ordered(unit, release(rootfs="2.0.0", **NEW)), "rollouts/r2"))
    assert (done.phase, await unit.versions()) == (Phase.COMMITTED, {**NEW, "rootfs": "2.0.0"})


async def test_that_the_machine_does_not_start_again_with_the_old_is_said(unit: ComponentUnit) -> None:
    unit.use(radio=unit.radio, map=unit.map, rootfs=unit.rootfs)
    target = ordered(unit, release(rootfs="2.0.0", radio=DEAF_VERSION))
    sentence = "update.reboot_command: may the agent's user do this?"
    unit.on_trial = lambda: setattr(unit.computer, "refusal", sentence)
    said = await unit.reached(target, lambda status: sentence in status.message)
    assert (said.phase, said.message.startswith("radio: heard 0.0")) == (Phase.REVERTING, True)
    unit.on_trial = lambda: None
    unit.computer.refusal = ""
    ended = await unit.rested(target)
    assert (ended.phase, ended.reason, sentence in ended.message) == (Phase.ROLLED_BACK, "GATE", False)
    assert await unit.versions() == {**OLD, "rootfs": "1.0.0"}


Story = tuple[bytes, Phase, dict[str, str]]
STORIES: dict[str, Story] = {
    "good": (release(rootfs="2.0.0", radio="2.0.0"), Phase.COMMITTED, {**OLD, "radio": "2.0.0", "rootfs": "2.0.0"}),
    "bad": (release(rootfs="2.0.0", radio=DEAF_VERSION), Phase.ROLLED_BACK, {**OLD, "rootfs": "1.0.0"}),
}


async def live(root: Path, story: Story, strikes_at: int, prepare: Callable[[ComponentUnit], None]) -> ComponentUnit:
    content, phase, versions = story
    root.mkdir()  # noqa: ASYNC240  # a test has nothing else to do
    unit = ComponentUnit(root)
    await unit.has(**OLD)
    unit.use(radio=unit.radio, map=unit.map, rootfs=unit.rootfs)
    prepare(unit)
    unit.fate.strikes_at = strikes_at
    ended = await unit.rested(ordered(unit, content))
    assert (ended.phase, await unit.versions()) == (phase, versions), f"struck at instant {strikes_at}: {ended.message}"
    assert not unit.radio.device.state().is_trial
    assert not unit.rootfs.disk.is_trial
    return unit


@pytest.mark.parametrize("name", STORIES)
async def test_a_kill_at_every_instant_changes_nothing_of_how_it_ends(tmp_path: Path, name: str) -> None:
    """Before and behind every write of the plan, and every deed of a driver."""
    count = (await live(tmp_path / "none", STORIES[name], 0, lambda _: None)).fate.count
    assert count > 30
    for instant in range(1, count + 1):
        await live(tmp_path / str(instant), STORIES[name], instant, lambda _: None)


async def test_a_kill_at_every_instant_of_a_failed_activation_leaves_all_of_it_old(tmp_path: Path) -> None:
    def refuse(unit: ComponentUnit) -> None:
        unit.radio.device.faults.fails_at = Kind.ACTIVATE

    story = (release(map="2.0.0", radio="2.0.0"), Phase.ROLLED_BACK, {**OLD, "rootfs": "1.0.0"})
    count = (await live(tmp_path / "none", story, 0, refuse)).fate.count
    for instant in range(1, count + 1):
        await live(tmp_path / str(instant), story, instant, refuse)


async def test_the_shipped_simulator_takes_its_effect_at_once(tmp_path: Path) -> None:
    assert SimFirmware(SimFirmware.Options(path=str(tmp_path / "banks"))).takes_effect is Activation.AT_ONCE
