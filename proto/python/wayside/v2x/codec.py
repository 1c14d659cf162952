"""Whole messages to bytes and back.

Usage: `codec.decode(data, Profile.P20)`, `codec.encode(("spatFrame", spat), Profile.P20)`.
"""

import importlib
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from wayside.v2x.profile import Profile
from wayside.v2x.uper import DecodeError, EncodeError, read_whole, whole

if TYPE_CHECKING:
    from wayside.v2x.generated.messages import MessageFrame


class _Codec(NamedTuple):
    read: "Callable[[int, int], tuple[MessageFrame, int]]"
    write: "Callable[[MessageFrame, int], int]"


@cache
def _codec(profile: Profile) -> _Codec:
    """Loaded when it is first needed: a unit speaks one profile."""
    module = importlib.import_module(f"wayside.v2x.generated.{profile.value}")
    return _Codec(module.read_MessageFrame, module.write_MessageFrame)


def decode(data: bytes, profile: Profile) -> "MessageFrame":
    """The message: the name of its kind (`bsmFrame`, `mapFrame` …) and its fields, raw.

    Raises: DecodeError: it is none of this profile, is cut off, or something follows it.
    """
    return read_whole(data, _codec(profile).read)


def encode(frame: "MessageFrame", profile: Profile) -> bytes:
    """UPER bytes of a message.

    Raises: EncodeError: a field is missing, of the wrong kind, or outside its range.
    """
    try:
        return whole(_codec(profile).write(frame, 1))
    except (AttributeError, TypeError, ValueError) as error:
        if isinstance(error, EncodeError):
            raise
        raise EncodeError(f"message: {error}") from None


__all__ = ["DecodeError", "EncodeError", "Profile", "decode", "encode"]
