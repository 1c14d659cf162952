"""Who is told that something changed."""

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from wayside_manager.core.broadcasts import BroadcastsChanged
from wayside_manager.core.jobs import JobsChanged


class Topic(StrEnum):
    """What a wake-up is about."""

    DESIRED = "desired"
    """Key: node id. What the node should be has changed, or the node was retired."""
    NODE = "node"
    """Key: node id. Anything operators see of the node has changed."""
    ROLLOUT = "rollout"
    """Key: rollout id. The rollout or one of its nodes has changed."""
    JOB = "job"
    """Key: job id. The job has changed."""
    EVENT = "event"
    """Key: empty. There are new events."""


async def publish_jobs(bus: "Bus", changed: JobsChanged) -> None:
    """Wakes everybody whom a change of jobs concerns."""
    await bus.publish(Topic.JOB, changed.job_ids)
    await bus.publish(Topic.DESIRED, changed.node_ids)
    await bus.publish(Topic.ROLLOUT, changed.rollout_ids)
    if changed.event_cursor:
        await bus.publish(Topic.EVENT, [""])


async def publish_broadcasts(bus: "Bus", changed: BroadcastsChanged) -> None:
    """Wakes everybody whom a change of broadcasts concerns."""
    await bus.publish(Topic.DESIRED, changed.node_ids)
    if changed.event_cursor:
        await bus.publish(Topic.EVENT, [""])


class Subscription(Protocol):
    """Wake-ups of one listener. They coalesce: a key that changed twice since the last look comes once."""

    async def changed(self) -> frozenset[str]:
        """The keys that changed since the last call; waits for the first."""


class Bus(Protocol):
    """Wake-ups, nothing more: they may be lost or come twice, so listeners read the store and look again at times."""

    async def publish(self, topic: Topic, keys: Iterable[str]) -> None:
        """Wakes the listeners of these keys. Never waits for them."""

    def subscribe(self, topic: Topic, key: str = "") -> AbstractAsyncContextManager[Subscription]:
        """Listens to one key, or to all of a topic."""
