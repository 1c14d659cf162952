"""Rollouts, as operators see them and as the stepper moves them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.jobs import JobsChanged
from wayside_manager.core.pages import Page
from wayside_manager.core.rollout import (
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutOrder,
    RolloutRecord,
    RolloutSpec,
)
from wayside_manager.core.rollout_plan import NodeFacts, Roads, RolloutStep


@dataclass(frozen=True, slots=True)
class RolloutSituation:
    """Everything the planner looks at for one rollout, read in one transaction."""

    rollout: RolloutRecord
    nodes: Sequence[RolloutNodeRecord]
    """In order of wave, then id; without their reports."""
    facts: Mapping[str, NodeFacts]
    roads: Roads
    joined: Sequence[RolloutNodeRecord] = ()
    """Those of `nodes` that came to match the selector of a dynamic rollout and are written with its next step."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do what must happen once, until it expires or somebody else has it."""

    name: str
    holder: str
    fence: int
    """Rises with every holder."""


class RolloutStore(Protocol):
    """Rollouts, as operators see them."""

    async def create_rollout(self, spec: RolloutSpec, *, now: datetime) -> RolloutRecord:
        """Starts a rollout of a release; the same request id again returns the rollout it made.

        Raises: NotFoundError: no such release of its tenant or of one above, or no such node in its tenant or below;
        FailedPreconditionError: the release is retired, there is no node, or one is in another live rollout of a
        release; AlreadyExistsError: the request id is taken by another tenant.
        """

    async def retry_rollout(
        self, rollout_id: str, new_rollout_id: str, *, now: datetime, request_id: str = ""
    ) -> RolloutRecord:
        """Starts a rollout of the same thing to the nodes that did not succeed and are still there.

        Of configuration: to those whose configuration is still not what the layers ask for.
        Raises: NotFoundError; FailedPreconditionError: it has not ended, or there is no such node, or one is in another
        live rollout of a release.
        """

    async def get_rollout(self, rollout_id: str) -> RolloutRecord:
        """One rollout.

        Raises: NotFoundError.
        """

    async def count_rollout_nodes(
        self, rollout_ids: Iterable[str]
    ) -> Mapping[str, Mapping[tuple[int, RolloutNodeState], int]]:
        """Nodes of rollouts per wave and state."""

    async def list_rollouts(
        self, *, reach: Reach, node_id: str = "", page_size: int = 0, page_token: str = ""
    ) -> Page[RolloutRecord]:
        """A page of the rollouts of whole tenants of the reach, newest first; with a node: only those it is in.

        Raises: InvalidArgumentError: page size or token.
        """

    async def list_rollout_nodes(
        self,
        rollout_id: str,
        *,
        states: frozenset[RolloutNodeState] = frozenset(),
        node_id: str = "",
        page_size: int = 0,
        page_token: str = "",
    ) -> Page[RolloutNodeRecord]:
        """A page of the nodes of a rollout with their reports, by wave, then id; or only the one named.

        Raises: NotFoundError; InvalidArgumentError: page size or token.
        """

    async def order_rollout(self, rollout_id: str, order: RolloutOrder, *, now: datetime) -> RolloutRecord:
        """Pauses, resumes or aborts.

        Raises: NotFoundError; FailedPreconditionError: it has ended.
        """

    async def rollout_situation(self, rollout_id: str, *, now: datetime) -> RolloutSituation:
        """What the planner looks at.

        Raises: NotFoundError.
        """


class RolloutStepStore(Protocol):
    """Rollouts, as the stepper moves them."""

    async def take_lease(self, name: str, holder: str, *, now: datetime, life_s: float) -> Lease | None:
        """Takes or renews the lease; `None`: somebody else has it."""

    async def release_lease(self, lease: Lease) -> None:
        """Lets others have it at once."""

    async def live_rollouts(self) -> tuple[str, ...]:
        """Ids of rollouts that have not ended, and of ended ones with nodes under way; oldest first."""

    async def rollout_situation(self, rollout_id: str, *, now: datetime) -> RolloutSituation:
        """What the planner looks at.

        Raises: NotFoundError.
        """

    async def save_step(
        self,
        rollout: RolloutRecord,
        step: RolloutStep,
        *,
        now: datetime,
        lease: Lease,
        joined: Sequence[RolloutNodeRecord] = (),
    ) -> JobsChanged:
        """Writes a step, the nodes that joined, and the desired states it changes; which jobs it made or cancelled.

        Raises: ConflictError: the rollout is no longer as it was when the step was planned, or the lease is lost.
        """
