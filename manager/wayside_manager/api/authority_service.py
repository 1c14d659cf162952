"""AuthorityService: a new authority is trusted first, signs next, and the old one goes last."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.v1 import authority_service_pb2, authority_service_pb2_grpc
from wayside_manager.api.node_messages import timestamp
from wayside_manager.api.scopes import Context
from wayside_manager.core.certificates import AuthorityState
from wayside_manager.ports.access import CredentialStore
from wayside_manager.ports.enrollment import EnrollmentStore
from wayside_manager.ports.wakeups import Bus, Topic

_PREFIX = "authorities/"


class TrustedAuthority(Protocol):
    """One that is trusted."""

    @property
    def authority_id(self) -> str:
        """What it is called."""

    @property
    def sha256(self) -> str:
        """SHA-256 of its certificate (DER), lower-case hex."""

    @property
    def state(self) -> AuthorityState:
        """Where it stands."""

    @property
    def create_time(self) -> datetime:
        """When it was made."""

    @property
    def expire_time(self) -> datetime:
        """When it ends."""


class TrustedAuthorities(Protocol):
    """All that are trusted."""

    @property
    def members(self) -> Sequence[TrustedAuthority]:
        """Oldest first."""

    @property
    def authorities_sha256(self) -> str:
        """Hash of what peers must trust."""

    def find(self, authority_id: str) -> TrustedAuthority:
        """Raises: NotFoundError."""

    def create(self, *, now: datetime) -> TrustedAuthority:
        """Raises: FailedPreconditionError: one waits already."""

    def activate(self, authority_id: str) -> TrustedAuthority:
        """Raises: NotFoundError."""

    def retire(self, authority_id: str) -> None:
        """Raises: NotFoundError; FailedPreconditionError: it signs."""


class AuthorityStore(CredentialStore, EnrollmentStore, Protocol):
    """What the succession needs of the store."""


class AuthorityService(authority_service_pb2_grpc.AuthorityServiceServicer):
    """The succession of authorities."""

    def __init__(
        self, store: AuthorityStore, authorities: TrustedAuthorities, bus: Bus, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._authorities = authorities
        self._bus = bus
        self._now = now

    async def ListAuthorities(
        self, request: authority_service_pb2.ListAuthoritiesRequest, context: Context
    ) -> authority_service_pb2.ListAuthoritiesResponse:
        """All that are trusted."""
        return authority_service_pb2.ListAuthoritiesResponse(
            authorities=[await self._message(each) for each in self._authorities.members]
        )

    async def CreateAuthority(
        self, request: authority_service_pb2.CreateAuthorityRequest, context: Context
    ) -> authority_service_pb2.CreateAuthorityResponse:
        """A new one that everybody trusts."""
        made = self._authorities.create(now=self._now())
        return authority_service_pb2.CreateAuthorityResponse(authority=await self._message(made))

    async def ActivateAuthority(
        self, request: authority_service_pb2.ActivateAuthorityRequest, context: Context
    ) -> authority_service_pb2.ActivateAuthorityResponse:
        """Lets one sign."""
        chosen = self._authorities.find(_id(request.name))
        if chosen.state is not AuthorityState.SIGNING:
            count = await self._store.count_untrusting(self._authorities.authorities_sha256, now=self._now())
            if count and not request.force:
                raise FailedPreconditionError(
                    f"{request.name}: {count} nodes have not said yet that they trust it; wait for them, or force it "
                    "and enrol them again",
                    reason="NODES_UNTRUSTING",
                )
            chosen = self._authorities.activate(chosen.authority_id)
        return authority_service_pb2.ActivateAuthorityResponse(authority=await self._message(chosen))

    async def RetireAuthority(
        self, request: authority_service_pb2.RetireAuthorityRequest, context: Context
    ) -> authority_service_pb2.RetireAuthorityResponse:
        """Ends the trust in one."""
        chosen, now = self._authorities.find(_id(request.name)), self._now()
        if chosen.state is not AuthorityState.SIGNING:
            count = await self._store.count_certificates(chosen.sha256, now=now)
            if count and not request.force:
                raise FailedPreconditionError(
                    f"{request.name}: {count} certificates of it are in use; wait until they are renewed, or force it "
                    "and cut their holders off",
                    reason="CERTIFICATES_IN_USE",
                )
            holders = await self._store.revoke_issued(chosen.sha256, now=now)
            node_ids = [holder.removeprefix("nodes/") for holder in holders if holder.startswith("nodes/")]
            await self._bus.publish(Topic.NODE, node_ids)
        self._authorities.retire(chosen.authority_id)
        return authority_service_pb2.RetireAuthorityResponse()

    async def _message(self, authority: TrustedAuthority) -> authority_service_pb2.Authority:
        return authority_service_pb2.Authority(
            name=f"{_PREFIX}{authority.authority_id}",
            state=authority_service_pb2.Authority.State.Value(f"STATE_{authority.state.name}"),
            sha256=authority.sha256,
            create_time=timestamp(authority.create_time),
            expire_time=timestamp(authority.expire_time),
            certificate_count=await self._store.count_certificates(authority.sha256, now=self._now()),
        )


def _id(name: str) -> str:
    if not name.startswith(_PREFIX):
        raise InvalidArgumentError(f"name: {name[:80]!r} does not begin with {_PREFIX!r}", reason="NAME_INVALID")
    return name.removeprefix(_PREFIX)
