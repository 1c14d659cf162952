"""Captures: what they carried, and those that are none."""

import struct

import pytest

from wayside_agent.core.pcap_reading import PcapError, is_pcap, packets

DSMP = bytes.fromhex("04006f0004") + b"mess"


def capture(*frames: bytes, link: int = 1, order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    head = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    return head + b"".join(
        struct.pack(order + "IIII", 1_700_000_000, 5, len(each), len(each)) + each for each in frames
    )


def udp(payload: bytes) -> bytes:
    return struct.pack(">HHHH", 5000, 5001, 8 + len(payload), 0) + payload


def ipv4(content: bytes, *, protocol: int = 17, fragment: int = 0) -> bytes:
    return struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(content), 0, fragment, 64, protocol, 0, 1, 2) + content


def ipv6(content: bytes) -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(content), 17, 64) + bytes(32) + content


def ethernet(kind: int, content: bytes) -> bytes:
    return bytes(12) + kind.to_bytes(2, "big") + content


@pytest.mark.parametrize(
    ("frame", "link", "payload"),
    [
        (ethernet(0x0800, ipv4(udp(b"four"))), 1, b"four"),
        (ethernet(0x86DD, ipv6(udp(b"six"))), 1, b"six"),
        (ethernet(0x8100, b"\0\1" + b"\x08\x00" + ipv4(udp(b"vlan"))), 1, b"vlan"),
        (ethernet(0x0800, ipv4(udp(b"padded")) + bytes(18)), 1, b"padded"),
        (ethernet(0x88DC, DSMP), 1, DSMP),
        (ipv4(udp(b"raw")), 101, b"raw"),
        (bytes(14) + b"\x08\x00" + ipv4(udp(b"cooked")), 113, b"cooked"),
        (DSMP, 147, DSMP),
    ],
    ids=["ipv4", "ipv6", "vlan", "padding", "dsmp", "raw", "cooked", "user"],
)
def test_a_capture_gives_what_its_packets_carried(frame: bytes, link: int, payload: bytes) -> None:
    for order in "<>":
        content = capture(frame, link=link, order=order)
        assert is_pcap(content)
        [packet] = packets(content)
        assert (packet.payload, packet.time_ns) == (payload, 1_700_000_000_000_005_000)


def test_only_a_frame_of_the_dsmp_ethertype_says_that_it_is_dsmp() -> None:
    frames = (ethernet(0x88DC, DSMP), ethernet(0x0800, ipv4(udp(DSMP))))
    assert [each.is_dsmp for each in packets(capture(*frames))] == [True, False]


def test_nanoseconds_are_nanoseconds() -> None:
    assert next(packets(capture(DSMP, link=147, magic=0xA1B23C4D))).time_ns == 1_700_000_000_000_000_005


@pytest.mark.parametrize(
    ("frame", "link"),
    [
        (ethernet(0x0806, b"who has"), 1),
        (ethernet(0x0800, ipv4(udp(b"tcp"), protocol=6)), 1),
        (ethernet(0x0800, ipv4(udp(b"part"), fragment=0x2000)), 1),
        (b"", 101),
        (b"wireless", 105),
        (b"\x45", 101),
    ],
    ids=["arp", "tcp", "fragment", "empty", "link", "short"],
)
def test_what_is_not_ours_is_passed_over(frame: bytes, link: int) -> None:
    assert list(packets(capture(frame, DSMP, link=link))) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no capture"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "editcap -F pcap"),
        (capture(DSMP, link=147)[:30], "inside the header of a packet"),
        (capture(DSMP, link=147)[:-1], "inside a packet of 9 bytes"),
        (capture()[:24] + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 0), "inside a packet of 4294967295 bytes"),
    ],
    ids=["empty", "pcapng", "header", "packet", "huge"],
)
def test_a_broken_capture_is_refused_with_its_reason(content: bytes, sentence: str) -> None:
    with pytest.raises(PcapError, match=sentence):
        list(packets(content))
