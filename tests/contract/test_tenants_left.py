"""A tenant goes when it owns nothing: what happened in it stays, and is the business of the tenant above."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.jobs_of_nodes import job, say
from tests.contract.manager_store import START, Clock, batch, enrolled, health
from tests.unit.health_makers import check
from wayside.errors import FailedPreconditionError
from wayside_manager.core.access import EVERYWHERE, TenantKind, TenantRecord
from wayside_manager.core.node_health import HealthState
from wayside_manager.core.nodes import NodeChange
from wayside_manager.core.reports import HealthFacts
from wayside_manager.ports.alarms import AlarmQuestion
from wayside_manager.ports.store import Store
from wayside_manager.services.alarm_engine import AlarmEngine
from wayside_manager.store.bus import LocalBus

ALL = AlarmQuestion(shows_cleared=True)
LEAK = check("environment.leak", HealthState.FAILED, reason="there is water in the cabinet")


async def test_alarms_and_jobs_of_a_tenant_that_is_deleted_are_of_the_tenant_above(store: Store) -> None:
    for tenant_id, parent_id in (("hainan", "root"), ("haikou", "hainan")):
        await store.create_tenant(TenantRecord(tenant_id, TenantKind.CITY, parent_id, START))
    await enrolled(store, "rsu-1", tenant_id="haikou")
    report = health(1)
    assert isinstance(report.facts, HealthFacts)
    leaks = replace(report, facts=replace(report.facts, checks=(LEAK,)))
    await store.record_reports([batch("rsu-1", leaks)])
    clock = Clock(START + timedelta(seconds=5))
    await AlarmEngine(store, LocalBus(), now=clock).step()
    await job(store, "j1", "rsu-1")
    await say(store, "rsu-1", "j1", "succeeded")
    with pytest.raises(FailedPreconditionError, match="nodes"):
        await store.delete_tenant("haikou")
    await store.update_node("rsu-1", NodeChange(tenant_id="root"), now=START)
    await store.delete_tenant("haikou")
    (alarm,) = (await store.list_alarms(ALL, reach=EVERYWHERE)).items
    assert (alarm.kind, alarm.tenant_id) == ("environment.leak", "hainan")
    assert (await store.get_job("j1")).tenant_id == "hainan"
