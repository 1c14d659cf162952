"""What the trial of a configuration needs: a memory."""

from typing import Protocol

from wayside_agent.core.config_state import ConfigState


class ConfigStore(Protocol):
    """Where the state of the configuration is kept."""

    def load(self) -> ConfigState | None:
        """What was saved; `None`: nothing, or it was damaged.

        Raises: DeviceFaultError.
        """

    async def save(self, state: ConfigState) -> None:
        """Makes it durable.

        Raises: ResourceExhaustedError, DeviceFaultError: what was saved before stands.
        """
