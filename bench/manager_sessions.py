"""What sessions cost the manager: CPU to open one, to answer GetNode and to push a configuration to all; over mTLS.

The manager runs in a process of its own, whose CPU time is read from /proc; this process is the units and the operator.
The floor is one mTLS handshake in grpc's TLS library, 0.8 ms of the server's CPU, and 157 us per message of grpc.aio.
"""

import asyncio
import time
from contextlib import AsyncExitStack

import grpc.aio

from bench._harness import Report as Figures
from bench._sessions import Manager, SessionCall, after, channel, enrolled, greet, say, serving
from wayside.v1 import (
    config_service_pb2,
    config_service_pb2_grpc,
    fleet_service_pb2,
    fleet_service_pb2_grpc,
    node_pb2,
    node_service_pb2,
    node_service_pb2_grpc,
)

SESSION_COUNT = 300
CALL_COUNT = 500
PUSH_COUNT = 5
HANDSHAKE_FLOOR_MS, MESSAGE_FLOOR_MS = 0.8, 0.157  # grpcio with TLS, quiet machine


def main() -> None:
    """Runs the benchmark."""
    with serving() as manager:
        asyncio.run(_measure(manager)).print()


async def _measure(manager: Manager) -> Figures:
    figures = Figures("manager-sessions")
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(channel(manager.operator_address, manager.ca_pem))
        start_ms = manager.cpu_ms()
        credentials = await enrolled(manager, operator, count=SESSION_COUNT)
        figures.add("enrol a node, CPU ms", (manager.cpu_ms() - start_ms) / SESSION_COUNT)
        channels = [
            await stack.enter_async_context(channel(manager.device_address, manager.ca_pem, *credential))
            for credential in credentials
        ]
        start_ms = manager.cpu_ms()
        sessions: list[SessionCall] = []
        for each in channels:
            sessions.append(node_service_pb2_grpc.NodeServiceStub(each).Session(None))
            await greet(sessions[-1])  # one after the other: a session waits for its hello for a few seconds only
        figures.add("open a session, CPU ms", (manager.cpu_ms() - start_ms) / SESSION_COUNT)
        await _get(figures, manager, operator)
        await _push(figures, manager, operator, sessions)
        for session in sessions:
            session.cancel()
    floor_ms = HANDSHAKE_FLOOR_MS + 3 * MESSAGE_FLOOR_MS  # hello up, welcome and desired state down
    open_ms, push_ms = (
        figures.figures["open a session, CPU ms"],
        figures.figures["roll a configuration out, CPU ms a node"],
    )
    figures.add_ratio("open a session: manager / handshake and 3 messages", open_ms / floor_ms)
    figures.add_ratio(
        "roll out: manager / 3 messages", push_ms / (3 * MESSAGE_FLOOR_MS)
    )  # told, answered, acknowledged
    return figures


async def _get(figures: Figures, manager: Manager, operator: grpc.aio.Channel) -> None:
    fleet = fleet_service_pb2_grpc.FleetServiceStub(operator)
    start_ms = manager.cpu_ms()
    for index in range(CALL_COUNT):
        request = fleet_service_pb2.GetNodeRequest(name=f"nodes/n{index % SESSION_COUNT}")
        await fleet.GetNode(request, metadata=manager.metadata)
    figures.add("GetNode, CPU ms", (manager.cpu_ms() - start_ms) / CALL_COUNT)


async def _push(figures: Figures, manager: Manager, operator: grpc.aio.Channel, sessions: list[SessionCall]) -> None:
    """A new configuration for every node, by a rollout, until every session has it and has said so."""
    for session in sessions:  # who is not heard from is not told
        health = node_pb2.HealthReport(agent_version="1.0.0")
        health.report_period.FromSeconds(3600)
        await say(session, node_service_pb2.Report(sequence=1, health=health))
        await after(session, "ack")
    config = config_service_pb2_grpc.ConfigServiceStub(operator)
    start_ms, start_s = manager.cpu_ms(), time.perf_counter()
    for period_s in range(10, 10 + PUSH_COUNT):
        layer = config_service_pb2.ConfigLayer(name="configLayers/base", priority=1)
        layer.selector.all_nodes = True
        layer.config.update({"report_period_s": period_s})
        request = config_service_pb2.ApplyConfigLayerRequest(config_layer=layer)
        await config.ApplyConfigLayer(request, metadata=manager.metadata)
        for session in sessions:
            told = (await after(session, "desired_state")).desired_state.config
            word = node_pb2.ConfigReport(
                revision=told.revision,
                running_revision=told.revision,
                outcome=node_pb2.ConfigReport.OUTCOME_APPLIED,
                trial=told.trial,
            )
            await say(session, node_service_pb2.Report(sequence=period_s, config=word))
    count = PUSH_COUNT * len(sessions)
    figures.add("roll a configuration out, CPU ms a node", (manager.cpu_ms() - start_ms) / count)
    figures.add("roll a configuration out to all, s", (time.perf_counter() - start_s) / PUSH_COUNT)


if __name__ == "__main__":
    main()
