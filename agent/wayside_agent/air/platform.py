"""The bridges of a roadside unit to the platforms its settings name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wayside.errors import FailedPreconditionError
from wayside.v1 import node_service_pb2 as wire
from wayside_agent.ports.devices import HostReading
from wayside_agent.services.sensing import Sensing
from wayside_agent.settings import Settings

if TYPE_CHECKING:
    from wayside_agent.ports.platform import Broadcaster
    from wayside_agent.services.platform import Bridge


def _no_job(target: wire.JobTarget) -> None:
    raise FailedPreconditionError(f"{target.job}: nobody does jobs here")


async def _nobody(report: wire.Report) -> int:
    del report
    return 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What bridges ask of the running agent."""

    host: Callable[[], HostReading] = HostReading
    update: Callable[[], tuple[str, str]] = lambda: ("", "")
    """What runs, and the phase of the update."""
    ask_job: Callable[[wire.JobTarget], None] = _no_job
    """Has a job done by the unit's own policy; raises WaysideError."""
    submit: Callable[[wire.Report], Awaitable[int]] = _nobody
    """Makes a report to the manager durable; 0: the disk did not take it."""


ALONE = Surroundings()


def bridges(
    unit: Settings,
    sensing: Sensing,
    around: Surroundings,
    *,
    utc_s: Callable[[], float | None],
    event: Callable[[], str],
    broadcaster: "Broadcaster | None" = None,
) -> "dict[str, Bridge]":
    """The bridges by the names of their platforms; they are joined to sensing.

    Args:
        unit: Its settings.
        sensing: What hears.
        around: What bridges ask of the agent.
        utc_s: The time; `None`: not known.
        event: The road event on air, in one sentence; empty: none.
        broadcaster: Takes messages for the air; `None`: they are refused.

    Raises: InvalidArgumentError: the settings want what cannot be.
    """
    if not unit.v2x.platforms:
        return {}
    from wayside_agent.air.platform_bridges import made  # 1 MB that a unit without a platform does without

    return made(unit, sensing, around, utc_s=utc_s, event=event, broadcaster=broadcaster)


def picture(made: "Mapping[str, Bridge]") -> Mapping[str, object]:
    """What is known of every bridge, ready for JSON."""
    return {label: each.picture() for label, each in made.items()}
