"""What drift says after a rollout of configuration came to its end, and the unit was told its former one again."""

import pytest

from tests.contract.manager_store import after, layer
from tests.contract.simulated_fleet import Fate, Fleet
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.configs import Drift, DriftCause
from wayside_manager.core.rollout import RolloutOrder, RolloutPlan
from wayside_manager.ports.store import Store
from wayside_manager.services.rollout_stepper import RolloutStepper
from wayside_manager.store.bus import LocalBus

PLAN = RolloutPlan(max_in_flight_count=1, node_timeout_s=100.0)


@pytest.fixture
async def fleet(store: Store) -> Fleet:
    """Two units that run what they were told when they came."""
    await store.apply_layer(layer("base", {"report_period_s": 20}), now=after(0))
    fleet = Fleet(store)
    for node_id in ("rsu-1", "rsu-2"):
        await fleet.add(node_id)
    await fleet.live()
    return fleet


async def change(fleet: Fleet) -> str:
    applied = await fleet.store.apply_layer(layer("base", {"report_period_s": 30}), now=fleet.clock(), plan=PLAN)
    return applied.effect.rollout_id


async def go_on(fleet: Fleet, count: int = 3) -> None:
    for _ in range(count):
        await RolloutStepper(fleet.store, LocalBus(), now=fleet.clock, holder="a").step_all()
        await fleet.live()


async def drifts(fleet: Fleet) -> dict[str, Drift]:
    return {one.node_id: one for one in (await fleet.store.list_drift(reach=EVERYWHERE)).items}


@pytest.mark.parametrize(
    ("fate", "cause"), [(Fate.REVERT, DriftCause.REVERTED), (Fate.REJECT, DriftCause.REJECTED)], ids=str
)
async def test_who_went_back_or_refused_is_shown_so_until_somebody_retries(
    fleet: Fleet, fate: Fate, cause: DriftCause
) -> None:
    fleet.units["rsu-1"].fate = fate
    rollout_id = await change(fleet)
    await go_on(fleet)
    assert (await fleet.store.get_desired("rsu-1")).config_trial == f"back-{rollout_id}"
    found = await drifts(fleet)
    assert found["rsu-1"].cause is cause
    assert found["rsu-1"].message == f"made to {fate}"
    assert (found["rsu-2"].cause, found["rsu-2"].message) == (
        DriftCause.WAITING,
        f"rollout {rollout_id} failed before its turn came; apply or retry",
    )
    await fleet.store.retry_rollout(rollout_id, "again", now=after(1.0))
    assert {(one.cause, one.message) for one in (await drifts(fleet)).values()} == {
        (DriftCause.WAITING, "its turn has not come in rollout again")
    }


async def test_who_said_nothing_in_time_is_shown_as_told(fleet: Fleet) -> None:
    fleet.units["rsu-1"].fate = Fate.DEAF
    await change(fleet)
    await go_on(fleet, 1)
    fleet.clock.time = after(101.0)
    await go_on(fleet, 1)
    fleet.units["rsu-1"].fate = Fate.APPLY
    await go_on(fleet)
    found = (await drifts(fleet))["rsu-1"]
    assert (found.cause, found.message) == (DriftCause.TOLD, "no word for 100 s that it is done")


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (RolloutOrder.PAUSE, "its turn has not come in rollout {}, which is paused"),
        (RolloutOrder.ABORT, "rollout {} was aborted before its turn came; apply or retry"),
    ],
    ids=str,
)
async def test_who_waits_is_shown_with_its_rollout_and_what_became_of_that(
    fleet: Fleet, order: RolloutOrder, said: str
) -> None:
    rollout_id = await change(fleet)
    assert (await drifts(fleet))["rsu-2"].message == f"its turn has not come in rollout {rollout_id}"
    await fleet.store.order_rollout(rollout_id, order, now=after(1.0))
    await go_on(fleet, 1)
    found = (await drifts(fleet))["rsu-2"]
    assert (found.cause, found.message) == (DriftCause.WAITING, said.format(rollout_id))
