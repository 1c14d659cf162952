"""What another manager over the database tells a node is noticed here."""

import asyncio

import pytest

from tests.contract.manager_store import START, layer, opened
from tests.contract.simulated_fleet import Fleet
from wayside_manager.core.rollout import RolloutPlan
from wayside_manager.ports.wakeups import Topic
from wayside_manager.services.desired_look import DesiredLook
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.migrate import migrate


async def test_who_is_told_by_another_manager_is_woken_here(store_url: str) -> None:
    await migrate(store_url)
    bus = LocalBus()
    async with opened(store_url) as here, opened(store_url) as there, bus.subscribe(Topic.DESIRED) as told:
        fleet = Fleet(there)
        for node_id in ("rsu-1", "rsu-2"):
            await fleet.add(node_id)
        looked = DesiredLook(here, bus)
        await looked.look()
        await there.apply_layer(layer("base", {"report_period_s": 20}), now=START, plan=RolloutPlan())
        await looked.look()
        with pytest.raises(TimeoutError):  # there is a new target, and nobody was told
            async with asyncio.timeout(0.01):
                await told.changed()
        await RolloutStepper(there, LocalBus(), now=lambda: START).step_all()
        await looked.look()
        assert await told.changed() == {"rsu-1", "rsu-2"}
        await looked.look()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await told.changed()
