"""Tries after the first, staged waits and the end of a window: from a node's word to what it is told next."""

from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from tests.contract.manager_store import START, Clock, after, batch, enrolled, health, opened, release, sited, update
from wayside_manager.core.nodes import NodeChange, ReleaseAssignment, UpdatePhase
from wayside_manager.core.rollout import (
    RolloutNodeRecord,
    RolloutNodeState,
    RolloutOrder,
    RolloutPlan,
    RolloutSpec,
    RolloutState,
    Window,
)
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store import migrate as migrating
from wayside_manager.store.bus import LocalBus
from wayside_manager.store.migrate import migrate

PENDING, IN_FLIGHT, SUCCEEDED, FAILED, SKIPPED, EXPIRED = RolloutNodeState
RETRYING = RolloutPlan(retry_count=2, retry_base_s=600.0)


class Fleet:
    """One node that was heard just now and is told release 1.1.0 by rollout r1, and the loop that moves it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = Clock()

    async def begin(self, plan: RolloutPlan) -> None:
        await enrolled(self.store, "rsu-1")
        await self.store.add_release(release("1.1.0"))
        await self.hear()
        await self.store.create_rollout(RolloutSpec("r1", "1.1.0", ("rsu-1",), plan), now=START)
        await self.step()

    async def step(self) -> None:
        await RolloutStepper(self.store, LocalBus(), now=self.clock, holder="a").step_all()

    async def hear(self) -> None:
        sequence = await self.store.acknowledged_sequence("rsu-1", "spool-a") + 1
        await self.store.record_reports([batch("rsu-1", health(sequence), at_s=self._now_s())])

    async def say(self, phase: UpdatePhase, *, reason: str = "", attempt: int = 0, running: str = "") -> None:
        sequence = await self.store.acknowledged_sequence("rsu-1", "spool-a") + 1
        word = update(sequence, "r1", phase, release="1.1.0", running=running, reason=reason, attempt=attempt)
        await self.store.record_reports([batch("rsu-1", word, at_s=self._now_s())])
        await self.step()

    async def wait(self, seconds: float) -> None:
        """Time goes by, and it is heard."""
        self.clock.time += timedelta(seconds=seconds)
        await self.hear()
        await self.step()

    async def node(self) -> RolloutNodeRecord:
        return (await self.store.list_rollout_nodes("r1")).items[0]

    async def told(self) -> ReleaseAssignment | None:
        return (await self.store.get_desired("rsu-1")).release

    def _now_s(self) -> float:
        return (self.clock.time - START).total_seconds()


@pytest.fixture
def fleet(store: Store) -> Fleet:
    return Fleet(store)


async def test_a_node_that_could_not_is_told_again_after_its_pause_as_the_next_attempt(fleet: Fleet) -> None:
    await fleet.begin(RETRYING)
    first = await fleet.told()
    await fleet.say(UpdatePhase.FAILED, reason="DISK_FULL")
    resting = await fleet.node()
    told_while_it_rests = await fleet.told()
    await fleet.wait(599.0)
    told_too_early = await fleet.told()
    await fleet.wait(1.0)
    again, node = await fleet.told(), await fleet.node()

    assert first is not None
    assert (first.attempt, told_while_it_rests, told_too_early) == (0, None, None)
    assert (resting.state, resting.attempt, resting.retry_time) == (PENDING, 1, after(600.0))
    assert again is not None
    assert again.attempt == 1
    assert (node.state, node.phase, node.report, node.retry_time) == (IN_FLIGHT, UpdatePhase.NONE, b"", None)

    await fleet.say(UpdatePhase.COMMITTED, running="1.1.0", attempt=1)
    assert (await fleet.node()).state is SUCCEEDED
    assert (await fleet.store.get_rollout("r1")).state is RolloutState.SUCCEEDED


async def test_each_pause_is_twice_the_one_before_and_the_last_try_ends_it(fleet: Fleet) -> None:
    await fleet.begin(RETRYING)
    await fleet.say(UpdatePhase.FAILED, reason="UNAVAILABLE")
    await fleet.wait(600.0)
    await fleet.say(UpdatePhase.FAILED, reason="UNAVAILABLE", attempt=1)
    assert (await fleet.node()).retry_time == after(600.0 + 1200.0)
    await fleet.wait(1200.0)
    await fleet.say(UpdatePhase.FAILED, reason="UNAVAILABLE", attempt=2)
    assert (await fleet.node()).state is FAILED
    assert (await fleet.store.get_rollout("r1")).state is RolloutState.FAILED


async def test_a_refused_release_is_not_tried_again(fleet: Fleet) -> None:
    await fleet.begin(RETRYING)
    await fleet.say(UpdatePhase.FAILED, reason="WRONG_HARDWARE")
    assert ((await fleet.node()).state, (await fleet.node()).attempt) == (FAILED, 0)


async def test_that_a_try_before_did_not_succeed_is_not_heard_twice(fleet: Fleet) -> None:
    await fleet.begin(RETRYING)
    await fleet.wait(3600.0)  # nothing of it for an hour
    silent = await fleet.node()
    await fleet.say(UpdatePhase.FAILED, reason="WRONG_KEY")  # the word on the first try comes late
    await fleet.wait(600.0)
    await fleet.say(UpdatePhase.ROLLED_BACK, reason="WRONG_KEY")
    late = await fleet.node()
    await fleet.say(UpdatePhase.FAILED, reason="WRONG_KEY", attempt=1)

    assert (silent.state, silent.attempt, silent.message) == (PENDING, 1, "no word for 3600 s that it is done")
    assert (late.state, late.attempt, late.message) == (IN_FLIGHT, 1, "")
    assert (await fleet.node()).state is FAILED


async def test_an_older_try_that_got_there_after_all_counts(fleet: Fleet) -> None:
    await fleet.begin(RETRYING)
    await fleet.wait(3600.0)
    await fleet.say(UpdatePhase.COMMITTED, running="1.1.0")
    node = await fleet.node()
    assert (node.state, node.message) == (SUCCEEDED, "")


async def test_an_aborted_rollout_tells_nobody_again(fleet: Fleet) -> None:
    await fleet.begin(RETRYING)
    await fleet.say(UpdatePhase.FAILED, reason="DISK_FULL")
    await fleet.store.order_rollout("r1", RolloutOrder.ABORT, now=fleet.clock())
    await fleet.wait(3600.0)
    node = await fleet.node()
    assert (node.state, node.message) == (EXPIRED, "the rollout ended before it was tried again")
    assert await fleet.told() is None


async def test_who_is_staged_and_heard_of_is_not_given_up_and_its_time_begins_anew_when_it_goes_on(
    fleet: Fleet,
) -> None:
    await fleet.begin(RolloutPlan())
    await fleet.say(UpdatePhase.STAGED)
    await fleet.wait(4 * 3600.0)
    assert (await fleet.node()).state is IN_FLIGHT
    await fleet.say(UpdatePhase.INSTALLING)
    assert (await fleet.node()).resume_time == fleet.clock()
    await fleet.wait(3599.0)
    assert (await fleet.node()).state is IN_FLIGHT
    await fleet.wait(1.0)
    assert (await fleet.node()).state is FAILED


async def test_who_is_staged_and_silent_for_as_long_as_a_node_may_take_has_failed(fleet: Fleet) -> None:
    await fleet.begin(RolloutPlan())
    await fleet.say(UpdatePhase.STAGED)
    fleet.clock.time += timedelta(hours=1)
    await fleet.step()
    assert (await fleet.node()).state is FAILED


async def test_a_node_told_in_a_window_is_told_when_it_closes_by_the_clock_of_its_site(fleet: Fleet) -> None:
    await sited(fleet.store, "k12", time_zone="Asia/Shanghai")
    await enrolled(fleet.store, "rsu-2")
    await fleet.store.update_node("rsu-2", NodeChange(site_id="k12"), now=START)
    evening = RolloutPlan(windows=(Window(begin_minute=19 * 60, duration_s=7200.0),))  # it is 20:00 there
    await fleet.store.record_reports([batch("rsu-2", health(1))])
    await fleet.store.add_release(release("1.1.0"))
    await fleet.store.create_rollout(RolloutSpec("r1", "1.1.0", ("rsu-2",), evening), now=START)
    await fleet.step()
    told = (await fleet.store.get_desired("rsu-2")).release
    assert told is not None
    assert told.end_time == after(3600.0)


async def test_a_rollout_of_the_program_before_goes_on_without_tries(store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        command.upgrade(migrating._config(connection), "0005")
        connection.execute(
            text(
                "INSERT INTO nodes (node_id, esn, kind, display_name, state, create_us, update_us, revision, tenant_id,"
                " registered_key_sha256, trusted_sha256, variables)"
                " VALUES ('rsu-1', 'e', 'rsu', '', 'enrolled', 1, 1, 1, 'root', '', '', '')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO releases (version, tenant_id, sha256, size_bytes, notes, config_schema, state, create_us,"
                " revision) VALUES ('1.1.0', 'root', '', 1, '', '', 'active', 1, 1)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO rollouts (rollout_id, tenant_id, version, config_cause, plan, selector, state, message,"
                " waves, retry_of, deadline_us, create_us, update_us, revision)"
                " VALUES ('r1', 'root', '1.1.0', '', '{}', '', 'running', '', '[]', '', 9, 1, 1, 1)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO rollout_nodes (rollout_id, node_id, wave, state, phase, runs_target, report, message,"
                " tell_us, config_revision, config_sha256)"
                " VALUES ('r1', 'rsu-1', 0, 'in_flight', 'staged', false, '', '', 5, 0, '')"
            )
        )
    engine.dispose()
    await migrate(store_url)
    async with opened(store_url) as store:
        node = (await store.list_rollout_nodes("r1")).items[0]
        plan = (await store.get_rollout("r1")).plan
    assert (node.state, node.attempt, node.retry_time, node.resume_time) == (IN_FLIGHT, 0, None, None)
    assert plan.retry_count == 0
