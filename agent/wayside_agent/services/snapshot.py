"""What `wayside-agent status` shows: one mapping, ready for JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wayside_agent.core.readings import Reading
from wayside_agent.core.update import UpdateStatus
from wayside_agent.services.health import Health

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS_PER_MICROSECOND = 1000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Takes pictures of the running agent."""

    node_id: str
    health: Health
    update: Callable[[], UpdateStatus]
    is_manager_reached: Callable[[], bool]

    def taken(self) -> dict[str, object]:
        """The agent as it is now."""
        # 2 MB that only somebody who asks should cost
        from google.protobuf.json_format import MessageToDict

        update, versions = self.update(), self.health.versions()
        return {
            "is_running": True,
            "node": self.node_id,
            "version": versions.agent_version,
            "release": versions.release,
            "config_revision": versions.config_revision,
            "is_manager_reached": self.is_manager_reached(),
            "update": {"phase": update.phase.name, "release": update.release, "message": update.message},
            "health": MessageToDict(self.health.report(), preserving_proto_field_name=True),
            "readings": {
                reading.name: {
                    "value": reading.value,
                    "unit": reading.unit,
                    "time": _iso(reading),
                    "quality": reading.quality,
                }
                for reading in sorted(self.health.sensing.latest(), key=lambda reading: reading.name)
            },
        }


def _iso(reading: Reading) -> str:
    """The time of a reading; a recording may claim any, also one that no calendar has."""
    try:
        return (_EPOCH + timedelta(microseconds=reading.time_ns // _NANOSECONDS_PER_MICROSECOND)).isoformat()
    except OverflowError:
        return ""
