"""What jobs ask for, in the unit's own terms: checked values, defaults filled in.

`checked(…)` of `services/job_asks.py` makes one of these from a `JobSpec`; a worker gets nothing else from outside.
"""

from dataclasses import dataclass

MAX_PUSH_BYTES = 1024 * 1024
MAX_PATH_CHARS = 4096


@dataclass(frozen=True, slots=True)
class Reboot:
    """Restart the computer."""


@dataclass(frozen=True, slots=True)
class RestartService:
    """Restart a service that the settings name; empty: the agent itself."""

    service: str


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Try everything once."""


@dataclass(frozen=True, slots=True)
class DebugBundle:
    """Pack what explains the unit."""

    log_age_s: float


@dataclass(frozen=True, slots=True)
class PacketCapture:
    """Record packets."""

    interface: str
    duration_s: float
    snap_bytes: int
    max_packets: int
    port: int
    """0: all."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Run what the settings name."""

    diagnostic: str


@dataclass(frozen=True, slots=True)
class LogLevel:
    """Log more, or less, for a while."""

    level: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class NetworkProbe:
    """Reach for a host; empty: the manager."""

    host: str
    is_trace: bool
    count: int


@dataclass(frozen=True, slots=True)
class FilePull:
    """Fetch a file."""

    path: str


@dataclass(frozen=True, slots=True)
class FilePush:
    """Put a file."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class GnssSnapshot:
    """What the receiver says."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class CanSnapshot:
    """What a bus carries; empty: every bus."""

    bus: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class Shell:
    """An interactive shell."""

    duration_s: float


Work = (
    Reboot
    | RestartService
    | SelfTest
    | DebugBundle
    | PacketCapture
    | Diagnostic
    | LogLevel
    | NetworkProbe
    | FilePull
    | FilePush
    | GnssSnapshot
    | CanSnapshot
    | Shell
)
