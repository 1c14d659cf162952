"""Who says what the lights of a crossing show: its signal controller, or somebody who speaks for it."""

from typing import Protocol

from wayside_agent.core.signal_plan import SignalPlan
from wayside_agent.ports.opened import Opened


class SignalFeed(Opened, Protocol):
    """The lights of one crossing."""

    async def read(self) -> SignalPlan:
        """The next word. What is foreign or malformed is counted and passed over.

        Raises: DeviceError.
        """
