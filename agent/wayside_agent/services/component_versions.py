"""Which versions run beside the agent: asks every component that the settings name, bounded.

Usage: `await versions.look()`; `versions.found` is what was told last.
"""

import asyncio
from collections.abc import Mapping

from wayside.errors import WaysideError
from wayside_agent.core.components import Found
from wayside_agent.ports.components import ComponentDriver

LOOK_TIMEOUT_S = 20.0
"""For all of them together; less than what a trial has beyond its gate (`boot.GATE_MARGIN_S`)."""


class ComponentVersions:
    """What the components of one unit say of themselves."""

    def __init__(self, components: Mapping[str, ComponentDriver]) -> None:
        self._components = components
        self._found: dict[str, Found] = {}

    @property
    def found(self) -> tuple[Found, ...]:
        """What was told last, in the order of the settings."""
        return tuple(self._found.values())

    async def look(self) -> Mapping[str, Found]:
        """Asks all of them; never raises."""
        found = {name: Found(name, fault=f"did not answer within {LOOK_TIMEOUT_S:g} s") for name in self._components}
        try:
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                for name, driver in self._components.items():
                    found[name] = await _found(name, driver)
        except TimeoutError:
            pass
        self._found = found
        return found


async def _found(name: str, driver: ComponentDriver) -> Found:
    try:
        return Found(name, await driver.version())
    except WaysideError as error:
        return Found(name, fault=str(error))
