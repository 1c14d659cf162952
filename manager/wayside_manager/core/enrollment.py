"""What enrolment is about: tokens, registrations, waiting units. Who gets in is decided in `core.admission`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wayside.errors import WaysideError
from wayside_manager.core.access import ROOT_TENANT
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.nodes import Label, NodeKind, NodeRecord


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """An enrolment token; the token itself is kept nowhere."""

    sha256: str
    """Of the token's UTF-8 bytes, lower-case hex."""
    create_time: datetime
    expire_time: datetime
    remaining_use_count: int
    node_id: str = ""
    """The only node it is for. Empty: any."""
    kind: NodeKind | None = None
    """The only kind it is for. `None`: any."""
    esn: str = ""
    """The only unit it is for. Empty: any."""
    tenant_id: str = ROOT_TENANT
    """Who owns the nodes it makes."""

    @property
    def token_id(self) -> str:
        """What it is called: the start of its hash."""
        return self.sha256[:24]


@dataclass(frozen=True, slots=True)
class EnrollmentRequest:
    """Who wants to become a node; syntax already checked."""

    token_sha256: str
    """Empty: no token; a registration or an operator must vouch."""
    node_id: str
    esn: str
    kind: NodeKind
    key_sha256: str
    """Of the public key (DER SubjectPublicKeyInfo), lower-case hex."""
    issue: "CertificateIssuer"
    """Makes the certificate, once it is decided for which node."""
    source_address: str = ""


CertificateIssuer = Callable[[str], CredentialRecord]
"""Signs for a node id and returns what to keep; the caller keeps the PEM. Called inside the transaction: pure CPU."""


@dataclass(frozen=True, slots=True)
class EnrollmentAnswer:
    """What became of a request: a node, or a wait."""

    node: NodeRecord | None = None
    waiting: "WaitingUnit | None" = None


class RequestState(StrEnum):
    """Where the request of an unknown unit stands; names as in `wayside.v1.EnrollmentRequest.State`."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class WaitingUnit:
    """An unknown unit that wants to be a node."""

    key_sha256: str
    node_id: str
    esn: str
    kind: NodeKind
    source_address: str
    create_time: datetime
    expire_time: datetime
    state: RequestState = RequestState.PENDING
    approved_node_id: str = ""
    approved_tenant_id: str = ""
    is_replacement: bool = False

    @property
    def request_id(self) -> str:
        """What it is called: the start of its key's hash."""
        return self.key_sha256[:24]


@dataclass(frozen=True, slots=True)
class ApprovedUnit:
    """What an operator decided for a waiting unit."""

    node_id: str
    tenant_id: str
    is_replacement: bool = False
    """It takes the place of the node that is there, with its site, labels, configuration and release."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A unit that is known before its first call."""

    node_id: str
    esn: str
    kind: NodeKind
    key_sha256: str
    tenant_id: str
    display_name: str = ""
    site_id: str = ""
    labels: tuple[Label, ...] = ()


class ImportOutcome(StrEnum):
    """What became of a registration."""

    CREATED = "created"
    UNCHANGED = "unchanged"


ImportResult = ImportOutcome | WaysideError
"""What became of a registration, or why it was refused."""
