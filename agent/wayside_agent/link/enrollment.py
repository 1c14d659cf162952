"""First contact with the manager: TLS with the manager's authority, no certificate of our own yet."""

import grpc

from wayside.v1 import enrollment_service_pb2 as enrollment
from wayside.v1 import enrollment_service_pb2_grpc
from wayside_agent.link.manager import CHANNEL_OPTIONS, RPC_TIMEOUT_S, translated


async def enroll(address: str, authorities_pem: bytes, request: enrollment.EnrollRequest) -> enrollment.EnrollResponse:
    """Asks for a certificate; the answer holds one, or says that an operator must decide.

    Raises: as `EnrollmentService.Enroll` states; UnavailableError: no manager there, or not ours.
    """
    credentials = grpc.ssl_channel_credentials(authorities_pem)
    async with grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS) as channel:
        stub = enrollment_service_pb2_grpc.EnrollmentServiceStub(channel)
        with translated(address):
            return await stub.Enroll(request, timeout=RPC_TIMEOUT_S)
