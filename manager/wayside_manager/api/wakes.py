"""Waking whoever waits for what a change did to configurations. Usage: `await wake(bus, applied.effect)`."""

from wayside_manager.core.configs import Retargeted
from wayside_manager.ports.wakeups import Bus, Topic


async def wake(bus: Bus, effect: Retargeted) -> None:
    """Wakes the sessions and watchers of the nodes, and the stepper and watchers of the rollouts."""
    await bus.publish(Topic.DESIRED, effect.changed_node_ids)
    await bus.publish(Topic.NODE, effect.changed_node_ids)
    await bus.publish(Topic.ROLLOUT, effect.rollout_ids)
