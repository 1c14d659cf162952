"""RolloutService: see `rollout_service.proto`."""

# ruff: noqa: ARG002, N802 -- gRPC fixes the names and the arguments of RPCs
import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from wayside.names import node_id, release_version, rollout_id
from wayside.v1 import rollout_pb2, rollout_service_pb2, rollout_service_pb2_grpc
from wayside_manager.api.calls import Calls
from wayside_manager.api.enum_words import enum_word
from wayside_manager.api.identity import admission
from wayside_manager.api.node_messages import selector
from wayside_manager.api.rollout_looks import RolloutLooks
from wayside_manager.api.rollout_messages import plan_record, rollout_message, rollout_node_message
from wayside_manager.api.rollout_selection import checked_request_id, new_rollout_id, selected_nodes
from wayside_manager.api.scopes import Context, send
from wayside_manager.core.rollout import ENDED, RolloutNodeState, RolloutOrder, RolloutRecord, RolloutSpec, WaitReason
from wayside_manager.core.rollout_plan import next_step
from wayside_manager.ports.nodes import NodeStore
from wayside_manager.ports.rollouts import RolloutSituation, RolloutStore
from wayside_manager.ports.wakeups import Bus, Topic

LOOK_AGAIN_S = 30.0  # a lost wake-up costs a watcher at most this
PACE_S = 0.25
"""Least time between two looks of one watcher: a large rollout changes all the time, and each look plans a step."""


class RolloutServiceStore(RolloutStore, NodeStore, Protocol):
    """What rollouts need of the store."""


class RolloutService(rollout_service_pb2_grpc.RolloutServiceServicer):
    """Rollouts of releases and of configuration."""

    def __init__(self, store: RolloutServiceStore, bus: Bus, calls: Calls, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._bus = bus
        self._calls = calls
        self._now = now
        self._looks = RolloutLooks(self._present)

    async def CreateRollout(
        self, request: rollout_service_pb2.CreateRolloutRequest, context: Context
    ) -> rollout_service_pb2.CreateRolloutResponse:
        """Starts a rollout of a release for the nodes the selector names now."""
        version = release_version(request.release, field="release")
        chosen = selector(request.selector, field="selector")
        spec = RolloutSpec(
            rollout_id=new_rollout_id(),
            version=version,
            plan=plan_record(request.plan, field="plan"),
            selector=chosen,
            node_ids=await selected_nodes(self._store, chosen),
            request_id=checked_request_id(request.request_id),
            tenant_id=admission().tenant_id,
        )
        rollout = await self._store.create_rollout(spec, now=self._now())
        return rollout_service_pb2.CreateRolloutResponse(rollout=await self._changed(rollout))

    async def GetRollout(
        self, request: rollout_service_pb2.GetRolloutRequest, context: Context
    ) -> rollout_service_pb2.GetRolloutResponse:
        """One rollout, and why its nodes wait."""
        return rollout_service_pb2.GetRolloutResponse(rollout=await self._present(rollout_id(request.name)))

    async def ListRollouts(
        self, request: rollout_service_pb2.ListRolloutsRequest, context: Context
    ) -> rollout_service_pb2.ListRolloutsResponse:
        """A page of rollouts."""
        page = await self._store.list_rollouts(
            reach=admission().reach,
            node_id=_node_id(request.node),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        counts = await self._store.count_rollout_nodes([rollout.rollout_id for rollout in page.items])
        return rollout_service_pb2.ListRolloutsResponse(
            rollouts=[rollout_message(rollout, counts.get(rollout.rollout_id, {})) for rollout in page.items],
            next_page_token=page.next_page_token,
        )

    async def ListRolloutNodes(
        self, request: rollout_service_pb2.ListRolloutNodesRequest, context: Context
    ) -> rollout_service_pb2.ListRolloutNodesResponse:
        """A page of the nodes of a rollout, and why each of them waits."""
        listed_id = rollout_id(request.name)
        page = await self._store.list_rollout_nodes(
            listed_id,
            states=_states(request.states),
            node_id=_node_id(request.node),
            page_size=request.page_size,
            page_token=request.page_token,
        )
        situation = await self._store.rollout_situation(listed_id, now=self._now())
        waits = await asyncio.to_thread(_waits, situation, self._now())
        facts, is_config = situation.facts, situation.rollout.is_config
        return rollout_service_pb2.ListRolloutNodesResponse(
            nodes=[
                rollout_node_message(
                    node,
                    is_config=is_config,
                    site=facts[node.node_id].site_id if node.node_id in facts else "",
                    wait=waits.get(node.node_id, WaitReason.NONE),
                )
                for node in page.items
            ],
            next_page_token=page.next_page_token,
        )

    async def WatchRollout(  # type: ignore[override]  # writes by itself, so that `endable` sees every wait
        self, request: rollout_service_pb2.WatchRolloutRequest, context: Context
    ) -> None:
        """The rollout now and whenever it changes, until it ends."""
        watched_id = rollout_id(request.name)
        async with self._calls.endable(context), self._bus.subscribe(Topic.ROLLOUT, watched_id) as subscription:
            sent = rollout_pb2.Rollout()
            while sent.state not in _ENDED_VALUES:
                rollout = await self._looks.look(watched_id)
                if rollout != sent:
                    await send(context, rollout_service_pb2.WatchRolloutResponse(rollout=rollout))
                    sent = rollout
                    await asyncio.sleep(PACE_S)
                    continue  # wake-ups coalesce, and one may have come while we wrote
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await subscription.changed()

    async def PauseRollout(
        self, request: rollout_service_pb2.PauseRolloutRequest, context: Context
    ) -> rollout_service_pb2.PauseRolloutResponse:
        """Hands out nothing new until resumed."""
        return rollout_service_pb2.PauseRolloutResponse(rollout=await self._ordered(request.name, RolloutOrder.PAUSE))

    async def ResumeRollout(
        self, request: rollout_service_pb2.ResumeRolloutRequest, context: Context
    ) -> rollout_service_pb2.ResumeRolloutResponse:
        """Goes on handing out."""
        return rollout_service_pb2.ResumeRolloutResponse(rollout=await self._ordered(request.name, RolloutOrder.RESUME))

    async def AbortRollout(
        self, request: rollout_service_pb2.AbortRolloutRequest, context: Context
    ) -> rollout_service_pb2.AbortRolloutResponse:
        """Ends a rollout."""
        return rollout_service_pb2.AbortRolloutResponse(rollout=await self._ordered(request.name, RolloutOrder.ABORT))

    async def RetryRollout(
        self, request: rollout_service_pb2.RetryRolloutRequest, context: Context
    ) -> rollout_service_pb2.RetryRolloutResponse:
        """Starts a rollout of the same thing to the nodes that did not succeed."""
        rollout = await self._store.retry_rollout(
            rollout_id(request.name),
            new_rollout_id(),
            now=self._now(),
            request_id=checked_request_id(request.request_id),
        )
        return rollout_service_pb2.RetryRolloutResponse(rollout=await self._changed(rollout))

    async def _ordered(self, name: str, order: RolloutOrder) -> rollout_pb2.Rollout:
        return await self._changed(await self._store.order_rollout(rollout_id(name), order, now=self._now()))

    async def _changed(self, rollout: RolloutRecord) -> rollout_pb2.Rollout:
        """The rollout after a change that others must hear of."""
        await self._bus.publish(Topic.ROLLOUT, (rollout.rollout_id,))
        await self._bus.publish(Topic.EVENT, [""])
        return await self._present(rollout.rollout_id)

    async def _present(self, shown_id: str) -> rollout_pb2.Rollout:
        situation = await self._store.rollout_situation(shown_id, now=self._now())
        counts = await self._store.count_rollout_nodes([shown_id])
        waits = await asyncio.to_thread(_waits, situation, self._now())
        return rollout_message(situation.rollout, counts.get(shown_id, {}), waits.values())


_ENDED_VALUES = frozenset(rollout_pb2.Rollout.State.Value(f"STATE_{state.name}") for state in ENDED)


def _waits(situation: RolloutSituation, now: datetime) -> dict[str, WaitReason]:
    """Why nodes wait, by id. Slow with many nodes: it belongs in a thread."""
    rollout = situation.rollout
    if rollout.state in ENDED:
        return {}
    return dict(next_step(rollout, situation.nodes, situation.facts, situation.roads, now=now).waits)


def _states(values: Iterable[int]) -> frozenset[RolloutNodeState]:
    descriptor = rollout_pb2.RolloutNode.State.DESCRIPTOR
    words = (enum_word(descriptor, value, field="states", prefix="STATE_") for value in values)
    return frozenset(RolloutNodeState[word] for word in words)


def _node_id(name: str) -> str:
    return node_id(name, field="node") if name else ""
