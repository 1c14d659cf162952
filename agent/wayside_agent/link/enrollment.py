"""First contact with the manager, and the way back to it: TLS with its authority, no certificate of our own."""

import grpc

from wayside.errors import PermissionDeniedError
from wayside.names import node_name
from wayside.v1 import enrollment_service_pb2 as enrollment
from wayside.v1 import enrollment_service_pb2_grpc, node_pb2
from wayside_agent.link.manager import CHANNEL_OPTIONS
from wayside_agent.link.session import RPC_TIMEOUT_S, translated
from wayside_agent.ports.identity import Identity

KINDS = {"rsu": node_pb2.NODE_KIND_RSU, "obu": node_pb2.NODE_KIND_OBU}


async def enroll(address: str, authorities_pem: bytes, request: enrollment.EnrollRequest) -> enrollment.EnrollResponse:
    """Asks for a certificate; the answer holds one, or says that an operator must decide.

    Raises: as `EnrollmentService.Enroll` states; UnavailableError: no manager there, or not ours.
    """
    credentials = grpc.ssl_channel_credentials(authorities_pem)
    async with grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS) as channel:
        stub = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        with translated(address):
            return await stub.Enroll(request, timeout=RPC_TIMEOUT_S)


async def enroll_again(address: str, identity: Identity, request_pem: str, *, esn: str, kind: str) -> str:
    """A new certificate, PEM, for a unit whose certificate has ended; `request_pem` is for the key it has.

    Raises: as `enroll`; PermissionDeniedError: the manager would have it as another node, or an operator must decide.
    """
    request = enrollment.EnrollRequest(
        certificate_request_pem=request_pem, node_id=identity.node_id, esn=esn, kind=KINDS[kind]
    )
    response = await enroll(address, identity.authorities_pem, request)
    is_enrolled = response.state == enrollment.EnrollResponse.STATE_ENROLLED
    if not is_enrolled or response.node != node_name(identity.node_id):
        raise PermissionDeniedError(
            f"the manager does not know this unit as {identity.node_id} any more; enrol it with a token",
            reason="NODE_UNKNOWN",
        )
    return response.certificate_pem
