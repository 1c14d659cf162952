"""Registered units and unknown ones, on every engine there is."""

from typing import Any

import pytest

from tests.contract.enrolling import imported, key, node_of, refusal, registration, shown, valid, waiting_of
from tests.contract.manager_store import START, after, asked, enrolled, sited, token
from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
    ResourceExhaustedError,
)
from wayside_manager.core.access import EVERYWHERE, TenantKind, TenantRecord
from wayside_manager.core.admission import WAITING_PER_SOURCE_MAX_COUNT
from wayside_manager.core.enrollment import (
    ApprovedUnit,
    ImportOutcome,
    RequestState,
)
from wayside_manager.core.nodes import Label, NodeState
from wayside_manager.ports.store import Store


async def test_a_registered_unit_enrols_without_a_token_with_its_key_only(store: Store) -> None:
    await sited(store, "k12")
    row = registration(site_id="k12", display_name="north", labels=(Label("lane", "3"),))
    assert await imported(store, row) == ["created"]
    registered = await store.get_node("rsu-1")

    assert await refusal(store, asked("rsu-1", key="another")) == "KEY_MISMATCH"
    assert await refusal(store, asked("rsu-1", esn="another")) == "REGISTRATION_MISMATCH"
    node = await node_of(store, asked("rsu-1"))

    assert (registered.state, node.state) == (NodeState.REGISTERED, NodeState.ENROLLED)
    assert (node.site_id, node.display_name, node.labels) == ("k12", "north", (Label("lane", "3"),))


async def test_a_registered_unit_gets_the_id_it_was_registered_with(store: Store) -> None:
    await imported(store, registration())
    node = await node_of(store, asked("something-else", esn="ESN-rsu-1", key="rsu-1"))
    assert node.node_id == "rsu-1"


async def test_a_token_does_not_take_a_registration_from_its_key(store: Store) -> None:
    await imported(store, registration())
    await store.add_token(token(node_id="rsu-1"))
    assert await refusal(store, shown(key="new")) == "KEY_MISMATCH"


async def test_importing_again_changes_nothing_also_after_the_unit_has_come(store: Store) -> None:
    row = registration(labels=(Label("lane", "3"),))
    await imported(store, row)
    assert await imported(store, row) == ["unchanged"]
    node = await node_of(store, asked("rsu-1"))
    await store.note_session((await store.list_credentials("nodes/rsu-1"))[0], "")
    assert await imported(store, row) == ["unchanged"]
    assert await store.get_node("rsu-1") == node


async def test_bad_rows_do_not_keep_good_ones_out(store: Store) -> None:
    await enrolled(store, "rsu-1")
    rows = (
        registration("rsu-2"),
        registration("rsu-1", key_sha256=key("x")),
        registration("rsu-3", esn="ESN-rsu-1"),
        registration("rsu-4", key_sha256=key("rsu-2")),
        registration("rsu-2"),
        registration("rsu-5"),
    )
    expected = ["created", "NODE_EXISTS", "ESN_EXISTS", "KEY_EXISTS", "unchanged", "created"]
    tried = await store.try_import(rows, now=START)
    assert [each.value if isinstance(each, ImportOutcome) else each.reason for each in tried] == expected
    with pytest.raises(NotFoundError):
        await store.get_node("rsu-2")
    assert await imported(store, *rows) == expected


async def test_the_token_of_a_registered_unit_is_not_used_up(store: Store) -> None:
    await imported(store, registration())
    await store.add_token(token())
    await node_of(store, shown())
    assert (await store.list_tokens(reach=EVERYWHERE, now=START)).items[0].remaining_use_count == 1


# unknown units


async def test_an_unknown_unit_is_refused_unless_the_policy_takes_it(store: Store) -> None:
    assert await refusal(store, asked("rsu-1")) == "UNKNOWN_UNIT"


async def test_an_unknown_unit_waits_and_asking_again_changes_nothing(store: Store) -> None:
    first = await waiting_of(store, asked("rsu-1", source_address="192.0.2.7"))
    again = await waiting_of(store, asked("rsu-2", esn="other", key="rsu-1"), at_s=60)
    assert again == first
    assert (first.state, first.source_address) == (RequestState.PENDING, "192.0.2.7")
    assert (await store.list_requests(now=START)).items == (first,)


async def test_an_approved_unit_comes_in_as_the_operator_said(store: Store) -> None:
    await store.create_tenant(TenantRecord("haikou", TenantKind.CITY, "root", START))
    waiting = await waiting_of(store, asked("rsu-1"))
    approved = await store.approve_request(waiting.request_id, ApprovedUnit("rsu-7", "haikou"), now=START)

    node = await node_of(store, asked("rsu-1"))
    again = await node_of(store, asked("rsu-1"))

    assert approved.state is RequestState.APPROVED
    assert (node.node_id, node.tenant_id, node.esn) == ("rsu-7", "haikou", "ESN-rsu-1")
    assert again == node  # the answer may be lost
    assert (await store.list_requests(now=START)).items == ()


async def test_an_approved_unit_that_says_something_else_now_stays_out(store: Store) -> None:
    waiting = await waiting_of(store, asked("rsu-1"))
    await store.approve_request(waiting.request_id, ApprovedUnit("rsu-1", "root"), now=START)
    assert await refusal(store, asked("rsu-1", esn="another")) == "REGISTRATION_MISMATCH"


async def test_an_approved_replacement_inherits_and_the_old_unit_is_out(store: Store) -> None:
    await enrolled(store, "rsu-1", labels={"lane": "3"})
    waiting = await waiting_of(store, asked("rsu-1", esn="E-new", key="new"))
    approval = ApprovedUnit("rsu-1", "root", is_replacement=True)
    await store.approve_request(waiting.request_id, approval, now=START)
    assert await valid(store, "rsu-1") == {key("rsu-1")}  # until the new one comes

    node = await node_of(store, asked("rsu-1", esn="E-new", key="new"))

    assert (node.esn, node.labels) == ("E-new", (Label("lane", "3"),))
    assert await valid(store, "rsu-1") == {key("new")}


async def test_a_rejected_unit_stays_out_until_its_request_ends(store: Store) -> None:
    waiting = await waiting_of(store, asked("rsu-1"))
    await store.reject_request(waiting.request_id, now=START)
    assert await refusal(store, asked("rsu-1"), is_open=True) == "REQUEST_REJECTED"
    with pytest.raises(FailedPreconditionError):
        await store.approve_request(waiting.request_id, ApprovedUnit("rsu-1", "root"), now=START)
    week_s = 7 * 86_400
    with pytest.raises(NotFoundError):
        await store.get_request(waiting.request_id, now=after(week_s))
    assert (await waiting_of(store, asked("rsu-1"), at_s=week_s)).state is RequestState.PENDING


async def test_what_is_decided_is_not_decided_again(store: Store) -> None:
    waiting = await waiting_of(store, asked("rsu-1"))
    await store.approve_request(waiting.request_id, ApprovedUnit("rsu-1", "root"), now=START)
    with pytest.raises(FailedPreconditionError):
        await store.approve_request(waiting.request_id, ApprovedUnit("rsu-2", "root"), now=START)
    with pytest.raises(FailedPreconditionError):
        await store.reject_request(waiting.request_id, now=START)


async def test_nothing_is_promised_twice_or_taken_from_a_node(store: Store) -> None:
    await enrolled(store, "rsu-9")
    await store.create_tenant(TenantRecord("haikou", TenantKind.CITY, "root", START))
    first, second = [await waiting_of(store, asked("rsu-1", esn=f"E{n}", key=f"k{n}")) for n in (1, 2)]
    await store.approve_request(first.request_id, ApprovedUnit("rsu-1", "root"), now=START)
    for approved in (ApprovedUnit("rsu-1", "root"), ApprovedUnit("rsu-9", "root")):
        with pytest.raises(AlreadyExistsError):
            await store.approve_request(second.request_id, approved, now=START)
    for approved in (
        ApprovedUnit("ghost", "root", is_replacement=True),
        ApprovedUnit("rsu-9", "haikou", is_replacement=True),
    ):
        with pytest.raises(NotFoundError):
            await store.approve_request(second.request_id, approved, now=START)


async def test_a_retired_node_is_not_replaced(store: Store) -> None:
    await enrolled(store, "rsu-9")
    await store.retire_node("rsu-9", now=START)
    waiting = await waiting_of(store, asked("rsu-1"))
    with pytest.raises(FailedPreconditionError):
        await store.approve_request(waiting.request_id, ApprovedUnit("rsu-9", "root", is_replacement=True), now=START)
    assert await refusal(store, asked("rsu-9", esn="E", key="k"), is_open=True) == "NODE_RETIRED"


async def test_only_so_many_units_of_one_address_wait(store: Store) -> None:
    for number in range(WAITING_PER_SOURCE_MAX_COUNT):
        await waiting_of(store, asked(f"rsu-{number}", source_address="192.0.2.7"))
    with pytest.raises(ResourceExhaustedError):
        await waiting_of(store, asked("one-more", source_address="192.0.2.7"))
    await waiting_of(store, asked("rsu-0", source_address="192.0.2.7"))  # who waits may ask
    await waiting_of(store, asked("one-more", source_address="192.0.2.8"))


async def test_the_list_of_waiting_units_comes_in_pages_oldest_first(store: Store) -> None:
    for number in range(5):
        await waiting_of(store, asked(f"rsu-{number}"), at_s=number)
    seen: list[Any] = []
    at = ""
    while True:
        part = await store.list_requests(now=START, page_size=2, page_token=at)
        seen += [each.node_id for each in part.items]
        at = part.next_page_token
        if not at:
            break
    assert seen == [f"rsu-{number}" for number in range(5)]
