"""ImportNodes: units that are registered before they call, each row judged for itself."""

from collections.abc import Callable
from datetime import datetime

from wayside.errors import InvalidArgumentError, WaysideError
from wayside.v1 import enrollment_service_pb2
from wayside_manager.api.enrollment_messages import import_message, registration
from wayside_manager.api.identity import admitted_tenant
from wayside_manager.core.enrollment import ImportOutcome, ImportResult, Registration
from wayside_manager.ports.certificates import NodeCertifier
from wayside_manager.ports.enrollment import EnrollmentStore
from wayside_manager.ports.wakeups import Bus, Topic

ROW_MAX_COUNT = 1_000


class NodeImports:
    """Registers units."""

    def __init__(
        self, store: EnrollmentStore, certifier: NodeCertifier, bus: Bus, *, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._certifier = certifier
        self._bus = bus
        self._now = now

    async def imported(
        self, request: enrollment_service_pb2.ImportNodesRequest
    ) -> enrollment_service_pb2.ImportNodesResponse:
        """What became of each row.

        Raises: InvalidArgumentError: there are too many.
        """
        rows = request.registrations
        if len(rows) > ROW_MAX_COUNT:
            raise InvalidArgumentError(
                f"registrations: {len(rows)} rows are too many; send at most {ROW_MAX_COUNT} at a time"
            )
        results = await self._judged([self._checked(row) for row in rows], is_trial=request.validate_only)
        return enrollment_service_pb2.ImportNodesResponse(
            results=[
                import_message(index, row.node_id, result)
                for index, (row, result) in enumerate(zip(rows, results, strict=True))
            ]
        )

    def _checked(self, row: enrollment_service_pb2.NodeRegistration) -> Registration | WaysideError:
        try:
            key_sha256 = self._certifier.public_key_sha256(row.public_key_pem)
            return registration(row, key_sha256=key_sha256, tenant_id=admitted_tenant(row.tenant))
        except WaysideError as error:
            return error

    async def _judged(self, rows: list[Registration | WaysideError], *, is_trial: bool) -> list[ImportResult]:
        good = [row for row in rows if isinstance(row, Registration)]
        judge = self._store.try_import if is_trial else self._store.import_nodes
        outcomes = await judge(good, now=self._now())
        made = [row.node_id for row, outcome in zip(good, outcomes, strict=True) if outcome is ImportOutcome.CREATED]
        if not is_trial:
            await self._bus.publish(Topic.NODE, made)
        judged = iter(outcomes)
        return [next(judged) if isinstance(row, Registration) else row for row in rows]
