"""Messages of phase 2 as people and JSON have them; of phase 1 as `readable` does.

    written = readable(frame, profile)       # {"msgFrameExt": {"messageId": 16, "name": "CLPMM", "message": {…}}}
    frame = parsed(written, profile)

What is not confirmed is bytes, `"value": "0c1a…"`; with `unconfirmed=True` it is taken apart and says
`"confirmed": false`. To write it, that key must be there, too.
"""

from collections.abc import Mapping
from reprlib import repr as brief
from typing import Any, cast

from wayside.v2x import phase2
from wayside.v2x import readable as phase1
from wayside.v2x.generated import messages, phase2_messages, phase2_schema, schema
from wayside.v2x.profile import Profile
from wayside.v2x.readable import Names, Written
from wayside.v2x.uper import EncodeError

FRAME = "msgFrameExt"
_WHERE = f"MessageFrame.{FRAME}"
_NAMES = Names((schema, messages), (phase2_schema, phase2_messages))
_KEYS = ("messageId", "name", "confirmed", "msgCnt", "value", "message")
_TYPES = {number: kind.__name__ for kind, number in phase2.NUMBERS.items()}
_RTCM = 10


def readable(frame: messages.MessageFrame, profile: Profile, *, unconfirmed: bool = False) -> Written:
    """A message for people.

    Raises: DecodeError: it is of phase 2, of a type that is taken apart, and its bytes are none of it.
    """
    extension = frame[1]
    if not isinstance(extension, messages.MessageFrameExt):
        return phase1.readable(frame)
    number = extension.messageId
    said: Written = {"messageId": number}
    if number in phase2.NAMES:
        said["name"] = phase2.NAMES[number]
    is_confirmed = number in phase2.CONFIRMED
    if number not in _TYPES or not (is_confirmed or unconfirmed):
        if number == _RTCM and unconfirmed and extension.value:
            said |= {"confirmed": False, "msgCnt": int.from_bytes(extension.value[:1], "big") & 127}
        return {FRAME: said | {"value": extension.value.hex()}}
    if not is_confirmed:
        said["confirmed"] = False
    message = phase2.opened(extension, profile, unconfirmed=True)
    return {FRAME: said | {"message": _NAMES.written(_TYPES[number], message)}}


def parsed(written: object, profile: Profile) -> messages.MessageFrame:
    """The message that people wrote.

    Raises: EncodeError: naming the field.
    """
    if not isinstance(written, dict) or list(written) != [FRAME]:
        return phase1.parsed(cast("Mapping[str, object]", written))  # which says what is wrong with other things
    said: Any = written[FRAME]
    if not isinstance(said, dict):
        raise EncodeError(f"{_WHERE}: {brief(said)} is not an object")
    for key in said:
        if key not in _KEYS:
            raise EncodeError(f"{_WHERE}: {brief(key)} is none of {', '.join(_KEYS)}")
    number = said.get("messageId")
    if "message" not in said:
        kept = {key: said[key] for key in ("messageId", "value") if key in said}
        return phase1.parsed({FRAME: kept})
    if not isinstance(number, int) or number not in _TYPES:
        raise EncodeError(f"{_WHERE}.messageId: {brief(number)} is passed on as bytes; give its value")
    message = _NAMES.read(_TYPES[number], said["message"], f"{_WHERE}.message")
    try:
        return phase2.frame(message, profile, unconfirmed=said.get("confirmed") is False)
    except EncodeError as error:
        raise EncodeError(f"{_WHERE}.{error}") from None
