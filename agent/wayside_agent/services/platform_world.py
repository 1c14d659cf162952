"""What the bridge to one platform is told, asks of the unit, and may be asked to change. Joined by `air.platform`."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum

from wayside.v2x.peek import MessageKind
from wayside.v2x.profile import Profile
from wayside_agent.core.backoff import Rng
from wayside_agent.core.heard.sampler import Rule, Sampler
from wayside_agent.core.platform.codec import Codec
from wayside_agent.core.platform.policy import Right
from wayside_agent.core.platform.topics import Names, Topics
from wayside_agent.ports.devices import HostReading
from wayside_agent.ports.platform import Broadcaster, LogLines, PlatformWire


class Origin(StrEnum):
    """Whose messages go up."""

    HEARD = "heard"
    OWN = "own"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the settings say."""

    label: str
    """Name of the platform in the settings."""
    names: Names
    rsu_name: str
    hardware: str
    """Empty: not told."""
    topics: Topics
    codec: Codec
    profile: Profile
    allowed: frozenset[Right]
    rules: Mapping[MessageKind, Rule]
    """Of kinds that go up; others do not."""
    origins: Mapping[MessageKind, Origin]
    heartbeat_s: float
    ttl_s: float
    """After this silence the platform takes the unit for dead [s]."""
    running_s: float
    """Between two RunningInfo [s]; 0: none."""
    ack_timeout_s: float


@dataclass(frozen=True, slots=True)
class World:
    """What the unit is and does."""

    connect: Callable[[], AbstractAsyncContextManager[PlatformWire]]
    host: Callable[[], HostReading]
    place_deg: Callable[[], tuple[float, float] | None]
    """Latitude and longitude."""
    is_radio_open: Callable[[], bool]
    update: Callable[[], tuple[str, str]]
    """What runs, and the phase of the update."""
    broadcaster: Broadcaster | None
    log: LogLines | None
    """`None`: this platform may not have it."""
    reboot: Callable[[str], Awaitable[None]]
    """Has the computer restarted by a job of this name, which runs once; raises WaysideError."""
    tell: Callable[[str, str], Awaitable[bool]]
    """Tells the manager that a job of this name was wanted and not done, and why; durable if true."""
    utc_s: Callable[[], float | None]
    mono_s: Callable[[], float]
    rng: Rng


@dataclass(slots=True)
class Manner:
    """What a platform may change, if it may; gone with the next start of the agent."""

    heartbeat_s: float
    running_s: float
    log_level: int | None = None
    """As of `logging`; `None`: no lines go up."""
    samplers: dict[MessageKind, Sampler] = field(default_factory=dict)


@dataclass(slots=True)
class Counts:
    """Since the start of the agent."""

    sent: int = 0
    """Publications that the broker holds."""
    commands: int = 0
    """That were for this unit and could be read."""
    refused: int = 0
    """Of these, not done."""
    repeated: int = 0
    """Of these, answered again and not done again."""
    foreign: int = 0
    """Publications for another unit, or by a topic of nobody."""
    malformed: int = 0
    flooded: int = 0
    """Passed over because more came in a second than is looked at."""
    rejected: int = 0
    """Messages of ours that the platform acknowledged with an error."""
    dropped: int = 0
    """V2X messages that found no room."""
