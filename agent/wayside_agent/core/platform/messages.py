"""Messages of T/ITS 0117 as JSON has them; field names are the standard's. What is not known is left out.

Lengths and numbers of what comes from a platform are bounded here; fields that are not named are passed over.
Source: T/ITS 0117-2021 (draft text); a unit's temperature and the size of its disk are ours.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

PROTOCOL_VERSION = "T/ITS 0117-2021"
UNKNOWN_LONGITUDE_DEG, UNKNOWN_LATITUDE_DEG = 180.0000001, 90.0000001
"""The standard's values for a place that is not known."""
MAX_FRAMES = 64
"""V2X messages in one message of a platform."""

_Name = Annotated[str, Meta(max_length=64)]
SequenceNumber = Annotated[int, Meta(ge=0, le=2**63 - 1)] | Annotated[str, Meta(max_length=20)]
"""Platforms write it as a number or as text; it is given back as it came."""
_Rate = Annotated[int, Meta(ge=0, le=86_400)]
_Hex = Annotated[str, Meta(max_length=131_072)]


class Head(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every message has."""

    rsuId: _Name | None = None  # noqa: N815
    rsuEsn: _Name | None = None  # noqa: N815
    protocolVersion: _Name | None = None  # noqa: N815
    timestamp: Annotated[str, Meta(max_length=40)] | int | float | None = None
    """UTC milliseconds since 1970, when it is ours."""
    ack: bool | Literal[0, 1] | None = None
    """Whether it wants to be acknowledged."""
    seqNum: SequenceNumber | None = None  # noqa: N815


class Ack(Head, frozen=True, kw_only=True, omit_defaults=True):
    """Acknowledgement, appendix A."""

    errorCode: Annotated[int, Meta(ge=-(2**31), le=2**31)]  # noqa: N815
    errorDesc: Annotated[str, Meta(max_length=1000)] = ""  # noqa: N815


class SamplingAsked(Struct, frozen=True):
    """bsmConfig, rsmConfig or spatConfig."""

    sampleMode: Literal["ByAll", "ByID"] | None = None  # noqa: N815
    sampleRate: Annotated[int, Meta(ge=0, le=10_000)] | None = None  # noqa: N815
    upLimit: Annotated[int, Meta(ge=-1, le=10_000)] | None = None  # noqa: N815
    """A second; -1: unlimited, 0: none."""
    upFilters: list[Any] | None = None  # noqa: N815


class Config(Head, frozen=True, kw_only=True, omit_defaults=True):
    """CONFIG.DOWN."""

    bsmConfig: SamplingAsked | None = None  # noqa: N815
    rsmConfig: SamplingAsked | None = None  # noqa: N815
    spatConfig: SamplingAsked | None = None  # noqa: N815
    mapConfig: Any = None  # noqa: N815
    rsiConfig: Any = None  # noqa: N815


class Management(Head, frozen=True, kw_only=True, omit_defaults=True):
    """MNG.DOWN."""

    hbRate: _Rate | None = None  # noqa: N815
    """Between two heartbeats [s]."""
    runningInfoRate: _Rate | None = None  # noqa: N815
    """Between two RunningInfo [s]; 0: none."""
    logLevel: Literal["DEBUG", "INFO", "WARN", "ERROR", "NOLog"] | None = None  # noqa: N815
    reboot: bool | Literal[0, 1] | None = None
    addressChg: Any = None  # noqa: N815
    extendConfig: Any = None  # noqa: N815


class Query(Head, frozen=True, kw_only=True, omit_defaults=True):
    """INFOQuery."""

    infoId: SequenceNumber | None = None  # noqa: N815
    interval: _Rate | None = None


class FrameDown(Struct, frozen=True):
    """One V2X message for the air: its bytes in hex, or the document of `wayside-agent v2x decode`."""

    payload: _Hex | None = None
    message: dict[str, Any] | None = None


class Frames(Head, frozen=True, kw_only=True, omit_defaults=True):
    """MAP.DOWN, RSI.DOWN, RSM.DOWN, SPAT.DOWN."""

    messages: Annotated[list[FrameDown], Meta(min_length=1, max_length=MAX_FRAMES)]


class FrameUp(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One V2X message as it was on the air."""

    profile: str
    time: int
    """UTC milliseconds since 1970."""
    payload: str
    doubt: str | None = None
    message: dict[str, Any] | None = None
    error: str | None = None
    """Why there is no `message`."""


class FramesUp(Head, frozen=True, kw_only=True, omit_defaults=True):
    """BSM.UP, MAP.UP, RSM.UP, RSI.UP, SPAT.UP."""

    messages: list[FrameUp]


class Location(Struct, frozen=True):
    """WGS 84 [°]."""

    lon: float = UNKNOWN_LONGITUDE_DEG
    lat: float = UNKNOWN_LATITUDE_DEG


class SamplingUsed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one kind is sampled."""

    sampleMode: str  # noqa: N815
    sampleRate: int  # noqa: N815
    """Every n-th; 0: none."""
    upLimit: int  # noqa: N815
    """A second; -1: unlimited, 0: none."""


class Information(Head, frozen=True, kw_only=True, omit_defaults=True):
    """INFO.UP."""

    rsuName: str  # noqa: N815
    version: str
    rsuStatus: int  # noqa: N815
    """0: works; 1: its radio does not, or it has none."""
    location: Location
    config: dict[str, SamplingUsed]


class BaseInformation(Head, frozen=True, kw_only=True, omit_defaults=True):
    """BaseINFO.UP."""

    rsuStatus: int  # noqa: N815
    location: Location
    transprotocal: str
    SoftwareVersion: str
    hardwareVersion: str | None = None  # noqa: N815


class Heartbeat(Head, frozen=True, kw_only=True, omit_defaults=True):
    """HB.UP."""


class Cpu(Struct, frozen=True, omit_defaults=True):
    """Processor."""

    uti: float | None = None
    """Of all cores [%]."""


class Memory(Struct, frozen=True, omit_defaults=True):
    """Main memory [byte]."""

    total: int | None = None
    used: int | None = None


class Disk(Struct, frozen=True, omit_defaults=True):
    """Where the unit keeps its state [byte]."""

    total: int | None = None
    free: int | None = None


class Running(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The unit's computer."""

    cpu: Cpu
    mem: Memory
    disk: Disk
    temperature: float | None = None
    """[°C]."""
    uptime: float | None = None
    """[s]."""


class RunningInformation(Head, frozen=True, kw_only=True, omit_defaults=True):
    """RunningInfo.UP."""

    runningInfo: Running  # noqa: N815


class Log(Head, frozen=True, kw_only=True, omit_defaults=True):
    """Log.UP."""

    logLevel: str  # noqa: N815
    logs: list[str]
    """Oldest first."""


class UpdateState(Head, frozen=True, kw_only=True, omit_defaults=True):
    """OTA.UP: what runs, and what the manager's update is at."""

    SoftwareVersion: str
    phase: str


class QueryResponse(Head, frozen=True, kw_only=True, omit_defaults=True):
    """INFOQuery.Response."""

    infoId: SequenceNumber | None = None  # noqa: N815
    errorCode: int  # noqa: N815
    errorDesc: str  # noqa: N815
    info: Information | None = None
    runningInfo: Running | None = None  # noqa: N815
