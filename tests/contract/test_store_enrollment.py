"""How units become nodes, on every engine there is."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.manager_store import START, after, asked, certificate, enrolled, sha256_of, token
from wayside.errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
)
from wayside_manager.core.access import EVERYWHERE, Reach, Scope, TenantKind, TenantRecord
from wayside_manager.core.admission import WAITING_PER_SOURCE_MAX_COUNT
from wayside_manager.core.enrollment import (
    ApprovedUnit,
    EnrollmentRequest,
    ImportOutcome,
    Registration,
    RequestState,
    WaitingUnit,
)
from wayside_manager.core.nodes import Label, NodeChange, NodeKind, NodeRecord, NodeState
from wayside_manager.ports.store import Store

OPEN_SESAME = sha256_of("open sesame")


def shown(node_id: str = "rsu-1", **fields: Any) -> EnrollmentRequest:  # noqa: ANN401  # fields of the record
    """A request that shows the token of `token()`."""
    return asked(node_id, token_sha256=fields.pop("token_sha256", OPEN_SESAME), **fields)


async def node_of(store: Store, request: EnrollmentRequest, *, at_s: float = 0.0) -> NodeRecord:
    node = (await store.enroll(request, now=after(at_s))).node
    assert node is not None
    return node


async def waiting_of(store: Store, request: EnrollmentRequest, *, at_s: float = 0.0) -> WaitingUnit:
    waiting = (await store.enroll(request, now=after(at_s), accepts_unknown_units=True)).waiting
    assert waiting is not None
    return waiting


async def refusal(store: Store, request: EnrollmentRequest, *, at_s: float = 0.0, is_open: bool = False) -> str:
    with pytest.raises(Exception, match=r".") as caught:
        await store.enroll(request, now=after(at_s), accepts_unknown_units=is_open)
    return str(getattr(caught.value, "reason", caught.value))


async def valid(store: Store, node_id: str, *, at_s: float = 0.0) -> set[str]:
    """Keys of the certificates that open something."""
    held = await store.list_credentials(f"nodes/{node_id}")
    return {each.key_sha256 for each in held if each.is_valid(after(at_s))}


def key(name: str) -> str:
    return sha256_of(f"key of {name}")


def registration(node_id: str = "rsu-1", **fields: object) -> Registration:
    made = Registration(node_id, f"ESN-{node_id}", NodeKind.RSU, key(node_id), "root")
    return replace(made, **fields)  # type: ignore[arg-type]  # each test names a field


async def imported(store: Store, *rows: Registration) -> list[str]:
    """What became of each row: the outcome or the reason."""
    results = await store.import_nodes(rows, now=START)
    return [each.value if isinstance(each, ImportOutcome) else each.reason for each in results]


# tokens


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
    old = await store.update_node("rsu-1", NodeChange(site="k12", display_name="north"), now=START)
    await store.add_token(replace(token(node_id="rsu-1"), tenant_id="haikou"))

    new = await node_of(store, shown(esn="E-new", key="new"), at_s=60)

    assert replace(new, esn=old.esn, etag=old.etag, update_time=old.update_time, certificate_expire_time=None) == (
        replace(old, certificate_expire_time=None)
    )
    assert (new.esn, new.labels, new.site) == ("E-new", (Label("lane", "3"),), "k12")
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


# registrations


async def test_a_registered_unit_enrols_without_a_token_with_its_key_only(store: Store) -> None:
    row = registration(site="k12", display_name="north", labels=(Label("lane", "3"),))
    assert await imported(store, row) == ["created"]
    registered = await store.get_node("rsu-1")

    assert await refusal(store, asked("rsu-1", key="another")) == "KEY_MISMATCH"
    assert await refusal(store, asked("rsu-1", esn="another")) == "REGISTRATION_MISMATCH"
    node = await node_of(store, asked("rsu-1"))

    assert (registered.state, node.state) == (NodeState.REGISTERED, NodeState.ENROLLED)
    assert (node.site, node.display_name, node.labels) == ("k12", "north", (Label("lane", "3"),))


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
