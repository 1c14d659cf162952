"""Files of recorded packets (pcap, nanoseconds), and which ports a packet is between.

Source: draft-ietf-opsawg-pcap (header, record, link types 1 and 101); RFC 791, 8200, 768, 9293; IEEE 802.1Q.
Usage: `head(snap_bytes=256, link_type=RAW_IP) + record(time_ns, kept, size_bytes)`; `ports(kept, link_type=RAW_IP)`.
"""

import struct

from wayside_agent.core.stamps import NANOSECONDS_PER_SECOND

ETHERNET, RAW_IP = 1, 101
_MAGIC_NANOSECONDS = 0xA1B23C4D
_HEAD = struct.Struct("=IHHiIII")
_RECORD = struct.Struct("=IIII")
RECORD_HEAD_BYTES = _RECORD.size
_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN_TAGS = frozenset({0x8100, 0x88A8})
_WITH_PORTS = frozenset({6, 17, 132})  # TCP, UDP, SCTP
_ETHERNET_BYTES, _VLAN_BYTES, _IPV4_BYTES, _IPV6_BYTES = 14, 4, 20, 40


def head(*, snap_bytes: int, link_type: int) -> bytes:
    """Begin of a file."""
    return _HEAD.pack(_MAGIC_NANOSECONDS, 2, 4, 0, 0, snap_bytes, link_type)


def record(time_ns: int, kept: bytes, size_bytes: int) -> bytes:
    """One packet: when it came (UTC), the bytes of it that were kept, and how many it had."""
    seconds, nanoseconds = divmod(time_ns, NANOSECONDS_PER_SECOND)
    return _RECORD.pack(seconds & 0xFFFFFFFF, nanoseconds, len(kept), size_bytes) + kept


def ports(packet: bytes, *, link_type: int) -> frozenset[int]:
    """Source and destination port; empty: it has none, or not where we look (a later fragment, an extension header)."""
    try:
        kind, at = _network(packet, link_type)
        if kind == _IPV4:
            protocol, at, is_first = packet[at + 9], at + 4 * (packet[at] & 0x0F), not _offset_of(packet, at)
        elif kind == _IPV6:
            protocol, at, is_first = packet[at + 6], at + _IPV6_BYTES, True
        else:
            return frozenset()
        if protocol not in _WITH_PORTS or not is_first:
            return frozenset()
        return frozenset(struct.unpack_from("!HH", packet, at))
    except (IndexError, struct.error):  # too short
        return frozenset()


def _network(packet: bytes, link_type: int) -> tuple[int, int]:
    """What kind of network packet it holds, and where that begins."""
    if link_type == RAW_IP:
        return (_IPV4 if packet[0] >> 4 == 4 else _IPV6), 0  # noqa: PLR2004  # the version
    at = _ETHERNET_BYTES
    kind: int = struct.unpack_from("!H", packet, at - 2)[0]
    while kind in _VLAN_TAGS:
        at += _VLAN_BYTES
        kind = struct.unpack_from("!H", packet, at - 2)[0]
    return kind, at


def _offset_of(packet: bytes, at: int) -> int:
    """Fragment offset of an IPv4 packet."""
    flags: int = struct.unpack_from("!H", packet, at + 6)[0]
    return flags & 0x1FFF
