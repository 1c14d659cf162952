"""What sessions cost the manager: CPU to open one, to answer GetNode and to push a configuration to all; over mTLS.

The manager runs in a process of its own, whose CPU time is read from /proc; this process is the units and the operator.
The floor is one mTLS handshake in grpc's TLS library, 0.8 ms of the server's CPU, and 157 us per message of grpc.aio.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench._harness import Report as Figures
from wayside.v1 import (
    config_service_pb2,
    config_service_pb2_grpc,
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
    fleet_service_pb2,
    fleet_service_pb2_grpc,
    node_pb2,
    node_service_pb2,
    node_service_pb2_grpc,
)
from wayside_manager.services.authority import key_pem, new_key

NO_LIMITS = "".join(f"{who}_per_s = 1e6\n" for who in ("attempts", "node_calls", "operator_calls"))
"""What calls cost is measured here, not how they are held back."""
SESSION_COUNT = 300
CALL_COUNT = 500
PUSH_COUNT = 5
HANDSHAKE_FLOOR_MS, MESSAGE_FLOOR_MS = 0.8, 0.157  # grpcio with TLS, quiet machine
SessionCall: TypeAlias = "grpc.aio.StreamStreamCall[node_service_pb2.SessionRequest, node_service_pb2.SessionResponse]"
BIN = Path(sys.executable).parent
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class Manager:
    """A manager process and the CPU time it has used."""

    def __init__(self, folder: Path, process: "subprocess.Popen[str]") -> None:
        self._pid = process.pid
        endpoints = json.loads((folder / "run" / "endpoints.json").read_text())
        self.device_address, self.operator_address = endpoints["device_address"], endpoints["operator_address"]
        self.ca_pem = (folder / "operator" / "ca.pem").read_bytes()
        token = (folder / "operator" / "token").read_text().strip()
        self.metadata = (("authorization", f"Bearer {token}"),)

    def cpu_ms(self) -> float:
        """User and system time so far [ms]."""
        fields = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_MS


def main() -> None:
    """Runs the benchmark."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "manager"
        program = str(BIN / "wayside-manager")
        ports = ["--device-port", "0", "--operator-port", "0"]
        subprocess.run([program, "init", str(folder), *ports], check=True, capture_output=True)
        with (folder / "manager.toml").open("a", encoding="utf-8") as settings:
            settings.write(NO_LIMITS)
        with subprocess.Popen(
            [program, "serve", "--data", str(folder), "--log-level", "ERROR"], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                asyncio.run(_measure(Manager(folder, process))).print()
            finally:
                process.terminate()


async def _measure(manager: Manager) -> Figures:
    figures = Figures("manager-sessions")
    async with AsyncExitStack() as stack:
        operator = await stack.enter_async_context(_channel(manager.operator_address, manager.ca_pem))
        credentials = await _enrolled(figures, manager, operator)
        channels = [
            await stack.enter_async_context(_channel(manager.device_address, manager.ca_pem, *credential))
            for credential in credentials
        ]
        start_ms = manager.cpu_ms()
        sessions = [node_service_pb2_grpc.NodeServiceStub(channel).Session(None) for channel in channels]
        for session in sessions:
            await _open(session)
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


@asynccontextmanager
async def _channel(address: str, ca_pem: bytes, *own: bytes) -> AsyncIterator[grpc.aio.Channel]:
    credentials = grpc.ssl_channel_credentials(ca_pem, *own)
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
        yield channel


async def _enrolled(figures: Figures, manager: Manager, operator: grpc.aio.Channel) -> list[tuple[bytes, bytes]]:
    enrollment = enrollment_service_pb2_grpc.EnrollmentServiceStub(operator)
    request = enrollment_service_pb2.CreateEnrollmentTokenRequest(max_use_count=SESSION_COUNT)
    token = (await enrollment.CreateEnrollmentToken(request, metadata=manager.metadata)).token
    start_ms = manager.cpu_ms()
    found = []
    for index in range(SESSION_COUNT):
        key = new_key()
        answer = await enrollment.Enroll(
            enrollment_service_pb2.EnrollRequest(
                token=token,
                node_id=f"n{index}",
                esn=f"E{index}",
                kind=node_pb2.NODE_KIND_RSU,
                certificate_request_pem=_request_pem(key),
            )
        )
        found.append((key_pem(key).encode(), answer.certificate_pem.encode()))
    figures.add("enrol a node, CPU ms", (manager.cpu_ms() - start_ms) / SESSION_COUNT)
    return found


def _request_pem(key: ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "unit")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


async def _open(session: SessionCall) -> None:
    hello = node_service_pb2.SessionHello(agent_version="1.0.0", spool_id="spool")
    await session.write(node_service_pb2.SessionRequest(hello=hello))
    await _next(session, "desired_state")


async def _report(session: SessionCall, report: node_service_pb2.Report) -> None:
    report.record_time.GetCurrentTime()
    await session.write(node_service_pb2.SessionRequest(report=report))


async def _next(session: SessionCall, kind: str) -> node_service_pb2.SessionResponse:
    while True:
        answer = await session.read()
        assert isinstance(answer, node_service_pb2.SessionResponse), answer
        if answer.WhichOneof("message") == kind:
            return answer


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
        await _report(session, node_service_pb2.Report(sequence=1, health=health))
        await _next(session, "ack")
    config = config_service_pb2_grpc.ConfigServiceStub(operator)
    start_ms, start_s = manager.cpu_ms(), time.perf_counter()
    for period_s in range(10, 10 + PUSH_COUNT):
        layer = config_service_pb2.ConfigLayer(name="configLayers/base", priority=1)
        layer.selector.all_nodes = True
        layer.config.update({"report_period_s": period_s})
        request = config_service_pb2.ApplyConfigLayerRequest(config_layer=layer)
        await config.ApplyConfigLayer(request, metadata=manager.metadata)
        for session in sessions:
            told = (await _next(session, "desired_state")).desired_state.config
            word = node_pb2.ConfigReport(
                revision=told.revision,
                running_revision=told.revision,
                outcome=node_pb2.ConfigReport.OUTCOME_APPLIED,
                trial=told.trial,
            )
            await _report(session, node_service_pb2.Report(sequence=period_s, config=word))
    count = PUSH_COUNT * len(sessions)
    figures.add("roll a configuration out, CPU ms a node", (manager.cpu_ms() - start_ms) / count)
    figures.add("roll a configuration out to all, s", (time.perf_counter() - start_s) / PUSH_COUNT)


if __name__ == "__main__":
    main()
