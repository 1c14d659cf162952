"""Tenants, operators, credentials and places, on every engine."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.manager_store import START, after, sha256_of
from wayside.errors import (
    AlreadyExistsError,
    ConflictError,
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    UnauthenticatedError,
)
from wayside_manager.core.access import (
    EVERYWHERE,
    ROOT_TENANT,
    Binding,
    OperatorChange,
    OperatorRecord,
    Permission,
    Place,
    Role,
    TenantKind,
    TenantRecord,
    Tenants,
    reach,
)
from wayside_manager.core.credentials import CredentialKind, CredentialRecord
from wayside_manager.core.nodes import Label
from wayside_manager.ports.access import Resource
from wayside_manager.ports.store import Store
from wayside_manager.store.credentials import SESSION_MAX_COUNT, VALID_MAX_COUNT

ROOT_ADMIN = (Binding(Role.ADMIN, ROOT_TENANT),)


def tenant(tenant_id: str, parent_id: str = ROOT_TENANT) -> TenantRecord:
    return TenantRecord(tenant_id, TenantKind.CITY, parent_id, START, tenant_id.title())


def operator(operator_id: str, *bindings: Binding, subject: str = "") -> OperatorRecord:
    return OperatorRecord(operator_id, START, START, "", tuple(bindings), oidc_subject=subject)


def credential(
    name: str, holder: str = "operators/ann", *, kind: CredentialKind = CredentialKind.API_TOKEN, at_s: float = 0.0
) -> CredentialRecord:
    return CredentialRecord(sha256_of(name), holder, kind, after(at_s), after(at_s + 3600))


async def test_the_root_tenant_is_there_from_the_beginning(store: Store) -> None:
    assert [(each.tenant_id, each.parent_id) for each in await store.list_tenants()] == [("root", "")]


async def test_tenants_are_made_below_others_and_listed_in_order(store: Store) -> None:
    await store.create_tenant(tenant("hainan"))
    await store.create_tenant(tenant("haikou", "hainan"))

    assert [each.tenant_id for each in await store.list_tenants()] == ["haikou", "hainan", "root"]
    assert (await store.list_tenants())[0] == tenant("haikou", "hainan")
    with pytest.raises(AlreadyExistsError):
        await store.create_tenant(tenant("haikou"))
    with pytest.raises(InvalidArgumentError, match="nowhere"):
        await store.create_tenant(tenant("sanya", "nowhere"))


async def test_a_tenant_that_owns_something_or_is_the_root_stays(store: Store) -> None:
    await store.create_tenant(tenant("hainan"))
    await store.create_tenant(tenant("haikou", "hainan"))
    await store.create_operator(operator("ann", Binding(Role.VIEWER, "haikou")))

    for tenant_id, what in (("root", "always"), ("hainan", "tenants"), ("haikou", "bindings of operators")):
        with pytest.raises(FailedPreconditionError, match=what):
            await store.delete_tenant(tenant_id)
    with pytest.raises(NotFoundError):
        await store.delete_tenant("nowhere")


async def test_a_tenant_that_owns_nothing_is_deleted_even_if_another_has_its_name_within_its_own(store: Store) -> None:
    await store.create_tenant(tenant("g98"))
    await store.create_tenant(tenant("g98-east"))
    await store.create_operator(operator("ann", Binding(Role.VIEWER, "g98-east")))

    await store.delete_tenant("g98")

    assert [each.tenant_id for each in await store.list_tenants()] == ["g98-east", "root"]


async def test_an_operator_comes_back_as_it_was_kept(store: Store) -> None:
    binding = Binding(Role.OPERATOR, ROOT_TENANT, ("K12",), (Label("road", "G98"),))

    made = await store.create_operator(operator("ann", binding, subject="ann@idp"), password_hash="$argon2id$x")

    assert made == await store.get_operator("ann")
    assert made.bindings == (binding,)
    assert (made.oidc_subject, made.has_password, made.etag) == ("ann@idp", True, "1")


async def test_neither_the_name_nor_the_account_of_an_operator_is_given_twice(store: Store) -> None:
    await store.create_operator(operator("ann", subject="ann@idp"))
    await store.create_operator(operator("bob"))
    await store.create_operator(operator("cas"))  # no account is no account taken

    with pytest.raises(AlreadyExistsError, match="ann exists"):
        await store.create_operator(operator("ann"))
    with pytest.raises(AlreadyExistsError, match="oidc_subject"):
        await store.create_operator(operator("dan", subject="ann@idp"))
    with pytest.raises(AlreadyExistsError, match="oidc_subject"):
        await store.update_operator("bob", OperatorChange(oidc_subject="ann@idp"), now=START)
    assert (await store.update_operator("ann", OperatorChange(oidc_subject="ann@idp"), now=START)).oidc_subject


async def test_a_binding_in_a_tenant_that_is_not_there_is_refused(store: Store) -> None:
    await store.create_operator(operator("ann"))
    lost = Binding(Role.VIEWER, "nowhere")

    with pytest.raises(InvalidArgumentError, match="nowhere"):
        await store.create_operator(operator("bob", lost))
    with pytest.raises(InvalidArgumentError, match="nowhere"):
        await store.update_operator("ann", OperatorChange(bindings=(lost,)), now=START)


async def test_an_operator_is_changed_only_by_who_knows_how_it_is(store: Store) -> None:
    made = await store.create_operator(operator("ann"))
    changed = await store.update_operator("ann", OperatorChange(display_name="Ann"), now=after(1), etag=made.etag)

    assert (changed.display_name, changed.update_time) == ("Ann", after(1))
    with pytest.raises(ConflictError):
        await store.update_operator("ann", OperatorChange(display_name="An"), now=after(2), etag=made.etag)
    with pytest.raises(NotFoundError):
        await store.update_operator("bob", OperatorChange(), now=START)


async def test_the_last_enabled_admin_of_the_root_cannot_be_lost(store: Store) -> None:
    await store.create_tenant(tenant("haikou"))
    await store.create_operator(operator("ann", *ROOT_ADMIN))
    await store.create_operator(operator("bob", Binding(Role.ADMIN, "haikou")))
    await store.create_operator(operator("cas", Binding(Role.ADMIN, ROOT_TENANT, ("K12",))))

    for change in (OperatorChange(is_disabled=True), OperatorChange(bindings=(Binding(Role.VIEWER, ROOT_TENANT),))):
        with pytest.raises(FailedPreconditionError, match="last admin"):
            await store.update_operator("ann", change, now=START)
    await store.update_operator("bob", OperatorChange(bindings=ROOT_ADMIN), now=START)
    assert (await store.update_operator("ann", OperatorChange(is_disabled=True), now=START)).is_disabled


async def test_operators_are_listed_to_who_reaches_every_tenant_they_are_bound_to(store: Store) -> None:
    await store.create_tenant(tenant("haikou"))
    await store.create_operator(operator("ann", *ROOT_ADMIN))
    await store.create_operator(operator("bob", Binding(Role.VIEWER, "haikou")))
    await store.create_operator(operator("cas", Binding(Role.VIEWER, "haikou"), Binding(Role.VIEWER, ROOT_TENANT)))
    await store.create_operator(operator("dan"))
    tree = Tenants({"root": "", "haikou": "root"})
    of_haikou = reach([Binding(Role.ADMIN, "haikou")], Permission.OPERATORS_READ, tree)

    assert [each.operator_id for each in (await store.list_operators(reach=of_haikou)).items] == ["bob"]
    first = await store.list_operators(reach=EVERYWHERE, page_size=3)
    rest = await store.list_operators(reach=EVERYWHERE, page_size=3, page_token=first.next_page_token)
    assert [each.operator_id for each in (*first.items, *rest.items)] == ["ann", "bob", "cas", "dan"]
    assert not rest.next_page_token


async def test_a_valid_credential_brings_its_holder_and_the_tenants(store: Store) -> None:
    await store.create_tenant(tenant("haikou"))
    await store.create_operator(operator("ann", *ROOT_ADMIN))
    limited = replace(credential("token"), bindings=(Binding(Role.VIEWER, "haikou", ("K12",)),))
    await store.add_credential(limited)

    found = await store.authenticate(limited.sha256, now=after(3599))

    assert found.credential == limited
    assert found.operator is not None
    assert (found.operator.operator_id, found.node_id) == ("ann", "")
    assert found.tenants == Tenants({"root": "", "haikou": "root"})


async def test_every_credential_that_opens_nothing_gets_the_same_answer(store: Store) -> None:
    await store.create_operator(operator("ann", subject="ann@idp"))
    await store.create_operator(operator("bob", subject="bob@idp"))
    kept = {name: credential(name) for name in ("ended", "revoked")} | {"bob": credential("bob", "operators/bob")}
    for each in kept.values():
        await store.add_credential(each)
    await store.revoke_credential(kept["revoked"].credential_id, now=after(1))
    await store.update_operator("bob", OperatorChange(is_disabled=True), now=after(1))

    answers = set()
    for name, at_s in (("unknown", 0), ("ended", 3600), ("revoked", 1), ("bob", 1)):
        with pytest.raises(UnauthenticatedError) as caught:
            await store.authenticate(sha256_of(name), now=after(at_s))
        answers.add(str(caught.value))
    for subject in ("bob@idp", "cas@idp", ""):
        with pytest.raises(UnauthenticatedError) as caught:
            await store.authenticate_subject(subject)
        answers.add(str(caught.value))
    assert len(answers) == 1
    found = await store.authenticate_subject("ann@idp")
    assert found.operator is not None
    assert (found.operator.operator_id, found.credential) == ("ann", None)


async def test_a_credential_needs_a_holder_and_a_hash_of_its_own(store: Store) -> None:
    await store.create_operator(operator("ann"))
    await store.add_credential(credential("token"))

    with pytest.raises(AlreadyExistsError):
        await store.add_credential(credential("token"))
    for holder in ("operators/bob", "nodes/rsu-1", "ann", ""):
        with pytest.raises(NotFoundError):
            await store.add_credential(credential(f"of {holder}", holder))


async def test_credentials_are_listed_newest_first(store: Store) -> None:
    await store.create_operator(operator("ann"))
    for number in range(3):
        await store.add_credential(credential(f"token {number}", at_s=number))

    shown = [each.sha256 for each in await store.list_credentials("operators/ann")]

    assert shown == [sha256_of(f"token {number}") for number in (2, 1, 0)]


async def test_a_credential_is_taken_back_once_by_its_name(store: Store) -> None:
    await store.create_operator(operator("ann"))
    kept = credential("token")
    await store.add_credential(kept)

    first = await store.revoke_credential(kept.credential_id, now=after(5))
    again = await store.revoke_credential(kept.credential_id, now=after(9))

    assert first.revoke_time == again.revoke_time == after(5)
    assert [each.sha256 for each in await store.revoked_since(after(5))] == [kept.sha256]
    assert await store.revoked_since(after(5) + timedelta(microseconds=1)) == ()
    for unknown in ("", "0" * 24, kept.sha256, kept.credential_id[:-1], "%" * 24):
        with pytest.raises(NotFoundError):
            await store.revoke_credential(unknown, now=START)


async def test_disabling_an_operator_takes_back_what_it_has_and_enabling_gives_nothing_back(store: Store) -> None:
    await store.create_operator(operator("ann"))
    await store.create_operator(operator("bob"))
    await store.add_credential(credential("token"))
    await store.add_credential(credential("session", kind=CredentialKind.SESSION))
    await store.add_credential(credential("of bob", "operators/bob"))

    await store.update_operator("ann", OperatorChange(is_disabled=True), now=after(5))
    await store.update_operator("ann", OperatorChange(is_disabled=False), now=after(6))

    assert {each.sha256 for each in await store.revoked_since(after(5))} == {sha256_of("token"), sha256_of("session")}
    with pytest.raises(UnauthenticatedError):
        await store.authenticate(sha256_of("token"), now=after(7))
    assert (await store.authenticate(sha256_of("of bob"), now=after(7))).operator is not None


async def test_a_new_password_ends_the_sessions_and_leaves_the_tokens(store: Store) -> None:
    await store.create_operator(operator("ann"), password_hash="old")
    await store.add_credential(credential("token"))
    await store.add_credential(credential("session", kind=CredentialKind.SESSION))

    await store.set_password("ann", "new", now=after(5))

    assert [each.sha256 for each in await store.revoked_since(START)] == [sha256_of("session")]
    assert await store.find_password_hash("ann") == "new"
    await store.set_password("ann", "", now=after(6))
    assert not (await store.get_operator("ann")).has_password
    with pytest.raises(NotFoundError):
        await store.set_password("bob", "new", now=START)


async def test_a_password_hash_is_renewed_without_ending_anything_unless_it_changed(store: Store) -> None:
    await store.create_operator(operator("ann"), password_hash="old")
    await store.add_credential(credential("session", kind=CredentialKind.SESSION))

    await store.renew_password_hash("ann", old_hash="older", new_hash="stale")
    assert await store.find_password_hash("ann") == "old"
    await store.renew_password_hash("ann", old_hash="old", new_hash="new")

    assert await store.find_password_hash("ann") == "new"
    assert await store.revoked_since(START) == ()


async def test_who_may_not_sign_in_has_no_password_hash(store: Store) -> None:
    await store.create_operator(operator("ann"), password_hash="hash")
    await store.update_operator("ann", OperatorChange(is_disabled=True), now=START)

    assert await store.find_password_hash("ann") == ""
    assert await store.find_password_hash("nobody") == ""


async def test_a_session_too_many_ends_the_oldest_one(store: Store) -> None:
    await store.create_operator(operator("ann"))
    for number in range(SESSION_MAX_COUNT + 1):
        await store.add_credential(credential(f"session {number}", kind=CredentialKind.SESSION, at_s=number))

    assert [each.sha256 for each in await store.revoked_since(START)] == [sha256_of("session 0")]


async def test_an_operator_has_a_bounded_number_of_tokens(store: Store) -> None:
    await store.create_operator(operator("ann"))
    for number in range(VALID_MAX_COUNT):
        await store.add_credential(credential(f"token {number}"))

    with pytest.raises(FailedPreconditionError, match="revoke"):
        await store.add_credential(credential("one more"))
    await store.revoke_credential(sha256_of("token 0")[:24], now=START)
    await store.add_credential(credential("one more"))


async def test_credentials_that_ended_long_ago_make_room_for_new_ones(store: Store) -> None:
    await store.create_operator(operator("ann"))
    await store.add_credential(credential("long ago"))
    await store.add_credential(credential("of now", at_s=40 * 86_400))

    assert [each.sha256 for each in await store.list_credentials("operators/ann")] == [sha256_of("of now")]


async def test_a_certificate_taken_back_is_kept_until_it_would_have_ended(store: Store) -> None:
    await store.create_operator(operator("ann", *ROOT_ADMIN))
    made = credential("old", kind=CredentialKind.CERTIFICATE)
    old = replace(made, expire_time=after(365 * 86400))
    await store.add_credential(old)
    await store.revoke_credential(old.credential_id, now=after(1))
    await store.add_credential(credential("new", at_s=31 * 86400))
    assert [each.sha256 for each in await store.revoked_certificates(now=after(31 * 86400))] == [old.sha256]
    await store.add_credential(credential("newer", at_s=396 * 86400))
    assert old.sha256 not in {each.sha256 for each in await store.list_credentials("operators/ann")}


async def test_certificates_of_an_authority_are_counted_while_they_are_valid(store: Store) -> None:
    await store.create_operator(operator("ann"))
    for name in ("valid", "revoked"):
        certificate = replace(credential(name, kind=CredentialKind.CERTIFICATE), issuer_sha256="ca")
        await store.add_credential(certificate)
    await store.revoke_credential(sha256_of("revoked")[:24], now=after(1))

    assert await store.count_certificates("ca", now=after(0)) == 2
    assert await store.count_certificates("ca", now=after(1)) == 1
    assert await store.count_certificates("ca", now=after(3600)) == 0


async def test_places_are_where_bindings_hold(store: Store) -> None:
    await store.create_tenant(tenant("haikou"))
    await store.create_operator(operator("ann", Binding(Role.VIEWER, "haikou", ("K12",)), *ROOT_ADMIN))
    await store.create_operator(operator("bob"))
    await store.add_credential(credential("token"))

    both = (Place("haikou"), Place("root"))
    assert await store.find_places(Resource.OPERATOR, "ann") == both
    assert await store.find_places(Resource.OPERATOR, "bob") == (Place("root"),)
    assert await store.find_places(Resource.CREDENTIAL, sha256_of("token")[:24]) == both
    assert await store.find_places(Resource.TENANT, "haikou") == (Place("haikou"),)


@pytest.mark.parametrize("resource", list(Resource))
async def test_what_is_not_there_has_no_place(store: Store, resource: Resource) -> None:
    for unknown in ("nothing", "", "0" * 24, "%"):
        assert await store.find_places(resource, unknown) == ()


async def test_who_calls_is_found_out_in_well_under_a_millisecond(store: Store) -> None:
    for number in range(50):
        await store.create_tenant(tenant(f"city-{number}"))
    await store.create_operator(operator("ann", *ROOT_ADMIN))
    await store.add_credential(credential("token"))
    took_s = []
    for _ in range(200):
        start_s = time.perf_counter()
        await store.authenticate(sha256_of("token"), now=START)
        took_s.append(time.perf_counter() - start_s)

    assert sorted(took_s)[len(took_s) // 2] < 0.003  # ten times what it takes on a quiet machine
