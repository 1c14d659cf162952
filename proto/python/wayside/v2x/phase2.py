"""Messages of phase 2 (T/CSAE 157-2020), which come inside `MessageFrameExt`. Loaded by who needs them.

    name, extension = codec.decode(data, profile)                 # "msgFrameExt", MessageFrameExt(messageId=16, …)
    platoon = phase2.opened(extension, profile)                   # CLPMM(…)
    frame = phase2.frame(shared, profile, unconfirmed=True)       # of a SensorSharingMsg; then codec.encode(frame, …)

Only what is in `CONFIRMED` was held against a frame of another maker. For the others, two public sources agree on the
members, the standard's text was not read, and no frame was: who wants them says `unconfirmed=True`, and does not call
them conforming. A field of which sources say different bits, or none, is refused.
"""

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

from wayside.v2x.generated.messages import MessageFrame, MessageFrameExt
from wayside.v2x.generated.phase2_messages import (
    CLPMM,
    PersonalSafetyMessage,
    RoadsideCoordination,
    SensorSharingMsg,
    VehIntentionAndRequest,
)
from wayside.v2x.profile import Profile
from wayside.v2x.uper import DecodeError, EncodeError, read_whole, whole

Message = CLPMM | PersonalSafetyMessage | RoadsideCoordination | SensorSharingMsg | VehIntentionAndRequest
NUMBERS: Mapping[type, int] = {
    RoadsideCoordination: 11,
    SensorSharingMsg: 12,
    VehIntentionAndRequest: 13,
    PersonalSafetyMessage: 15,
    CLPMM: 16,
}
"""messageId of what can be taken apart; whatever else comes is passed on as bytes."""
CONFIRMED = frozenset({16})
NAMES: Mapping[int, str] = {
    10: "RTCM",
    11: "RSC",
    12: "SSM",
    13: "VIR",
    14: "PAM",
    15: "PSM",
    16: "CLPMM",
    27: "ISM",
    28: "SAM",
}


class _Codec(NamedTuple):
    read: Mapping[int, Callable[[int, int], tuple[Message, int]]]
    write: Mapping[int, Callable[[Message, int], int]]


@cache
def _codec(profile: Profile) -> _Codec:
    module = importlib.import_module(f"wayside.v2x.generated.phase2_{profile.value}")
    return _Codec(module.READ, module.WRITE)


def name_of(number: int) -> str:
    """What a messageId is called; the number itself where no source names it."""
    return NAMES.get(number, str(number))


def opened(extension: MessageFrameExt, profile: Profile, *, unconfirmed: bool = False) -> Message:
    """The message in an extension frame.

    Raises: DecodeError: it is of no type that is known, or of one that is not confirmed; its bytes are none of it.
    """
    number = extension.messageId
    if number not in _codec(profile).read:
        raise DecodeError(f"messageId: {name_of(number)} is passed on as bytes, not taken apart")
    if number not in CONFIRMED and not unconfirmed:
        raise DecodeError(f"messageId: the members of {name_of(number)} are not confirmed; ask for them explicitly")
    return read_whole(extension.value, _codec(profile).read[number])


def frame(message: Message, profile: Profile, *, unconfirmed: bool = False) -> MessageFrame:
    """The frame that carries a message, for `codec.encode`.

    Raises: EncodeError: its type is not confirmed; a field is missing, of the wrong kind, or outside its range.
    """
    number = NUMBERS.get(type(message))
    if number is None:
        raise EncodeError(f"message: {type(message).__name__} is none of phase 2")
    if number not in CONFIRMED and not unconfirmed:
        raise EncodeError(f"messageId: the members of {name_of(number)} are not confirmed; ask for them explicitly")
    try:
        value = whole(_codec(profile).write[number](message, 1))
    except (AttributeError, TypeError, ValueError) as error:
        if isinstance(error, EncodeError):
            raise
        raise EncodeError(f"message: {error}") from None
    return "msgFrameExt", MessageFrameExt(messageId=number, value=value)
