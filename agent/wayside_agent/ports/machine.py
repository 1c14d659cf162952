"""The computer the agent runs on, as far as an update needs it: some parts run only once it has started again."""

from typing import Protocol

from wayside_agent.ports.errors import DeviceAbsentError


class Machine(Protocol):
    """One computer."""

    @property
    def can_restart(self) -> bool:
        """Whether the settings say how."""

    @property
    def boot_id(self) -> str:
        """Names its present start; another one after every start."""

    async def restart(self) -> None:
        """Starts the computer again; does not return before it does.

        Raises: DeviceError: it cannot be told to, or does not.
        """


class NoMachine:
    """A unit whose settings do not say how it is started again."""

    can_restart = False
    boot_id = ""

    async def restart(self) -> None:
        """Raises: DeviceAbsentError: always."""
        raise DeviceAbsentError("the machine must start again; set update.reboot_command in the unit's settings")
