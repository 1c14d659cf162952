"""Two units with one certificate, and honest units that only look like it. Real sessions over real TLS."""

import asyncio
from itertools import islice

import pytest

from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer
from tests.link.manager_api.unit import UnitSession, living, within
from wayside.v1 import access_service_pb2, audit_service_pb2, fleet_service_pb2, node_pb2, node_service_pb2


async def alarms(operator: Peer) -> list[audit_service_pb2.AuditEntry]:
    request = audit_service_pb2.ListAuditEntriesRequest(
        filter=audit_service_pb2.AuditFilter(outcomes=[audit_service_pb2.AuditEntry.OUTCOME_ALARM])
    )
    return list((await operator.call(operator.audit.ListAuditEntries, request)).entries)


async def answer_to_clones(operator: Peer, word: str) -> None:
    await operator.set_policy(clone_response=access_service_pb2.CloneResponse.Value(f"CLONE_RESPONSE_{word}"))


async def test_a_copied_identity_is_found_and_both_are_out(
    manager: LocalManager, operator: Peer, rsu: NodeCredential, caplog: pytest.LogCaptureFixture
) -> None:
    async with manager.node(rsu) as one, manager.node(rsu) as two, living(one, instance_id="a") as honest:
        await within(honest.welcomed)
        async with living(two, instance_id="b") as copy:
            await within(copy.ended)
            await within(honest.ended)
    assert (honest.reason, copy.reason) == ("NODE_CLONED", "NODE_CLONED")
    assert (await operator.get_node("rsu-1")).state == node_pb2.Node.STATE_REVOKED
    (entry,) = await alarms(operator)
    assert (entry.action, entry.actor, entry.reason) == ("NodeCloned", "manager", "NODE_CLONED")
    assert "nodes/rsu-1" in {change.resource for change in entry.changes}
    assert "two units show the certificate of rsu-1" in caplog.text
    events = (await operator.call(operator.fleet.ListEvents, fleet_service_pb2.ListEventsRequest())).events
    assert [event.kind for event in events][-2:] == ["node.revoked", "node.clone"]
    assert events[-1].details["response"] == "revoke"


async def test_the_policy_can_keep_the_older(manager: LocalManager, operator: Peer, rsu: NodeCredential) -> None:
    await answer_to_clones(operator, "KEEP_OLDER")
    async with manager.node(rsu) as one, manager.node(rsu) as two, living(one, instance_id="a") as honest:
        await within(honest.welcomed)
        for _ in range(3):  # it tries again and again
            async with living(two, instance_id="b") as copy:
                await within(copy.ended)
            assert copy.reason == "NODE_CLONED"
        assert not honest.ended.is_set()
    assert [entry.action for entry in await alarms(operator)] == ["NodeCloned"]
    assert (await operator.get_node("rsu-1")).state == node_pb2.Node.STATE_ENROLLED


async def test_the_policy_can_keep_the_newer(manager: LocalManager, operator: Peer, rsu: NodeCredential) -> None:
    await answer_to_clones(operator, "KEEP_NEWER")
    async with manager.node(rsu) as one, manager.node(rsu) as two, living(one, instance_id="a") as older:
        await within(older.welcomed)
        async with living(two, instance_id="b") as newer:
            await within(older.ended)
            await within(newer.welcomed)
            assert not newer.ended.is_set()
    assert older.reason == "NODE_CLONED"
    assert len(await alarms(operator)) == 1


async def test_a_copy_that_leaves_its_instance_out_is_found_as_well(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with manager.node(rsu) as one, manager.node(rsu) as two, living(one, instance_id="a") as honest:
        await within(honest.welcomed)
        async with living(two, instance_id="") as copy:
            await within(copy.ended)
    assert copy.reason == "NODE_CLONED"
    assert len(await alarms(operator)) == 1


async def test_a_unit_that_restarted_after_a_power_cut_replaces_its_dead_session(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with manager.node(rsu) as one, manager.node(rsu) as two:
        dead = await UnitSession(one, instance_id="a").opened()
        dead.answers = False
        await dead.until("welcome")  # from now on nobody reads, and nobody answers
        async with living(two, instance_id="b") as restarted:
            await within(restarted.welcomed)
            assert not restarted.ended.is_set()
        assert (await dead.ended()).reason == "SESSION_REPLACED"
    assert await alarms(operator) == []


async def test_a_unit_that_restarted_cleanly_is_welcomed_at_once(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    for instance_id in ("a", "b", "c"):
        async with manager.node(rsu) as peer, living(peer, instance_id=instance_id) as unit:
            await within(unit.welcomed, 4.0)  # less than a probe would take
    assert await alarms(operator) == []


async def test_a_storm_of_reconnections_of_one_agent_raises_nothing(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with manager.node(rsu) as one, manager.node(rsu) as two, asyncio.TaskGroup() as group:
        units = [await UnitSession((one, two)[number % 2], instance_id="a").opened() for number in range(19)]
        ended = [group.create_task(session.ended()) for session in units]  # a handover: two connections, one agent
        for replaced in islice(asyncio.as_completed(ended), 18):  # the network says which is last
            await replaced
        last = await UnitSession(two, instance_id="a").opened()
        await last.until("welcome")
        for session in (*units, last):
            session.call.cancel()
    assert await alarms(operator) == []
    assert (await operator.get_node("rsu-1")).state == node_pb2.Node.STATE_ENROLLED


async def test_of_several_that_wait_only_the_newest_goes_on(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with manager.node(rsu) as one, manager.node(rsu) as two:
        dead = await UnitSession(one, instance_id="a").opened()
        dead.answers = False
        await dead.until("welcome")
        async with living(two, instance_id="b") as first:
            await two.call(two.node.GetAuthorities, node_service_pb2.GetAuthoritiesRequest())  # it has been heard
            async with living(two, instance_id="b") as second:
                await within(second.welcomed)
                await within(first.ended)
    assert first.reason == "SESSION_REPLACED"
    assert await alarms(operator) == []


async def test_an_agent_that_knows_no_probes_is_replaced_as_ever(
    manager: LocalManager, operator: Peer, rsu: NodeCredential
) -> None:
    async with manager.node(rsu) as one, manager.node(rsu) as two, living(one, instance_id="") as older:
        await within(older.welcomed)
        async with living(two, instance_id="b") as newer:
            await within(newer.welcomed)
            await within(older.ended)
    assert older.reason == "SESSION_REPLACED"
    assert await alarms(operator) == []


async def test_what_was_not_asked_for_says_nothing(rsu_peer: Peer) -> None:
    session = await UnitSession(rsu_peer, instance_id="a").opened()
    await session.until("welcome")
    await session.call.write(node_service_pb2.SessionRequest(probe=node_service_pb2.SessionProbe(nonce="made up")))
    await session.report(1)
    assert (await session.until("ack")).sequence == 1
