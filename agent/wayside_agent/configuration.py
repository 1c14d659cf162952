"""The configuration that runs: what it needs is made first, then every service switches to it in one step."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wayside.errors import InvalidArgumentError
from wayside_agent.core.desired import CanBusConfig, NodeConfig, problems
from wayside_agent.services.reporting import Reporting
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.telemetry import Telemetry

if TYPE_CHECKING:
    from wayside_agent.core.decoder import Decoder


class Configuration:
    """Makes the services of one unit run a configuration."""

    def __init__(
        self, sensing: Sensing, telemetry: Telemetry, reporting: Reporting, *, database_dir: Path, cache_dir: Path
    ) -> None:
        self._sensing = sensing
        self._telemetry = telemetry
        self._reporting = reporting
        self._database_dir = database_dir
        self._cache_dir = cache_dir
        self.running = NodeConfig()

    async def prepared(self, config: NodeConfig) -> Callable[[], None]:
        """The switch of every service to a configuration; nothing changes before it is called, and it cannot fail.

        Raises: InvalidArgumentError, NotFoundError: one sentence per problem.
        """
        found = problems(config, bus_names=tuple(self._sensing.buses))
        if found:
            raise InvalidArgumentError("; ".join(found), reason="CONFIG_INVALID")
        decoders = {bus.name: await self._decoder(bus) for bus in config.can_buses if bus.database_name}
        return partial(self._switch, config, decoders)

    def _switch(self, config: NodeConfig, decoders: "Mapping[str, Decoder]") -> None:
        self.running = config
        self._sensing.use(decoders)
        self._telemetry.use(config.telemetry)
        self._reporting.set_period(config.report_period_s)

    async def _decoder(self, bus: CanBusConfig) -> "Decoder":
        from wayside_agent.core.decoder import DecodePlan, Decoder  # 2 MB that only a unit with a database needs
        from wayside_agent.drivers.dbc_compiler import compiled_plan  # as above

        path = self._database_dir / bus.database_name
        database = await compiled_plan([path], cache_dir=self._cache_dir)
        missing = database.without(bus.signal_names)
        if missing:
            raise InvalidArgumentError(
                f"can.buses[{bus.name}].signal_names: {path.name} has no signal {', '.join(missing)}; "
                "names are Message.Signal"
            )
        return Decoder(DecodePlan(database, wanted=bus.signal_names), bus=bus.name)
