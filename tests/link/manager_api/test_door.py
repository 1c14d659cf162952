"""The door by itself, before a server that sends back what it hears: what passes, who is cut, who is refused."""

import asyncio
import logging
import socket
import sys

import pytest

from tests.link.manager_api import door_place
from tests.link.manager_api.door_place import ATTACKER, GENEROUS, HELLO, HOME, IMPATIENT, STRANGER, cut, placed, refused
from wayside_manager.api.door.visitor import is_whole, may_be_hello
from wayside_manager.core.attempts import KNOCKS_PER_S, Limits


async def test_megabytes_pass_untouched_both_ways() -> None:
    sent = HELLO + bytes(range(256)) * (1 << 16)
    async with placed(limits=GENEROUS) as place, place.visit(says=sent) as (reader, _):
        assert await reader.readexactly(len(sent)) == sent


async def test_who_sends_faster_than_the_server_reads_is_held_back_and_loses_nothing() -> None:
    sent = HELLO + bytes(range(256)) * (1 << 18)  # 64 MiB, more than kernels buffer
    async with placed(limits=GENEROUS, reads=False) as place, place.visit(says=sent) as (reader, writer):
        await place.server.has_peer.wait()
        for _ in range(500):  # turns of the loop, each with a read of up to 256 KiB
            await asyncio.sleep(0)
        assert writer.transport.get_write_buffer_size() > len(sent) // 2, "the door has swallowed it"
        place.server.reads.set()
        assert await reader.readexactly(len(sent)) == sent


async def test_who_has_not_logged_in_sends_little_and_who_has_as_much_as_it_likes() -> None:
    sent = HELLO + bytes(1 << 20)
    limits = Limits(bytes_per_s=1.0, bytes_burst=4_096)
    async with placed(limits=limits) as place, place.visit(says=sent) as (reader, _):
        assert await reader.readexactly(len(HELLO) + 4_096)
        place.door.proven(place.server.peers[0])
        assert await reader.readexactly(len(sent) - len(HELLO) - 4_096)


async def test_when_those_who_have_not_logged_in_sent_too_much_the_one_who_sent_most_leaves() -> None:
    async with placed(limits=GENEROUS, unproven_bytes_max=10_000) as place:
        async with place.visit(says=HELLO + bytes(4_000)) as (much, more), place.inside() as (little, _):
            assert await much.readexactly(len(HELLO) + 4_000)
            more.write(bytes(50_000))
            await cut(much)
            assert not little.at_eof()
        async with place.visit(says=HELLO + bytes(9_000)) as (next_one, _):  # what left with it does not count
            assert await next_one.readexactly(len(HELLO) + 9_000)


async def test_what_was_sent_before_a_login_does_not_count_after_it() -> None:
    async with (
        placed(limits=GENEROUS, unproven_bytes_max=10_000) as place,
        place.visit(says=HELLO + bytes(9_000)) as (good, more),
    ):
        assert await good.readexactly(len(HELLO) + 9_000)
        place.door.proven(place.server.peers[0])
        more.write(bytes(50_000))
        async with place.visit(says=HELLO + bytes(9_000)) as (other, _):
            assert await good.readexactly(50_000)
            assert await other.readexactly(len(HELLO) + 9_000)


async def test_a_client_that_has_said_all_still_hears_the_answer() -> None:
    async with placed() as place, place.visit() as (reader, writer):
        writer.write_eof()
        assert await cut(reader) == HELLO + b"goodbye"


async def test_a_door_that_closes_ends_everything_and_gives_the_port_back() -> None:
    async with placed() as place, place.inside() as (reader, peer):
        place.door.close()
        assert await cut(reader) == b""
        assert place.door.origin(peer) == ""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOME, place.port)


async def test_what_the_server_said_last_still_arrives_when_the_door_closes() -> None:
    async with placed() as place, place.inside() as (reader, _):
        assert place.server.writer is not None
        place.server.writer.write(b"goodbye")  # straight to the kernel, the door has not seen it yet
        place.door.close()
        assert await cut(reader) == b"goodbye"


@pytest.mark.parametrize(
    "says", [b"", b"\x16", HELLO[:-1], b"\x16\x03\x01\x40\x00"], ids=["nothing", "a byte", "most", "only a header"]
)
async def test_who_does_not_finish_its_first_record_is_cut_and_the_server_never_hears_of_it(says: bytes) -> None:
    async with placed(IMPATIENT) as place, place.visit(says=says) as (reader, _):
        assert await cut(reader) == b""
        assert place.server.peers == []


@pytest.mark.parametrize(
    "says", [b"GET / HTTP/1.1\r\n\r\n", b"\x15\x03\x01", b"\x16\x02", b"\x16\x03\x01\x40\x01", b"\x16\x03\x01\x00\x00"]
)
async def test_who_does_not_speak_tls_is_cut_at_once(says: bytes) -> None:
    async with placed() as place, place.visit(says=says) as (reader, _):
        assert await cut(reader) == b""
        assert place.server.peers == []


def test_a_first_record_is_told_from_its_first_bytes() -> None:
    assert all(may_be_hello(HELLO[:count]) for count in range(len(HELLO) + 1))
    assert [is_whole(HELLO[:count]) for count in range(len(HELLO) + 1)] == [False] * len(HELLO) + [True]


async def test_a_connection_without_a_byte_for_long_is_cut() -> None:
    async with placed(IMPATIENT) as place, place.inside() as (reader, _):
        assert await cut(reader) == b""


async def poured(writer: asyncio.StreamWriter) -> None:
    """Writes for ever; the reader, whom nobody reads, stops taking the answers."""
    while True:
        writer.write(bytes(1 << 20))
        await writer.drain()


async def test_who_does_not_take_what_it_asked_for_is_cut() -> None:
    async with placed(IMPATIENT, GENEROUS) as place, place.visit() as (_, writer):
        with pytest.raises(ConnectionError):
            await poured(writer)


async def test_a_server_that_is_gone_cuts_its_visitors() -> None:
    async with placed() as place:
        with socket.socket() as probe:
            probe.bind((HOME, 0))
            place.door.server_address = (HOME, probe.getsockname()[1])
        async with place.visit() as (reader, _):
            assert await cut(reader) == b""


async def test_the_door_knows_where_a_peer_of_the_server_comes_from() -> None:
    async with placed() as place:
        async with place.inside(source=STRANGER) as (_, peer):
            assert place.door.origin(peer) == STRANGER
            assert place.door.origin(peer.replace(HOME, "127.0.0.9")) == ""
        for name in ("", "ipv4:127.0.0.1:", "ipv4:127.0.0.1:x", "ipv4:127.0.0.1:1", "ipv6:%5B::1%5D:80", "unix:/x"):
            assert place.door.origin(name) == ""


async def test_a_visitor_that_has_left_is_forgotten() -> None:
    async with placed() as place:
        async with place.inside() as (_, peer):
            assert place.door.origin(peer)
        await door_place.until(lambda: not place.door.origin(peer))


async def test_too_many_failures_cut_who_has_not_logged_in_and_refuse_the_next() -> None:
    async with (
        placed() as place,
        place.inside(source=ATTACKER) as (good, good_peer),
        place.inside(source=ATTACKER) as (bad, bad_peer),
        place.inside(source=ATTACKER) as (idle, _),
        place.inside(source=STRANGER) as (_, stranger),
    ):
        place.door.proven(good_peer)
        for _ in range(Limits().failures):
            place.door.failed(bad_peer)
        assert await cut(bad) == b""
        assert await cut(idle) == b""
        assert await refused(place, ATTACKER)
        assert place.door.refused_count == 1
        assert place.door.origin(good_peer) == ATTACKER
        assert place.door.origin(stranger) == STRANGER
        place.door.failed(good_peer)
        assert await cut(good) == b"", "a good credential is no licence to try others"


async def test_who_does_not_slow_down_when_told_is_taken_for_one_who_fails() -> None:
    async with placed() as place, place.inside() as (_, good), place.inside(source=ATTACKER) as (reader, peer):
        place.door.proven(good)
        for _ in range(100):
            place.door.pressed(good)
            place.door.pressed(peer)
        assert await cut(reader) == b""
        assert place.door.origin(good) == HOME


async def test_failures_of_one_who_has_left_count_for_nobody() -> None:
    async with placed() as place:
        for _ in range(100):
            place.door.failed("ipv4:127.0.0.1:1")
        async with place.inside():
            pass


async def test_a_refusal_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async with placed() as place, place.inside(source=ATTACKER) as (_, peer):
        with caplog.at_level(logging.INFO, logger="wayside_manager.api.door.door"):
            for _ in range(100):
                place.door.failed(peer)
            for _ in range(20):
                assert await refused(place, ATTACKER)
    (record,) = caplog.records
    assert record.getMessage() == f"{ATTACKER} keeps failing to log in; new connections from there are refused for 1 s"


@pytest.mark.parametrize(
    ("limits", "proves"),
    [(Limits(connections=2), True), (Limits(unproven=2), False)],
)
async def test_one_address_has_so_many_connections(limits: Limits, proves: bool) -> None:
    async with (
        placed(limits=limits) as place,
        place.inside(source=ATTACKER) as (_, first),
        place.inside(source=ATTACKER) as (_, second),
    ):
        if proves:
            place.door.proven(first)
            place.door.proven(second)
        assert await refused(place, ATTACKER)
        async with place.inside(source=STRANGER):
            pass


async def test_handshakes_of_one_address_wait_their_turn_and_others_do_not_wait_for_them() -> None:
    limits = Limits(handshakes_burst=1, handshakes_per_s=0.001)
    async with (
        placed(limits=limits) as place,
        place.inside(source=ATTACKER) as (_, first),
        place.visit(source=ATTACKER) as (waiting, _),
        place.inside(source=STRANGER),
    ):
        place.door.proven(first)
        assert await waiting.readexactly(len(HELLO)) == HELLO


async def test_a_full_house_makes_room_by_the_oldest_who_has_not_logged_in() -> None:
    async with placed(visitors_max=2) as place, place.inside() as (_, first), place.inside() as (second, _):
        place.door.proven(first)
        async with place.inside() as (_, third):
            assert await cut(second) == b""
            place.door.proven(third)
            assert await refused(place, STRANGER), "nobody is left to make room"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's part is Linux's")
async def test_who_knocks_on_is_not_heard_at_all_and_others_are() -> None:
    limits = Limits(unproven=1)
    async with placed(limits=limits) as place, place.inside(source=ATTACKER):
        for _ in range(KNOCKS_PER_S):
            assert await refused(place, ATTACKER)
        with socket.socket() as unheard:
            unheard.bind((ATTACKER, 0))
            unheard.settimeout(0.2)
            with pytest.raises(TimeoutError):
                unheard.connect((HOME, place.port))
        async with place.inside(source=STRANGER):
            pass
