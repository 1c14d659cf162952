"""Whether a call needs a second person, and whether one has agreed.

A dangerous call without an approval opens one and is refused; with a granted one it goes on, and the store uses the
approval up in the transaction of the change. What is not part of the danger, a password, is neither kept nor hashed.
Usage: `await FourEyes(store, now=now).check(danger, record, message, headers)`.
"""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from wayside.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from wayside.names import approval_name, broadcast_id, config_layer_id, rollout_id
from wayside_manager.api.gate.job_dangers import reaches_in, shell_danger
from wayside_manager.api.gate.place_reach import PlaceReach
from wayside_manager.api.identity import APPROVAL_HEADER, Metadata, approval_header
from wayside_manager.api.node_messages import selector
from wayside_manager.core.access import ROOT_TENANT, Tenants
from wayside_manager.core.approvals import AccessPolicy, ApprovalRecord, Danger, used
from wayside_manager.core.audit import CallRecord
from wayside_manager.core.missing import not_there
from wayside_manager.core.pages import MAX_PAGE_SIZE
from wayside_manager.core.rollout import RolloutNodeState
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.access import ApprovalStore, PolicyStore
from wayside_manager.ports.broadcasts import BroadcastStore
from wayside_manager.ports.config import ConfigStore
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.rollouts import RolloutStore
from wayside_manager.ports.sites import SiteStore

JSON_MAX_CHARS = 1 << 20
"""Largest request that can wait for a second person, who must be able to read it; 10,000 node names fit."""
_HISTORY_PAGES = 1_000  # of a history: a million changes
_COUNTED = frozenset({Danger.FLEET_CONFIG, Danger.FLEET_ROLLOUT, Danger.FLEET_JOB, Danger.FLEET_BROADCAST})
"""Dangerous when they reach more nodes than the policy allows."""
_APART = ("password", "new_password", "present_password", "request_id")
"""Secrets, and what makes a retry harmless: the command line makes a new one each time."""


class FourEyesStore(
    ApprovalStore, PolicyStore, NodeStore, ConfigStore, RolloutStore, SiteStore, BroadcastStore, Protocol
):
    """What four eyes look at."""


class FourEyes:
    """Judges dangerous calls."""

    def __init__(self, store: FourEyesStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def check(
        self, danger: Danger, record: CallRecord, message: Message, headers: Metadata, *, tenants: Tenants
    ) -> None:
        """Returns if the call may be made now; the record then names the approval it uses up.

        Raises: FailedPreconditionError: it must be approved first, with the approval's name as metadata `approval`, or
        the approval is not granted; PermissionDeniedError: the approval is for another call; NotFoundError: there is no
        such approval; InvalidArgumentError: malformed.
        """
        policy = await self._store.get_policy()
        summary = await self._danger(danger, policy, record, message)
        if not summary:
            return
        shown = _shown(message)
        sha256 = _digest(record.action, shown)
        approval_id = approval_header(headers)
        if not approval_id:
            tenant_id = _tenant_id(record, shown, tenants)
            raise await self._refusal(record, shown, sha256, summary=summary, policy=policy, tenant_id=tenant_id)
        approval = await self._store.get_approval(approval_id, now=self._now())
        if approval.requester != record.actor:
            raise not_there("approvals", approval_id)
        used(approval, sha256, record.actor, now=self._now())  # here so that nothing is begun in vain
        record.approval_id, record.request_sha256 = approval_id, sha256

    async def _refusal(
        self, record: CallRecord, shown: Message, sha256: str, *, summary: str, policy: AccessPolicy, tenant_id: str
    ) -> FailedPreconditionError:
        text = MessageToJson(shown, preserving_proto_field_name=True, indent=None)
        if len(text) > JSON_MAX_CHARS:
            raise InvalidArgumentError(
                "the request is too large for a second person to read; use labels instead of names",
                reason="APPROVAL_TOO_LARGE",
            )
        now = self._now()
        approval = await self._store.open_approval(
            ApprovalRecord(
                approval_id=secrets.token_hex(8),
                method=record.action,
                request_sha256=sha256,
                request_json=text,
                summary=summary,
                tenant_id=tenant_id,
                requester=record.actor,
                create_time=now,
                expire_time=now + policy.approval_ttl,
            )
        )
        name = approval_name(approval.approval_id)
        return FailedPreconditionError(
            f"{summary}; once somebody else has granted {name}, call again with '{APPROVAL_HEADER}: {name}'",
            reason="APPROVAL_REQUIRED",
            metadata={"approval": name},
        )

    async def _danger(self, danger: Danger, policy: AccessPolicy, record: CallRecord, message: Any) -> str:  # noqa: ANN401  # any request
        """Why the call is dangerous, in one sentence without its end; empty: it is not."""
        verb = record.action.rpartition("/")[2]
        if reaches_in(message) and (summary := shell_danger(verb, message.spec, policy)):
            return summary
        if verb == "RetryRollout" and await self._is_fleet_job(rollout_id(message.name)):
            danger = Danger.FLEET_JOB
        if danger is Danger.SHELL or danger not in policy.four_eyes:  # work of one node that does not reach in is none
            return ""
        if danger not in _COUNTED:
            return f"{verb} needs a second person (policy: {danger})"
        count = await self._count(verb, message, record.tenant_id)
        most = policy.max_unapproved_node_count
        if count <= most:
            return ""
        if verb == "RollbackConfigLayer" and not message.revision:  # the one before may be another when it is granted
            raise InvalidArgumentError(
                f"revision: the call reaches {count} nodes and a second person must see what comes back; name it",
                reason="REVISION_REQUIRED",
            )
        return f"{verb} reaches {count} nodes and needs a second person (policy: more than {most})"

    async def _is_fleet_job(self, retried_id: str) -> bool:
        return (await self._store.get_rollout(retried_id)).job is not None

    async def _count(self, verb: str, message: Any, tenant_id: str) -> int:  # noqa: ANN401  # any request
        """How many nodes a call reaches."""
        if verb == "RetryRollout":
            return await self._unsuccessful(rollout_id(message.name))
        of_places = await PlaceReach(self._store, self._now).selectors(verb, message)
        if of_places is not None:  # who stands at a site may be of any tenant
            return await self._store.count_reached(of_places, ROOT_TENANT) if of_places else 0
        return await self._store.count_reached(await self._selectors(verb, message), tenant_id)

    async def _unsuccessful(self, retried_id: str) -> int:
        counts = (await self._store.count_rollout_nodes([retried_id])).get(retried_id, {})
        return sum(count for (_, state), count in counts.items() if state is not RolloutNodeState.SUCCEEDED)

    async def _selectors(self, verb: str, message: Any) -> Sequence[NodeSelector]:  # noqa: ANN401  # any request
        """Whom a call reaches; of a call that does not tell: everybody in its tenant."""
        match verb:
            case "CreateRollout" | "CreateFleetJob":
                return (selector(message.selector, field="selector"),)
            case "PublishBroadcast":
                wanted = selector(message.broadcast.selector, field="broadcast.selector")
                return (wanted, *await self._on_air(broadcast_id(message.broadcast.name, field="broadcast.name")))
            case "ApplyConfigLayer":
                layer = message.config_layer
                wanted = selector(layer.selector, field="config_layer.selector")
                return (wanted, *await self._present(config_layer_id(layer.name, field="config_layer.name")))
            case "DeleteConfigLayer":
                return await self._present(config_layer_id(message.name))
            case "RollbackConfigLayer":
                layer_id = config_layer_id(message.name)
                return (*await self._present(layer_id), *await self._former(layer_id, message.revision))
        return (NodeSelector(all_nodes=True),)

    async def _present(self, layer_id: str) -> tuple[NodeSelector, ...]:
        try:
            return ((await self._store.get_layer(layer_id)).selector,)
        except NotFoundError:
            return ()

    async def _on_air(self, published_id: str) -> tuple[NodeSelector, ...]:
        """Whom a broadcast reaches that is replaced."""
        try:
            return ((await self._store.get_broadcast(published_id)).selector,)
        except NotFoundError:
            return ()

    async def _former(self, layer_id: str, revision: int) -> tuple[NodeSelector, ...]:
        """Whom a layer reached in a revision; 0: the one before the present one. Nobody if it is not there."""
        token = ""
        for _ in range(_HISTORY_PAGES):
            page = await self._store.list_layer_revisions(layer_id, page_size=MAX_PAGE_SIZE, page_token=token)
            wanted = page.items[1:2] if not revision else [each for each in page.items if each.revision == revision]
            for each in wanted:
                return () if each.is_deletion else (each.layer.selector,)
            token = page.next_page_token
            if not (token and revision):
                break
        return ()


def _tenant_id(record: CallRecord, message: Any, tenants: Tenants) -> str:  # noqa: ANN401  # any request
    """Whose approvers are asked: those of the one tenant it is about, else those of the whole deployment.

    Roles are about where they hold and, of an operator who is there, where those hold that it has.
    """
    operator = getattr(message, "operator", None)
    about = {binding.tenant.removeprefix("tenants/") for binding in getattr(operator, "bindings", ())}
    if record.tenant_id or record.changes:  # something that is there, in one tenant, or in several
        about.add(record.tenant_id)
    only = about.pop() if len(about) == 1 else ""
    return only if only in tenants.parents else ROOT_TENANT


def _shown(message: Message) -> Message:
    """The request without what nobody else may read, and what differs when it is made again."""
    shown = type(message)()
    shown.CopyFrom(message)
    for field in _APART:
        if field in shown.DESCRIPTOR.fields_by_name:
            shown.ClearField(field)
    return shown


def _digest(method: str, message: Message) -> str:
    return hashlib.sha256(method.encode() + b"\0" + message.SerializeToString(deterministic=True)).hexdigest()
