"""Recordings of V2X messages: our own lines of JSON, and the hex file of a Chinese roadside unit.

Ours, one message per line: `{"time_ns": 1700000000000000000, "application_id": 111, "payload": "0004…"}`.

The Chinese file has a title, a full-width colon and a packet in hex per line, and decoded text in between. A packet is
8 byte RSU id, 8 byte UTC milliseconds (little endian), for BSM a count of 1 byte, then each message with its length
(2 byte, little endian). The title says whether the count is there: at a wrong offset UPER decodes all the same.

Source: data platform interface of a city's RSUs of 2020, checked on the public file.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import msgspec

from wayside.v2x.peek import MessageKind, message_kind
from wayside_agent.core.v2x import ReceivedMessage, Verdict

_TITLED_HEX = re.compile(r"\s*([A-Z]{3,4})[^:\uff1a]{0,40}[:\uff1a]\s*([0-9a-fA-F]{32,})\s*\Z")
_HEADER_SIZE_BYTES = 16
_NANOSECONDS_PER_MILLISECOND = 1_000_000
_TIME_MAX_MS = (2**63 - 1) // _NANOSECONDS_PER_MILLISECOND


class RecordError(ValueError):
    """A line or packet of a recording holds no message."""


class VerdictLine(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A `Verdict`, for JSON."""

    verified: bool | None = None
    signer: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{16})?$")] = ""
    """HashedId8, hex."""
    certificate_days: float | None = None
    checked_by: Literal["radio", "agent"] = "radio"

    @classmethod
    def of(cls, verdict: Verdict) -> Self:
        """The same, to be written."""
        signer = (verdict.signer_digest or b"").hex()
        return cls(verdict.verified, signer, verdict.certificate_days, verdict.checked_by)

    def verdict(self) -> Verdict:
        """The same, as it was."""
        return Verdict(self.verified, bytes.fromhex(self.signer) or None, self.certificate_days, self.checked_by)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of a Chinese RSU."""

    rsu_id: bytes
    time_ms: int
    """UTC milliseconds since 1970."""
    messages: tuple[bytes, ...]


class _Line(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    time_ns: int
    payload: str
    application_id: int | None = None
    verdict: VerdictLine | None = None


def packet(data: bytes, *, has_count: bool) -> Packet:
    """The messages of a packet.

    Raises: RecordError: it ends inside a message, or goes on behind the last one.
    """
    if len(data) < _HEADER_SIZE_BYTES + has_count:
        raise RecordError(f"the packet of {len(data)} byte is shorter than its header")
    time_ms = int.from_bytes(data[8:16], "little")
    if time_ms > _TIME_MAX_MS:
        raise RecordError(f"the packet's time {time_ms} ms is nonsense")
    count = data[_HEADER_SIZE_BYTES] if has_count else 1
    rest = data[_HEADER_SIZE_BYTES + has_count :]
    messages = []
    for _ in range(count):
        size_bytes = int.from_bytes(rest[:2], "little")
        if size_bytes == 0 or len(rest) < 2 + size_bytes:
            raise RecordError("the packet ends inside a message")
        messages.append(rest[2 : 2 + size_bytes])
        rest = rest[2 + size_bytes :]
    if rest:
        raise RecordError(f"{len(rest)} byte follow the last message of the packet")
    return Packet(rsu_id=data[:8], time_ms=time_ms, messages=tuple(messages))


def titled_messages(line: str) -> list[ReceivedMessage] | None:
    """The messages of a line of the Chinese file; `None` if it is text.

    Raises: RecordError: the packet is broken, or a message is not of the kind the title says.
    """
    match = _TITLED_HEX.match(line)
    if match is None:
        return None
    title, text = match[1], match[2]
    if title not in MessageKind.__members__ or len(text) % 2:
        raise RecordError(f"the packet titled {title} is no whole number of bytes of a known kind")
    kind = MessageKind(title)
    found = packet(bytes.fromhex(text), has_count=kind is MessageKind.BSM)
    if any(message_kind(message) is not kind for message in found.messages):
        raise RecordError(f"the packet titled {title} holds another kind of message")
    time_ns = found.time_ms * _NANOSECONDS_PER_MILLISECOND
    return [ReceivedMessage(payload=message, kind=kind, time_ns=time_ns) for message in found.messages]


def recorded_message(line: str) -> ReceivedMessage:
    """The message of one of our lines.

    Raises: RecordError: it is none.
    """
    try:
        record = msgspec.json.decode(line, type=_Line)
        payload = bytes.fromhex(record.payload)
    except ValueError as exc:  # msgspec's errors are ValueErrors
        raise RecordError(f"the line is no record of a message: {exc}") from exc
    kind = message_kind(payload)
    if kind is None or not 0 <= record.time_ns < 2**63:
        raise RecordError("the line holds no message of a known kind, or no time")
    verdict = None if record.verdict is None else record.verdict.verdict()
    return ReceivedMessage(payload, kind, record.time_ns, record.application_id, verdict)


def record(message: ReceivedMessage) -> str:
    """The line of a message, without a line end."""
    verdict = None if message.verdict is None else VerdictLine.of(message.verdict)
    line = _Line(message.time_ns, message.payload.hex(), message.application_id, verdict)
    return msgspec.json.encode(line).decode("ascii")


def messages(lines: Iterable[str]) -> Iterator[ReceivedMessage | RecordError]:
    """Every message of a recording of either format, and an error for every record that holds none."""
    for line in lines:
        if not line.strip():
            continue
        try:
            if line.startswith("{"):
                yield recorded_message(line)
            else:
                yield from titled_messages(line) or ()
        except RecordError as exc:
            yield exc
