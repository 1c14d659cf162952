"""Renewing a node's certificate over real TLS: make before break."""

import hashlib

import pytest

from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer
from tests.link.manager_api.unit import UnitSession, confirm, living, renewed, within
from wayside.errors import WaysideError
from wayside.v1 import fleet_service_pb2, node_service_pb2
from wayside_manager.services.authority import new_key


async def reason_of_renewal(manager: LocalManager, credential: NodeCredential, **given: object) -> str:
    with pytest.raises(WaysideError) as caught:
        await renewed(manager, credential, **given)  # type: ignore[arg-type]  # a key or nothing
    return caught.value.reason


async def opens(manager: LocalManager, credential: NodeCredential) -> str:
    """Empty if the certificate opens a session, else why not."""
    async with manager.node(credential) as peer:
        session = await UnitSession(peer, instance_id="a").opened()
        try:
            await session.until("welcome")
        except WaysideError as exc:
            return exc.reason
    return ""


@pytest.fixture
async def unit(manager: LocalManager, rsu: NodeCredential) -> NodeCredential:
    """A node that has had its certificate for a while."""
    manager.clock.push(minutes=10)
    return rsu


async def test_the_next_certificate_opens_nothing_until_it_is_confirmed(
    manager: LocalManager, unit: NodeCredential
) -> None:
    following = await renewed(manager, unit)
    assert await opens(manager, following) == "CERTIFICATE_UNCONFIRMED"
    assert await reason_of_renewal(manager, following) == "CERTIFICATE_UNCONFIRMED"
    async with manager.node(following) as peer:
        for call in (
            peer.call(peer.node.GetAuthorities, node_service_pb2.GetAuthoritiesRequest()),
            peer.call(peer.node.FetchConfig, node_service_pb2.FetchConfigRequest(revision=1)),
        ):
            with pytest.raises(WaysideError) as caught:
                await call
            assert caught.value.reason == "CERTIFICATE_UNCONFIRMED"
    assert await opens(manager, unit) == ""


async def test_a_confirmed_certificate_is_the_only_one_after_a_minute(
    manager: LocalManager, unit: NodeCredential
) -> None:
    async with manager.node(unit) as peer, living(peer, instance_id="a") as older:
        await within(older.welcomed)
        following = await renewed(manager, unit)
        await confirm(manager, following)
        await confirm(manager, following)  # the first answer may be lost
        manager.clock.push(seconds=30)
        assert await opens(manager, unit) == ""  # what runs on it finds the newer one
        assert await reason_of_renewal(manager, unit) == "CERTIFICATE_REPLACED"
        manager.clock.push(seconds=31)
        await within(older.ended)
    assert older.reason in {"CREDENTIAL_REVOKED", "SESSION_REPLACED"}
    assert await opens(manager, unit) == "CREDENTIAL_INVALID"
    assert await opens(manager, following) == ""


async def test_confirming_the_old_one_again_takes_nothing_away(manager: LocalManager, unit: NodeCredential) -> None:
    following = await renewed(manager, unit)
    await confirm(manager, unit)
    manager.clock.push(minutes=5)
    await confirm(manager, following)
    assert await opens(manager, following) == ""


async def test_a_unit_that_never_confirms_keeps_its_certificate(manager: LocalManager, unit: NodeCredential) -> None:
    await renewed(manager, unit)
    manager.clock.push(minutes=45)
    assert await opens(manager, unit) == ""
    await confirm(manager, await renewed(manager, unit))


async def test_a_retry_with_the_same_key_replaces_the_unconfirmed_certificate(
    manager: LocalManager, unit: NodeCredential
) -> None:
    key = new_key()
    lost = await renewed(manager, unit, key)
    following = await renewed(manager, unit, key)
    with pytest.raises(WaysideError):
        await confirm(manager, lost)
    await confirm(manager, following)


async def test_a_key_is_renewed_only_once_and_by_nobody_else(manager: LocalManager, unit: NodeCredential) -> None:
    key = new_key()
    following = await renewed(manager, unit, key)
    await confirm(manager, following)
    manager.clock.push(minutes=10)
    assert await reason_of_renewal(manager, following, key=key) == "KEY_USED"
    other = await manager.enroll("rsu-2")
    manager.clock.push(minutes=10)
    assert await reason_of_renewal(manager, other, key=key) == "KEY_USED"


async def test_renewing_again_and_again_is_refused(manager: LocalManager, unit: NodeCredential) -> None:
    await renewed(manager, unit)
    assert await reason_of_renewal(manager, unit) == "RENEWS_TOO_OFTEN"
    manager.clock.push(minutes=6)
    await renewed(manager, unit)


async def test_a_revoked_node_does_not_renew(manager: LocalManager, operator: Peer, unit: NodeCredential) -> None:
    following = await renewed(manager, unit)
    await operator.call(operator.fleet.RevokeNode, fleet_service_pb2.RevokeNodeRequest(name="nodes/rsu-1"))
    assert await reason_of_renewal(manager, unit) == "NODE_REVOKED"
    with pytest.raises(WaysideError):
        await confirm(manager, following)


async def test_a_session_says_when_to_renew(manager: LocalManager, unit: NodeCredential) -> None:
    async with manager.node(unit) as peer:
        session = await UnitSession(peer).opened()
        first = await session.until("trust")
        manager.clock.push(days=21)
        second = await session.until("trust")
    assert (first.should_renew, second.should_renew) == (False, True)
    assert first.authorities_sha256 == second.authorities_sha256 != ""
    assert first.certificate_expire_time == second.certificate_expire_time


async def test_the_authorities_are_what_the_notice_says(rsu_peer: Peer) -> None:
    session = await UnitSession(rsu_peer).opened()
    notice = await session.until("trust")
    answer = await rsu_peer.call(rsu_peer.node.GetAuthorities, node_service_pb2.GetAuthoritiesRequest())
    assert hashlib.sha256(answer.authorities_pem.encode()).hexdigest() == notice.authorities_sha256
