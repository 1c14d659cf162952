"""What the unit says of itself to a platform, as documents of `core.platform.messages`.

Usage: `words.information()`; each has the next sequence number where it is acknowledged.
"""

from typing import Any

from wayside_agent.core.platform.answer import Answer
from wayside_agent.core.platform.messages import (
    PROTOCOL_VERSION,
    Ack,
    BaseInformation,
    Cpu,
    Disk,
    Head,
    Heartbeat,
    Information,
    Location,
    Log,
    Memory,
    Query,
    QueryResponse,
    Running,
    RunningInformation,
    SamplingUsed,
    UpdateState,
)
from wayside_agent.services.platform_world import Manner, Plan, World

MAX_SEQUENCE = 2**31 - 1
_FIRST_SEQUENCES = 1_000_000
_STANDS_DEG = 0.0005
"""A roadside unit that seems to have moved by less has not: 50 m."""
_PERCENT = 100.0
_WORKS, _HAS_NO_RADIO = 0, 1


class Words:
    """Of one unit to one platform."""

    def __init__(self, plan: Plan, world: World, manner: Manner) -> None:
        self._plan = plan
        self._world = world
        self._manner = manner
        self._sequence = int(world.rng.random() * _FIRST_SEQUENCES)  # a unit that starts again does not repeat itself
        self._place: tuple[float, float] | None = None

    def next_sequence(self) -> int:
        """1 to `MAX_SEQUENCE`, then 1 again."""
        self._sequence = self._sequence % MAX_SEQUENCE + 1
        return self._sequence

    def head(self, *, sequence: int | None = None) -> Head:
        """Of V2X messages; with a sequence it wants to be acknowledged."""
        return Head(**self._head(sequence))

    def information(self, *, sequence: int | None = None) -> Information:
        """INFO.UP."""
        return Information(
            **self._head(sequence),
            rsuName=self._plan.rsu_name,
            version=self._world.update()[0],
            rsuStatus=self._status(),
            location=self._location(),
            config=self._sampling(),
        )

    def base_information(self) -> BaseInformation:
        """BaseINFO.UP."""
        return BaseInformation(
            **self._head(),
            rsuStatus=self._status(),
            location=self._location(),
            transprotocal="MQTT",
            SoftwareVersion=self._world.update()[0],
            hardwareVersion=self._plan.hardware or None,
        )

    def heartbeat(self) -> Heartbeat:
        """HB.UP."""
        return Heartbeat(**self._head())

    def running_information(self) -> RunningInformation:
        """RunningInfo.UP."""
        return RunningInformation(**self._head(), runningInfo=self._running())

    def log(self, level: str, lines: list[str]) -> Log:
        """Log.UP."""
        return Log(**self._head(), logLevel=level, logs=lines)

    def update_state(self, *, sequence: int | None = None) -> UpdateState:
        """OTA.UP."""
        version, phase = self._world.update()
        return UpdateState(**self._head(sequence), SoftwareVersion=version, phase=phase)

    def ack(self, command: Head | None, answer: Answer) -> Ack:
        """What became of a command; `None`: one that could not be read."""
        head = self._head()
        head["seqNum"] = None if command is None else command.seqNum
        return Ack(**head, errorCode=answer.code, errorDesc=answer.description)

    def response(self, query: Query | None, answer: Answer) -> QueryResponse:
        """INFOQuery.Response; with nothing in it, if the query was refused."""
        head = self._head()
        if query is not None:
            head["seqNum"] = query.seqNum
        is_done = answer.code == 0
        return QueryResponse(
            **head,
            infoId=None if query is None else query.infoId,
            errorCode=answer.code,
            errorDesc=answer.description,
            info=self.information() if is_done else None,
            runningInfo=self._running() if is_done else None,
        )

    def _head(self, sequence: int | None = None) -> dict[str, Any]:
        utc_s = self._world.utc_s()
        head: dict[str, Any] = {
            "rsuId": self._plan.names.rsu_id,
            "rsuEsn": self._plan.names.esn,
            "protocolVersion": PROTOCOL_VERSION,
        }
        if utc_s is not None:
            head["timestamp"] = round(utc_s * 1000)
        if sequence is not None:
            head |= {"seqNum": sequence, "ack": True}
        return head

    def _status(self) -> int:
        return _WORKS if self._world.is_radio_open() else _HAS_NO_RADIO

    def _location(self) -> Location:
        """Where the unit stands; receivers waver, and posts do not."""
        now, held = self._world.place_deg(), self._place
        if now is not None and (held is None or max(abs(now[0] - held[0]), abs(now[1] - held[1])) > _STANDS_DEG):
            self._place = held = (round(now[0], 7), round(now[1], 7))
        return Location() if held is None else Location(lon=held[1], lat=held[0])

    def _sampling(self) -> dict[str, SamplingUsed]:
        return {
            f"{kind.value.lower()}Config": SamplingUsed(
                sampleMode=sampler.rule.mode.value,
                sampleRate=sampler.rule.one_in,
                upLimit=-1 if sampler.rule.limit_per_s is None else sampler.rule.limit_per_s,
            )
            for kind, sampler in self._manner.samplers.items()
        }

    def _running(self) -> Running:
        host = self._world.host()
        return Running(
            cpu=Cpu(None if host.cpu_ratio is None else round(host.cpu_ratio * _PERCENT, 1)),
            mem=Memory(host.memory_total_bytes, host.memory_used_bytes),
            disk=Disk(host.disk_total_bytes, host.disk_free_bytes),
            temperature=host.temperature_celsius,
            uptime=None if host.uptime_s is None else round(host.uptime_s, 0),
        )
