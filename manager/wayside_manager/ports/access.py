"""Who may come in: tenants, operators, credentials, approvals and the policy."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from wayside_manager.core.access import OperatorChange, OperatorRecord, Place, Reach, TenantRecord
from wayside_manager.core.approvals import AccessPolicy, ApprovalRecord, ApprovalState
from wayside_manager.core.credentials import Authenticated, CredentialRecord
from wayside_manager.core.pages import Page


class Resource(StrEnum):
    """Things that belong to a tenant, for `PlaceStore`."""

    NODE = "nodes"
    SITE = "sites"
    CORRIDOR = "corridors"
    GROUP = "groups"
    GEOFENCE = "geofences"
    RADIO_LICENCE = "radioLicences"
    ALARM = "alarms"
    JOB = "jobs"
    SINK = "eventSinks"
    LAYER = "configLayers"
    RELEASE = "releases"
    ROLLOUT = "rollouts"
    BROADCAST = "broadcasts"
    ENROLLMENT_TOKEN = "enrollmentTokens"  # noqa: S105  # a word, no secret
    ENROLLMENT_REQUEST = "enrollmentRequests"
    APPROVAL = "approvals"
    OPERATOR = "operators"
    CREDENTIAL = "credentials"
    TENANT = "tenants"


class PlaceStore(Protocol):
    """Where things are, for the gate."""

    async def find_places(self, resource: Resource, resource_id: str) -> tuple[Place, ...]:
        """Where a thing is; nothing if it is not there.

        A node, layer, release, rollout, token, approval, tenant has one place. An operator or its credential has that
        of each of its bindings, or the root's when it has none; a node's credential that of its node.
        """


class TenantStore(Protocol):
    """Tenants."""

    async def create_tenant(self, tenant: TenantRecord) -> TenantRecord:
        """Keeps a tenant.

        Raises: AlreadyExistsError; InvalidArgumentError: no such parent; FailedPreconditionError: there are 1,000.
        """

    async def list_tenants(self) -> tuple[TenantRecord, ...]:
        """Every tenant in order of ids."""

    async def delete_tenant(self, tenant_id: str) -> None:
        """Forgets a tenant with its enrolment tokens; approvals about it go to the one above.

        Raises: NotFoundError; FailedPreconditionError: it owns something, or is the root.
        """


class OperatorStore(Protocol):
    """People and programs."""

    async def create_operator(self, operator: OperatorRecord, *, password_hash: str = "") -> OperatorRecord:
        """Keeps an operator.

        Raises: AlreadyExistsError: the id or the OpenID subject is taken; InvalidArgumentError: an unknown tenant.
        """

    async def get_operator(self, operator_id: str) -> OperatorRecord:
        """One operator.

        Raises: NotFoundError.
        """

    async def list_operators(self, *, reach: Reach, page_size: int = 0, page_token: str = "") -> Page[OperatorRecord]:
        """A page of the operators whose every binding lies in whole tenants of the reach, in order of ids.

        Raises: InvalidArgumentError: page size or token.
        """

    async def update_operator(
        self, operator_id: str, change: OperatorChange, *, now: datetime, etag: str = ""
    ) -> OperatorRecord:
        """Changes an operator. Disabling it takes its credentials back for good.

        Raises: NotFoundError, ConflictError, AlreadyExistsError; InvalidArgumentError: an unknown tenant;
        FailedPreconditionError: no enabled admin of the whole root tenant would be left.
        """

    async def set_password(self, operator_id: str, password_hash: str, *, now: datetime) -> None:
        """Replaces the password (empty: none) and revokes the sessions signed in with the old one.

        Raises: NotFoundError.
        """

    async def renew_password_hash(self, operator_id: str, *, old_hash: str, new_hash: str) -> None:
        """Replaces the hash of a password by another of the same password; one that changed meanwhile stays."""

    async def find_password_hash(self, operator_id: str) -> str:
        """The password hash of an operator who may sign in; empty: there is no such operator, or it may not."""


class CredentialStore(Protocol):
    """Tokens and certificates, as hashes."""

    async def add_credential(self, credential: CredentialRecord) -> None:
        """Keeps a credential. An operator's 21st session ends its oldest.

        Raises: AlreadyExistsError: the hash is taken; NotFoundError: no such holder; FailedPreconditionError: an
        operator with 100 tokens and certificates.
        """

    async def authenticate(self, sha256: str, *, now: datetime) -> Authenticated:
        """The valid credential with a hash, its holder, and the tenants.

        Raises: UnauthenticatedError: there is none, it has ended or was taken back, its operator is disabled;
        PermissionDeniedError: its node is retired (NODE_RETIRED) or revoked (NODE_REVOKED).
        """

    async def authenticate_subject(self, oidc_subject: str) -> Authenticated:
        """The operator with an OpenID subject, and the tenants.

        Raises: UnauthenticatedError: there is none, or it is disabled.
        """

    async def list_credentials(self, holder: str) -> tuple[CredentialRecord, ...]:
        """The credentials of a holder, newest first."""

    async def revoke_credential(self, credential_id: str, *, now: datetime) -> CredentialRecord:
        """Takes a credential back; one that was stays as it is.

        Raises: NotFoundError.
        """

    async def revoked_since(self, since: datetime) -> tuple[CredentialRecord, ...]:
        """Credentials whose `revoke_time` is not before a time.

        Whatever takes a credential back sets it, also for every one of a node that is retired or revoked, of an
        operator that is disabled, and of a certificate that another replaced.
        """

    async def count_certificates(self, issuer_sha256: str, *, now: datetime) -> int:
        """Valid certificates an authority signed."""


class ApprovalStore(Protocol):
    """Approvals. One is used up by the store itself, with the change it is for; see `core.audit.CallRecord`."""

    async def open_approval(self, approval: ApprovalRecord) -> ApprovalRecord:
        """Keeps a new approval; one that the same requester has open for the same call is returned instead."""

    async def get_approval(self, approval_id: str, *, now: datetime) -> ApprovalRecord:
        """One approval as it is now.

        Raises: NotFoundError.
        """

    async def list_approvals(
        self,
        *,
        reach: Reach,
        now: datetime,
        states: Sequence[ApprovalState] = (),
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[ApprovalRecord]:
        """A page of approvals in whole tenants of the reach, newest first.

        Raises: InvalidArgumentError: page size or token.
        """

    async def decide_approval(
        self, approval_id: str, *, decider: str, granted: bool, note: str, now: datetime
    ) -> ApprovalRecord:
        """Says yes or no; see `core.approvals.decided`.

        Raises: NotFoundError, PermissionDeniedError, FailedPreconditionError.
        """


class PolicyStore(Protocol):
    """The policy of dangerous actions."""

    async def get_policy(self) -> AccessPolicy:
        """The policy."""

    async def update_policy(self, policy: AccessPolicy, *, now: datetime, etag: str = "") -> AccessPolicy:
        """Replaces the policy.

        Raises: ConflictError.
        """
