"""What is heard when a message comes in an envelope."""

from msgspec.structs import replace

from wayside.v2x.peek import MessageKind, message_kind
from wayside_agent.core.spdu.coer import SpduError
from wayside_agent.core.spdu.envelope import is_envelope, opened
from wayside_agent.core.spdu.model import Spdu
from wayside_agent.core.v2x import ReceivedMessage

_FOREIGN = frozenset({MessageKind.J2735, MessageKind.ETSI})
_SIGNED = b"\x81"


def taken_out(message: ReceivedMessage) -> tuple[ReceivedMessage, Spdu | None]:
    """The message in an envelope, if it is one of ours, and what is said of its signature.

    Else what it was: a BSM can begin like an envelope. `None`: there is no signature, or one that is not understood.
    """
    if not is_envelope(message.payload) or message.kind in _FOREIGN:
        return message, None
    try:
        inner, spdu = opened(message.payload)
    except SpduError:
        return message, None
    kind = message_kind(inner)
    if kind is None or kind in _FOREIGN:
        return message, None
    application_id = message.application_id if spdu is None else spdu.application_id
    return replace(message, payload=inner, kind=kind, application_id=application_id), spdu


def is_signed(payload: bytes) -> bool:
    """Whether what begins as an envelope says that it is signed."""
    return payload[1:2] == _SIGNED
