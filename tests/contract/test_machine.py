"""The computer of a unit, told to start again."""

import pytest

from wayside_agent.drivers.machine import CommandMachine
from wayside_agent.ports.errors import DeviceAbsentError, DeviceError, DeviceFaultError
from wayside_agent.ports.machine import NoMachine


@pytest.mark.parametrize(
    ("command", "error", "words"),
    [
        ((), DeviceFaultError, "set update.reboot_command"),
        (("/nowhere/reboot",), DeviceAbsentError, "/nowhere/reboot"),
        (("sh", "-c", "echo not you; exit 3"), DeviceFaultError, r"ended with status 3 \(not you\)"),
        (("true",), DeviceFaultError, "still up"),
    ],
    ids=["none", "absent", "refuses", "stays-up"],
)
async def test_a_machine_that_does_not_start_again_is_a_sentence(
    command: tuple[str, ...], error: type[DeviceError], words: str
) -> None:
    machine = CommandMachine(command, goes_down_s=0.0)
    assert machine.can_restart is bool(command)
    with pytest.raises(error, match=words):
        await machine.restart()


def test_its_start_has_a_name_that_stays() -> None:
    assert CommandMachine(()).boot_id == CommandMachine(()).boot_id != ""


async def test_a_unit_without_a_command_cannot_start_its_machine() -> None:
    with pytest.raises(DeviceAbsentError, match=r"update\.reboot_command"):
        await NoMachine().restart()
