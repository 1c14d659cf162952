"""How messages to and from a platform are written: JSON, or JSON with V2X messages in the framing of the field.

    codec = JsonCodec(Profile.P20)
    message = codec.read(Subject.MAP_DOWN, payload)      # Frames, or a CommandError with reason and sentence
    uper = on_air(message, MessageKind.MAP, Profile.P20)

Nothing longer than `MAX_DOWN_BYTES` is looked into. Framing of a packet: `core.radio_recording`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from wayside.v2x.codec import DecodeError, EncodeError, decode, encode
from wayside.v2x.peek import MessageKind, message_kind
from wayside.v2x.profile import Profile
from wayside.v2x.uper import MAX_MESSAGE_BYTES
from wayside_agent.core.heard.plausibility import Doubt
from wayside_agent.core.platform.answer import CommandError, Reason
from wayside_agent.core.platform.messages import (
    Ack,
    Config,
    Frames,
    FramesUp,
    FrameUp,
    Head,
    Management,
    Query,
)
from wayside_agent.core.platform.subject import ACKNOWLEDGED, UP_OF_KIND, Subject
from wayside_agent.core.v2x import ReceivedMessage

MAX_DOWN_BYTES = 256 * 1024
RSU_ID_BYTES = 8
"""Of the id in a binary packet."""
_MAX_PACKET_COUNT = 255
_NANOSECONDS_PER_MILLISECOND = 1_000_000
_FRAMES_UP = frozenset(UP_OF_KIND.values())

KINDS: Mapping[Subject, type[Head]] = {
    Subject.CONFIG_DOWN: Config,
    Subject.MAP_DOWN: Frames,
    Subject.RSM_DOWN: Frames,
    Subject.RSI_DOWN: Frames,
    Subject.SPAT_DOWN: Frames,
    Subject.OTA_DOWN: Head,
    Subject.MANAGEMENT_DOWN: Management,
    Subject.INFO_QUERY: Query,
    **{each.ack: Ack for each in ACKNOWLEDGED},
}
"""What comes down, by subject."""


@dataclass(frozen=True, slots=True)
class FrameOut:
    """One V2X message on its way up."""

    message: ReceivedMessage
    doubt: Doubt | None = None


class Codec(Protocol):
    """How one platform writes."""

    def document(self, subject: Subject, document: Head) -> bytes:
        """What is published."""

    def frames(self, subject: Subject, head: Head, frames: Sequence[FrameOut]) -> list[bytes]:
        """V2X messages of one kind, in as many publications as it takes."""

    def carries_sequence(self, subject: Subject) -> bool:
        """Whether what is written of it has its number, so that it can be acknowledged."""

    def read(self, subject: Subject, payload: bytes) -> Head:
        """What came down, of the type `KINDS` says.

        Raises: CommandError: MALFORMED, TOO_LARGE.
        """


class JsonCodec:
    """JSON for all."""

    def __init__(self, profile: Profile, *, is_decoded: bool = True) -> None:
        """`is_decoded`: V2X messages go up in words as well as in hex."""
        self._profile = profile
        self._is_decoded = is_decoded

    def document(self, subject: Subject, document: Head) -> bytes:  # noqa: ARG002
        """See `Codec`."""
        return msgspec.json.encode(document)

    def frames(self, subject: Subject, head: Head, frames: Sequence[FrameOut]) -> list[bytes]:  # noqa: ARG002
        """See `Codec`."""
        common = {name: getattr(head, name) for name in Head.__struct_fields__}
        return [msgspec.json.encode(FramesUp(**common, messages=[self._frame(each) for each in frames]))]

    def carries_sequence(self, subject: Subject) -> bool:  # noqa: ARG002
        """See `Codec`."""
        return True

    def read(self, subject: Subject, payload: bytes) -> Head:
        """See `Codec`."""
        check_size(payload)
        try:
            return msgspec.json.decode(payload, type=KINDS[subject])
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            raise CommandError(Reason.MALFORMED, f"{subject}: {error}") from None

    def _frame(self, each: FrameOut) -> FrameUp:
        words: dict[str, object] = {}
        if self._is_decoded:
            from wayside.v2x.readable import readable  # 1 MB that a unit without platforms does without

            try:
                words["message"] = readable(decode(each.message.payload, self._profile))
            except DecodeError as error:
                words["error"] = str(error)
        return FrameUp(
            profile=self._profile.value,
            time=each.message.time_ns // _NANOSECONDS_PER_MILLISECOND,
            payload=each.message.payload.hex(),
            doubt=None if each.doubt is None else each.doubt.value,
            **words,  # type: ignore[arg-type]  # as the class says
        )


class BinaryCodec(JsonCodec):
    """V2X messages go up in packets of id, time and length; all else is JSON."""

    def __init__(self, profile: Profile, rsu_id: str) -> None:
        """Raises ValueError: the id does not fill its place."""
        super().__init__(profile)
        self._rsu_id = rsu_id.encode("ascii", errors="replace")
        if not rsu_id.isascii() or len(self._rsu_id) != RSU_ID_BYTES:
            raise ValueError(f"rsu_id {rsu_id!r} has not {RSU_ID_BYTES} ASCII characters, as binary packets want")

    def carries_sequence(self, subject: Subject) -> bool:
        """See `Codec`."""
        return subject not in _FRAMES_UP

    def frames(self, subject: Subject, head: Head, frames: Sequence[FrameOut]) -> list[bytes]:  # noqa: ARG002
        """See `Codec`. BSM have a count and share a packet; of others each has its own."""
        if subject is not Subject.BSM_UP:
            return [self._begin(each) + _sized(each) for each in frames]
        parts = [frames[at : at + _MAX_PACKET_COUNT] for at in range(0, len(frames), _MAX_PACKET_COUNT)]
        return [self._begin(part[0]) + bytes([len(part)]) + b"".join(map(_sized, part)) for part in parts]

    def _begin(self, first: FrameOut) -> bytes:
        return self._rsu_id + (first.message.time_ns // _NANOSECONDS_PER_MILLISECOND).to_bytes(8, "little")


def _sized(each: FrameOut) -> bytes:
    return len(each.message.payload).to_bytes(2, "little") + each.message.payload


def check_size(payload: bytes) -> None:
    """Raises CommandError: it is longer than anything a platform needs to say."""
    if len(payload) > MAX_DOWN_BYTES:
        raise CommandError(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {MAX_DOWN_BYTES} are read")


def on_air(message: Frames, kind: MessageKind, profile: Profile) -> tuple[bytes, ...]:
    """The V2X messages a platform wants broadcast, each decoded to its last bit first.

    Raises: CommandError: one is none of this kind and profile; then none is taken.
    """
    return tuple(
        _uper(each.payload, each.message, kind, profile, place=f"messages[{index}]")
        for index, each in enumerate(message.messages)
    )


def _uper(
    payload: str | None, words: Mapping[str, object] | None, kind: MessageKind, profile: Profile, *, place: str
) -> bytes:
    if (payload is None) == (words is None):
        raise CommandError(Reason.MALFORMED, f"{place}: give either payload or message")
    try:
        uper = bytes.fromhex(payload) if payload is not None else _encoded(words or {}, profile)
        if len(uper) > MAX_MESSAGE_BYTES:
            raise CommandError(Reason.TOO_LARGE, f"{place}: {len(uper)} bytes are no V2X message")
        decode(uper, profile)
    except (DecodeError, EncodeError, ValueError, RecursionError) as error:
        raise CommandError(Reason.MALFORMED, f"{place}: no message of profile {profile.value}: {error}") from None
    if message_kind(uper) is not kind:
        raise CommandError(Reason.MALFORMED, f"{place}: is not a {kind.value}")
    return uper


def _encoded(words: Mapping[str, object], profile: Profile) -> bytes:
    from wayside.v2x.readable import parsed  # as above

    return encode(parsed(words), profile)
