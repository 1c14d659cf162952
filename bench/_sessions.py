"""A manager in a process of its own, and many units with a session each: what benchmarks over sessions share.

with serving() as manager:
asyncio.run(measure(manager))
credentials = await enrolled(manager, operator, count=300)
sessions = [node_service_pb2_grpc.NodeServiceStub(channel).Session(None) for channel in channels]
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeAlias

import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wayside.v1 import (
    enrollment_service_pb2,
    enrollment_service_pb2_grpc,
    node_pb2,
    node_service_pb2,
)
from wayside_manager.services.authority import key_pem, new_key

NO_LIMITS = "".join(f"{who}_per_s = 1e6\n" for who in ("attempts", "node_calls", "operator_calls"))
"""What calls cost is measured here, not how they are held back."""
SessionCall: TypeAlias = "grpc.aio.StreamStreamCall[node_service_pb2.SessionRequest, node_service_pb2.SessionResponse]"
BIN = Path(sys.executable).parent
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class Manager:
    """A manager process and the CPU time it has used."""

    def __init__(self, folder: Path, process: "subprocess.Popen[str]") -> None:
        self.folder = folder
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


@contextmanager
def serving(*, more_settings: str = "") -> Iterator[Manager]:
    """A manager without limits that serves while inside."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "manager"
        program = str(BIN / "wayside-manager")
        ports = ["--device-port", "0", "--operator-port", "0"]
        subprocess.run([program, "init", str(folder), *ports], check=True, capture_output=True)
        with (folder / "manager.toml").open("a", encoding="utf-8") as settings:
            settings.write(NO_LIMITS + more_settings)
        with subprocess.Popen(
            [program, "serve", "--data", str(folder), "--log-level", "ERROR"], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            try:
                yield Manager(folder, process)
            finally:
                process.terminate()


@asynccontextmanager
async def channel(address: str, ca_pem: bytes, *own: bytes) -> AsyncIterator[grpc.aio.Channel]:
    """A connection of its own; `own`: key and certificate of a unit."""
    credentials = grpc.ssl_channel_credentials(ca_pem, *own)
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.secure_channel(address, credentials, options=options) as made:
        yield made


async def enrolled(manager: Manager, operator: grpc.aio.Channel, *, count: int) -> list[tuple[bytes, bytes]]:
    """New units `n0`, `n1`, ...; key and certificate of each."""
    enrollment = enrollment_service_pb2_grpc.EnrollmentServiceStub(operator)
    request = enrollment_service_pb2.CreateEnrollmentTokenRequest(max_use_count=count)
    token = (await enrollment.CreateEnrollmentToken(request, metadata=manager.metadata)).token
    found = []
    for index in range(count):
        key = new_key()
        answer = await enrollment.Enroll(
            enrollment_service_pb2.EnrollRequest(
                token=token,
                node_id=f"n{index}",
                esn=f"E{index}",
                kind=node_pb2.NODE_KIND_RSU,
                certificate_request_pem=request_pem(key),
            )
        )
        found.append((key_pem(key).encode(), answer.certificate_pem.encode()))
    return found


def request_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """A certificate request for a key of a unit."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "unit")])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM).decode()


async def greet(session: SessionCall) -> None:
    """Opens a session, until the manager has said what the unit should be."""
    hello = node_service_pb2.SessionHello(agent_version="1.0.0", spool_id="spool")
    await session.write(node_service_pb2.SessionRequest(hello=hello))
    await after(session, "desired_state")


async def say(session: SessionCall, report: node_service_pb2.Report) -> None:
    """Sends a report of now."""
    report.record_time.GetCurrentTime()
    await session.write(node_service_pb2.SessionRequest(report=report))


async def after(session: SessionCall, kind: str) -> node_service_pb2.SessionResponse:
    """The next message of a kind, passing over others."""
    while True:
        answer = await session.read()
        assert isinstance(answer, node_service_pb2.SessionResponse), answer
        if answer.WhichOneof("message") == kind:
            return answer
