"""ICMP echo requests and what comes back, and the kernel's word on which hop refused a datagram.

Source: RFC 792, RFC 4443 (echo); icmp(7), ip(7) (IP_RECVERR: struct sock_extended_err, then the offender's address).
Usage: `echo_request(b"tag", sequence=1, is_v6=False)`; `echo_reply(received, is_v6=False) == (1, b"tag")`.
"""

import struct
from ipaddress import ip_address

_HEAD = struct.Struct("!BBHHH")
_EXTENDED_ERROR = struct.Struct("=IBBBxII")
_REQUEST, _REPLY = {False: 8, True: 128}, {False: 0, True: 129}
_UNREACHABLE, _TIME_EXCEEDED = {False: 3, True: 1}, {False: 11, True: 3}
_ADDRESS = {False: (4, 4), True: (8, 16)}  # offset in struct sockaddr_in(6), and length
_ORIGINS = frozenset({2, 3})  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6


def echo_request(tag: bytes, *, sequence: int, is_v6: bool) -> bytes:
    """A request. Identifier and check sum are the kernel's, on a datagram socket."""
    return _HEAD.pack(_REQUEST[is_v6], 0, 0, 0, sequence & 0xFFFF) + tag


def echo_reply(received: bytes, *, is_v6: bool) -> tuple[int, bytes] | None:
    """Sequence and tag of a reply; `None`: it is none."""
    if len(received) < _HEAD.size:
        return None
    kind, _, _, _, sequence = _HEAD.unpack_from(received)
    return (sequence, received[_HEAD.size :]) if kind == _REPLY[is_v6] else None


def refusing_hop(extended_error: bytes, *, is_v6: bool) -> tuple[str, bool] | None:
    """Address of the hop that sent a datagram back, and whether that was its destination; `None`: no hop did."""
    if len(extended_error) < _EXTENDED_ERROR.size:
        return None
    _, origin, kind, _, _, _ = _EXTENDED_ERROR.unpack_from(extended_error)
    if origin not in _ORIGINS or kind not in {_UNREACHABLE[is_v6], _TIME_EXCEEDED[is_v6]}:
        return None
    offset, length = _ADDRESS[is_v6]
    address = extended_error[_EXTENDED_ERROR.size + offset :][:length]
    if len(address) != length:
        return None
    return str(ip_address(address)), kind == _UNREACHABLE[is_v6]
