"""Whether a message can be repeated on the air: the same judgement as the units', before anybody is told of it.

Each crossing of a MAP and each event or sign of an RSI goes out in a message of its own, so each must fit the air.
Usage: `kind = checked_message(message, profile)`. Source: v2x-messages.md, 1400 byte with the head of DSMP.
"""

from collections.abc import Iterator

import msgspec

from wayside.errors import InvalidArgumentError
from wayside.v2x.codec import decode, encode
from wayside.v2x.generated.messages import MapData, MessageFrame, RoadSideInformation
from wayside.v2x.profile import Profile
from wayside.v2x.uper import DecodeError, EncodeError
from wayside_manager.core.broadcasts import BroadcastKind

MESSAGE_MAX_BYTES = 16 * 1024
"""64 of them fit one desired state, which is one message of at most 4 MiB."""
PIECE_MAX_BYTES = 1400 - 6
"""Of a message on the air; the longest head of DSMP takes the rest."""
PIECE_MAX_COUNT = 64
"""What a unit repeats at most."""


def checked_profile(value: str) -> Profile:
    """The profile of this name.

    Raises: InvalidArgumentError.
    """
    try:
        return Profile(value)
    except ValueError:
        known = ", ".join(Profile)
        raise InvalidArgumentError(f"broadcast.profile: {value[:20]!r} is none of {known}") from None


def checked_message(message: bytes, profile: Profile) -> BroadcastKind:
    """What the message is, if units can repeat it.

    Raises: InvalidArgumentError: it is malformed, neither MAP nor RSI, empty, or does not fit the air.
    """
    if len(message) > MESSAGE_MAX_BYTES:
        raise _bad(f"{len(message)} bytes; give at most {MESSAGE_MAX_BYTES}")
    try:
        frame = decode(message, profile)
        pieces = list(_pieces(frame))
        sizes = [len(encode(piece, profile)) for piece in pieces]
    except (DecodeError, EncodeError) as error:
        raise _bad(f"it is no message of profile {profile.value}: {error}") from error
    if not pieces:
        raise _bad("it has no crossing, event or sign; give a MAP or RSI that has one")
    if len(pieces) > PIECE_MAX_COUNT:
        raise _bad(f"{len(pieces)} crossings, events and signs; give at most {PIECE_MAX_COUNT}, or several broadcasts")
    if max(sizes) > PIECE_MAX_BYTES:
        raise _bad(f"part {sizes.index(max(sizes)) + 1} has {max(sizes)} bytes; at most {PIECE_MAX_BYTES} fit the air")
    return BroadcastKind.MAP if isinstance(frame[1], MapData) else BroadcastKind.RSI


def _pieces(frame: MessageFrame) -> Iterator[MessageFrame]:
    name, content = frame
    replace = msgspec.structs.replace
    if isinstance(content, MapData):
        yield from (("mapFrame", replace(content, nodes=[node])) for node in content.nodes)
    elif isinstance(content, RoadSideInformation):
        yield from (("rsiFrame", replace(content, rtes=[event], rtss=None)) for event in content.rtes or ())
        yield from (("rsiFrame", replace(content, rtes=None, rtss=[sign])) for sign in content.rtss or ())
    else:
        raise _bad(f"it is a {name.removesuffix('Frame').upper()}; only MAP and RSI are repeated")


def _bad(why: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"broadcast.message: {why}", reason="MESSAGE_INVALID")
