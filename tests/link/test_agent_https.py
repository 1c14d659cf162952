"""Artifacts over HTTPS: from any byte, and from servers that lie, drip, never end or die."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.sink_servers import Tls, made_tls
from tests.link.https_place import StaticServer, Talk, head, partial, static_server
from wayside.errors import (
    InvalidArgumentError,
    NotFoundError,
    OutOfRangeError,
    PermissionDeniedError,
    UnavailableError,
    WaysideError,
)
from wayside_agent.core.download import Order
from wayside_agent.link.https import HttpsPlace, Patience

CONTENT = b"".join(hashlib.sha256(n.to_bytes(4)).digest() for n in range(100_000))  # 3.2 MB
SIZE = len(CONTENT)
ORDER = Order("releases/1.0", hashlib.sha256(CONTENT).hexdigest(), SIZE)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return made_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
async def server(tls: Tls) -> AsyncIterator[StaticServer]:
    async with asyncio.timeout(30), static_server(tls, CONTENT) as opened:
        yield opened


async def fetched(tls: Tls, server: StaticServer, *, offset: int = 0, patience: Patience | None = None) -> bytes:
    place = HttpsPlace(str(tls.ca), patience)
    return b"".join([chunk async for chunk in place.fetch(server.url, ORDER, offset_bytes=offset)])


@pytest.mark.parametrize("offset", [0, 1, 1_048_576, SIZE - 1])
async def test_the_file_comes_from_any_byte_on(offset: int, tls: Tls, server: StaticServer) -> None:
    assert await fetched(tls, server, offset=offset) == CONTENT[offset:]
    assert server.asked == [("/releases/file?signature=secret", offset)]


async def test_a_server_without_ranges_serves_the_whole(tls: Tls, server: StaticServer) -> None:
    async def whole(writer: asyncio.StreamWriter, _offset: int) -> None:
        writer.write(head(200, f"content-length: {SIZE}"))
        writer.write(CONTENT)

    server.talk = whole
    assert await fetched(tls, server) == CONTENT


async def test_what_a_server_sends_beyond_the_end_is_not_taken(tls: Tls, server: StaticServer) -> None:
    async def endless(writer: asyncio.StreamWriter, offset: int) -> None:
        writer.write(partial(offset, SIZE, SIZE - offset) + CONTENT[offset:])
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    server.talk = endless
    assert await fetched(tls, server) == CONTENT


def says(*parts: bytes) -> Talk:
    async def talk(writer: asyncio.StreamWriter, _offset: int) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return talk


async def endless_head(writer: asyncio.StreamWriter, _offset: int) -> None:
    writer.write(b"HTTP/1.1 206 OK\r\n")
    while True:
        writer.write(b"X-More: and more\r\n" * 1000)
        await writer.drain()


@pytest.mark.parametrize(
    ("talk", "error", "words"),
    [
        (says(head(200, f"Content-Length: {SIZE}"), CONTENT), InvalidArgumentError, "from byte 0 where 7 was asked"),
        (says(partial(8, SIZE, 10), bytes(10)), InvalidArgumentError, "from byte 8 where 7 was asked"),
        (says(partial(7, SIZE + 1, 10), bytes(10)), InvalidArgumentError, "another size"),
        (says(partial(7, SIZE, SIZE)), InvalidArgumentError, "another size"),
        (says(head(206, "Content-Length: 10"), bytes(10)), InvalidArgumentError, "which bytes follow"),
        (says(head(206, "Transfer-Encoding: chunked")), InvalidArgumentError, "encoded"),
        (says(head(206, "Content-Range: bytes 7-8/9")), InvalidArgumentError, "how many bytes follow"),
        (says(head(206, "Content-Length: 2", "Content-Length: 3")), InvalidArgumentError, "twice"),
        (says(head(403)), PermissionDeniedError, "may have expired"),
        (says(head(404)), NotFoundError, "does not have the file"),
        (says(head(416)), OutOfRangeError, "shorter"),
        (says(head(503)), UnavailableError, "has trouble"),
        (says(b"SSH-2.0-server\r\n\r\n"), InvalidArgumentError, "no HTTP server"),
        (says(head(302, "Location: http://localhost/x")), InvalidArgumentError, "redirects to where no artifact"),
        (says(head(302, "Location: /again")), InvalidArgumentError, "redirects more than 3 times"),
        (says(b"HTTP/1.1 206"), UnavailableError, "broke off"),
        (says(partial(7, SIZE, SIZE - 7), bytes(1000)), UnavailableError, "broke"),
        (endless_head, InvalidArgumentError, "more than 16384 bytes"),
    ],
    ids=[
        "200 instead of 206",
        "wrong range",
        "another file",
        "more bytes than the range",
        "no range",
        "chunked",
        "no length",
        "two lengths",
        "forbidden",
        "absent",
        "offset behind its end",
        "busy",
        "not HTTP",
        "redirect to plain http",
        "redirects in a circle",
        "dies in the head",
        "dies midway",
        "endless head",
    ],
)
async def test_an_answer_that_is_not_what_was_asked_for_ends_the_transfer(
    talk: Talk, error: type[WaysideError], words: str, tls: Tls, server: StaticServer
) -> None:
    server.talk = talk
    with pytest.raises(error, match=words) as raised:
        await fetched(tls, server, offset=7)
    assert "secret" not in str(raised.value)


async def test_a_redirect_is_followed_with_the_same_range(tls: Tls, server: StaticServer) -> None:
    async def away(writer: asyncio.StreamWriter, _offset: int) -> None:
        server.talk = None
        writer.write(head(307, "Location: /elsewhere?v=2", "Content-Length: 0"))
        await writer.drain()

    server.talk = away
    assert await fetched(tls, server, offset=9) == CONTENT[9:]
    assert server.asked == [("/releases/file?signature=secret", 9), ("/elsewhere?v=2", 9)]


async def test_a_server_that_says_nothing_more_is_left(tls: Tls, server: StaticServer) -> None:
    async def silent(writer: asyncio.StreamWriter, offset: int) -> None:
        writer.write(partial(offset, SIZE, SIZE - offset) + b"x")
        await asyncio.Event().wait()

    server.talk = silent
    with pytest.raises(UnavailableError, match="in time"):
        await fetched(tls, server, patience=Patience(silence_s=0.05))


async def test_a_server_that_never_answers_is_left(tls: Tls, server: StaticServer) -> None:
    async def mute(_writer: asyncio.StreamWriter, _offset: int) -> None:
        await asyncio.Event().wait()

    server.talk = mute
    with pytest.raises(UnavailableError, match="in time"):
        await fetched(tls, server, patience=Patience(answer_s=0.05))


async def test_a_server_that_drips_is_left(tls: Tls, server: StaticServer) -> None:
    async def drip(writer: asyncio.StreamWriter, offset: int) -> None:
        writer.write(partial(offset, SIZE, SIZE - offset))
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)  # a drip is what is tested

    server.talk = drip
    with pytest.raises(UnavailableError, match="too slow"):
        await fetched(tls, server, patience=Patience(window_s=0.2))


async def test_a_certificate_of_strangers_is_refused(server: StaticServer, tmp_path: Path) -> None:
    strangers = made_tls(tmp_path)
    with pytest.raises(InvalidArgumentError, match="https_ca_file"):
        await fetched(strangers, server)
    assert server.asked == []


async def test_a_certificate_of_another_host_is_refused(tmp_path: Path) -> None:
    tls = made_tls(tmp_path, "cdn.example")
    async with static_server(tls, CONTENT) as server:
        with pytest.raises(InvalidArgumentError, match="not trusted"):
            await fetched(tls, server)


async def test_authorities_that_are_not_there_are_named(server: StaticServer) -> None:
    place = HttpsPlace("/nowhere/ca.pem")
    with pytest.raises(InvalidArgumentError, match="https_ca_file"):
        await anext(aiter(place.fetch(server.url, ORDER, offset_bytes=0)))


async def test_a_host_that_is_not_there_is_away(tls: Tls) -> None:
    url = "https://127.0.0.1:1/file"
    with pytest.raises(UnavailableError, match=r"https://127\.0\.0\.1:1"):
        await anext(aiter(HttpsPlace(str(tls.ca)).fetch(url, ORDER, offset_bytes=0)))


@pytest.mark.parametrize("host", ["a..example", ".localhost", ".", "a" * 64 + ".example"], ids=repr)
async def test_a_host_whose_labels_are_none_is_refused(host: str, tls: Tls, server: StaticServer) -> None:
    async def away(writer: asyncio.StreamWriter, _offset: int) -> None:
        writer.write(head(302, f"location: https://{host}/file"))

    server.talk = away
    with pytest.raises(InvalidArgumentError, match="redirects"):
        await fetched(tls, server)


async def test_a_slow_reader_holds_the_server_back(tls: Tls, server: StaticServer) -> None:
    size, sent = 64 << 20, 0

    async def counted(writer: asyncio.StreamWriter, offset: int) -> None:
        nonlocal sent
        writer.write(partial(offset, size, size - offset))
        while sent < size:
            writer.write(bytes(65536))
            sent += 65536
            await writer.drain()

    server.talk = counted
    chunks = aiter(HttpsPlace(str(tls.ca)).fetch(server.url, Order("releases/1.0", "", size), offset_bytes=0))
    taken = len(await anext(chunks))
    for _ in range(3000):
        await asyncio.sleep(0)  # the server may send as much as is taken
    assert sent < size // 2
    assert taken + sum([len(chunk) async for chunk in chunks]) == size
