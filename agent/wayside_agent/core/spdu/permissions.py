"""Reads for what a certificate may sign, and what its holder may certify others for.

Source: IEEE 1609.2-2016, 6.4.28 to 6.4.35.
"""

from wayside_agent.core.spdu.coer import Reader, SpduError
from wayside_agent.core.spdu.model import Issuable

_SIGNS_MESSAGES = 0x80
"""First bit of EndEntityType: certificates that sign messages; the second is for those that ask for others."""


def permission(reader: Reader) -> int:
    """An AID that may be signed for; what of it (SSP) is passed over."""
    flags = reader.byte()
    application_id = reader.unsigned()
    if flags & 0x80:
        reader.byte()
        reader.octets()
    return application_id


def issuable(reader: Reader) -> Issuable:
    """A group of AIDs a certificate may issue or ask for."""
    flags = reader.byte()
    ids: list[int] = []
    is_all = False
    match reader.byte():
        case 0x80:
            reader.each(lambda: ids.append(_range(reader)))
        case 0x81:
            is_all = True
        case _:
            raise SpduError("permissions are written in a way that is not understood")
    shortest = reader.signed() if flags & 0x80 else 1
    more = reader.signed() if flags & 0x40 else 0
    ends = reader.byte() if flags & 0x20 else _SIGNS_MESSAGES
    return Issuable(
        None if is_all else frozenset(ids),
        shortest,
        None if more < 0 else shortest + more,
        bool(ends & _SIGNS_MESSAGES),
    )


def _range(reader: Reader) -> int:
    flags = reader.byte()
    application_id = reader.unsigned()
    if not flags & 0x80:
        return application_id
    match reader.byte():
        case 0x80:
            reader.each(reader.octets)
        case 0x81:
            pass
        case 0x82:
            reader.octets()
        case _:
            raise SpduError("permissions are written in a way that is not understood")
    return application_id
