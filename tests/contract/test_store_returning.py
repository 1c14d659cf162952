"""Units that come back by their last key after the end of their certificate, on every engine there is."""

import itertools
from dataclasses import replace
from datetime import timedelta

from tests.contract.enrolling import key, valid
from tests.contract.manager_store import after, asked, certificate, enrolled
from wayside.errors import WaysideError
from wayside_manager.core.credentials import CredentialRecord
from wayside_manager.core.enrollment import EnrollmentRequest
from wayside_manager.ports.store import Store

DAY_S = 86_400.0
END_S = 30 * DAY_S
BACK_S = 35 * DAY_S
YEAR = timedelta(days=365)
_NUMBERS = itertools.count()


def own(node_id: str = "rsu-1", *, at_s: float = BACK_S, esn: str = "", of_key: str = "") -> EnrollmentRequest:
    """What the unit of a node asks with the key it has; `of_key` for another one."""
    request = asked(node_id, esn=esn, key=of_key)

    def issue(of_node_id: str) -> CredentialRecord:
        return certificate(of_node_id, name=f"return {next(_NUMBERS)}", key=of_key or node_id, at_s=at_s)

    return replace(request, issue=issue)


async def outcome(
    store: Store, request: EnrollmentRequest, *, at_s: float = BACK_S, returning: timedelta = YEAR
) -> str:
    """The node the unit is, or the reason why not."""
    try:
        answer = await store.enroll(request, now=after(at_s), returning=returning)
    except WaysideError as error:
        return error.reason
    return answer.node.node_id if answer.node else "waits"


async def in_use(store: Store, node_id: str = "rsu-1") -> CredentialRecord:
    """The certificate of a node that has had a session: its registration is used up."""
    await enrolled(store, node_id)
    (held,) = await store.list_credentials(f"nodes/{node_id}")
    await store.note_session(held, "trusts")
    return held


async def test_a_unit_comes_back_after_the_end_and_its_node_stays_as_it_was(store: Store) -> None:
    await in_use(store)
    before = await store.get_node("rsu-1")
    assert await outcome(store, own()) == "rsu-1"
    back = await store.get_node("rsu-1")
    assert back.certificate_expire_time == after(BACK_S + END_S)
    assert replace(back, certificate_expire_time=before.certificate_expire_time) == before
    assert await valid(store, "rsu-1", at_s=BACK_S) == {key("rsu-1")}
    assert all(each.revoke_time is None for each in await store.list_credentials("nodes/rsu-1"))


async def test_it_goes_on_to_a_new_key_at_once_and_then_the_old_one_is_spent(store: Store) -> None:
    await in_use(store)
    await outcome(store, own())
    following = certificate("rsu-1", name="next", at_s=BACK_S + 1, is_confirmed=False)
    await store.add_next_certificate("rsu-1", following, not_after_another_since=after(BACK_S - 300))
    await store.confirm_certificate(following.sha256, now=after(BACK_S + 2), old_until=after(BACK_S + 62))
    assert await outcome(store, own(), at_s=BACK_S + 3) == "KEY_SPENT"
    assert await valid(store, "rsu-1", at_s=BACK_S + 63) == {key("next")}


async def test_a_unit_that_never_confirmed_its_successor_comes_back_by_the_key_before(store: Store) -> None:
    await in_use(store)
    following = certificate("rsu-1", name="next", at_s=DAY_S, is_confirmed=False)
    await store.add_next_certificate("rsu-1", following, not_after_another_since=after(DAY_S / 2))
    assert await outcome(store, own(of_key="next")) == "UNKNOWN_UNIT"
    assert await outcome(store, own()) == "rsu-1"
    # the successor is still the unit's to confirm
    assert key("next") not in {each.key_sha256 for each in await _taken_back(store)}


async def test_copied_requests_get_nothing_while_the_certificate_lives_and_little_after(store: Store) -> None:
    held = await in_use(store)
    assert await outcome(store, own(), at_s=END_S - 1) == "CERTIFICATE_VALID"
    reasons = [await outcome(store, own(at_s=BACK_S + n), at_s=BACK_S + n) for n in range(17)]
    assert reasons == ["rsu-1"] * 15 + ["CERTIFICATES_TOO_MANY"] * 2
    assert not await _taken_back(store)
    assert held.sha256 in {each.sha256 for each in await store.list_credentials("nodes/rsu-1")}


async def test_who_was_put_out_or_is_somebody_else_does_not_come_back(store: Store) -> None:
    for node_id in ("rsu-1", "rsu-2", "rsu-3", "rsu-4"):
        await in_use(store, node_id)
    await store.revoke_node("rsu-1", now=after(DAY_S))
    await store.retire_node("rsu-2", now=after(DAY_S))
    (held,) = await store.list_credentials("nodes/rsu-3")
    await store.revoke_credential(held.credential_id, now=after(DAY_S))
    assert [await outcome(store, own(f"rsu-{n}")) for n in (1, 2, 3)] == ["KEY_SPENT"] * 3
    assert await outcome(store, own("rsu-4", esn="another")) == "REGISTRATION_MISMATCH"
    assert await outcome(store, own("rsu-4", of_key="rsu-9")) == "UNKNOWN_UNIT"
    assert await outcome(store, own("rsu-9", of_key="rsu-4")) == "UNKNOWN_UNIT"


async def test_the_way_back_is_open_for_as_long_as_it_is_set(store: Store) -> None:
    await in_use(store)
    week = timedelta(days=7)
    assert await outcome(store, own(), at_s=END_S + 7 * DAY_S, returning=week) == "AWAY_TOO_LONG"
    assert await outcome(store, own(), returning=timedelta(0)) == "UNKNOWN_UNIT"
    assert await outcome(store, own(), at_s=END_S, returning=week) == "rsu-1"


async def _taken_back(store: Store) -> list[CredentialRecord]:
    held = await store.list_credentials("nodes/rsu-1")
    return [each for each in held if each.revoke_time is not None]
