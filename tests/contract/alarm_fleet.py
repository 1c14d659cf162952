"""Units over a store, what they say, and an engine that looks at them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.contract.manager_store import START, Clock, after, batch, enrolled, health, sited
from tests.unit.health_makers import check
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.alarms import AlarmRecord
from wayside_manager.core.event_filter import EventFilter
from wayside_manager.core.node_health import CheckFacts, HealthState
from wayside_manager.core.nodes import NodeChange, NodeKind
from wayside_manager.core.reports import HealthFacts
from wayside_manager.ports.alarms import AlarmQuestion
from wayside_manager.ports.store import Store
from wayside_manager.services.alarm_engine import AlarmEngine
from wayside_manager.store.bus import LocalBus

ALL = AlarmQuestion(shows_cleared=True, shows_shelved=True, shows_members=True)
TOLD = AlarmQuestion()
ON_BATTERY = check("power.supply", HealthState.FAILED, reason="runs on its battery")


class Fleet:
    """Units of a store, what they say, and an engine that looks at them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = Clock(START)
        self.engine = AlarmEngine(store, LocalBus(), now=self.clock, holder="a")
        self.node_ids: list[str] = []
        self.period_s = 30.0
        self._sequences: dict[str, int] = {}

    async def add(self, count: int, *, kind: NodeKind = NodeKind.RSU, prefix: str = "rsu", **site: Any) -> list[str]:  # noqa: ANN401  # of the record
        """Units at a site each, heard from now."""
        added = []
        for number in range(count):
            node_id = f"{prefix}-{number:03}"
            await sited(self.store, f"s-{node_id}", **site)
            await enrolled(self.store, node_id, kind=kind)
            await self.store.update_node(node_id, NodeChange(site_id=f"s-{node_id}"), now=START)
            added.append(node_id)
        self.node_ids += added
        await self.say(*added)
        return added

    async def say(
        self, *node_ids: str, checks: tuple[CheckFacts, ...] = (), of: datetime | None = None, given_up: int = 0
    ) -> None:
        """They report now, of a time; reports before that they gave up leave a gap."""
        batches = []
        for node_id in node_ids:
            sequence = self._sequences[node_id] = self._sequences.get(node_id, 0) + given_up + 1
            report = health(sequence, period_s=self.period_s)
            assert isinstance(report.facts, HealthFacts)
            report = replace(report, record_time=of or self.clock.time, facts=replace(report.facts, checks=checks))
            batches.append(batch(node_id, report, at_s=(self.clock.time - START).total_seconds()))
        await self.store.record_reports(batches)

    async def at(self, seconds: float, *heard: str, checks: tuple[CheckFacts, ...] = ()) -> None:
        """Goes on in time by steps of ten seconds, in which these units are heard from every thirty."""
        while self.clock.time < after(seconds):
            self.clock.time += timedelta(seconds=10)
            if (self.clock.time - START).total_seconds() % 30 == 0 and heard:
                await self.say(*heard, checks=checks)
            await self.engine.step()

    async def alarms(self, question: AlarmQuestion = TOLD) -> list[AlarmRecord]:
        """What is wrong, as operators see it."""
        return list((await self.store.list_alarms(question, reach=EVERYWHERE, page_size=1000)).items)

    async def kinds(self) -> list[str]:
        """Kinds of alarm events, in their order."""
        wanted = EventFilter(kinds=("alarm.*",))
        span = await self.store.read_events(wanted, reach=EVERYWHERE, cursor=0, limit=1000)
        return [record.event.kind for record in span.records]
