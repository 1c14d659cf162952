"""An enrolment port that answers as a test tells it, and the agent's command line against it."""

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.link.agent_authority import Authority
from tests.link.agent_peer import Context
from wayside.errors import WaysideError
from wayside.status import to_status
from wayside.v1 import enrollment_service_pb2 as wire
from wayside_demo.stage import BIN

Answer = Callable[[wire.EnrollRequest], wire.EnrollResponse]
State = wire.EnrollResponse.State


class Enroller:
    """Takes one answer per call, then the last of them for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.authority = Authority("enrolment")
        self.requests: list[wire.EnrollRequest] = []

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(
            self._enroll,
            request_deserializer=wire.EnrollRequest.FromString,
            response_serializer=wire.EnrollResponse.SerializeToString,
        )
        service = grpc.method_handlers_generic_handler("wayside.v1.EnrollmentService", {"Enroll": handler})
        self._server.add_generic_rpc_handlers((service,))
        credentials = grpc.ssl_server_credentials([self.authority.server()])
        self.port = self._server.add_secure_port("127.0.0.1:0", credentials)
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(grace=None)

    async def _enroll(self, request: wire.EnrollRequest, context: Context) -> wire.EnrollResponse:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            return answer(request)
        except WaysideError as error:
            await context.abort_with_status(to_status(error))
            raise

    @property
    def keys_sha256(self) -> list[str]:
        """The key of each request."""
        return [key_sha256(request.certificate_request_pem) for request in self.requests]

    def enrols(self, node_id: str = "") -> Answer:
        """Says yes, under another id if one is given."""

        def answer(request: wire.EnrollRequest) -> wire.EnrollResponse:
            return wire.EnrollResponse(
                node=f"nodes/{node_id or request.node_id}",
                certificate_pem=self.authority.for_request(request.certificate_request_pem),
                authorities_pem=self.authority.pem,
                state=State.STATE_ENROLLED,
            )

        return answer


def waits(_request: wire.EnrollRequest) -> wire.EnrollResponse:
    """Says that an operator must decide."""
    response = wire.EnrollResponse(state=State.STATE_PENDING, enrollment_request="enrollmentRequests/abc")
    response.retry_after.FromMilliseconds(10)
    return response


def refuses(error: WaysideError) -> Answer:
    """Says no."""

    def answer(_request: wire.EnrollRequest) -> wire.EnrollResponse:
        raise error

    return answer


def key_sha256(request_pem: str) -> str:
    key = x509.load_pem_x509_csr(request_pem.encode()).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


@dataclass
class Finished:
    """A command that has ended."""

    status: int
    output: str
    errors: str


class Applying:
    """A unit that is not enrolled yet, and its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identity = folder / "state" / "identity"
        self.settings = folder / "agent.toml"
        self.ca_file = folder / "ca.pem"

    def configure(self, *, port: int = 1, device_port: int = 1, extra: str = "") -> None:
        self.settings.write_text(
            f'state_dir = "state"\n[node]\nid = "rsu-1"\nesn = "ESN-1"\nkind = "rsu"\n[manager]\n'
            f'device_address = "127.0.0.1:{device_port}"\nenrollment_address = "127.0.0.1:{port}"\n'
            f"reconnect_cap_s = 1.0\n{extra}"
        )

    def trust(self, enroller: Enroller) -> None:
        self.configure(port=enroller.port)
        self.ca_file.write_text(enroller.authority.pem)

    async def started(self, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            str(BIN / "wayside-agent"),
            *arguments,
            "--settings",
            str(self.settings),
            env=os.environ | environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str, **environment: Any) -> Finished:  # noqa: ANN401  # texts
        process = await self.started(*arguments, **environment)
        async with asyncio.timeout(30):
            output, errors = await process.communicate()
        assert process.returncode is not None
        return Finished(process.returncode, output.decode(), errors.decode())

    async def enroll(self, *arguments: str) -> Finished:
        return await self.run("enroll", "--ca-file", str(self.ca_file), *arguments)
