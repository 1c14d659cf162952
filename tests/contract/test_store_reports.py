"""Reports: stored once, acknowledged only when written, counted when lost; on every engine there is."""

import asyncio

import pytest

from tests.contract.manager_store import after, batch, enrolled, health, opened, update
from wayside.errors import NotFoundError
from wayside_manager.core.nodes import UpdatePhase
from wayside_manager.core.reports import LastReport
from wayside_manager.ports.store import Store
from wayside_manager.store.report_status import Known
from wayside_manager.store.report_writes import ReportWrites


async def history(store: Store, node_id: str = "rsu-1") -> list[int]:
    return sorted(report.sequence for report in (await store.list_reports(node_id, page_size=1000)).items)


async def test_a_repeated_report_is_stored_once(store: Store) -> None:
    await enrolled(store, "rsu-1")
    assert (await store.record_reports([batch("rsu-1", health(1), health(2))])).sequences == (2,)
    assert (await store.record_reports([batch("rsu-1", health(1), health(2), health(3))])).sequences == (3,)
    assert await history(store) == [1, 2, 3]
    assert (await store.get_node("rsu-1")).status.lost_report_count == 0


async def test_two_batches_of_one_node_in_one_transaction_follow_each_other(store: Store) -> None:
    await enrolled(store, "rsu-1")
    first, again = batch("rsu-1", health(1), health(2)), batch("rsu-1", health(2), health(3))
    assert (await store.record_reports([first, again])).sequences == (2, 3)
    assert await history(store) == [1, 2, 3]


async def test_numbers_jumped_over_count_as_lost(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", health(3), health(4), health(8))])
    assert (await store.get_node("rsu-1")).status.lost_report_count == 5
    await store.record_reports([batch("rsu-1", health(8), health(9))])
    assert (await store.get_node("rsu-1")).status.lost_report_count == 5


async def test_each_spool_counts_for_itself(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", health(1), health(2))])
    assert (await store.record_reports([batch("rsu-1", health(1), spool_id="spool-b")])).sequences == (1,)
    assert await store.acknowledged_sequence("rsu-1", "spool-a") == 2
    assert await store.acknowledged_sequence("rsu-1", "spool-b") == 1
    assert await store.acknowledged_sequence("rsu-1", "spool-c") == 0


async def test_the_newest_report_of_each_kind_shows_on_the_node(store: Store) -> None:
    await enrolled(store, "rsu-1")
    word = update(2, "", UpdatePhase.DOWNLOADING, release="1.1.0", running="1.0.0")
    await store.record_reports([batch("rsu-1", health(1), word, health(3, release="1.0.0", revision=4), at_s=7.0)])
    status = (await store.get_node("rsu-1")).status
    assert (status.health, status.update_report) == (b"health 3", b"update downloading")
    assert (status.running_release, status.running_config_revision) == ("1.0.0", 4)
    assert status.update_phase is UpdatePhase.DOWNLOADING
    assert status.last_report_time == after(7.0)


async def test_a_repeated_report_shows_that_the_node_lives(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", health(1, period_s=10.0))])
    await store.record_reports([batch("rsu-1", health(1), at_s=5.0)])
    assert await store.last_reports() == {"rsu-1": LastReport(after(5.0), 10.0)}


async def test_an_unknown_node_stores_nothing_of_the_transaction(store: Store) -> None:
    await enrolled(store, "rsu-1")
    with pytest.raises(NotFoundError, match="rsu-9"):
        await store.record_reports([batch("rsu-1", health(1)), batch("rsu-9", health(1))])
    assert await store.acknowledged_sequence("rsu-1", "spool-a") == 0


async def test_what_was_acknowledged_is_there_after_reopening(store: Store, store_url: str) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", *(health(sequence) for sequence in range(1, 51)))])
    async with opened(store_url) as reopened:
        assert await reopened.acknowledged_sequence("rsu-1", "spool-a") == 50
        assert await history(reopened) == list(range(1, 51))


async def test_many_writers_and_readers_at_once_lose_nothing(store: Store) -> None:
    for index in range(6):
        await enrolled(store, f"rsu-{index}")

    async def write(node_id: str) -> None:
        for sequence in range(1, 21):
            await store.record_reports([batch(node_id, health(sequence))])
            assert (await store.get_node(node_id)).status.health == f"health {sequence}".encode()

    async with asyncio.TaskGroup() as group:
        for index in range(6):
            group.create_task(write(f"rsu-{index}"))
    for index in range(6):
        assert await history(store, f"rsu-{index}") == list(range(1, 21))


async def test_pruning_drops_old_rows_and_forgets_no_acknowledgement(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", health(1), health(2), health(3))])
    await store.record_reports([batch("rsu-1", health(4), at_s=100.0)])
    assert await store.prune_reports(after(50.0), max_count=2) == 2
    assert await store.prune_reports(after(50.0), max_count=2) == 1
    assert await history(store) == [4]
    assert (await store.record_reports([batch("rsu-1", health(2))])).sequences == (4,)
    assert await history(store) == [4]


async def test_history_pages_run_from_new_to_old(store: Store) -> None:
    await enrolled(store, "rsu-1")
    for sequence in range(1, 6):
        await store.record_reports([batch("rsu-1", health(sequence), at_s=sequence)])
    first = await store.list_reports("rsu-1", page_size=3)
    second = await store.list_reports("rsu-1", page_size=3, page_token=first.next_page_token)
    assert [report.sequence for report in (*first.items, *second.items)] == [5, 4, 3, 2, 1]
    assert not second.next_page_token


async def test_wild_sequence_numbers_overflow_nothing(store: Store) -> None:
    await enrolled(store, "rsu-1")
    for index in range(3):
        await store.record_reports([batch("rsu-1", health(2**63 - 1), spool_id=f"spool-{index}")])
    assert isinstance((await store.get_node("rsu-1")).status.lost_report_count, int)
    assert await store.acknowledged_sequence("rsu-1", "spool-0") == 2**63 - 1


async def test_a_node_that_had_many_spools_costs_no_more_than_another(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enrolled(store, "rsu-1")
    await store.record_reports([batch("rsu-1", health(1), spool_id=f"spool-{number}") for number in range(300)])
    read: list[dict[str, dict[str, int]]] = []

    def noted(known: dict[str, Known]) -> ReportWrites:
        read.append({node_id: dict(own.spools) for node_id, own in known.items()})
        return ReportWrites(known)

    monkeypatch.setattr("wayside_manager.store.reports.ReportWrites", noted)
    assert (await store.record_reports([batch("rsu-1", health(1), health(2), spool_id="spool-7")])).sequences == (2,)
    assert read == [{"rsu-1": {"spool-7": 1}}]
