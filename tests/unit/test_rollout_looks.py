"""Many who watch one rollout share its looks, and nobody is shown what was read before they asked."""

import asyncio

from wayside.errors import NotFoundError
from wayside.v1 import rollout_pb2
from wayside_manager.api.rollout_looks import RolloutLooks


class Source:
    """A rollout that says how often it was read, each time when it is let."""

    def __init__(self) -> None:
        self.count = 0
        self.let = asyncio.Event()

    async def present(self, rollout_id: str) -> rollout_pb2.Rollout:
        self.count += 1
        shown = rollout_pb2.Rollout(name=rollout_id, etag=str(self.count))
        await self.let.wait()
        if rollout_id == "gone":
            raise NotFoundError("it is gone")
        return shown


async def test_a_hundred_watchers_share_a_look() -> None:
    source = Source()
    looks = RolloutLooks(source.present)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        first = [group.create_task(looks.look("r1")) for _ in range(100)]
        await asyncio.sleep(0)
        source.let.set()
    assert {task.result().etag for task in first} == {"1"}


async def test_who_asks_while_a_look_is_under_way_gets_a_newer_one() -> None:
    source = Source()
    looks = RolloutLooks(source.present)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        early = group.create_task(looks.look("r1"))
        while not source.count:  # noqa: ASYNC110  # it has begun soon, and the block a timeout
            await asyncio.sleep(0)
        late = [group.create_task(looks.look("r1")) for _ in range(3)]
        await asyncio.sleep(0)
        source.let.set()
    assert early.result().etag == "1"
    assert {task.result().etag for task in late} == {"2"}


async def test_who_leaves_takes_nothing_from_the_others() -> None:
    source = Source()
    looks = RolloutLooks(source.present)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        left, stays = (group.create_task(looks.look("r1")) for _ in range(2))
        await asyncio.sleep(0)
        left.cancel()
        source.let.set()
    assert stays.result().name == "r1"


async def test_an_error_is_everybodys_and_the_next_look_is_free() -> None:
    source = Source()
    source.let.set()
    looks = RolloutLooks(source.present)
    async with asyncio.timeout(10):
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(_refused(looks, "gone")) for _ in range(3)]
        assert all(task.result() for task in asked)
        assert (await looks.look("r1")).name == "r1"


async def _refused(looks: RolloutLooks, rollout_id: str) -> bool:
    try:
        await looks.look(rollout_id)
    except NotFoundError:
        return True
    return False
