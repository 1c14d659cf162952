"""Sessions are let in at the pace of the alarm policy; who must wait is told how long, and by which call."""

import grpc
import grpc.aio

from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, Session
from wayside.errors import UnavailableError
from wayside.status import RETRY_AFTER, from_rpc_error
from wayside.v1 import alarm_pb2, alarm_service_pb2, node_service_pb2
from wayside_agent.core.backoff import told_delay_s
from wayside_agent.link.manager import ManagerLink
from wayside_agent.ports.identity import Identity

TRIES = 3_000
HELLO = node_service_pb2.SessionRequest(hello=node_service_pb2.SessionHello(agent_version="1.0.0", spool_id="spool-1"))


async def set_pace(operator: Peer, rate_per_s: float) -> None:
    policy = alarm_pb2.AlarmPolicy(reconnects_per_second=rate_per_s)
    await operator.call(operator.alarm.UpdateAlarmPolicy, alarm_service_pb2.UpdateAlarmPolicyRequest(policy=policy))


async def turned_away(peer: Peer) -> grpc.aio.AioRpcError | None:
    """What became of one more session; `None`: it was let in, and left."""
    call = peer.node.Session(None, timeout=30.0)
    try:
        await call.write(HELLO)
        answer = await call.read()
    except grpc.aio.AioRpcError as exc:
        return exc
    if answer is not grpc.aio.EOF:
        call.cancel()
        return None
    trailers = await call.trailing_metadata()
    return grpc.aio.AioRpcError(await call.code(), grpc.aio.Metadata(), trailers, await call.details(), None)


async def first_refusal(peer: Peer) -> grpc.aio.AioRpcError:
    """The policy is in force from the engine's next look on; until then all are let in."""
    for _ in range(TRIES):
        error = await turned_away(peer)
        if error is not None:
            return error
    raise AssertionError("every session was let in")


async def test_who_comes_while_too_many_come_is_told_when_to_come_again(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    await set_pace(operator, 1.0)
    async with manager.node(rsu) as peer:
        error = await first_refusal(peer)
        trailers = dict(error.trailing_metadata() or ())
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert from_rpc_error(error).reason == "ADMISSION_WAIT"
        assert 1_000 <= int(trailers[RETRY_AFTER]) <= 300_000
        assert trailers["x-request-id"]
        others = [await turned_away(peer) for _ in range(20)]
    waits_ms = [int(dict(each.trailing_metadata() or ())[RETRY_AFTER]) for each in others if each]
    assert len(waits_ms) >= 10
    assert sum(waits_ms[-5:]) > sum(waits_ms[:5]), "who comes later comes back later"


async def test_sessions_that_are_open_stay_and_a_faster_pace_lets_in_again(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    other = await manager.enroll("rsu-2")
    async with manager.node(rsu) as peer, manager.node(other) as late:
        session = await Session(peer).opened()
        await session.until("welcome")
        await set_pace(operator, 1.0)
        await first_refusal(late)
        await session.report(1)
        await session.until("ack")
        await set_pace(operator, 100_000.0)
        for _ in range(TRIES):
            if await turned_away(late) is None:
                break
        else:
            raise AssertionError("nobody was let in again")


async def test_an_agent_hears_how_long_it_is_to_wait(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    await set_pace(operator, 1.0)
    identity = Identity("rsu-1", rsu.key_pem.encode(), rsu.certificate_pem.encode(), manager.ca_pem)
    async with manager.node(rsu) as peer, ManagerLink(manager.endpoints.device_address, identity) as link:
        await first_refusal(peer)
        refusal = await refused(link)
    assert refusal.reason == "ADMISSION_WAIT"
    assert (told_delay_s(refusal.metadata[RETRY_AFTER]) or 0.0) >= 1.0


async def refused(link: ManagerLink) -> UnavailableError:
    """One a second is still let in: on a slow machine that may be this one."""
    for _ in range(10):
        try:
            async with link.session(HELLO.hello) as session:
                await session.receive(20.0)
        except UnavailableError as error:
            return error
    raise AssertionError("every session was let in")
