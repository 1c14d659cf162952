"""Packets of a capture file (pcap), as far as V2X recordings need it: what UDP carried, and bare DSMP packets.

    for packet in packets(content):        # PcapError: it is no capture file, or is cut off
        layout.parsed(packet.payload)

Source: draft-ietf-opsawg-pcap (file format), RFC 791, RFC 8200 (IPv6 without extension headers), RFC 768.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_MAGICS = {0xA1B2C3D4: 1_000, 0xA1B23C4D: 1}
"""Nanoseconds per unit of the fraction."""
_NANOSECONDS_PER_SECOND = 1_000_000_000
MAX_PACKET_BYTES = 65_535
_ETHERNET, _RAW_IP, _LINUX_COOKED, _USER = 1, 101, 113, range(147, 163)
_IPV4, _IPV6, _VLAN, _DSMP = 0x0800, 0x86DD, 0x8100, 0x88DC
_UDP = 17


class PcapError(ValueError):
    """The file is no capture, or ends inside a packet."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What one packet carried."""

    payload: bytes
    time_ns: int
    """UTC nanoseconds since 1970."""
    is_dsmp: bool = False
    """Whether the frame says that it carries DSMP; false: what it carries must show it."""


def is_pcap(content: bytes) -> bool:
    """Whether a file begins as a capture does."""
    return any(int.from_bytes(content[:4], order) in _MAGICS for order in ("big", "little"))


def packets(content: bytes) -> Iterator[Packet]:
    """Every packet that carries UDP, or is a user's own link type; others are passed over.

    Raises: PcapError.
    """
    order = next((each for each in "<>" if _word(content, each) in _MAGICS), None)
    if order is None or len(content) < 24:  # noqa: PLR2004  # the file's header
        raise PcapError("the file is no capture (pcap); convert pcapng with: editcap -F pcap IN OUT")
    step_ns = _MAGICS[_word(content, order)]
    link = struct.unpack_from(order + "I", content, 20)[0] & 0xFFFF
    offset = 24
    while offset < len(content):
        if len(content) - offset < 16:  # noqa: PLR2004  # a packet's header
            raise PcapError("the capture ends inside the header of a packet")
        seconds, fraction, size_bytes, _ = struct.unpack_from(order + "4I", content, offset)
        offset += 16
        if size_bytes > MAX_PACKET_BYTES or size_bytes > len(content) - offset:
            raise PcapError(f"the capture ends inside a packet of {size_bytes} bytes")
        payload, is_dsmp = _payload(content[offset : offset + size_bytes], link)
        offset += size_bytes
        if payload:
            yield Packet(payload, seconds * _NANOSECONDS_PER_SECOND + fraction * step_ns, is_dsmp)


def _word(content: bytes, order: str) -> int:
    return int.from_bytes(content[:4], "little" if order == "<" else "big")


def _payload(packet: bytes, link: int) -> tuple[bytes, bool]:
    """What is carried, and whether it is DSMP by the frame's word. Empty: it carries nothing of ours."""
    if link in _USER:
        return packet, False
    if link == _RAW_IP:
        return _datagram(packet), False
    begin = {_ETHERNET: 12, _LINUX_COOKED: 14}.get(link)
    if begin is None:
        return b"", False
    kind = int.from_bytes(packet[begin : begin + 2], "big")
    if kind == _VLAN:
        begin += 4
        kind = int.from_bytes(packet[begin : begin + 2], "big")
    rest = packet[begin + 2 :]
    if kind == _DSMP:
        return rest, True
    return _datagram(rest) if kind in {_IPV4, _IPV6} else b"", False


def _datagram(packet: bytes) -> bytes:
    """What a UDP datagram in an unfragmented IP packet carries."""
    if not packet:
        return b""
    if packet[0] >> 4 == 4:  # noqa: PLR2004  # version
        header_bytes, protocol = (packet[0] & 15) * 4, packet[9:10]
        if int.from_bytes(packet[6:8], "big") & 0x3FFF:  # a fragment
            return b""
    else:
        header_bytes, protocol = 40, packet[6:7]
    if protocol != bytes([_UDP]):
        return b""
    size_bytes = int.from_bytes(packet[header_bytes + 4 : header_bytes + 6], "big")
    return packet[header_bytes + 8 : header_bytes + max(size_bytes, 8)]
