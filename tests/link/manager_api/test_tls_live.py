"""Certificates and authorities that change while the ports listen."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import grpc
import grpc.aio
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from wayside.errors import InvalidArgumentError
from wayside_manager.api.tls import LiveTls, TlsFiles
from wayside_manager.services.authority import Authority

NOW = datetime.now(UTC)


def files(authority: Authority, *hostnames: str) -> TlsFiles:
    shown = authority.server_credential(hostnames or ("localhost", "127.0.0.1"), now=NOW)
    return TlsFiles(shown.certificate.pem.encode(), shown.key_pem.encode(), authority.certificate_pem.encode())


@asynccontextmanager
async def live(tls: LiveTls) -> AsyncIterator[tuple[int, int]]:
    server, servicer = grpc.aio.server(), health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    device = server.add_secure_port("127.0.0.1:0", tls.credentials(demands_certificate=True))
    operator = server.add_secure_port("127.0.0.1:0", tls.credentials(demands_certificate=False))
    await server.start()
    try:
        yield device, operator
    finally:
        await server.stop(0)


@asynccontextmanager
async def channel(port: int, *pems: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel that trusts the first PEM and shows the others: certificate, key."""
    root, certificate, key = (*(pem.encode() for pem in pems), None, None)[:3]
    credentials = grpc.ssl_channel_credentials(root, key, certificate)
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as opened:
        yield opened


async def is_served(opened: grpc.aio.Channel) -> bool:
    stub: Any = health_pb2_grpc.HealthStub(opened)  # its stubs are not complete
    try:
        await stub.Check(health_pb2.HealthCheckRequest(), timeout=5.0)
    except grpc.aio.AioRpcError:
        return False
    return True


def shown_pem(port: int) -> bytes:
    return ssl.get_server_certificate(("127.0.0.1", port)).encode()


async def test_a_new_certificate_is_shown_to_the_next_client_and_old_connections_live_on() -> None:
    authority = Authority.made(now=NOW)
    before, after = files(authority), files(authority, "127.0.0.1", "new.example")
    tls = LiveTls(before)
    async with live(tls) as (_, operator), channel(operator, authority.certificate_pem) as old:
        assert await is_served(old)
        assert await asyncio.to_thread(shown_pem, operator) == before.certificate_pem
        tls.replace(after)
        assert await asyncio.to_thread(shown_pem, operator) == after.certificate_pem
        assert await is_served(old)
        async with channel(operator, authority.certificate_pem) as new:
            assert await is_served(new)


async def test_authorities_change_for_the_next_client_and_old_connections_live_on() -> None:
    first, second = Authority.made(now=NOW), Authority.made(now=NOW)
    tls = LiveTls(files(first))
    ours = [first.operator_credential("a", now=NOW), second.operator_credential("b", now=NOW)]
    shows = [(one.certificate.pem, one.key_pem) for one in ours]
    async with live(tls) as (device, _), channel(device, first.certificate_pem, *shows[0]) as old:
        assert await is_served(old)
        async with channel(device, first.certificate_pem, *shows[1]) as foreign:
            assert not await is_served(foreign)
        tls.replace(replace(tls.files, authorities_pem=(first.certificate_pem + second.certificate_pem).encode()))
        for show in shows:  # the overlap
            async with channel(device, first.certificate_pem, *show) as either:
                assert await is_served(either)
        tls.replace(replace(tls.files, authorities_pem=second.certificate_pem.encode()))
        async with channel(device, first.certificate_pem, *shows[0]) as late:
            assert not await is_served(late)
        async with channel(device, first.certificate_pem, *shows[1]) as new:
            assert await is_served(new)
        assert await is_served(old)


def test_what_no_port_can_use_is_refused_and_changes_nothing() -> None:
    good = files(Authority.made(now=NOW))
    foreign = files(Authority.made(now=NOW))
    tls = LiveTls(good)
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    rsa_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for bad, reason in (
        (replace(good, key_pem=foreign.key_pem), "not the one of its certificate"),
        (replace(good, key_pem=rsa_pem), "not ECDSA"),
        (replace(good, key_pem=b"x"), "no good PEM"),
        (replace(good, certificate_pem=b""), "no good PEM"),
        (replace(good, authorities_pem=b"-----BEGIN CERTIFICATE-----\n"), "no good PEM"),
    ):
        with pytest.raises(InvalidArgumentError, match=reason):
            tls.replace(bad)
        assert tls.files is good
