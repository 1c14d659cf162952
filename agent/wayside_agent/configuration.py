"""The configuration that runs: what it needs is made first, then every service switches to it in one step."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from wayside.errors import InvalidArgumentError
from wayside.node_config import CanBusConfig, CanConfig, NodeConfig
from wayside_agent.core.bus_load import rates_of
from wayside_agent.core.bus_silence import can_id
from wayside_agent.core.desired import problems
from wayside_agent.services.reporting import Reporting
from wayside_agent.services.sensing import Sensing
from wayside_agent.services.telemetry import Telemetry

if TYPE_CHECKING:
    from wayside_agent.core.decoder import Decoder


class Configuration:
    """Makes the services of one unit run a configuration."""

    def __init__(
        self,
        sensing: Sensing,
        telemetry: Telemetry,
        reporting: Reporting,
        *,
        use_manager: Callable[[str], None],
        judge_by: Callable[[NodeConfig], None],
        database_dir: Path,
        cache_dir: Path,
        secrets_dir: Path,
    ) -> None:
        self._sensing = sensing
        self._telemetry = telemetry
        self._reporting = reporting
        self._use_manager = use_manager
        self._judge_by = judge_by
        self._database_dir = database_dir
        self._cache_dir = cache_dir
        self._secrets_dir = secrets_dir
        self.running = NodeConfig()

    async def prepared(self, config: NodeConfig) -> Callable[[], None]:
        """The switch of every service to a configuration; nothing changes before it is called, and it cannot fail.

        Raises: InvalidArgumentError, NotFoundError: one sentence per problem.
        """
        named = {bus.database_name for bus in config.can.buses.values()}
        found = problems(
            config,
            bus_names=tuple(self._sensing.buses),
            databases=await asyncio.to_thread(_present, self._database_dir, named),
            secrets=await asyncio.to_thread(_present, self._secrets_dir, (config.telemetry.password_secret,)),
        )
        if found:
            raise InvalidArgumentError("; ".join(found), reason="CONFIG_INVALID")
        decoders = {name: await self._decoder(name, bus) for name, bus in config.can.buses.items() if bus.database_name}
        return partial(self._switch, config, decoders)

    def _switch(self, config: NodeConfig, decoders: "Mapping[str, Decoder]") -> None:
        self.running = config
        self._sensing.use(decoders)
        self._expect(config.can)
        self._telemetry.use(config.telemetry)
        self._use_manager(config.manager.device_address)
        self._judge_by(config)
        self._reporting.set_period(config.report_period_s)

    def _expect(self, can: CanConfig) -> None:
        rates = rates_of({name: (bus.bit_rate_bps, bus.data_bit_rate_bps) for name, bus in can.buses.items()})
        ids = {name: {can_id(each): s for each, s in bus.expected_ids.items()} for name, bus in can.buses.items()}
        self._sensing.expect(rates, ids)

    async def _decoder(self, name: str, bus: CanBusConfig) -> "Decoder":
        from wayside_agent.core.decoder import DecodePlan, Decoder  # 2 MB that only a unit with a database needs
        from wayside_agent.drivers.dbc_compiler import compiled_plan  # as above

        path = self._database_dir / bus.database_name
        database = await compiled_plan([path], cache_dir=self._cache_dir)
        missing = database.without(bus.signal_names)
        if missing:
            raise InvalidArgumentError(
                f"can.buses.{name}.signal_names: {path.name} has no signal {', '.join(missing)}; "
                "names are Message.Signal"
            )
        return Decoder(DecodePlan(database, wanted=bus.signal_names), bus=name)


def _present(folder: Path, names: Iterable[str]) -> frozenset[str]:
    """Those of the names that are files in a folder. Blocks."""
    return frozenset(name for name in names if name and _is_file(folder / name))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name too long for the file system
        return False
