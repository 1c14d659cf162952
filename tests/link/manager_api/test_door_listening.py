"""Where the door listens."""

import asyncio
import socket

import pytest

from tests.link.manager_api.door_place import HELLO, HOME, placed
from wayside_manager.api.door.door import Door


async def test_a_port_that_is_taken_is_not_shared() -> None:
    with socket.create_server((HOME, 0)) as taken, pytest.raises(OSError, match="in use"):
        await Door().listen(HOME, taken.getsockname()[1])


async def test_both_kinds_of_address_are_served_on_one_port() -> None:
    async with placed() as place:
        both = Door()
        port = await both.listen("localhost", 0)
        both.open(place.server.port)
        try:
            for host in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM):
                address = str(host[4][0])
                reader, writer = await asyncio.open_connection(address, port)
                writer.write(HELLO)
                assert await reader.readexactly(len(HELLO)) == HELLO
                assert both.origin(place.server.peers[-1]) == address
                writer.transport.abort()
        finally:
            both.close()
