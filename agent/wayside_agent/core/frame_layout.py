"""How a vendor wraps a V2X message in a datagram, as a list of fields, and what stands in one.

    layout = Layout(fields=(Magic(hex="fa55"), Length(size_bytes=2), ApplicationId(size_bytes=2), Payload()))
    frame = layout.parsed(datagram)          # LayoutError: not in this layout
    datagram = layout.built(b"...", application_id=111, time_ns=0)

A layout has one payload. A length that contradicts the datagram, a wrong magic, missing or trailing bytes make the
datagram malformed: UPER has no check of its own and decodes at wrong offsets, so only an exact frame is believed.

The security chip of a radio may say of each message whether its signature holds: fields `verified`, `signer` and
`certificate-days` carry that along.

Source: DSMP per YD/T 3708-2020 (protocol type 4, AID, 2-octet length); AID p-encoding in `application_id`.
No public text describes the framings of Chinese vendors, therefore they are configuration.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import msgspec

from wayside_agent.core.application_id import LayoutError, p_decoded, p_encoded
from wayside_agent.core.v2x import Verdict

Endian = Literal["big", "little"]
_HEX = r"^([0-9a-fA-F]{2}){1,64}$"
_NANOSECONDS: Mapping[str, int] = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_TIME_MAX_NS = 2**63 - 1


class Magic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="magic", tag_field="kind"):
    """Fixed bytes."""

    hex: Annotated[str, msgspec.Meta(pattern=_HEX, description="The bytes, two hexadecimal digits each.")]


class Length(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="length", tag_field="kind"):
    """A count of bytes."""

    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=8, description="Size of the field [byte].")] = 2
    endian: Annotated[Endian, msgspec.Meta(description="Byte order.")] = "big"
    counts: Annotated[
        Literal["payload", "rest", "frame"],
        msgspec.Meta(description="What it counts: the payload, everything behind this field, or the whole datagram."),
    ] = "payload"


class ApplicationId(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="application-id", tag_field="kind"
):
    """The AID (PSID) of the message."""

    encoding: Annotated[
        Literal["integer", "p"], msgspec.Meta(description="Plain integer, or p-encoding of IEEE 1609.3 (1 to 4 byte).")
    ] = "integer"
    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=8, description="Size of a plain integer [byte].")] = 2
    endian: Annotated[Endian, msgspec.Meta(description="Byte order of a plain integer.")] = "big"


class Timestamp(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="timestamp", tag_field="kind"
):
    """The sender's time since 1970-01-01 UTC."""

    unit: Annotated[Literal["s", "ms", "us", "ns"], msgspec.Meta(description="Unit of the count.")] = "ms"
    size_bytes: Annotated[int, msgspec.Meta(ge=4, le=8, description="Size of the field [byte].")] = 8
    endian: Annotated[Endian, msgspec.Meta(description="Byte order.")] = "big"


class Skip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="skip", tag_field="kind"):
    """Bytes that mean nothing to us; sent as zeros."""

    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=1024, description="How many [byte].")]


class Payload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="payload", tag_field="kind"):
    """The UPER MessageFrame."""


class Verified(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="verified", tag_field="kind"):
    """One byte: whether the radio's chip found the signature good. What is sent never says so."""

    good: Annotated[int, msgspec.Meta(ge=0, le=255, description="Value that says it is good.")] = 1
    bad: Annotated[
        int, msgspec.Meta(ge=0, le=255, description="Value that says it is not; any other: nobody has looked.")
    ] = 0


class Signer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="signer", tag_field="kind"):
    """HashedId8 of the certificate a message is signed with, 8 bytes; zeros: none."""


class CertificateDays(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="certificate-days", tag_field="kind"
):
    """Days until that certificate ends; all bits set: not known."""

    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=4, description="Size of the field [byte].")] = 2
    endian: Annotated[Endian, msgspec.Meta(description="Byte order.")] = "big"


Field = Magic | Length | ApplicationId | Timestamp | Skip | Payload | Verified | Signer | CertificateDays
_SIGNER_BYTES = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """What a datagram holds."""

    payload: bytes
    application_id: int | None = None
    time_ns: int | None = None
    """The sender's time, UTC nanoseconds since 1970; `None`: not in the layout, or 0."""
    verdict: Verdict | None = None
    """Of the radio's chip; `None`: the layout has no such field."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Fields in their order.

    Raises: LayoutError: not exactly one payload, a p-encoded AID behind it (its size is not known from the end), or a
        verdict that is the same good and bad.
    """

    fields: Sequence[Field]
    max_bytes: int | None = None
    """Longest datagram; `None`: the network says."""

    def __post_init__(self) -> None:
        payloads = [index for index, each in enumerate(self.fields) if isinstance(each, Payload)]
        if len(payloads) != 1:
            raise LayoutError(f"a frame layout needs exactly one payload field, this one has {len(payloads)}")
        if any(isinstance(each, ApplicationId) and each.encoding == "p" for each in self.fields[payloads[0] :]):
            raise LayoutError("a p-encoded application id cannot stand behind the payload; put it in front")
        if any(isinstance(each, Verified) and each.good == each.bad for each in self.fields):
            raise LayoutError("`good` and `bad` of a verified field are the same value; a verdict needs two")

    @property
    def is_bare(self) -> bool:
        """Whether a datagram is the payload and nothing else."""
        return len(self.fields) == 1

    def parsed(self, datagram: bytes) -> Frame:
        """What stands in a datagram.

        Raises: LayoutError: it is not in this layout.
        """
        self._check_size(len(datagram))
        reader = _Reader(datagram, payload_end=len(datagram) - self._trailer_size())
        for each in self.fields:
            _READERS[type(each)](reader, each)
        return reader.frame()

    def built(self, payload: bytes, *, application_id: int | None, time_ns: int) -> bytes:
        """A datagram in this layout.

        Raises: LayoutError: the application id is missing, a number does not fit its field, or all of it is too long.
        """
        if self.is_bare:
            self._check_size(len(payload))
            return payload
        parts = [self._part(each, payload, application_id, time_ns) for each in self.fields]
        ends = [sum(len(part) for part in parts[: index + 1]) for index in range(len(parts))]
        for index, each in enumerate(self.fields):
            if isinstance(each, Length):
                counted = {"payload": len(payload), "rest": ends[-1] - ends[index], "frame": ends[-1]}[each.counts]
                parts[index] = _integer(counted, each.size_bytes, each.endian, "the length")
        datagram = b"".join(parts)
        self._check_size(len(datagram))
        return datagram

    def _check_size(self, size_bytes: int) -> None:
        if self.max_bytes is not None and size_bytes > self.max_bytes:
            raise LayoutError(f"the datagram of {size_bytes} byte is longer than the {self.max_bytes} of the layout")

    def _trailer_size(self) -> int:
        """Bytes behind the payload."""
        sizes = [0]
        for each in reversed(self.fields):
            if isinstance(each, Payload):
                break
            sizes.append(_size_bytes(each))
        return sum(sizes)

    @staticmethod
    def _part(each: Field, payload: bytes, application_id: int | None, time_ns: int) -> bytes:
        match each:
            case Magic():
                return bytes.fromhex(each.hex)
            case ApplicationId():
                if application_id is None:
                    raise LayoutError("the frame layout has an application id, and the message has none")
                if each.encoding == "p":
                    return p_encoded(application_id)
                return _integer(application_id, each.size_bytes, each.endian, "the application id")
            case Timestamp():
                return _integer(time_ns // _NANOSECONDS[each.unit], each.size_bytes, each.endian, "the time")
            case Payload():
                return payload
            case Length() | Skip() | Verified() | Signer() | CertificateDays():
                return _blank(each)


@dataclass(slots=True)
class _Reader:
    """Walks through one datagram."""

    datagram: bytes
    payload_end: int
    offset: int = 0
    payload: bytes = b""
    payload_size: int | None = None
    application_id: int | None = None
    time_ns: int | None = None
    verdict: Verdict | None = None

    def take(self, size_bytes: int) -> bytes:
        if self.offset + size_bytes > len(self.datagram):
            raise LayoutError(f"the datagram of {len(self.datagram)} byte ends inside a field")
        self.offset += size_bytes
        return self.datagram[self.offset - size_bytes : self.offset]

    def magic(self, each: Magic) -> None:
        expected = bytes.fromhex(each.hex)
        if self.take(len(expected)) != expected:
            raise LayoutError(f"byte {self.offset - len(expected)} is not the start of the magic {each.hex}")

    def length(self, each: Length) -> None:
        value = int.from_bytes(self.take(each.size_bytes), each.endian)
        if each.counts == "payload":
            self.payload_size = value
            return
        present = len(self.datagram) - (self.offset if each.counts == "rest" else 0)
        if value != present:
            raise LayoutError(f"the length says {value} byte and there are {present}")

    def application(self, each: ApplicationId) -> None:
        if each.encoding == "integer":
            self.application_id = int.from_bytes(self.take(each.size_bytes), each.endian)
            return
        self.application_id, size_bytes = p_decoded(self.datagram[self.offset : self.offset + 4])
        self.take(size_bytes)

    def timestamp(self, each: Timestamp) -> None:
        time_ns = int.from_bytes(self.take(each.size_bytes), each.endian) * _NANOSECONDS[each.unit]
        self.time_ns = time_ns if 0 < time_ns <= _TIME_MAX_NS else None

    def skip(self, each: Skip) -> None:
        self.take(each.size_bytes)

    def verified(self, each: Verified) -> None:
        [value] = self.take(1)
        self._say(verified=value == each.good if value in {each.good, each.bad} else None)

    def signer(self, _: Signer) -> None:
        digest = self.take(_SIGNER_BYTES)
        self._say(signer_digest=digest if any(digest) else None)

    def certificate_days(self, each: CertificateDays) -> None:
        value = self.take(each.size_bytes)
        is_known = value != b"\xff" * each.size_bytes
        self._say(certificate_days=float(int.from_bytes(value, each.endian)) if is_known else None)

    def _say(self, **said: Any) -> None:  # noqa: ANN401  # members of a Verdict
        self.verdict = replace(self.verdict or Verdict(), **said)

    def message(self, _: Payload) -> None:
        if self.payload_end <= self.offset:
            raise LayoutError("the datagram has no payload")
        self.payload = self.take(self.payload_end - self.offset)

    def frame(self) -> Frame:
        if self.payload_size not in {None, len(self.payload)}:
            raise LayoutError(f"the length says {self.payload_size} byte and the payload has {len(self.payload)}")
        return Frame(self.payload, self.application_id, self.time_ns, self.verdict)


_READERS: Mapping[type, Callable[..., None]] = {
    Magic: _Reader.magic,
    Length: _Reader.length,
    ApplicationId: _Reader.application,
    Timestamp: _Reader.timestamp,
    Skip: _Reader.skip,
    Payload: _Reader.message,
    Verified: _Reader.verified,
    Signer: _Reader.signer,
    CertificateDays: _Reader.certificate_days,
}


def _size_bytes(each: Field) -> int:
    """Of a field whose size is known from the layout; 0 for the payload and what is p-encoded."""
    match each:
        case Magic():
            return len(each.hex) // 2
        case Verified():
            return 1
        case Signer():
            return _SIGNER_BYTES
        case Payload():
            return 0
        case _:
            return each.size_bytes


def _blank(each: Field) -> bytes:
    """What stands in a field that is not ours to fill: zeros, unless that would say that a signature is good."""
    return bytes([each.bad]) if isinstance(each, Verified) and each.good == 0 else bytes(_size_bytes(each))


def _integer(value: int, size_bytes: int, endian: Endian, name: str) -> bytes:
    try:
        return value.to_bytes(size_bytes, endian)
    except OverflowError as exc:
        raise LayoutError(f"{name} {value} does not fit {size_bytes} byte") from exc


RAW = Layout(fields=(Payload(),))
"""The datagram is the message."""
DSM_MAX_BYTES = 1400
DSMP = Layout(
    fields=(Magic(hex="0400"), ApplicationId(encoding="p"), Length(size_bytes=2, counts="payload"), Payload()),
    max_bytes=DSM_MAX_BYTES,
)
"""Adaptation layer type 4, DSMP version 0 without extensions; DsmMaxLength of YD/T 3708-2020."""
LAYOUTS: Mapping[str, Layout] = {"raw": RAW, "dsmp": DSMP}
