"""Sheds loads when the unit is too hot or runs on its battery, and takes them up again: `core.derating` decides.

derating = Derating(sampling.newest, {"telemetry": telemetry.allow}, mono_s=monotonic, changed=reporting.hurry)
derating.use(config.derating)
await derating.run()
derating.shed               # what a report says
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from msgspec import UnsetType

from wayside.node_config import DeratingConfig, DeratingRuleConfig
from wayside_agent.core.derating import Machine, Plan, Present, Rule
from wayside_agent.core.health_samples import Sample

logger = logging.getLogger(__name__)

TURN_S = 2.0


class Derating:
    """The loads of one unit."""

    def __init__(
        self,
        sample: Callable[[], Sample],
        loads: Mapping[str, Callable[[bool], None]],
        *,
        mono_s: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        """Stores values.

        Args:
            sample: What was measured last.
            loads: By name, who is told whether the load may run.
            mono_s: A steady clock.
            changed: Called when a load was shed or came back.
        """
        self._sample = sample
        self._loads = loads
        self._mono_s = mono_s
        self._changed = changed
        self._machine = Machine()

    @property
    def shed(self) -> tuple[str, ...]:
        """Loads that are shed, in the order they were."""
        return self._machine.shed

    def use(self, config: DeratingConfig) -> None:
        """Goes by this configuration from now on."""
        self._enter(self._machine.under(plan_of(config)))

    async def run(self) -> None:
        """Looks for ever."""
        while True:
            self.look()
            await asyncio.sleep(TURN_S)

    def look(self) -> None:
        """Looks once; one load at most is shed or comes back."""
        if self._machine.plan.order:
            self._enter(self._machine.after(present_of(self._sample()), self._mono_s()))

    def _enter(self, machine: Machine) -> None:
        before, self._machine = self._machine, machine
        for load in before.shed:
            if load not in machine.shed:
                logger.info("load %s runs again", load, extra={"load": load})
                self._loads[load](True)
        for load in machine.shed:
            if load not in before.shed:
                logger.warning("load %s is shed: %s", load, ", ".join(machine.causes), extra={"load": load})
                self._loads[load](False)
        if machine.shed != before.shed:
            self._changed()


def plan_of(config: DeratingConfig) -> Plan:
    """The plan of a configuration; a load that is named twice counts where it is named first."""
    rules = {name: _rule(rule) for name, rule in config.rules.items()}
    return Plan(tuple(dict.fromkeys(config.order)), rules, config.settle_s)


def present_of(sample: Sample) -> Present:
    """What of a sample counts."""
    power, environment = sample.power, sample.environment
    return Present(
        cabinet_celsius=None if environment is None else environment.temperature_celsius,
        processor_celsius=sample.host.temperature_celsius,
        on_battery=None if power is None else power.on_battery,
        battery_ratio=None if power is None else power.battery_ratio,
    )


def _rule(config: DeratingRuleConfig) -> Rule:
    return Rule(
        above_celsius=_given(config.temperature_above_celsius),
        below_celsius=_given(config.temperature_below_celsius),
        of_processor=config.temperature_of == "processor",
        margin_celsius=config.margin_celsius,
        on_battery=config.on_battery,
        battery_below=config.battery_below_ratio,
        hold_s=config.hold_s,
        load_count=config.load_count,
    )


def _given(value: float | UnsetType) -> float | None:
    return None if isinstance(value, UnsetType) else value
