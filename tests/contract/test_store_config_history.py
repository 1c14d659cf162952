"""What layers were: revisions, rollbacks, deletions; and what nodes had."""

from dataclasses import replace

import pytest

from tests.contract.manager_land import founded
from tests.contract.manager_store import START, after, enrolled, layer
from wayside.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError
from wayside_manager.core.configs import MISSING, ValueChange
from wayside_manager.core.selectors import NodeSelector
from wayside_manager.ports.store import Store


async def changed_twice(store: Store) -> None:
    """A layer of 5 s, then 6 s."""
    await enrolled(store, "rsu-1")
    await store.apply_layer(layer("base", {"report_period_s": 5}), now=START, author="operators/ann", comment="first")
    await store.apply_layer(layer("base", {"report_period_s": 6}), now=after(9), author="operators/bob")


async def test_every_change_is_kept_with_who_when_why_and_its_rollout(store: Store) -> None:
    await changed_twice(store)
    newest, oldest = (await store.list_layer_revisions("base")).items
    assert (newest.revision, newest.author, newest.comment) == (2, "operators/bob", "")
    assert (oldest.revision, oldest.author, oldest.comment) == (1, "operators/ann", "first")
    assert (oldest.layer.config, oldest.layer.update_time) == ({"report_period_s": 5}, START)
    assert newest.layer == await store.get_layer("base")
    assert (await store.get_rollout(newest.rollout_id)).config_cause == "configLayers/base"
    assert newest.rollout_id != oldest.rollout_id


async def test_history_goes_page_by_page(store: Store) -> None:
    await changed_twice(store)
    first = await store.list_layer_revisions("base", page_size=1)
    second = await store.list_layer_revisions("base", page_size=1, page_token=first.next_page_token)
    assert [one.revision for one in (*first.items, *second.items)] == [2, 1]
    assert second.next_page_token == ""
    with pytest.raises(InvalidArgumentError, match="page_token"):
        await store.list_layer_revisions("base", page_token="forged")


async def test_a_layer_goes_back_to_the_one_before_and_that_is_a_change_as_well(store: Store) -> None:
    await changed_twice(store)
    applied = await store.rollback_layer("base", now=after(20), author="operators/ann")
    assert (applied.layer.config, applied.layer.etag) == ({"report_period_s": 5}, "3")
    assert applied.effect.changed_node_ids == ("rsu-1",)
    newest = (await store.list_layer_revisions("base")).items[0]
    assert (newest.author, newest.comment) == ("operators/ann", "back to revision 1")
    forth = await store.rollback_layer("base", now=after(21), revision=2)
    assert forth.layer.config == {"report_period_s": 6}


async def test_going_back_to_what_it_is_changes_nothing(store: Store) -> None:
    await changed_twice(store)
    applied = await store.rollback_layer("base", now=after(20), revision=2)
    assert (applied.effect.changed_node_ids, applied.layer.etag) == ((), "2")


async def test_a_deleted_layer_keeps_its_history_and_comes_back_with_rising_numbers(store: Store) -> None:
    await changed_twice(store)
    await store.delete_layer("base", now=after(10), author="operators/eve")
    with pytest.raises(NotFoundError):
        await store.get_layer("base")
    newest = (await store.list_layer_revisions("base")).items[0]
    assert (newest.revision, newest.is_deletion, newest.author) == (3, True, "operators/eve")
    assert (newest.layer.selector, newest.layer.config) == (NodeSelector(), {})
    back = await store.rollback_layer("base", now=after(11))
    assert (back.layer.config, back.layer.etag, back.layer.create_time) == ({"report_period_s": 6}, "4", after(11))
    await store.delete_layer("base", now=after(12))
    again = await store.apply_layer(layer("base", {"report_period_s": 7}), now=after(13))
    assert again.layer.etag == "6"
    assert [one.is_deletion for one in (await store.list_layer_revisions("base")).items] == [
        False, True, False, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("layer_id", "revision", "said"),
    [
        ("nothing", 0, "layer nothing does not exist"),
        ("base", 9, "has no revision 9;"),
        ("base", 3, "has no revision 3 to go back to: it is its deletion"),
        ("young", 0, "has no revision before this one"),
    ],
)
async def test_there_must_be_something_to_go_back_to(store: Store, layer_id: str, revision: int, said: str) -> None:
    await changed_twice(store)
    await store.delete_layer("base", now=after(10))
    await store.apply_layer(layer("young", {}), now=after(10))
    with pytest.raises(NotFoundError) as caught:
        await store.rollback_layer(layer_id, now=after(20), revision=revision)
    assert said in caught.value.message


async def test_a_layer_that_never_was_has_no_history(store: Store) -> None:
    with pytest.raises(NotFoundError):
        await store.list_layer_revisions("base")


async def test_the_name_of_a_deleted_layer_stays_with_its_tenant_and_goes_up_with_it(store: Store) -> None:
    await founded(store)
    theirs = replace(layer("base", {}), tenant_id="haikou")
    await store.apply_layer(theirs, now=START)
    await store.delete_layer("base", now=START)
    with pytest.raises(AlreadyExistsError):
        await store.apply_layer(replace(theirs, tenant_id="yunnan"), now=START)
    await store.delete_tenant("haikou")
    assert (await store.list_layer_revisions("base")).items[0].layer.tenant_id == "hainan"


async def test_configurations_of_a_node_are_listed_with_what_differs(store: Store) -> None:
    await changed_twice(store)
    await store.apply_layer(layer("more", {"telemetry": {"broker_host": "b"}}), now=after(30))
    page = await store.list_node_configs("rsu-1", page_size=2)
    (third, changes3), (second, changes2) = page.items
    assert (third.revision, third.cause, third.create_time) == (3, "configLayers/more", after(30))
    assert changes3 == (ValueChange("telemetry.broker_host", MISSING, "b"),)
    assert (second.revision, changes2) == (2, (ValueChange("report_period_s", 5, 6),))
    rest = await store.list_node_configs("rsu-1", page_size=2, page_token=page.next_page_token)
    ((first, changes1),) = rest.items
    assert (first.revision, changes1) == (1, (ValueChange("report_period_s", MISSING, 5),))
    assert rest.next_page_token == ""
    with pytest.raises(NotFoundError):
        await store.list_node_configs("rsu-9")
