"""Messages to and from a platform as `PlatformMessage` of proto/wayside/v1/platform.proto: `core.platform.codec.Codec`.

Usage: `ProtobufCodec(Profile.P20)`. V2X messages travel as they are; documents that travel seldom are JSON within.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import DecodeError

from wayside.v1 import platform_pb2 as wire
from wayside.v2x.profile import Profile
from wayside_agent.core.platform.answer import CommandError, Reason
from wayside_agent.core.platform.codec import KINDS, FrameOut, JsonCodec, check_size
from wayside_agent.core.platform.messages import MAX_FRAMES, Ack, Frames, Head
from wayside_agent.core.platform.subject import Subject

T = TypeVar("T", bound=Head)

_NANOSECONDS_PER_MILLISECOND = 1_000_000


class ProtobufCodec:
    """One profile."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._json = JsonCodec(profile)

    def document(self, subject: Subject, document: Head) -> bytes:
        """See `core.platform.codec.Codec`."""
        message = _begun(document)
        if isinstance(document, Ack):
            message.ack.error_code, message.ack.error_description = document.errorCode, document.errorDesc
        else:
            message.document = self._json.document(subject, document)
        return message.SerializeToString()

    def frames(self, subject: Subject, head: Head, frames: Sequence[FrameOut]) -> list[bytes]:  # noqa: ARG002
        """See `core.platform.codec.Codec`."""
        message = _begun(head)
        message.frames.profile = self._profile.value
        for each in frames:
            time_ms = each.message.time_ns // _NANOSECONDS_PER_MILLISECOND
            message.frames.frames.add(payload=each.message.payload, time_ms=time_ms)
        return [message.SerializeToString()]

    def carries_sequence(self, subject: Subject) -> bool:  # noqa: ARG002
        """See `core.platform.codec.Codec`."""
        return True

    def read(self, subject: Subject, payload: bytes) -> Head:
        """See `core.platform.codec.Codec`."""
        check_size(payload)
        try:
            message = wire.PlatformMessage.FromString(payload)
        except DecodeError as error:
            raise CommandError(Reason.MALFORMED, f"{subject}: no PlatformMessage ({error})") from None
        kind = KINDS[subject]
        if kind is Ack and message.HasField("ack"):
            said = message.ack
            return _checked({"errorCode": said.error_code, "errorDesc": said.error_description}, message, Ack)
        if kind is Frames and message.HasField("frames"):
            return self._frames(subject, message)
        if message.HasField("document"):
            return self._json.read(subject, message.document)
        raise CommandError(Reason.MALFORMED, f"{subject}: holds nothing that is its own")

    def _frames(self, subject: Subject, message: wire.PlatformMessage) -> Frames:
        found = message.frames
        if found.profile != self._profile.value:
            said = f"{subject}: profile {found.profile[:10]!r}; this unit speaks {self._profile.value}"
            raise CommandError(Reason.MALFORMED, said)
        if not 0 < len(found.frames) <= MAX_FRAMES:
            raise CommandError(Reason.MALFORMED, f"{subject}: {len(found.frames)} messages are not 1 to {MAX_FRAMES}")
        return _checked({"messages": [{"payload": each.payload.hex()} for each in found.frames]}, message, Frames)


def _checked(body: dict[str, object], message: wire.PlatformMessage, kind: type[T]) -> T:
    """With the bounds of `core.platform.messages`."""
    try:
        return msgspec.convert({**_head(message), **body}, kind)
    except msgspec.ValidationError as error:
        raise CommandError(Reason.MALFORMED, f"PlatformMessage: {error}") from None


def _begun(head: Head) -> wire.PlatformMessage:
    number, time_ms = str(head.seqNum or 0), head.timestamp
    return wire.PlatformMessage(
        rsu_id=head.rsuId or "",
        rsu_esn=head.rsuEsn or "",
        time_ms=time_ms if isinstance(time_ms, int) else 0,
        sequence=int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0,  # noqa: PLR2004
        wants_ack=bool(head.ack),
    )


def _head(message: wire.PlatformMessage) -> dict[str, Any]:
    return {
        "rsuId": message.rsu_id or None,
        "rsuEsn": message.rsu_esn or None,
        "timestamp": message.time_ms or None,
        "seqNum": message.sequence or None,
        "ack": message.wants_ack or None,
    }
