"""A fleet of simulated units over a store: each follows what it is told, and says so, as an agent does.

    fleet = Fleet(store)
    await fleet.add("rsu-1", site_id="k12")
    await fleet.live()                        # every unit reports, looks at what it should be, and follows it
    fleet.told["rsu-1"]                       # the trials and rollouts it was told, each once

What a unit does with a configuration or release is its `fate`; `HOLD` says that it is on trial and stays there.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from tests.contract.manager_store import Clock, batch, enrolled, health, update, word
from wayside_manager.core.nodes import DesiredRecord, NodeChange, UpdatePhase
from wayside_manager.core.reports import ConfigOutcome, Report
from wayside_manager.ports.store import Store


class Fate(StrEnum):
    """What a unit does with what it is told."""

    APPLY = "apply"
    REVERT = "revert"
    REJECT = "reject"
    HOLD = "hold"
    DEAF = "deaf"
    """It hears nothing, and says nothing."""


@dataclass
class Unit:
    """One unit, as its own disk has it."""

    node_id: str
    fate: Fate = Fate.APPLY
    config: bytes = b"{}"
    release: str = ""
    sequence: int = 0
    tried: set[str] = field(default_factory=set)
    """Trials it has been through."""


@dataclass
class Fleet:
    """Units over one store."""

    store: Store
    clock: Clock = field(default_factory=Clock)
    period_s: float = 30.0
    """They report so often, they say."""
    units: dict[str, Unit] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    """Per node, every trial and rollout it was told, in order, each change once."""

    async def add(self, node_id: str, *, site_id: str = "", fate: Fate = Fate.APPLY) -> None:
        """Enrols a unit that reports at once."""
        await enrolled(self.store, node_id)
        if site_id:
            await self.store.update_node(node_id, NodeChange(site_id=site_id), now=self.clock())
        self.units[node_id] = Unit(node_id, fate)
        self.told[node_id] = []
        await self._say(self.units[node_id])

    async def live(self) -> None:
        """Every unit reports, hears what it should be, and follows it as far as its fate goes."""
        for unit in self.units.values():
            if unit.fate is not Fate.DEAF:
                await self._follow(unit)

    async def _follow(self, unit: Unit) -> None:
        await self._say(unit)
        desired = await self.store.get_desired(unit.node_id)
        await self._follow_config(unit, desired)
        if desired.release is not None:
            await self._follow_release(unit, desired.release.version, desired.release.rollout_id)

    async def _follow_config(self, unit: Unit, desired: DesiredRecord) -> None:
        trial = desired.config_trial
        if not desired.config_revision or trial in unit.tried:
            return
        self._note(unit, trial)
        content = (await self.store.get_node_config(unit.node_id, revision=desired.config_revision)).content
        outcome = {Fate.REVERT: ConfigOutcome.REVERTED, Fate.REJECT: ConfigOutcome.REJECTED}.get(
            unit.fate, ConfigOutcome.APPLIED
        )
        if content == unit.config:
            outcome = ConfigOutcome.APPLIED  # no trial of what runs
        elif unit.fate is Fate.HOLD:
            await self._say_config(unit, desired, ConfigOutcome.PROVISIONAL)
            return
        unit.tried.add(trial)
        if outcome is ConfigOutcome.APPLIED:
            unit.config = content
        await self._say_config(unit, desired, outcome)

    async def _follow_release(self, unit: Unit, version: str, rollout_id: str) -> None:
        if rollout_id in unit.tried:
            return
        self._note(unit, rollout_id)
        phase = {
            Fate.REVERT: UpdatePhase.ROLLED_BACK,
            Fate.REJECT: UpdatePhase.FAILED,
            Fate.HOLD: UpdatePhase.PROVISIONAL,
        }.get(unit.fate, UpdatePhase.COMMITTED)
        if phase is UpdatePhase.COMMITTED:
            unit.release = version
        if phase is not UpdatePhase.PROVISIONAL:
            unit.tried.add(rollout_id)
        await self._say(unit, update(0, rollout_id, phase, release=version, running=unit.release))

    def _note(self, unit: Unit, name: str) -> None:
        told = self.told[unit.node_id]
        if told[-1:] != [name]:
            told.append(name)

    async def _say_config(self, unit: Unit, desired: DesiredRecord, outcome: ConfigOutcome) -> None:
        message = f"made to {unit.fate}" if outcome in {ConfigOutcome.REVERTED, ConfigOutcome.REJECTED} else ""
        said = word(
            0,
            desired.config_trial,
            outcome,
            revision=desired.config_revision,
            running=unit.config,
            message=message,
        )
        await self._say(unit, said)

    async def _say(self, unit: Unit, *more: Report) -> None:
        said = []
        sha256 = hashlib.sha256(unit.config).hexdigest()
        for report in (health(0, release=unit.release, config_sha256=sha256, period_s=self.period_s), *more):
            unit.sequence += 1
            said.append(with_sequence(report, unit.sequence))
        at_s = (self.clock() - Clock().time).total_seconds()
        await self.store.record_reports([batch(unit.node_id, *said, at_s=at_s)])


def with_sequence(report: Report, sequence: int) -> Report:
    """The same report at another place of the spool."""
    return Report(sequence, report.record_time, report.time_quality, report.body, report.facts)
