"""A program for the kernel that drops packets from given sources: classic BPF, run before a connection comes about.

Usage: `program = dropping(["10.0.0.5", "2001:db8::/64"])`, then attached to a listening socket.
"""

import ipaddress
import struct
from collections.abc import Iterable, Sequence

SOURCES_MAX = 64
"""What one program takes: its jumps reach 255 instructions far."""
INSTRUCTION_BYTES = 8

_LOAD_BYTE, _LOAD_WORD, _JUMP_IF_EQUAL, _RETURN, _SHIFT_RIGHT = 0x30, 0x20, 0x15, 0x06, 0x74
_NETWORK_HEADER = 0xFFF00000  # SKF_NET_OFF: offsets from here count from the IP header
_IPV4_SOURCE_OFFSET, _IPV6_SOURCE_OFFSET = 12, 8
_WHOLE_PACKET = 0xFFFFFFFF
_IPV6_ROW = 4  # instructions per source


def dropping(sources: Iterable[str]) -> bytes:
    """The program. Sources as from `attempts.source_of`, at most `SOURCES_MAX`.

    Raises: ValueError: one is no IPv4 address and no IPv6 network.
    """
    chosen = list(sources)[:SOURCES_MAX]
    of_ipv4 = _ipv4_part([source for source in chosen if ":" not in source])
    of_ipv6 = _ipv6_part([source for source in chosen if ":" in source])
    return b"".join(
        (
            _instruction(_LOAD_BYTE, _NETWORK_HEADER),
            _instruction(_SHIFT_RIGHT, 4),
            _instruction(_JUMP_IF_EQUAL, 4, if_true=0, if_false=len(of_ipv4) // INSTRUCTION_BYTES),
            of_ipv4,
            of_ipv6,
        )
    )


def _ipv4_part(addresses: Sequence[str]) -> bytes:
    rows = [_instruction(_LOAD_WORD, _NETWORK_HEADER + _IPV4_SOURCE_OFFSET)]
    for index, address in enumerate(addresses):
        to_drop = len(addresses) - index
        rows.append(_instruction(_JUMP_IF_EQUAL, int(ipaddress.IPv4Address(address)), if_true=to_drop))
    return b"".join(rows) + _ENDING


def _ipv6_part(networks: Sequence[str]) -> bytes:
    rows = []
    for index, network in enumerate(networks):
        packed = ipaddress.IPv6Network(network).network_address.packed
        high, low = struct.unpack(">II", packed[:8])
        to_drop = (len(networks) - index - 1) * _IPV6_ROW + 1
        rows += [
            _instruction(_LOAD_WORD, _NETWORK_HEADER + _IPV6_SOURCE_OFFSET),
            _instruction(_JUMP_IF_EQUAL, high, if_false=2),
            _instruction(_LOAD_WORD, _NETWORK_HEADER + _IPV6_SOURCE_OFFSET + 4),
            _instruction(_JUMP_IF_EQUAL, low, if_true=to_drop),
        ]
    return b"".join(rows) + _ENDING


def _instruction(code: int, value: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


_ENDING = _instruction(_RETURN, _WHOLE_PACKET) + _instruction(_RETURN, 0)  # fall through to keep, jump one on to drop
