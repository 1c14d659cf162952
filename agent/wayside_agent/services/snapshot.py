"""What `wayside-agent status` shows: one mapping, ready for JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wayside_agent.core.config_state import Config, ConfigState
from wayside_agent.core.readings import Reading
from wayside_agent.core.update import UpdateStatus
from wayside_agent.core.update_notice import notice
from wayside_agent.services.config_picture import picture
from wayside_agent.services.health import Health
from wayside_agent.services.timekeeping import Timekeeping

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NANOSECONDS_PER_MICROSECOND = 1000


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Takes pictures of the running agent."""

    node_id: str
    health: Health
    update: Callable[[], UpdateStatus]
    is_manager_reached: Callable[[], bool]
    refusal: Callable[[], str]
    """Why the manager does not take the unit; empty: it does, or is not reached."""
    way_back: Callable[[], str]
    """What became of asking for a new certificate after the end of the old one; empty: there is no need."""
    certificate_end_s: Callable[[], float]
    """When the certificate in use ends, seconds since 1970."""
    time: Timekeeping
    manager_address: Callable[[], str]
    """Where the manager is looked for now."""
    config: Callable[[], tuple[ConfigState, Config]]
    """State of the configuration, and what of it runs."""
    heard: Callable[[], Mapping[str, object]]
    """What is heard on the air, and where."""

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
            "config": picture(*self.config()),
            "manager_address": self.manager_address(),
            "is_manager_reached": self.is_manager_reached(),
            "manager_refusal": self.refusal(),
            "certificate_return": self.way_back(),
            "certificate_expire_time": _iso(self.certificate_end_s()),
            "time": self._time(),
            "update": _update(update),
            "v2x": self.heard(),
            "health": MessageToDict(self.health.report(), preserving_proto_field_name=True),
            "readings": {
                reading.name: {
                    "value": reading.value,
                    "unit": reading.unit,
                    "time": _iso_of_reading(reading),
                    "quality": reading.quality,
                }
                for reading in sorted(self.health.sensing.latest(), key=lambda reading: reading.name)
            },
        }

    def _time(self) -> dict[str, object]:
        estimate = self.time.estimate()
        return {
            "utc_time": _iso(estimate.utc_s),
            "source": estimate.source,
            "error_seconds": estimate.error_s,
            "clock_fault": self.time.clock_fault,
        }


def _update(update: UpdateStatus) -> dict[str, object]:
    """The update under way, and what people at the unit are told of it."""
    told = notice(update)
    return {
        "phase": update.phase.name,
        "release": update.release,
        "running_version": update.running_version,
        "message": update.message,
        "reason": update.reason,
        "blockers": list(update.blockers),
        "consent": update.consent,
        "components": {each.name: each.version or each.fault for each in update.components},
        "notice": {"zh": told["zh"], "en": told["en"]},
    }


def _iso_of_reading(reading: Reading) -> str:
    """The time of a reading."""
    try:
        return (_EPOCH + timedelta(microseconds=reading.time_ns // _NANOSECONDS_PER_MICROSECOND)).isoformat()
    except OverflowError:  # a recording may claim any, also one that no calendar has
        return ""


def _iso(utc_s: float) -> str:
    try:
        return (_EPOCH + timedelta(seconds=round(utc_s))).isoformat()
    except OverflowError:
        return ""
