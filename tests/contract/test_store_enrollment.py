"""Tokens, replacement, and what does not come back, on every engine there is."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.enrolling import (
    imported,
    key,
    node_of,
    refusal,
    registration,
    shown,
    valid,
)
from tests.contract.manager_store import START, after, asked, certificate, enrolled, sha256_of, sited, token
from wayside.errors import (
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from wayside_manager.core.access import EVERYWHERE, Reach, Scope, TenantKind, TenantRecord
from wayside_manager.core.enrollment import (
    EnrollmentRequest,
)
from wayside_manager.core.nodes import Label, NodeChange, NodeKind, NodeState
from wayside_manager.ports.store import Store


async def test_a_token_makes_as_many_nodes_as_it_has_uses(store: Store) -> None:
    await store.add_token(token(uses=2))
    await node_of(store, shown("rsu-1"))
    await node_of(store, shown("rsu-2"))
    assert await refusal(store, shown("rsu-3")) == "TOKEN_INVALID"


async def test_an_expired_token_makes_no_node(store: Store) -> None:
    await store.add_token(token())
    with pytest.raises(UnauthenticatedError):
        await store.enroll(shown(), now=after(3600))


@pytest.mark.parametrize(
    ("bound", "request_"),
    [
        ({"node_id": "rsu-9"}, shown()),
        ({"kind": NodeKind.OBU}, shown()),
        ({"esn": "E9"}, shown()),
    ],
    ids=["node", "kind", "esn"],
)
async def test_a_bound_token_is_for_nobody_else_and_not_used_up(
    store: Store, bound: dict[str, object], request_: EnrollmentRequest
) -> None:
    await store.add_token(replace(token(), **bound))  # type: ignore[arg-type]  # each case names a field
    with pytest.raises(PermissionDeniedError):
        await store.enroll(request_, now=START)
    assert (await store.list_tokens(reach=EVERYWHERE, now=START)).items[0].remaining_use_count == 1


async def test_a_token_says_whose_the_node_is(store: Store) -> None:
    await store.create_tenant(TenantRecord("haikou", TenantKind.CITY, "root", START))
    node = await enrolled(store, "rsu-1", tenant_id="haikou")
    assert node.tenant_id == "haikou"


async def test_one_token_used_at_once_by_many_makes_one_node(store: Store) -> None:
    await store.add_token(token())
    outcomes = []

    async def try_it(index: int) -> None:
        try:
            await store.enroll(shown(f"rsu-{index}"), now=START)
            outcomes.append(True)
        except UnauthenticatedError:
            outcomes.append(False)

    async with asyncio.TaskGroup() as group:
        for index in range(8):
            group.create_task(try_it(index))
    assert sorted(outcomes) == [False] * 7 + [True]


async def test_a_unit_that_lost_the_answer_asks_again_with_its_used_up_token(store: Store) -> None:
    await store.add_token(token())
    first = await node_of(store, shown())
    again = await node_of(store, shown())
    assert again == first
    assert len(await store.list_credentials("nodes/rsu-1")) == 2  # what is in use is not taken away
    assert await valid(store, "rsu-1") == {key("rsu-1")}


async def test_after_the_first_session_a_replayed_request_gets_nothing(store: Store) -> None:
    await store.add_token(token())
    await node_of(store, shown())
    (held,) = await store.list_credentials("nodes/rsu-1")
    await store.note_session(held, "")
    assert await refusal(store, shown()) == "TOKEN_INVALID"
    assert await refusal(store, asked("rsu-1")) == "UNKNOWN_UNIT"
    assert await store.list_credentials("nodes/rsu-1") == (held,)


async def test_asking_again_for_ever_is_refused(store: Store) -> None:
    await enrolled(store, "rsu-1")
    for _ in range(15):
        await store.enroll(asked("rsu-1"), now=START)
    assert await refusal(store, asked("rsu-1")) == "CERTIFICATES_TOO_MANY"


async def test_the_list_of_tokens_shows_usable_ones_of_the_reach_newest_first(store: Store) -> None:
    await store.create_tenant(TenantRecord("haikou", TenantKind.CITY, "root", START))
    await store.add_token(token("old"))
    await store.add_token(replace(token("new", node_id="rsu-7"), create_time=after(1), esn="E7", tenant_id="haikou"))
    await store.add_token(replace(token("short"), expire_time=after(2)))
    everything = await store.list_tokens(reach=EVERYWHERE, now=after(3))
    city = await store.list_tokens(reach=Reach((Scope(frozenset({"haikou"})),)), now=after(3))
    assert [each.sha256 for each in everything.items] == [sha256_of("new"), sha256_of("old")]
    assert [(each.node_id, each.esn) for each in city.items] == [("rsu-7", "E7")]


async def test_the_list_of_tokens_comes_in_pages(store: Store) -> None:
    for number in range(5):
        await store.add_token(replace(token(f"token {number}"), create_time=after(number)))
    seen: list[Any] = []
    at = ""
    while True:
        part = await store.list_tokens(reach=EVERYWHERE, now=after(5), page_size=2, page_token=at)
        seen += part.items
        at = part.next_page_token
        if not at:
            break
    assert [each.sha256 for each in seen] == [sha256_of(f"token {number}") for number in (4, 3, 2, 1, 0)]


async def test_a_revoked_token_makes_no_node(store: Store) -> None:
    await store.add_token(token())
    await store.revoke_token(token().token_id)
    assert await refusal(store, shown()) == "TOKEN_INVALID"
    for wrong in (token().token_id, "%", "nonsense"):
        with pytest.raises(NotFoundError):
            await store.revoke_token(wrong)


# replacement


async def test_a_unit_that_replaces_another_inherits_what_operators_said(store: Store) -> None:
    await store.create_tenant(TenantRecord("haikou", TenantKind.CITY, "root", START))
    old = await enrolled(store, "rsu-1", labels={"lane": "3"}, tenant_id="haikou")
    await sited(store, "k12")
    old = await store.update_node("rsu-1", NodeChange(site_id="k12", display_name="north"), now=START)
    await store.add_token(replace(token(node_id="rsu-1"), tenant_id="haikou"))

    new = await node_of(store, shown(esn="E-new", key="new"), at_s=60)

    assert replace(new, esn=old.esn, etag=old.etag, update_time=old.update_time, certificate_expire_time=None) == (
        replace(old, certificate_expire_time=None)
    )
    assert (new.esn, new.labels, new.site_id) == ("E-new", (Label("lane", "3"),), "k12")
    assert new.etag != old.etag
    assert await valid(store, "rsu-1", at_s=60) == {key("new")}
    assert [each.revoke_time for each in await store.revoked_since(START)] == [after(60)]


async def test_the_replaced_unit_does_not_come_back_with_its_key(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.add_token(token(node_id="rsu-1"))
    await node_of(store, shown(esn="E-new", key="new"))
    await store.add_token(token("another", uses=2))
    for node_id in ("rsu-1", "rsu-2"):
        request = shown(node_id, esn="E", key="rsu-1", token_sha256=sha256_of("another"))
        assert await refusal(store, request) == "KEY_SPENT"


async def test_a_node_is_replaced_only_with_a_token_bound_to_it(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.add_token(token())
    assert await refusal(store, shown(key="new", esn="E-new")) == "NODE_EXISTS"


async def test_a_token_bound_to_an_id_that_went_to_another_tenant_replaces_nothing(store: Store) -> None:
    await store.create_tenant(TenantRecord("haikou", TenantKind.CITY, "root", START))
    await store.add_token(replace(token(node_id="rsu-1"), tenant_id="haikou"))
    await enrolled(store, "rsu-1")
    assert await refusal(store, shown(key="new", esn="E-new")) == "TOKEN_BOUND"
    assert await valid(store, "rsu-1") == {key("rsu-1")}


async def test_a_unit_of_another_kind_does_not_replace(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.add_token(token(node_id="rsu-1"))
    request = replace(shown(key="new"), kind=NodeKind.OBU)
    assert await refusal(store, request) == "NODE_EXISTS"


async def test_an_esn_or_key_of_another_node_is_refused(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.add_token(token(uses=2))
    assert await refusal(store, shown("rsu-2", esn="ESN-rsu-1")) == "ESN_EXISTS"
    assert await refusal(store, shown("rsu-2", key="rsu-1")) == "KEY_EXISTS"


# retired and revoked


async def test_neither_id_nor_esn_nor_any_key_of_a_retired_node_comes_back(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.add_next_certificate(
        "rsu-1", certificate("rsu-1", name="next", is_confirmed=False), not_after_another_since=START
    )
    await store.retire_node("rsu-1", now=START)
    await store.add_token(token(node_id="rsu-1"))
    await store.add_token(token("free", uses=9))
    free = sha256_of("free")
    assert await refusal(store, shown(key="new", esn="E-new")) == "NODE_RETIRED"
    assert await refusal(store, shown("rsu-2", esn="ESN-rsu-1", token_sha256=free)) == "NODE_RETIRED"
    for spent in ("rsu-1", "next"):
        assert await refusal(store, shown("rsu-2", key=spent, token_sha256=free)) == "KEY_SPENT"
    assert await imported(store, registration(key_sha256=key("new"))) == ["NODE_RETIRED"]
    assert await imported(store, registration("rsu-3", esn="ESN-rsu-1")) == ["NODE_RETIRED"]
    assert await imported(store, registration("rsu-3", key_sha256=key("rsu-1"))) == ["KEY_SPENT"]


async def test_a_revoked_node_comes_back_with_a_token_for_it_and_a_new_key(store: Store) -> None:
    await enrolled(store, "rsu-1")
    await store.revoke_node("rsu-1", now=START)
    await store.add_token(token(node_id="rsu-1"))
    assert await refusal(store, shown()) == "KEY_SPENT"
    assert (await node_of(store, shown(key="new"))).state is NodeState.ENROLLED


async def test_a_retired_registration_does_not_enrol(store: Store) -> None:
    await imported(store, registration())
    await store.retire_node("rsu-1", now=START)
    assert await refusal(store, asked("rsu-1")) == "KEY_SPENT"
