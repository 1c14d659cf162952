"""Two units with one certificate: says so in log and audit trail, and does what the policy says.

Usage: `response = await clones.found(older_admission, newer_admission)`.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from wayside.errors import PermissionDeniedError
from wayside_manager.api.identity import Admission
from wayside_manager.core.approvals import CloneResponse
from wayside_manager.core.audit import CallRecord, Change, Outcome
from wayside_manager.core.events import NewEvent, Severity
from wayside_manager.core.nodes import NodeRecord
from wayside_manager.ports.access import PolicyStore
from wayside_manager.ports.audit import CALL, AuditStore
from wayside_manager.ports.events import EventStore
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.wakeups import Bus, Topic

logger = logging.getLogger(__name__)

ACTION = "NodeCloned"
QUIET_S = 60.0
"""Two units that are both kept meet again and again: one alarm a minute is enough."""


class CloneStore(NodeStore, PolicyStore, AuditStore, EventStore, Protocol):
    """What is needed of the store."""


class Clones:
    """Alarms about copies."""

    def __init__(self, store: CloneStore, bus: Bus, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._now = now
        self._alarmed_mono_s: dict[str, float] = {}

    async def found(self, older: Admission, newer: Admission) -> CloneResponse:
        """Raises the alarm; what happens to the two sessions.

        Raises: WaysideError: the store; nothing has changed then.
        """
        node_id = newer.holder.removeprefix("nodes/")
        policy = await self._store.get_policy()
        node = await self._store.get_node(node_id)
        record = self._record(node, newer)
        if policy.clone_response is CloneResponse.REVOKE:
            reset = CALL.set(record)  # the entry is written with what it is about
            try:
                await self._store.revoke_node(node_id, now=self._now())
            finally:
                CALL.reset(reset)
        elif self._is_quiet(node_id):
            return policy.clone_response
        else:
            await self._store.add_entries([record])
        await self._tell(node, older, newer, policy.clone_response)
        if policy.clone_response is CloneResponse.REVOKE:  # last: what wakes now ends sessions without saying why
            await self._bus.publish(Topic.DESIRED, (node_id,))
            await self._bus.publish(Topic.NODE, (node_id,))
        logger.error(
            "two units show the certificate of %s, from %s and %s; %s",
            node_id,
            older.source_address,
            newer.source_address,
            _DONE[policy.clone_response],
            extra={"node": node_id, "action": ACTION},
        )
        return policy.clone_response

    async def _tell(self, node: NodeRecord, older: Admission, newer: Admission, response: CloneResponse) -> None:
        node_id, now = node.node_id, self._now()
        event = NewEvent(
            kind="node.clone",
            time=now,
            subject=f"nodes/{node_id}",
            message=f"two units show the certificate of {node_id}; {_DONE[response]}",
            severity=Severity.MAJOR,
            node_id=node_id,
            site_id=node.site_id,
            tenant_id=node.tenant_id,
            details={
                "older_address": older.source_address,
                "newer_address": newer.source_address,
                "response": str(response),
            },
        )
        await self._store.add_events([event], now=now)
        await self._bus.publish(Topic.EVENT, [""])

    def _record(self, node: NodeRecord, newer: Admission) -> CallRecord:
        return CallRecord(
            actor="manager",
            action=ACTION,
            time=self._now(),
            credential_id="" if newer.credential is None else newer.credential.credential_id,
            source_address=newer.source_address,
            request_id=newer.request_id,
            tenant_id=node.tenant_id,
            changes=[Change(f"nodes/{node.node_id}")],
            outcome=Outcome.ALARM,
            reason="NODE_CLONED",
        )

    def _is_quiet(self, node_id: str) -> bool:
        now_s = time.monotonic()
        self._alarmed_mono_s = {each: at for each, at in self._alarmed_mono_s.items() if now_s - at < QUIET_S}
        if node_id in self._alarmed_mono_s:
            return True
        self._alarmed_mono_s[node_id] = now_s
        return False


_DONE = {
    CloneResponse.REVOKE: "its certificates were taken back",
    CloneResponse.KEEP_OLDER: "the newer session ends",
    CloneResponse.KEEP_NEWER: "the older session ends",
}


def cloned(node_id: str) -> PermissionDeniedError:
    """What a unit is told that must go."""
    return PermissionDeniedError(
        f"another unit shows the certificate of {node_id}, too; ask an operator", reason="NODE_CLONED"
    )
