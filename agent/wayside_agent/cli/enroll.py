"""First contact: trades an operator's token for a certificate. The private key never leaves the unit."""

from pathlib import Path

from wayside.names import node_id
from wayside.v1 import enrollment_service_pb2, node_pb2
from wayside_agent.drivers.files import make_private_directory
from wayside_agent.drivers.identity import IdentityFiles
from wayside_agent.link.manager import enroll
from wayside_agent.settings import Settings

KINDS = {"rsu": node_pb2.NODE_KIND_RSU, "obu": node_pb2.NODE_KIND_OBU}


async def enrolled(unit: Settings, *, token: str, authorities_pem: str) -> str:
    """Enrols the unit and keeps its identity; returns its name, `nodes/{node}`.

    Raises: WaysideError: as `EnrollmentService.Enroll` states; the unit's files are then as before.
    """
    files = IdentityFiles(Path(unit.state_dir) / "identity")
    make_private_directory(Path(unit.state_dir))
    make_private_directory(files.directory)
    request = enrollment_service_pb2.EnrollRequest(
        token=token,
        certificate_request_pem=files.certificate_request_pem(unit.node.id),
        node_id=unit.node.id,
        esn=unit.node.esn,
        kind=KINDS[unit.node.kind],
    )
    response = await enroll(unit.manager.enrollment_address, authorities_pem.encode(), request)
    files.store(
        node_id=node_id(response.node),
        certificate_pem=response.certificate_pem,
        authorities_pem=response.authorities_pem,
    )
    return response.node
