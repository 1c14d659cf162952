"""Rollouts, as operators see them and as the stepper moves them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from wayside_manager.core.access import Reach
from wayside_manager.core.pages import Page
from wayside_manager.core.rollout import RolloutOrder, RolloutRecord, RolloutSpec
from wayside_manager.core.rollout_plan import NodeFacts, RolloutStep


class RolloutStore(Protocol):
    """Rollouts, as operators see them."""

    async def create_rollout(self, spec: RolloutSpec, *, now: datetime) -> RolloutRecord:
        """Starts a rollout; the same request id again returns the rollout it made.

        Raises: NotFoundError: no such release of its tenant or of one above, or no such node in its tenant or below;
        FailedPreconditionError: the release is retired, there is no node, or one is in another live rollout;
        AlreadyExistsError: the request id is taken by another tenant.
        """

    async def get_rollout(self, rollout_id: str) -> RolloutRecord:
        """One rollout with its nodes.

        Raises: NotFoundError.
        """

    async def list_rollouts(self, *, reach: Reach, page_size: int = 0, page_token: str = "") -> Page[RolloutRecord]:
        """A page of the rollouts of whole tenants of the reach with their nodes, newest first.

        Raises: InvalidArgumentError: page size or token.
        """

    async def order_rollout(self, rollout_id: str, order: RolloutOrder, *, now: datetime) -> RolloutRecord:
        """Pauses, resumes or aborts.

        Raises: NotFoundError; FailedPreconditionError: it has ended.
        """


class RolloutStepStore(Protocol):
    """Rollouts, as the stepper moves them."""

    async def live_rollouts(self) -> tuple[RolloutRecord, ...]:
        """Rollouts that have not ended, and ended ones with nodes under way; oldest first."""

    async def rollout_facts(self, rollout_id: str, *, now: datetime) -> Mapping[str, NodeFacts]:
        """What the planner must know of the nodes of a rollout."""

    async def save_step(self, rollout: RolloutRecord, step: RolloutStep, *, now: datetime) -> RolloutRecord:
        """Writes a step and the desired states it changes.

        Raises: ConflictError: the rollout is no longer as it was when the step was planned.
        """
