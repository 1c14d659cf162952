"""How units become nodes."""

from datetime import datetime
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.enrollment import (
    ApprovedUnit,
    EnrollmentAnswer,
    EnrollmentRequest,
    ImportOutcome,
    Registration,
    TokenRecord,
    WaitingUnit,
)
from wayside_manager.core.pages import Page


class EnrollmentStore(Protocol):
    """Tokens, registrations and requests, and how they make nodes."""

    async def add_token(self, token: TokenRecord) -> None:
        """Keeps a token's hash.

        Raises: AlreadyExistsError.
        """

    async def list_tokens(
        self, *, reach: Reach, now: datetime, page_size: int = 0, page_token: str = ""
    ) -> Page[TokenRecord]:
        """A page of usable tokens in whole tenants of the reach, newest first.

        Raises: InvalidArgumentError: page size or token.
        """

    async def revoke_token(self, token_id: str) -> None:
        """Forgets a token.

        Raises: NotFoundError.
        """

    async def enroll(self, request: EnrollmentRequest, *, now: datetime) -> EnrollmentAnswer:
        """Makes the node, or lets it in again, and keeps its certificate; or notes that it waits for an operator.

        Raises: as EnrollmentService.Enroll states; a token is then not used.
        """

    async def import_node(
        self, registration: Registration, *, now: datetime, validate_only: bool = False
    ) -> ImportOutcome:
        """Registers one unit before its first call.

        Raises: AlreadyExistsError: the id, ESN or key is taken; FailedPreconditionError: the node is retired.
        """

    async def list_requests(self, *, now: datetime, page_size: int = 0, page_token: str = "") -> Page[WaitingUnit]:
        """A page of requests that have not ended, oldest first.

        Raises: InvalidArgumentError: page size or token.
        """

    async def get_request(self, request_id: str, *, now: datetime) -> WaitingUnit:
        """One request.

        Raises: NotFoundError: there is none, or its time is over.
        """

    async def approve_request(self, request_id: str, approved: ApprovedUnit, *, now: datetime) -> WaitingUnit:
        """Lets a waiting unit in when it asks next.

        Raises: NotFoundError, FailedPreconditionError, AlreadyExistsError: as ApproveEnrollmentRequest states.
        """

    async def reject_request(self, request_id: str, *, now: datetime) -> WaitingUnit:
        """Turns a waiting unit away.

        Raises: NotFoundError, FailedPreconditionError.
        """

    async def add_next_certificate(self, node_id: str, certificate: CredentialRecord, *, now: datetime) -> None:
        """Keeps a node's next certificate, unconfirmed; an earlier unconfirmed one is taken back.

        Raises: NotFoundError; InvalidArgumentError: the node has used the key before.
        """

    async def confirm_certificate(self, sha256: str, *, now: datetime, old_until: datetime) -> CredentialRecord:
        """Makes a certificate the node's only one; others of the node end at `old_until`.

        Raises: UnauthenticatedError: it is not one of ours any more.
        """

    async def note_trust(self, node_id: str, authorities_sha256: str) -> None:
        """Keeps what a node says it trusts; writes only when it changed."""

    async def count_untrusting(self, authorities_sha256: str) -> int:
        """Nodes in service with a certificate that have not said that they trust this bundle."""
