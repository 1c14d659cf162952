"""Tokens and how they make nodes."""

from datetime import datetime
from typing import Protocol

from wayside_manager.core.enrollment import EnrollmentRequest, TokenRecord
from wayside_manager.core.nodes import NodeRecord


class EnrollmentStore(Protocol):
    """Tokens and how they make nodes."""

    async def add_token(self, token: TokenRecord) -> None:
        """Keeps a token's hash.

        Raises: AlreadyExistsError.
        """

    async def enroll(self, request: EnrollmentRequest, *, now: datetime) -> NodeRecord:
        """Uses a token once, makes the node, with its configuration, or lets it in again, and keeps its certificate.

        Raises: UnauthenticatedError, PermissionDeniedError, AlreadyExistsError, FailedPreconditionError: as in
        EnrollmentService.Enroll; the token is then not used.
        """
