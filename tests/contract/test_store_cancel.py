"""A caller that goes away in the middle of a call leaves neither a lock nor half a change."""

import asyncio
import random

from tests.contract.manager_store import START, batch, enrolled, health
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.nodes import NodeChange
from wayside_manager.core.selectors import NodeFilter
from wayside_manager.ports.store import Store

CALL_COUNT = 150
LEFT_ALONE_EVERY = 10  # these run to their end, however busy the machine is


async def test_cancelled_calls_leave_the_store_usable(store: Store) -> None:
    await enrolled(store, "rsu-1")
    chance = random.Random(4)  # noqa: S311  # how far a call gets, not a secret
    for index in range(1, CALL_COUNT + 1):
        calls = (
            store.update_node("rsu-1", NodeChange(display_name=f"s{index}"), now=START),
            store.record_reports([batch("rsu-1", health(index))]),
            store.list_nodes(NodeFilter(), reach=EVERYWHERE, now=START),
        )
        task = asyncio.ensure_future(calls[index % 3])  # noqa: TID251  # the test cancels it by hand
        for other in calls:
            if other is not calls[index % 3]:
                other.close()
        if index % LEFT_ALONE_EVERY:
            for _ in range(chance.randint(0, 60)):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()
    node = await store.get_node("rsu-1")
    assert node.display_name.startswith("s")
    newest = await store.acknowledged_sequence("rsu-1", "spool-a")
    assert (await store.record_reports([batch("rsu-1", health(newest + 1))])).sequences == (newest + 1,)
