"""What is too large, too many, out of range or forged is refused in one sentence, and costs nobody else anything."""

import base64

import pytest

from tests.link.manager_api.peer import LocalManager, NodeCredential, Peer, Session, enrollment, layer
from tests.link.manager_api.people import caller
from wayside.errors import InvalidArgumentError
from wayside.v1 import config_service_pb2, fleet_service_pb2, node_pb2, node_service_pb2
from wayside_manager.core.pages import page_token


@pytest.mark.parametrize(
    "token",
    [
        page_token("config_layers", (2**70, "a")),
        page_token("config_layers", (-(2**63) - 1, "a")),
        page_token("config_layers", (1, "\ud800")),
        page_token("config_layers", (1, "x" * 100_000)),
        page_token("config_layers", (True, "a")),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"1" * 10_000).decode(),
        "é" * 10,
        "====",
    ],
)
async def test_a_forged_page_token_is_refused(operator: Peer, token: str) -> None:
    with pytest.raises(InvalidArgumentError, match="page_token"):
        await operator.call(
            operator.config.ListConfigLayers, config_service_pb2.ListConfigLayersRequest(page_token=token)
        )


async def test_a_selector_of_a_hundred_thousand_nodes_is_refused(operator: Peer) -> None:
    huge = layer()
    huge.selector.all_nodes = False
    huge.selector.nodes.extend(f"nodes/n{index}" for index in range(100_000))
    await caller(operator)  # before it has logged in, a connection may send 16 KiB at once
    with pytest.raises(
        InvalidArgumentError, match=r"config_layer\.selector\.nodes: name at most 10000, or use labels or groups"
    ):
        await operator.apply(huge)


async def test_ten_thousand_labels_are_refused(operator: Peer, rsu: NodeCredential) -> None:
    request = fleet_service_pb2.UpdateNodeRequest(node=node_pb2.Node(name=f"nodes/{rsu.node_id}"))
    request.update_mask.paths.append("labels")
    request.node.labels.extend(node_pb2.Label(key=f"k{index}", value="v") for index in range(10_000))
    with pytest.raises(InvalidArgumentError, match="10000 labels are too many"):
        await operator.call(operator.fleet.UpdateNode, request)


async def test_a_label_that_would_steer_a_terminal_is_refused(operator: Peer, rsu: NodeCredential) -> None:
    request = fleet_service_pb2.UpdateNodeRequest(node=node_pb2.Node(name=f"nodes/{rsu.node_id}"))
    request.update_mask.paths.append("labels")
    request.node.labels.add(key="k", value="\x1b[2J")
    with pytest.raises(InvalidArgumentError, match="printable"):
        await operator.call(operator.fleet.UpdateNode, request)


async def test_a_certificate_request_of_sixty_kilobytes_is_refused(manager: LocalManager) -> None:
    async with manager.operator() as operator, manager.stranger() as unit:
        token = await operator.enrollment_token()
        with pytest.raises(InvalidArgumentError, match="certificate_request_pem"):
            await unit.call(unit.enrollment.Enroll, enrollment(token, "rsu-9", "x" * (60 << 10)))


@pytest.mark.parametrize(
    "health",
    [
        node_pb2.HealthReport(agent_version="x" * (1 << 20)),
        node_pb2.HealthReport(agent_version="x" * (4 << 20)),
        node_pb2.HealthReport(agent_version="1\x1b[2J"),
        node_pb2.HealthReport(agent_version="x" * 200),
        node_pb2.HealthReport(config_revision=-1),
    ],
)
async def test_a_health_report_out_of_bounds_is_refused(rsu_peer: Peer, health: node_pb2.HealthReport) -> None:
    session = await Session(rsu_peer).opened()
    await session.report(1, health=health)
    assert isinstance(await session.ended(), InvalidArgumentError)


async def test_wild_times_and_sequences_of_one_node_cost_no_other_its_reports(manager: LocalManager) -> None:
    wild, tame = await manager.enroll("rsu-wild"), await manager.enroll("rsu-tame")
    async with manager.node(wild) as wild_peer, manager.node(tame) as tame_peer:
        hostile, good = await Session(wild_peer).opened(), await Session(tame_peer).opened()
        for sequence in (2**62 + 1, 2**63 - 1):
            report = node_service_pb2.Report(sequence=sequence, health=node_pb2.HealthReport())
            report.record_time.seconds, report.record_time.nanos = 253_402_300_799, 999_999_999
            await hostile.call.write(node_service_pb2.SessionRequest(report=report))
            await good.report(sequence)
            assert (await hostile.until("ack")).sequence == sequence
            assert (await good.until("ack")).sequence == sequence
