"""AccessService: people and programs, what they may do and where, and with what they prove who they are.

The gate has judged each call before: caller, role, reach over the target, second person. What is left for here is that
nobody hands out more than they have.
"""

from wayside.v1 import access_service_pb2_grpc
from wayside_manager.api.access.credentials import CredentialCalls
from wayside_manager.api.access.operators import OperatorCalls
from wayside_manager.api.access.tenants import TenantCalls


class AccessService(OperatorCalls, CredentialCalls, TenantCalls, access_service_pb2_grpc.AccessServiceServicer):
    """All of it."""
