"""AuditService: who did what, whether the trail is whole, and all of it to take away."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Protocol

from wayside.errors import FailedPreconditionError, InvalidArgumentError
from wayside.v1 import audit_service_pb2, audit_service_pb2_grpc
from wayside_manager.api.audit_messages import audit_filter, entry_message, verdict_message, wire_text
from wayside_manager.api.identity import admission
from wayside_manager.api.scopes import Context
from wayside_manager.core.audit import Verdict
from wayside_manager.core.audit_export import exported
from wayside_manager.ports.audit import AuditStore

_PAGE_COUNT = 500
_MESSAGE_CHARS = 1 << 20
"""Size at which a message of an export is full; the last line may go beyond."""
_SEQUENCE_MAX = 2**63 - 1


class AuditChecks(Protocol):
    """Who checks the trail and signs its end."""

    async def seal(self) -> int:
        """Signs the newest entry unless it is signed; its sequence.

        Raises: FailedPreconditionError: the trail is broken.
        """

    async def verify(self) -> Verdict:
        """What is true of the whole trail now."""


class AuditService(audit_service_pb2_grpc.AuditServiceServicer):
    """The audit trail for auditors."""

    def __init__(self, store: AuditStore, checks: AuditChecks) -> None:
        self._store = store
        self._checks = checks

    async def ListAuditEntries(
        self, request: audit_service_pb2.ListAuditEntriesRequest, context: Context
    ) -> audit_service_pb2.ListAuditEntriesResponse:
        """A page of entries, newest first."""
        page = await self._store.list_entries(
            audit_filter(request.filter),
            reach=admission().reach,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return audit_service_pb2.ListAuditEntriesResponse(
            entries=map(entry_message, page.items), next_page_token=page.next_page_token
        )

    async def VerifyAudit(
        self, request: audit_service_pb2.VerifyAuditRequest, context: Context
    ) -> audit_service_pb2.VerifyAuditResponse:
        """Whether the trail is whole."""
        return verdict_message(await self._checks.verify())

    async def ExportAudit(
        self, request: audit_service_pb2.ExportAuditRequest, context: Context
    ) -> AsyncIterator[audit_service_pb2.ExportAuditResponse]:
        """Every entry from a place on, up to a seal made for it; a broken trail goes out as it is."""
        if request.begin_sequence < 0:
            raise InvalidArgumentError("begin_sequence: it is negative; the first entry is 1")
        end = await self._end()
        begin = max(1, request.begin_sequence)
        while begin <= end:
            entries = await self._store.read_chain(begin, max_count=min(_PAGE_COUNT, end - begin + 1))
            lines = [wire_text(entry.line) for entry in entries if entry.sequence <= end]
            if not lines:
                break
            for part in _parts(lines):
                yield audit_service_pb2.ExportAuditResponse(entries_json=part)
            begin = entries[-1].sequence + 1
        seals = [exported(seal) for seal in await self._store.list_seals() if seal.sequence <= end]
        for part in _parts(map(wire_text, seals)):
            yield audit_service_pb2.ExportAuditResponse(seals_json=part)

    async def _end(self) -> int:
        try:
            return await self._checks.seal()
        except FailedPreconditionError:
            return _SEQUENCE_MAX


def _parts(lines: Iterable[str]) -> Iterator[list[str]]:
    part, size = list[str](), 0
    for line in lines:
        part.append(line)
        size += len(line)
        if size >= _MESSAGE_CHARS:
            yield part
            part, size = [], 0
    if part:
        yield part
