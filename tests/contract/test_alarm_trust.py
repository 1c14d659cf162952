"""Ends of what people signed become alarms by a real store, and are over when it holds newer files."""

from datetime import timedelta

from tests.contract.manager_store import START
from wayside_manager.core.access import EVERYWHERE
from wayside_manager.core.release_trust.files import Repository, TrustFile, TrustRole
from wayside_manager.ports.alarms import AlarmQuestion
from wayside_manager.ports.store import Store
from wayside_manager.services.alarm_engine import AlarmEngine
from wayside_manager.store.bus import LocalBus


async def signed(store: Store, role: TrustRole, version: int, *, days: int) -> None:
    file = TrustFile(Repository.IMAGE, role, version, b"{}", START + timedelta(days=days))
    await store.update_trust(lambda _: [file])


async def test_what_ends_soon_is_an_alarm_until_it_is_renewed(store: Store) -> None:
    now = START
    engine = AlarmEngine(store, LocalBus(), now=lambda: now)
    await signed(store, TrustRole.ROOT, 1, days=20)
    await signed(store, TrustRole.TARGETS, 1, days=300)
    await signed(store, TrustRole.TIMESTAMP, 1, days=1)  # the manager renews it by itself
    raised = await engine.step()
    assert [(each.kind, each.subject) for each in raised.alarms] == [("releases.root", "releaseTrust/image.root")]
    assert not (await engine.step()).is_change
    page = await store.list_alarms(AlarmQuestion(), reach=EVERYWHERE)
    assert ["keys rotate" in each.message for each in page.items] == [True]
    await signed(store, TrustRole.ROOT, 2, days=365)
    await engine.step()
    now += timedelta(seconds=61)
    assert [event.kind for event in (await engine.step()).events] == ["alarm.cleared"]
