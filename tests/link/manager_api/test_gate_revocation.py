"""What was taken back ends what is open, on every replica, within 5 s."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import msgspec
import pytest

from tests.contract.oidc_provider import AUDIENCE, ISSUER, Provider
from tests.link.manager_api.conftest import SETTINGS
from tests.link.manager_api.peer import Clock, LocalManager, Peer, Session, role
from wayside.errors import PermissionDeniedError, UnauthenticatedError, UnavailableError, WaysideError
from wayside.status import from_rpc_error
from wayside.v1 import access_service_pb2, audit_service_pb2, fleet_service_pb2, release_service_pb2
from wayside_manager.app import running
from wayside_manager.cli.initialise import initialise
from wayside_manager.core.attempts import Limits
from wayside_manager.settings import DataFolder, OidcSettings

END_S = 5.0  # the promise


@asynccontextmanager
async def replicas(folder: Path, clock: Clock, *, count: int) -> AsyncIterator[list[LocalManager]]:
    """Managers over one database, as they would run on several hosts."""
    first = DataFolder(folder / "manager-0")
    await initialise(first, SETTINGS)
    settings = msgspec.structs.replace(SETTINGS, database_url=first.database_url)
    found = []
    async with AsyncExitStack() as stack:
        for number in range(count):
            own = DataFolder(folder / f"manager-{number}")
            if number:
                shutil.copytree(first.path, own.path, ignore=shutil.ignore_patterns("manager.db*", "lock", "run"))
            endpoints = await stack.enter_async_context(running(own, settings, now=clock))
            found.append(LocalManager(own, endpoints, clock))
        yield found


class Watch:
    """A stream that stays open."""

    def __init__(self, call: Any) -> None:  # noqa: ANN401  # grpc's own type
        self.call = call

    async def opened(self) -> "Watch":
        await self.call.initial_metadata()
        return self

    async def ended(self) -> WaysideError:
        """What ends it, passing over what is sent before."""
        try:
            while await self.call.read() is not grpc.aio.EOF:
                pass
        except grpc.aio.AioRpcError as exc:
            return from_rpc_error(exc)
        trailers = await self.call.trailing_metadata()
        return from_rpc_error(
            grpc.aio.AioRpcError(await self.call.code(), grpc.aio.Metadata(), trailers, await self.call.details(), None)
        )


async def watch(peer: Peer) -> Watch:
    request = fleet_service_pb2.WatchNodesRequest()
    return await Watch(peer.fleet.WatchNodes(request, timeout=END_S * 2, metadata=peer.metadata)).opened()


async def revoke(admin: Peer, operator_id: str) -> None:
    """Takes every credential of an operator back."""
    listed = access_service_pb2.ListCredentialsRequest(operator=f"operators/{operator_id}")
    for each in (await admin.call(admin.access.ListCredentials, listed)).credentials:
        await admin.call(admin.access.RevokeCredential, access_service_pb2.RevokeCredentialRequest(name=each.name))


async def change(admin: Peer, field: str, **fields: Any) -> None:  # noqa: ANN401  # fields of a message
    """Changes what operators/vera is."""
    changed = access_service_pb2.Operator(name="operators/vera", **fields)
    request = access_service_pb2.UpdateOperatorRequest(operator=changed)
    request.update_mask.paths.append(field)
    await admin.call(admin.access.UpdateOperator, request)


async def within_promise(stream: Watch | Session) -> WaysideError:
    async with asyncio.timeout(END_S):
        return await stream.ended()


async def test_a_token_revoked_at_one_replica_ends_its_stream_at_another(tmp_path: Path, clock: Clock) -> None:
    async with replicas(tmp_path, clock, count=2) as (one, two), one.operator() as admin:
        token = await admin.make_operator("vera", role("viewer"))
        async with two.stranger(token=token) as vera:
            open_stream = await watch(vera)
            await revoke(admin, "vera")
            error = await within_promise(open_stream)
            with pytest.raises(UnauthenticatedError):
                await vera.call(vera.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())
    assert (type(error), error.reason) == (UnauthenticatedError, "CREDENTIAL_REVOKED")


@pytest.mark.parametrize(("verb", "reason"), [("Retire", "NODE_RETIRED"), ("Revoke", "NODE_REVOKED")])
async def test_a_node_expelled_at_one_replica_is_cut_off_at_another(
    tmp_path: Path, clock: Clock, verb: str, reason: str
) -> None:
    async with replicas(tmp_path, clock, count=2) as (one, two), one.operator() as admin:
        credential = await one.enroll("rsu-1")
        async with two.node(credential) as unit:
            session = await Session(unit).opened()
            await session.until("welcome")
            request = getattr(fleet_service_pb2, f"{verb}NodeRequest")(name="nodes/rsu-1")
            await admin.call(getattr(admin.fleet, f"{verb}Node"), request)
            error = await within_promise(session)
    assert (type(error), error.reason) == (PermissionDeniedError, reason)


async def test_a_disabled_operator_is_cut_off(manager: LocalManager, operator: Peer) -> None:
    token = await operator.make_operator("vera", role("viewer"))
    async with manager.stranger(token=token) as vera:
        open_stream = await watch(vera)
        await change(operator, "disabled", disabled=True)
        error = await within_promise(open_stream)
    assert (type(error), error.reason) == (UnauthenticatedError, "CREDENTIAL_REVOKED")


async def test_an_operator_who_loses_a_role_loses_what_it_showed(manager: LocalManager, operator: Peer) -> None:
    await operator.make_tenant("east")
    token = await operator.make_operator("vera", role("viewer"))
    async with manager.stranger(token=token) as vera:
        open_stream = await watch(vera)
        await change(operator, "bindings", bindings=[role("viewer", "east")])
        error = await within_promise(open_stream)
    assert (type(error), error.reason) == (UnavailableError, "ROLES_CHANGED")


async def test_a_token_that_ends_ends_its_stream(manager: LocalManager, operator: Peer, clock: Clock) -> None:
    token = await operator.make_operator("vera", role("viewer"))
    async with manager.stranger(token=token) as vera:
        open_stream = await watch(vera)
        clock.push(days=91)
        error = await within_promise(open_stream)
    assert (type(error), error.reason) == (UnauthenticatedError, "CREDENTIAL_EXPIRED")


async def test_a_certificate_that_ends_ends_its_session(manager: LocalManager, clock: Clock) -> None:
    credential = await manager.enroll("rsu-1")
    async with manager.node(credential) as unit:
        session = await Session(unit).opened()
        await session.until("welcome")
        clock.push(days=400)
        error = await within_promise(session)
    assert (type(error), error.reason) == (UnauthenticatedError, "CERTIFICATE_EXPIRED")


async def test_a_stream_opened_with_a_token_of_an_openid_provider_ends_with_its_operator(
    tmp_path: Path, clock: Clock
) -> None:
    provider = Provider(tmp_path / "jwks.json")
    provider.add_key("key-1")
    provider.publish()
    oidc = OidcSettings(issuer=ISSUER, audience=AUDIENCE, jwks_file=str(provider.jwks_file))
    folder = DataFolder(tmp_path / "manager")
    await initialise(folder, SETTINGS)
    async with running(folder, msgspec.structs.replace(SETTINGS, oidc=oidc), now=clock) as endpoints:
        manager = LocalManager(folder, endpoints, clock)
        async with (
            manager.operator() as admin,
            manager.stranger(token=provider.token("key-1", now=clock(), sub="vera@city")) as vera,
        ):
            await admin.make_operator("vera", role("viewer"))
            await change(admin, "oidc_subject", oidc_subject="vera@city")
            open_stream = await watch(vera)
            await change(admin, "disabled", disabled=True)
            errors = [await within_promise(open_stream)]
            await change(admin, "disabled", disabled=False)
            open_stream = await watch(vera)
            clock.push(hours=2)
            errors.append(await within_promise(open_stream))
    assert [error.reason for error in errors] == ["CREDENTIAL_REVOKED", "CREDENTIAL_EXPIRED"]


async def test_an_upload_ends_with_the_credential_it_began_with(manager: LocalManager, operator: Peer) -> None:
    token = await operator.make_operator("rita", role("release-manager"))
    async with manager.stranger(token=token) as rita:
        call = rita.release.CreateRelease(timeout=END_S * 2, metadata=rita.metadata)
        spec = release_service_pb2.ReleaseSpec(version="1.0.0", sha256="0" * 64, size_bytes=1 << 20)
        await call.write(release_service_pb2.CreateReleaseRequest(spec=spec))
        await call.initial_metadata()
        await revoke(operator, "rita")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
    assert from_rpc_error(caught.value).reason == "CREDENTIAL_REVOKED"


async def test_other_streams_stay_open(manager: LocalManager, operator: Peer) -> None:
    tokens = [await operator.make_operator(name, role("viewer")) for name in ("vera", "viktor")]
    async with manager.stranger(token=tokens[0]) as vera, manager.stranger(token=tokens[1]) as viktor:
        revoked, kept = await watch(vera), await watch(viktor)
        await revoke(operator, "vera")
        await within_promise(revoked)
        assert not kept.call.done()
        kept.call.cancel()


async def test_streams_that_end_with_their_credential_are_no_failed_logins(
    manager: LocalManager, operator: Peer
) -> None:
    token = await operator.make_operator("vera", role("viewer"))
    async with manager.stranger(token=token) as vera:
        streams = [await watch(vera) for _ in range(Limits().failures + 2)]
        await revoke(operator, "vera")
        errors = [await within_promise(stream) for stream in streams]
    assert {error.reason for error in errors} == {"CREDENTIAL_REVOKED"}
    async with manager.operator() as newcomer:
        await newcomer.call(newcomer.fleet.ListNodes, fleet_service_pb2.ListNodesRequest())


async def test_every_stream_answers_with_the_request_id_at_once(operator: Peer) -> None:
    metadata = (*operator.metadata, ("x-request-id", "stream-1"))
    call = operator.audit.ExportAudit(audit_service_pb2.ExportAuditRequest(), metadata=metadata, timeout=5)
    assert dict(await call.initial_metadata())["x-request-id"] == "stream-1"
