"""What a warning is made of, and what it says in English and Chinese."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Kind(StrEnum):
    """Of a warning, the most urgent first: with the same severity it stands above those that follow."""

    FORWARD_COLLISION = "forward-collision"
    INTERSECTION_COLLISION = "intersection-collision"
    EMERGENCY_BRAKE = "emergency-brake"
    WRONG_WAY = "wrong-way"
    RED_LIGHT = "red-light"
    HAZARD = "hazard"
    SPEED_LIMIT = "speed-limit"
    SIGN = "sign"
    GREEN_WAVE = "green-wave"


class Severity(IntEnum):
    """How bad it is."""

    ADVICE = 1
    """To be known."""
    WARNING = 2
    """The driver must look."""
    CRITICAL = 3
    """The driver must act now."""


class Action(StrEnum):
    """What becomes of a warning."""

    BEGIN = "begin"
    UPDATE = "update"
    END = "end"


TEXTS = {
    Kind.FORWARD_COLLISION: ("Collision ahead: brake", "前方碰撞危险 请制动"),
    Kind.INTERSECTION_COLLISION: ("Crossing traffic: collision danger", "路口碰撞危险 注意侧方来车"),
    Kind.EMERGENCY_BRAKE: ("Vehicle ahead brakes hard", "前车紧急制动"),
    Kind.WRONG_WAY: ("Wrong way", "逆向行驶"),
    Kind.RED_LIGHT: ("Red light: stop", "前方红灯 请停车"),
    Kind.HAZARD: ("Danger ahead", "前方危险 请减速"),
    Kind.SPEED_LIMIT: ("Too fast", "您已超速"),
    Kind.SIGN: ("Traffic sign", "交通标志提示"),
    Kind.GREEN_WAVE: ("Speed for green", "绿波车速引导"),
}


@dataclass(frozen=True, slots=True)
class Heard:
    """When a message came."""

    mono_s: float
    """By a clock that only goes forward."""
    time_ns: int
    """UTC nanoseconds since 1970, as the radio says."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says now."""

    kind: Kind
    severity: Severity
    heard: Heard
    """The newest message it rests on."""
    begins: bool = True
    """False: it is only enough to go on with a warning that holds."""
    distance_m: float | None = None
    time_s: float | None = None
    """Until it happens, if nobody acts."""
    advice_mps: tuple[float, float] | None = None
    """Slowest and fastest speed."""
    limit_mps: float | None = None
    code: int | None = None
    """EventType (GB/T 29100) or SignType (GB 5768.2) of RSI."""
    description: str = ""
    """Words of the sender."""


@dataclass(frozen=True, slots=True)
class Change:
    """A warning begins, goes on, or ends."""

    action: Action
    finding: Finding


def urgency(finding: Finding) -> tuple[int, int]:
    """Sorts the most urgent first: by severity, then by kind."""
    return -finding.severity, list(Kind).index(finding.kind)
