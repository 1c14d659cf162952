"""Signing in, passwords, API tokens and certificates over real TLS."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.link.manager_api.peer import LocalManager, Peer, csr, role
from tests.link.manager_api.people import (
    PASSWORD,
    api_token,
    as_operator,
    caller,
    make_operator,
    make_tenant,
    set_password,
    sign_in,
    time_of,
    update,
)
from wayside.errors import (
    FailedPreconditionError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnauthenticatedError,
    WaysideError,
)
from wayside.v1 import access_service_pb2 as access
from wayside.v1 import audit_service_pb2, node_service_pb2
from wayside_manager.services.authority import key_pem, new_key

NEW_PASSWORD = "four other plain words"


async def credentials(peer: Peer, operator_id: str = "") -> list[access.Credential]:
    name = f"operators/{operator_id}" if operator_id else ""
    return list(
        (await peer.call(peer.access.ListCredentials, access.ListCredentialsRequest(operator=name))).credentials
    )


async def revoke(peer: Peer, name: str) -> access.Credential:
    return (await peer.call(peer.access.RevokeCredential, access.RevokeCredentialRequest(name=name))).credential


async def refusal(peer: Peer) -> WaysideError:
    with pytest.raises(WaysideError) as caught:
        await caller(peer)
    return caught.value


async def test_a_password_becomes_a_session_of_twelve_hours(manager: LocalManager, operator: Peer) -> None:
    await make_operator(operator, "ann", role("viewer"), password=PASSWORD)
    async with manager.stranger() as stranger:
        session = await sign_in(stranger, "ann")

    assert session.token.startswith("wso_")
    assert timedelta(0) < time_of(session.expire_time) - manager.clock() <= timedelta(hours=12)
    async with manager.stranger(token=session.token) as ann:
        found = await caller(ann)
        assert (found.operator.name, found.credential.kind) == ("operators/ann", access.Credential.KIND_SESSION)
        manager.clock.push(hours=12, seconds=1)
        assert isinstance(await refusal(ann), UnauthenticatedError)


async def test_wrong_names_and_wrong_passwords_get_one_answer(manager: LocalManager, operator: Peer) -> None:
    await make_operator(operator, "ann", role("viewer"), password=PASSWORD)
    await make_operator(operator, "bob", role("viewer"))  # has no password
    await make_operator(operator, "cas", role("viewer"), password=PASSWORD)
    await update(operator, "cas", "disabled")
    answers = set()
    async with manager.stranger() as stranger:
        for operator_id, password in (
            ("ann", "wrong horse battery"),
            ("ann", ""),
            ("ann", PASSWORD + "x" * 250),
            ("bob", ""),
            ("cas", PASSWORD),
            ("nobody", PASSWORD),
        ):
            with pytest.raises(UnauthenticatedError) as caught:
                await sign_in(stranger, operator_id, password)
            answers.add((str(caught.value), caught.value.reason))
    assert len(answers) == 1


async def test_who_keeps_guessing_for_one_name_waits_and_the_owner_at_a_known_address_would_not(
    manager: LocalManager, operator: Peer
) -> None:
    await make_operator(operator, "ann", role("viewer"), password=PASSWORD)
    async with manager.stranger() as stranger:
        for _ in range(5):
            with pytest.raises(UnauthenticatedError):
                await sign_in(stranger, "ann", "wrong horse battery")
        with pytest.raises(ResourceExhaustedError, match=r"wait [1-5] s"):
            await sign_in(stranger, "ann", PASSWORD)
        with pytest.raises(UnauthenticatedError):
            await sign_in(stranger, "bob", PASSWORD)  # another name is another matter


async def test_signing_out_ends_the_token_and_no_other(manager: LocalManager, operator: Peer) -> None:
    await make_operator(operator, "ann", role("viewer"), password=PASSWORD)
    async with manager.stranger() as stranger:
        first, second = await sign_in(stranger, "ann"), await sign_in(stranger, "ann")
    async with manager.stranger(token=first.token) as ann:
        await ann.call(ann.access.SignOut, access.SignOutRequest())
        assert isinstance(await refusal(ann), UnauthenticatedError)
    async with manager.stranger(token=second.token) as ann:
        assert await caller(ann) is not None


async def test_a_certificate_cannot_sign_out(manager: LocalManager) -> None:
    folder = manager.folder.operator
    async with manager.certified((folder / "operator.pem").read_text(), (folder / "operator.key").read_text()) as admin:
        with pytest.raises(FailedPreconditionError):
            await admin.call(admin.access.SignOut, access.SignOutRequest())


async def test_a_new_password_needs_the_present_one_and_ends_the_sessions(
    manager: LocalManager, operator: Peer
) -> None:
    await make_operator(operator, "ann", role("viewer"), password=PASSWORD)
    async with manager.stranger() as stranger:
        session = await sign_in(stranger, "ann")
        async with manager.stranger(token=session.token) as ann:
            for present in ("", "wrong horse battery"):
                with pytest.raises(UnauthenticatedError):
                    await set_password(ann, NEW_PASSWORD, present=present)
            await set_password(ann, NEW_PASSWORD, present=PASSWORD)
            assert isinstance(await refusal(ann), UnauthenticatedError)
        with pytest.raises(UnauthenticatedError):
            await sign_in(stranger, "ann", PASSWORD)
        assert await sign_in(stranger, "ann", NEW_PASSWORD) is not None


@pytest.mark.parametrize("password", ["short", "x" * 257, "aaaaaaaaaaaa", "admin-1admin-1"])
async def test_a_bad_new_password_is_refused(operator: Peer, password: str) -> None:
    with pytest.raises(InvalidArgumentError, match="password"):
        await set_password(operator, password)
    with pytest.raises(InvalidArgumentError, match="password"):
        await make_operator(operator, "admin-1", role("viewer"), password=password)


async def test_an_admin_sets_and_takes_passwords_of_others(manager: LocalManager, operator: Peer) -> None:
    await make_operator(operator, "ann", role("viewer"))
    async with manager.stranger() as stranger:
        await set_password(operator, PASSWORD, operator_id="ann")
        assert await sign_in(stranger, "ann") is not None
        await set_password(operator, "", operator_id="ann")
        with pytest.raises(UnauthenticatedError):
            await sign_in(stranger, "ann")
        with pytest.raises(NotFoundError):
            await set_password(operator, PASSWORD, operator_id="nobody")


async def test_a_token_that_was_found_cannot_set_a_first_password(manager: LocalManager, operator: Peer) -> None:
    async with as_operator(manager, "ann", role("operator")) as ann:
        with pytest.raises(PermissionDeniedError, match="admin"):
            await set_password(ann, PASSWORD)
    await set_password(operator, PASSWORD)  # the admin's own first one
    with pytest.raises(UnauthenticatedError):
        await set_password(operator, NEW_PASSWORD)


async def test_an_api_token_may_do_what_its_bindings_say_and_no_more(manager: LocalManager, operator: Peer) -> None:
    await make_tenant(operator, "hainan")
    made = await api_token(operator, ttl_s=60, bindings=(role("operator", "hainan"),))

    assert made.credential.holder == "operators/admin"
    assert time_of(made.credential.expire_time) - time_of(made.credential.create_time) == timedelta(minutes=1)
    async with manager.stranger(token=made.token) as program:
        assert list((await caller(program)).bindings) == [role("operator", "hainan")]
        with pytest.raises(PermissionDeniedError):
            await make_operator(program, "ann", role("viewer", "hainan"))
        # what may do less than its holder makes nothing that may do more
        for attempt in (api_token(program), api_token(program, "admin"), set_password(program, PASSWORD)):
            with pytest.raises((PermissionDeniedError, InvalidArgumentError)):
                await attempt
        manager.clock.push(seconds=61)
        assert isinstance(await refusal(program), UnauthenticatedError)


async def test_a_narrowed_admin_token_makes_no_whole_one(manager: LocalManager, operator: Peer) -> None:
    await make_tenant(operator, "hainan")
    await make_operator(operator, "ann", role("admin", "hainan"))
    narrowed = await api_token(operator, bindings=(role("admin", "hainan"),))
    async with manager.stranger(token=narrowed.token) as program:
        assert await api_token(program, "ann") is not None
        for operator_id in ("admin", ""):
            with pytest.raises((PermissionDeniedError, NotFoundError, InvalidArgumentError)):
                await api_token(program, operator_id)


async def test_a_token_may_not_do_more_than_its_holder(manager: LocalManager, operator: Peer) -> None:
    await make_operator(operator, "ann", role("viewer"))
    with pytest.raises(InvalidArgumentError, match="more than the operator has"):
        await api_token(operator, "ann", bindings=(role("operator"),))
    async with as_operator(manager, "bob", role("viewer")) as bob:
        with pytest.raises(InvalidArgumentError):
            await api_token(bob, bindings=(role("admin"),))
        with pytest.raises(PermissionDeniedError):
            await api_token(bob, "ann")


async def test_a_token_does_not_outlive_the_token_that_made_it_for_its_own_holder(
    manager: LocalManager, operator: Peer
) -> None:
    short = await api_token(operator, ttl_s=3600)
    async with manager.stranger(token=short.token) as program:
        again = await api_token(program, ttl_s=86_400)
    assert again.credential.expire_time == short.credential.expire_time


@pytest.mark.parametrize("ttl_s", [59, 400 * 86_400 + 1, -1])
async def test_a_token_lives_a_minute_at_least_and_400_days_at_most(operator: Peer, ttl_s: int) -> None:
    with pytest.raises(InvalidArgumentError, match="ttl"):
        await api_token(operator, ttl_s=ttl_s)


async def test_a_certificate_for_ones_own_key_opens_the_device_port(manager: LocalManager, operator: Peer) -> None:
    key = new_key()
    async with as_operator(manager, "ann", role("viewer")) as ann:
        request = access.IssueOperatorCertificateRequest(certificate_request_pem=csr(key))
        issued = await ann.call(ann.access.IssueOperatorCertificate, request)
    async with manager.certified(issued.certificate_pem, key_pem(key)) as certified:
        found = await caller(certified)
        assert (found.operator.name, found.credential) == ("operators/ann", issued.credential)
        await revoke(operator, issued.credential.name)
        assert isinstance(await refusal(certified), UnauthenticatedError)
    request = access.IssueOperatorCertificateRequest(certificate_request_pem="nonsense")
    with pytest.raises(InvalidArgumentError):
        await operator.call(operator.access.IssueOperatorCertificate, request)


async def test_credentials_are_seen_and_taken_back_by_their_holder_and_by_admins(
    manager: LocalManager, operator: Peer
) -> None:
    async with as_operator(manager, "ann", role("viewer")) as ann:
        manager.clock.push(seconds=1)
        second = await api_token(ann)
        assert next(each.name for each in await credentials(ann)) == second.credential.name
        assert len(await credentials(operator, "ann")) == 2
        admins = (await credentials(operator))[0].name
        for attempt in (credentials(ann, "admin"), revoke(ann, admins)):
            with pytest.raises((PermissionDeniedError, NotFoundError)):
                await attempt

        taken = await revoke(ann, second.credential.name)
        assert taken.HasField("revoke_time")
        async with manager.stranger(token=second.token) as program:
            assert isinstance(await refusal(program), UnauthenticatedError)
        await revoke(operator, (await caller(ann)).credential.name)
        assert isinstance(await refusal(ann), UnauthenticatedError)


async def test_what_has_ended_is_not_listed_and_what_was_taken_back_is(manager: LocalManager, operator: Peer) -> None:
    ended, taken = await api_token(operator, ttl_s=60), await api_token(operator, ttl_s=60)
    await revoke(operator, taken.credential.name)
    manager.clock.push(seconds=61)
    names = [each.name for each in await credentials(operator)]
    assert taken.credential.name in names
    assert ended.credential.name not in names


async def test_an_admin_takes_a_nodes_certificate_back(manager: LocalManager, operator: Peer) -> None:
    unit = await manager.enroll("rsu-1")
    certificate = x509.load_pem_x509_certificate(unit.certificate_pem.encode())
    name = f"credentials/{certificate.fingerprint(hashes.SHA256()).hex()[:24]}"
    async with manager.node(unit) as node:
        await node.call(node.node.GetAuthorities, node_service_pb2.GetAuthoritiesRequest())
        assert (await revoke(operator, name)).holder == "nodes/rsu-1"
        with pytest.raises(UnauthenticatedError):
            await node.call(node.node.GetAuthorities, node_service_pb2.GetAuthoritiesRequest())


@pytest.mark.parametrize("name", ["credentials/x", "credentials/" + "0" * 24, "tokens/x", "credentials/", "x"])
async def test_a_credential_that_is_not_there_is_not_found(operator: Peer, name: str) -> None:
    with pytest.raises((NotFoundError, InvalidArgumentError)):
        await revoke(operator, name)


async def test_the_audit_trail_says_who_signed_in_and_what_they_made(manager: LocalManager, operator: Peer) -> None:
    await make_operator(operator, "ann", role("viewer"), password=PASSWORD)
    async with manager.stranger() as stranger:
        session = await sign_in(stranger, "ann")
        with pytest.raises(UnauthenticatedError):
            await sign_in(stranger, "ann", "wrong horse battery")
    async with manager.stranger(token=session.token) as ann:
        made = await api_token(ann)
        await set_password(ann, NEW_PASSWORD, present=PASSWORD)
    answer = await operator.call(operator.audit.ListAuditEntries, audit_service_pb2.ListAuditEntriesRequest())
    done = {
        (entry.actor, entry.action.rpartition("/")[2], change.resource)
        for entry in answer.entries
        for change in entry.changes
        if entry.outcome == audit_service_pb2.AuditEntry.OUTCOME_DONE
    }
    names = {resource for _, action, resource in done if action == "SignIn"}
    assert done >= {
        ("operators/admin", "CreateOperator", "operators/ann"),
        ("operators/ann", "CreateApiToken", made.credential.name),
        ("operators/ann", "SetPassword", "operators/ann"),
        *(("operators/ann", "SetPassword", name) for name in names),  # the session ended with it
    }
    assert len(names) == 1


async def test_neither_passwords_nor_tokens_are_in_the_database(manager: LocalManager, operator: Peer) -> None:
    await make_operator(operator, "ann", role("viewer"), password=PASSWORD)
    token = (await api_token(operator, "ann")).token
    kept = b"".join(path.read_bytes() for path in manager.folder.path.glob("manager.db*"))
    assert b"operators/ann" in kept
    assert PASSWORD.encode() not in kept
    assert token.encode() not in kept
