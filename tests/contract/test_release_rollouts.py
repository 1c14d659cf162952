"""What a rollout of a release promises, line by line, with the loop and the database it lives in.

Beside these: waves and gates in test_store_rollouts.py, tries in test_store_rollout_retries.py, orders for nodes in
each phase in test_rollout_orders.py, approvals in test_gate_four_eyes.py.
"""

from datetime import timedelta

import pytest

from tests.contract.manager_store import START, Clock, after, batch, enrolled, health, release, update
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.rollout import RolloutNodeState, RolloutPlan, RolloutSpec, RolloutState, Wave, Window
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus

PENDING, IN_FLIGHT, SUCCEEDED, FAILED, SKIPPED, EXPIRED = RolloutNodeState
NODE_IDS = ("rsu-1", "rsu-2", "rsu-3", "rsu-4")
WAY = (
    UpdatePhase.CHECKING,
    UpdatePhase.DOWNLOADING,
    UpdatePhase.VERIFYING,
    UpdatePhase.STAGED,
    UpdatePhase.INSTALLING,
    UpdatePhase.SWITCHING,
    UpdatePhase.PROVISIONAL,
)


class Fleet:
    """Four nodes that run 1.0.0, heard of whenever time goes by."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = Clock()

    async def begin(self, plan: RolloutPlan, *, count: int = len(NODE_IDS), rollout_id: str = "r1") -> None:
        everyone = NodeSelector(all_nodes=True)
        spec = RolloutSpec(rollout_id, "1.1.0", NODE_IDS[:count], plan, everyone)
        await self.store.create_rollout(spec, now=self.clock())
        await self.wait(0.0)

    async def wait(self, seconds: float) -> None:
        self.clock.time += timedelta(seconds=seconds)
        for node_id in NODE_IDS:
            await self._report(node_id)
        await self.step()

    async def step(self) -> None:
        await RolloutStepper(self.store, LocalBus(), now=self.clock, holder="a").step_all()

    async def say(self, node_id: str, phase: UpdatePhase, *, reason: str = "") -> None:
        running = "1.1.0" if phase in {UpdatePhase.PROVISIONAL, UpdatePhase.COMMITTED} else "1.0.0"
        await self._report(node_id, phase=phase, running=running, reason=reason)
        await self.step()

    async def runs(self, node_id: str, version: str) -> None:
        await self._report(node_id, running=version)

    async def states(self) -> list[RolloutNodeState]:
        nodes = (await self.store.list_rollout_nodes("r1")).items
        return [node.state for node in sorted(nodes, key=lambda node: node.node_id)]

    async def state(self) -> RolloutState:
        return (await self.store.get_rollout("r1")).state

    async def told(self) -> list[str]:
        """The release each node is told, in order; empty: none."""
        found = [(await self.store.get_desired(node_id)).release for node_id in NODE_IDS]
        return ["" if one is None else one.version for one in found]

    async def _report(
        self, node_id: str, *, phase: UpdatePhase | None = None, running: str = "", reason: str = ""
    ) -> None:
        sequence = await self.store.acknowledged_sequence(node_id, "spool-a") + 1
        word = health(sequence) if not running else health(sequence, release=running)
        if phase is not None:
            word = update(sequence, "r1", phase, release="1.1.0", running=running, reason=reason)
        at_s = (self.clock() - START).total_seconds()
        await self.store.record_reports([batch(node_id, word, at_s=at_s)])


@pytest.fixture
async def fleet(store: Store) -> Fleet:
    fleet = Fleet(store)
    for node_id in NODE_IDS:
        await enrolled(store, node_id)
    for version in ("1.0.0", "1.1.0"):
        await store.add_release(release(version))
    return fleet


async def test_the_ramp_grows_only_on_succeeded(fleet: Fleet) -> None:
    await fleet.begin(RolloutPlan(waves=(Wave(count=1), Wave(count=2))))
    for phase in WAY:
        await fleet.say("rsu-1", phase)
        assert await fleet.states() == [IN_FLIGHT, PENDING, PENDING, PENDING], phase
    await fleet.say("rsu-1", UpdatePhase.COMMITTED)
    assert await fleet.states() == [SUCCEEDED, IN_FLIGHT, IN_FLIGHT, PENDING]
    await fleet.say("rsu-2", UpdatePhase.COMMITTED)
    assert await fleet.states() == [SUCCEEDED, SUCCEEDED, IN_FLIGHT, PENDING]
    await fleet.say("rsu-3", UpdatePhase.COMMITTED)
    assert await fleet.states() == [SUCCEEDED, SUCCEEDED, SUCCEEDED, IN_FLIGHT]


async def test_it_stops_when_both_count_and_percent_of_the_nodes_told_have_failed(fleet: Fleet) -> None:
    await fleet.begin(RolloutPlan(max_failure_count=1, max_failure_percent=50.0))
    await fleet.say("rsu-1", UpdatePhase.FAILED, reason="HASH")
    assert await fleet.state() is RolloutState.RUNNING  # one of four
    await fleet.say("rsu-2", UpdatePhase.ROLLED_BACK, reason="GATE")
    rollout = await fleet.store.get_rollout("r1")
    assert rollout.state is RolloutState.FAILED
    assert rollout.message == "2 of 4 nodes told could not run 1.1.0: rsu-1, rsu-2"
    assert await fleet.states() == [FAILED, FAILED, EXPIRED, EXPIRED]
    assert await fleet.told() == ["", "", "", ""]


async def test_a_count_that_is_not_reached_stops_nothing_whatever_the_percent(fleet: Fleet) -> None:
    await fleet.begin(RolloutPlan(max_failure_count=2, max_failure_percent=1.0))
    await fleet.say("rsu-1", UpdatePhase.FAILED, reason="HASH")
    assert await fleet.state() is RolloutState.RUNNING


async def test_who_joins_a_dynamic_rollout_is_told_with_its_last_wave(fleet: Fleet) -> None:
    await fleet.begin(RolloutPlan(waves=(Wave(count=1),), is_dynamic=True, max_in_flight_count=1), count=2)
    assert await fleet.states() == [IN_FLIGHT, PENDING, PENDING, PENDING]
    for node_id in NODE_IDS[:3]:
        await fleet.say(node_id, UpdatePhase.COMMITTED)
    assert await fleet.states() == [SUCCEEDED, SUCCEEDED, SUCCEEDED, IN_FLIGHT]


async def test_consent_is_asked_of_the_node_and_waited_for_until_the_deadline(fleet: Fleet) -> None:
    await fleet.begin(RolloutPlan(needs_consent=True, deadline_s=86_400.0), count=1)
    told = (await fleet.store.get_desired("rsu-1")).release
    assert told is not None
    assert told.asked.needs_consent
    await fleet.say("rsu-1", UpdatePhase.STAGED)
    await fleet.wait(80_000.0)  # nobody has agreed
    assert await fleet.states() == [IN_FLIGHT]
    await fleet.wait(6_400.0)
    assert await fleet.states() == [EXPIRED]
    assert await fleet.told() == ["", "", "", ""]


async def test_who_does_not_say_that_it_is_done_in_time_has_failed(fleet: Fleet) -> None:
    await fleet.begin(RolloutPlan(node_timeout_s=600.0), count=1)
    await fleet.say("rsu-1", UpdatePhase.DOWNLOADING)
    await fleet.wait(599.0)
    assert await fleet.states() == [IN_FLIGHT]
    await fleet.wait(1.0)
    assert await fleet.states() == [FAILED]


async def test_the_deadline_of_all_of_it_leaves_out_who_was_not_told(fleet: Fleet) -> None:
    await fleet.begin(RolloutPlan(waves=(Wave(count=1),), deadline_s=3600.0, node_timeout_s=7200.0))
    await fleet.wait(3600.0)
    assert await fleet.state() is RolloutState.FAILED
    assert await fleet.states() == [EXPIRED] * 4
    assert (await fleet.store.get_rollout("r1")).message.startswith("the deadline came: wave 1 of 2")


async def test_a_wave_that_fails_goes_back_by_itself_and_the_waves_before_it_stay(fleet: Fleet) -> None:
    first = RolloutSpec("r0", "1.0.0", NODE_IDS)
    await fleet.store.create_rollout(first, now=START)
    for node_id in NODE_IDS:
        await fleet.runs(node_id, "1.0.0")
    await fleet.step()
    await fleet.begin(RolloutPlan(waves=(Wave(count=1), Wave(count=3)), reverses_failed_wave=True))
    await fleet.say("rsu-1", UpdatePhase.COMMITTED)
    await fleet.say("rsu-2", UpdatePhase.COMMITTED)
    before = await fleet.told()
    await fleet.say("rsu-3", UpdatePhase.ROLLED_BACK, reason="GATE")

    assert before == ["1.1.0"] * 4
    assert await fleet.state() is RolloutState.FAILED
    assert await fleet.states() == [SUCCEEDED, FAILED, FAILED, EXPIRED]
    assert await fleet.told() == ["1.1.0", "1.0.0", "1.0.0", "1.0.0"]


async def test_without_the_word_of_the_plan_a_wave_that_fails_keeps_what_succeeded(fleet: Fleet) -> None:
    await fleet.begin(RolloutPlan())
    await fleet.say("rsu-1", UpdatePhase.COMMITTED)
    await fleet.say("rsu-2", UpdatePhase.ROLLED_BACK, reason="GATE")
    assert await fleet.told() == ["1.1.0", "", "", ""]


async def test_a_schedule_tells_nobody_outside_its_windows_and_calls_back_who_has_not_switched(fleet: Fleet) -> None:
    # it is noon
    await fleet.begin(
        RolloutPlan(
            windows=(Window(begin_minute=13 * 60, duration_s=3600.0),), max_in_flight_count=2, node_timeout_s=7200.0
        )
    )
    assert await fleet.states() == [PENDING] * 4
    await fleet.wait(3600.0)
    assert await fleet.states() == [IN_FLIGHT, IN_FLIGHT, PENDING, PENDING]
    told = (await fleet.store.get_desired("rsu-1")).release
    assert told is not None
    assert told.end_time == after(7200.0)
    await fleet.say("rsu-1", UpdatePhase.PROVISIONAL)
    await fleet.say("rsu-2", UpdatePhase.DOWNLOADING)
    await fleet.wait(3600.0 - 1.0)
    await fleet.wait(1.0)
    assert await fleet.states() == [IN_FLIGHT, PENDING, PENDING, PENDING]
    assert await fleet.told() == ["1.1.0", "", "", ""]
    await fleet.say("rsu-1", UpdatePhase.COMMITTED)
    await fleet.wait(23 * 3600.0)  # the next day
    told = (await fleet.store.get_desired("rsu-2")).release
    assert await fleet.states() == [SUCCEEDED, IN_FLIGHT, IN_FLIGHT, PENDING]
    assert told is not None
    assert told.end_time == after(7200.0 + 86_400.0)


async def test_a_node_that_already_has_it_has_succeeded_without_being_told(fleet: Fleet) -> None:
    for node_id in NODE_IDS[:2]:
        await fleet.runs(node_id, "1.1.0")
    spec = RolloutSpec("r1", "1.1.0", NODE_IDS, RolloutPlan())
    await fleet.store.create_rollout(spec, now=START)
    await fleet.step()
    nodes = (await fleet.store.list_rollout_nodes("r1")).items
    assert [node.state for node in nodes[:2]] == [SUCCEEDED, SUCCEEDED]
    assert [node.tell_time for node in nodes[:2]] == [None, None]


async def test_a_node_that_already_had_it_is_left_alone_when_its_wave_goes_back(fleet: Fleet) -> None:
    await fleet.runs("rsu-1", "1.1.0")
    await fleet.store.create_rollout(
        RolloutSpec("r1", "1.1.0", NODE_IDS, RolloutPlan(reverses_failed_wave=True)), now=START
    )
    await fleet.step()
    await fleet.say("rsu-2", UpdatePhase.ROLLED_BACK, reason="GATE")
    assert await fleet.states() == [SUCCEEDED, FAILED, EXPIRED, EXPIRED]
    assert await fleet.told() == ["1.1.0", "", "", ""]
