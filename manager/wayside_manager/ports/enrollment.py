"""How units become nodes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.enrollment import (
    ApprovedUnit,
    EnrollmentAnswer,
    EnrollmentRequest,
    ImportResult,
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

    async def enroll(
        self,
        request: EnrollmentRequest,
        *,
        now: datetime,
        accepts_unknown_units: bool = False,
        returning: timedelta = timedelta(0),
    ) -> EnrollmentAnswer:
        """Makes the node, or lets the unit in as one that is there, and keeps its certificate; or notes that it waits.

        Certificates the node had for other keys are taken back at once. The key is registered for the node until its
        first session, so a unit that lost the answer asks again. A unit of ours whose certificate ended at most
        `returning` ago comes back by its last key; nothing of the node changes then, and nothing is taken back.
        Raises: as EnrollmentService.Enroll states; a token is then not used.
        """

    async def find_pending(self, key_sha256: str, *, now: datetime) -> WaitingUnit | None:
        """The unit of a key if it waits for an operator and for nothing else."""

    async def import_nodes(self, registrations: Sequence[Registration], *, now: datetime) -> tuple[ImportResult, ...]:
        """Registers units before their first call, each for itself.

        Refused: AlreadyExistsError: the id, ESN or key is taken; FailedPreconditionError: one of them is retired.
        """

    async def try_import(self, registrations: Sequence[Registration], *, now: datetime) -> tuple[ImportResult, ...]:
        """What `import_nodes` would answer; nothing is written."""

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

    async def add_next_certificate(
        self, node_id: str, certificate: CredentialRecord, *, not_after_another_since: datetime
    ) -> None:
        """Keeps a node's next certificate, unconfirmed; an earlier unconfirmed one is taken back.

        Raises: NotFoundError; FailedPreconditionError: it is retired or revoked; and unless the key is that of the
        unconfirmed one, InvalidArgumentError: the key was used before; ResourceExhaustedError: it got another
        certificate since then.
        """

    async def confirm_certificate(self, sha256: str, *, now: datetime, old_until: datetime) -> CredentialRecord:
        """Makes a node's next certificate its only one; others of the node end at `old_until`. Twice is once.

        Raises: UnauthenticatedError: it is not one of ours any more.
        """

    async def note_session(self, certificate: CredentialRecord, authorities_sha256: str) -> None:
        """Keeps what a node says it trusts, and uses up the registration of its key; writes only news."""

    async def count_untrusting(self, authorities_sha256: str, *, now: datetime) -> int:
        """Nodes in service with a valid certificate that have not said that they trust this bundle."""

    async def revoke_issued(self, issuer_sha256: str, *, now: datetime) -> tuple[str, ...]:
        """Takes back every valid certificate an authority signed; their holders, sorted."""

    async def claim_certificates(self, issuer_sha256: str) -> None:
        """Notes who signed the certificates of which that is not known: they are from when there was one authority."""

    async def revoked_certificates(self, *, now: datetime) -> tuple[CredentialRecord, ...]:
        """Certificates that were taken back before their end, in the order in which they were."""
